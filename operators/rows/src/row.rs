//! The dynamic record: one value per column of its edge's schema. Apart from the schema, which is known once per
//! edge and not carried by rows.

use crate::schema::Schema;
use crate::value::Value;
use std::ops::Index;

/// A record of a YAML topology.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Row(Box<[Value]>);

/// A row that is not of the schema it should have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// Another number of values than of columns.
    #[error("the row has {values} values, but its schema has {columns} columns")]
    Width {
        /// How many values there are.
        values: usize,
        /// How many columns there should be.
        columns: usize,
    },
    /// A value that its column cannot hold.
    #[error("column `{column}` is of type {expected}, but the row has {found} there")]
    Misfit {
        /// The column's name.
        column: String,
        /// Its type.
        expected: String,
        /// The value.
        found: String,
    },
}

impl Row {
    /// A row of these values, in the order of the schema's columns.
    pub fn new(values: impl Into<Box<[Value]>>) -> Self {
        Self(values.into())
    }

    /// The values in the order of the columns.
    #[inline]
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.0
    }

    /// The value of a column; `None` past the last.
    #[inline]
    #[must_use]
    pub fn get(&self, column: usize) -> Option<&Value> {
        self.0.get(column)
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values themselves.
    #[must_use]
    pub fn into_values(self) -> Box<[Value]> {
        self.0
    }

    /// Whether the row is one of this schema.
    ///
    /// # Errors
    /// What is wrong, for the first column that is.
    pub fn fits(&self, schema: &Schema) -> Result<(), RowError> {
        let columns = schema.columns();
        if columns.len() != self.len() {
            return Err(RowError::Width { values: self.len(), columns: columns.len() });
        }
        let mut pairs = columns.iter().zip(self.values());
        match pairs.find(|(column, value)| !value.fits(&column.data_type, column.nullable)) {
            None => Ok(()),
            Some((column, value)) => Err(RowError::Misfit {
                column: column.name.to_string(),
                expected: column.field_type().to_string(),
                found: value.shown(),
            }),
        }
    }
}

impl Index<usize> for Row {
    type Output = Value;

    /// The value of a column.
    ///
    /// # Panics
    /// Past the last column.
    fn index(&self, column: usize) -> &Value {
        &self.0[column]
    }
}

impl FromIterator<Value> for Row {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_type::{DataType, Field};

    #[test]
    fn a_row_of_another_schema_is_told_from_one_that_fits() {
        let columns = [
            Field::required("item", DataType::Int64),
            Field::nullable("tags", DataType::list_of(DataType::String)),
        ];
        let schema = Schema::new(columns).expect("two names");
        let check = |values: Vec<Value>, expected: &str| {
            let error = Row::new(values).fits(&schema).expect_err("a misfit").to_string();
            assert_eq!(error, expected);
        };
        let tags = Value::list([Value::string("a")]);
        assert_eq!(Row::new([Value::Int64(1), tags.clone()]).fits(&schema), Ok(()));
        assert_eq!(Row::new([Value::Int64(1), Value::Null]).fits(&schema), Ok(()));
        check(vec![Value::Int64(1)], "the row has 1 values, but its schema has 2 columns");
        check(
            vec![Value::Null, tags],
            "column `item` is of type int64, but the row has NULL there",
        );
        check(
            vec![Value::Int64(1), Value::list([Value::Null])],
            "column `tags` is of type list<string>?, but the row has [NULL] there",
        );
    }
}
