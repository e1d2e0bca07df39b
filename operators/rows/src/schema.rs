//! The schema of an edge: which columns its rows have, in which order. Apart from the rows, which do not know it.

use crate::data_type::{Field, FieldType};
use crate::limits::TRUSTED_LENGTH;
use crate::suggest::nearest;
use hashbrown::HashSet;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Named, typed columns in order; cheap to clone.
///
/// Written as a map from name to type (`{item: int64, category: string?}`), whose order is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Schema {
    columns: Arc<[Field]>,
}

/// Two columns of one schema had this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two columns are named `{0}`: rename one of them")]
pub struct DuplicateColumn(pub String);

impl Schema {
    /// A schema of these columns.
    ///
    /// # Errors
    /// When two have the same name.
    pub fn new(columns: impl IntoIterator<Item = Field>) -> Result<Self, DuplicateColumn> {
        let columns: Arc<[Field]> = columns.into_iter().collect();
        let mut seen = HashSet::with_capacity(columns.len());
        match columns.iter().find(|column| !seen.insert(column.name.as_str())) {
            Some(twice) => Err(DuplicateColumn(twice.name.to_string())),
            None => Ok(Self { columns: Arc::clone(&columns) }),
        }
    }

    /// The columns in order.
    #[must_use]
    pub fn columns(&self) -> &[Field] {
        &self.columns
    }

    /// How many columns there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The index of the column of this name. Linear: look columns up when a job is built, not for each row.
    #[must_use]
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Field> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The name of the column that somebody who wrote `name` probably meant.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Option<&str> {
        nearest(name, self.columns.iter().map(|column| column.name.as_str()))
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, column) in self.columns.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            let optional = if column.nullable { "?" } else { "" };
            write!(f, "{}: {}{optional}", column.name, column.data_type)?;
        }
        Ok(())
    }
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for column in self.columns() {
            map.serialize_entry(column.name.as_str(), &column.field_type().to_string())?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Columns;

        impl<'de> Visitor<'de> for Columns {
            type Value = Schema;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a map from column names to types, as in `{item: int64, price: float64?}`",
                )
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Schema, A::Error> {
                let expected = map.size_hint().unwrap_or(0).min(TRUSTED_LENGTH);
                let mut columns = Vec::with_capacity(expected);
                while let Some((name, text)) = map.next_entry::<String, String>()? {
                    let read = FieldType::from_str(&text)
                        .map_err(|error| Error::custom(format!("column `{name}`: {error}")))?;
                    let FieldType { data_type, nullable } = read;
                    columns.push(Field { name: name.into(), data_type, nullable });
                }
                Schema::new(columns).map_err(Error::custom)
            }
        }
        deserializer.deserialize_map(Columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate;
    use proptest::prelude::*;

    #[test]
    fn a_schema_is_a_map_whose_order_is_kept() {
        let text = r#"{"item":"int64","price":"float64?","at":"timestamp"}"#;
        let schema: Schema = serde_json::from_str(text).expect("a schema");
        assert_eq!(schema.to_string(), "item: int64, price: float64?, at: timestamp");
        assert_eq!(serde_json::to_string(&schema).expect("text"), text);
        assert_eq!(schema.index_of("price"), Some(1));
        assert_eq!(schema.index_of("Price"), None);
        assert_eq!(schema.nearest("Price"), Some("price"));
        assert!(schema.column("price").expect("there").nullable);
    }

    #[test]
    fn slips_are_named_with_their_column() {
        let check = |text: &str, expected: &str| {
            let error = serde_json::from_str::<Schema>(text).expect_err(text).to_string();
            assert!(error.starts_with(expected), "{error}");
        };
        check(r#"{"a":"long"}"#, "column `a`: there is no type `long`; did you mean `int64`?");
        check(r#"{"a":"int64","a":"string"}"#, "two columns are named `a`: rename one");
        check(r#"["a"]"#, "invalid type: sequence, expected a map from column names to types");
    }

    proptest! {
        #[test]
        fn schemas_survive_cbor(schema in generate::schema()) {
            let mut bytes = Vec::new();
            ciborium::into_writer(&schema, &mut bytes).expect("written");
            let back: Schema = ciborium::from_reader(&bytes[..]).expect("read");
            prop_assert_eq!(back, schema);
        }
    }
}
