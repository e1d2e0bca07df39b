//! The dynamic record: one value per column of its edge's schema. Apart from the schema, which is known once per
//! edge and not carried by rows.

use crate::schema::Schema;
use crate::value::Value;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Index;

/// A record of a YAML topology. Nothing is allocated for one column.
#[derive(Clone)]
pub struct Row(Values);

/// One value is always in the row itself, so that there is one form of each row.
#[derive(Clone)]
enum Values {
    One(Value),
    Many(Box<[Value]>),
}

const _: () = assert!(size_of::<Row>() <= 24, "rows are moved by the million");

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
    #[inline]
    pub fn new(values: impl Into<Self>) -> Self {
        values.into()
    }

    /// A row of one value.
    #[inline]
    #[must_use]
    pub const fn one(value: Value) -> Self {
        Self(Values::One(value))
    }

    /// The values in the order of the columns.
    #[inline]
    #[must_use]
    pub fn values(&self) -> &[Value] {
        match &self.0 {
            Values::One(value) => std::slice::from_ref(value),
            Values::Many(values) => values,
        }
    }

    /// The values, to be changed or taken out.
    #[inline]
    #[must_use]
    pub fn values_mut(&mut self) -> &mut [Value] {
        match &mut self.0 {
            Values::One(value) => std::slice::from_mut(value),
            Values::Many(values) => values,
        }
    }

    /// The value of a column; `None` past the last.
    #[inline]
    #[must_use]
    pub fn get(&self, column: usize) -> Option<&Value> {
        self.values().get(column)
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values().is_empty()
    }

    /// The values themselves.
    #[must_use]
    pub fn into_values(self) -> Vec<Value> {
        match self.0 {
            Values::One(value) => vec![value],
            Values::Many(values) => values.into_vec(),
        }
    }

    /// Appends the values to others.
    #[inline]
    pub fn append_to(self, others: &mut Vec<Value>) {
        match self.0 {
            Values::One(value) => others.push(value),
            Values::Many(values) => others.extend(values),
        }
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
        &self.values()[column]
    }
}

impl FromIterator<Value> for Row {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        values.into_iter().collect::<Vec<_>>().into()
    }
}

impl<const N: usize> From<[Value; N]> for Row {
    #[inline]
    fn from(values: [Value; N]) -> Self {
        if N == 1 {
            values.into_iter().next().map_or_else(Self::default, Self::one)
        } else {
            Self(Values::Many(Box::new(values)))
        }
    }
}

impl From<Vec<Value>> for Row {
    #[inline]
    fn from(values: Vec<Value>) -> Self {
        match <[Value; 1]>::try_from(values) {
            Ok([only]) => Self::one(only),
            Err(values) => Self(Values::Many(values.into())),
        }
    }
}

impl Default for Row {
    /// A row without columns.
    fn default() -> Self {
        Self(Values::Many(Box::default()))
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Row").field(&self.values()).finish()
    }
}

impl PartialEq for Row {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.values() == other.values()
    }
}

impl Eq for Row {}

impl PartialOrd for Row {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Row {
    fn cmp(&self, other: &Self) -> Ordering {
        self.values().cmp(other.values())
    }
}

impl Hash for Row {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.values().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_type::{DataType, Field};

    #[test]
    fn a_row_has_one_form_however_it_was_made() {
        let value = || Value::string("a string that is too long to lie within its value");
        for count in 0..4 {
            let values = vec![value(); count];
            let row = Row::new(values.clone());
            assert_eq!(row.values(), values);
            assert_eq!(row, values.iter().cloned().collect());
            assert_eq!(row.clone().into_values(), values);
            assert_eq!((row.len(), row.is_empty()), (count, count == 0));
            assert_eq!(matches!(row.0, Values::One(_)), count == 1);
            let mut more = vec![Value::Null];
            row.append_to(&mut more);
            assert_eq!(more[1..], values);
        }
        assert_eq!(Row::new([value()]), Row::one(value()));
        assert_eq!(Row::new([]), Row::default());
        let mut row = Row::new([value(), Value::Null]);
        row.values_mut()[1] = value();
        assert_eq!(row, Row::new([value(), value()]));
        assert!(Row::one(Value::Null) < row && Row::default() < Row::one(Value::Null));
        assert_eq!(format!("{:?}", Row::one(Value::Null)), "Row([Null])");
    }

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
