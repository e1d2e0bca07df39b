//! SQL scalar expressions over rows: parsed, checked against a schema, compiled to closures.
//!
//! ```
//! use tidegate_rows::expression::{Expression, Functions};
//! use tidegate_rows::{DataType, Field, Row, Schema, Value};
//!
//! let schema = Schema::new([
//!     Field::required("price", DataType::Float64),
//!     Field::nullable("category", DataType::String),
//! ])?;
//! let expression = Expression::parse("price > 100 AND category = 'book'").expect("SQL");
//! let checked = expression.check(&schema, &Functions::built_in()).expect("of this schema");
//! let predicate = checked.predicate().expect("a condition");
//! let row = Row::new([Value::Float64(120.0), Value::string("book")]);
//! assert_eq!(predicate.test(&row), Ok(true));
//! # Ok::<(), tidegate_rows::DuplicateColumn>(())
//! ```
//!
//! Text goes through `parse` and `lower` to the nodes of `syntax`; `check` gives each a type and code. What is wrong is
//! found before the first row, all of it at once; what can only be seen in a row is an [`EvaluationError`] of that row.
//! Types widen by themselves only from int64 to decimal to float64, and a string constant is read as a time where a
//! timestamp is needed; never between text and numbers. A part made
//! of constants is computed by the check; one that fails is a mistake, also in a branch that no row would take. AND, OR and NOT know TRUE, FALSE and NULL.

mod calendar;
mod check;
mod check_arithmetic;
mod check_call;
mod check_cast;
mod check_comparison;
mod check_conditional;
mod check_logic;
pub(crate) mod code;
mod date_format;
pub(crate) mod datum;
mod error;
mod functions;
mod like;
mod lower;
mod lower_call;
mod lower_literal;
mod lower_words;
mod parse;
#[cfg(test)]
mod parts_tests;
mod signature;
mod syntax;
#[cfg(test)]
mod tests;
mod wording;
#[cfg(test)]
mod zone_tests;

pub(crate) use calendar::parse_time;
pub(crate) use check::float_of;
pub(crate) use check_cast::{boolean_of, decimal_of};
pub use error::{ErrorCode, EvaluationError, ExpressionError, Span};
pub use functions::{FunctionEntry, FunctionError, Functions, built_ins};

use crate::data_type::{DataType, FieldType, in_words};
use crate::row::Row;
use crate::schema::Schema;
use crate::value::Value;
use check::Checker;
use code::{Code, Eval};
use datum::Datum;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use syntax::Node;

/// A parsed expression, of no schema yet.
#[derive(Clone, Debug)]
pub struct Expression {
    text: Arc<str>,
    node: Arc<Node>,
}

impl Expression {
    /// Parses one SQL expression.
    ///
    /// # Errors
    /// What is wrong with the text, each with its place.
    pub fn parse(text: &str) -> Result<Self, Vec<ExpressionError>> {
        let node = Arc::new(parse::parse(text)?);
        Ok(Self { text: text.into(), node })
    }

    /// The text it was parsed from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The parts that AND joins, in their order; only itself if it is no AND. It is TRUE for a row just if each of
    /// them is; only where one of them is not need another one have a value.
    #[must_use]
    pub fn conjuncts(&self) -> Vec<Self> {
        let mut parts = Vec::new();
        let mut open = vec![&*self.node];
        while let Some(node) = open.pop() {
            match &node.kind {
                syntax::Kind::And(nodes) => open.extend(nodes.iter().rev()),
                _ => {
                    let node = Arc::new(node.clone());
                    parts.push(Self { text: Arc::clone(&self.text), node });
                }
            }
        }
        parts
    }

    /// Checks it against the rows it will see, and compiles it.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place.
    pub fn check(
        &self,
        schema: &Schema,
        functions: &Functions,
    ) -> Result<Checked, Vec<ExpressionError>> {
        let text = Arc::clone(&self.text);
        let (errors, columns, fields) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        let zoned = false;
        let mut checker = Checker { schema, functions, text, errors, columns, fields, zoned };
        let typed = checker.node(&self.node);
        let typed = typed.and_then(|typed| match &typed.data_type {
            Some(data_type) => Some((data_type.clone(), typed)),
            None => checker.untyped(typed.span),
        });
        match typed {
            Some((data_type, mut typed)) if checker.errors.is_empty() => Ok(Checked {
                text: Arc::clone(&self.text),
                result: FieldType { data_type, nullable: typed.nullable },
                columns: checker.columns.into_iter().collect(),
                fields: checker.fields.into_iter().collect(),
                path: match self.node.kind {
                    syntax::Kind::Column { .. } => typed.reader.take().map(|reader| reader.fields),
                    _ => None,
                },
                zoned: checker.zoned,
                constant: typed.constant,
                code: typed.code,
            }),
            _ => Err(checker.errors),
        }
    }
}

/// An expression that fits a schema, compiled. Cheap to clone.
#[derive(Clone)]
pub struct Checked {
    text: Arc<str>,
    result: FieldType,
    columns: Arc<[usize]>,
    fields: Arc<[(usize, Option<usize>)]>,
    path: Option<Arc<[usize]>>,
    zoned: bool,
    constant: Option<Value>,
    code: Code,
}

impl fmt::Debug for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checked({} of type {})", self.text, self.result)
    }
}

impl Checked {
    /// The type of its values.
    #[must_use]
    pub fn data_type(&self) -> &DataType {
        &self.result.data_type
    }

    /// Whether a value may be NULL.
    #[must_use]
    pub fn nullable(&self) -> bool {
        self.result.nullable
    }

    /// The indices of the columns it reads, in ascending order.
    #[must_use]
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// Which fields of a column it reads, in ascending order; `None` if it reads the column as a whole.
    #[must_use]
    pub fn fields(&self, column: usize) -> Option<Vec<usize>> {
        let of_column = self.fields.iter().filter(|(of, _)| *of == column);
        of_column.map(|(_, field)| *field).collect()
    }

    /// The column that it reads and the fields on the way down within it, if it does nothing else.
    #[must_use]
    pub fn path(&self) -> Option<(usize, &[usize])> {
        Some((*self.columns.first()?, self.path.as_deref()?))
    }

    /// Its value, if it is the same for every row.
    #[must_use]
    pub fn constant(&self) -> Option<&Value> {
        self.constant.as_ref()
    }

    /// Whether it only reads a column, or a field within one: that never fails.
    #[must_use]
    pub const fn is_column(&self) -> bool {
        self.path.is_some()
    }

    /// Whether its values depend on the time zone of the functions that it was checked against ([`Functions::in_zone`]).
    #[must_use]
    pub const fn is_zoned(&self) -> bool {
        self.zoned
    }

    pub(crate) const fn code(&self) -> &Code {
        &self.code
    }

    fn wrong_result(&self, needed: &str, help: &str) -> ExpressionError {
        ExpressionError {
            code: ErrorCode::WrongResult,
            span: Span { start: 0, end: self.text.len() },
            message: format!(
                "{needed} is needed here, but the expression gives {}",
                in_words(&self.result)
            ),
            help: Some(help.to_owned()),
        }
    }

    /// It as a condition.
    ///
    /// # Errors
    /// When its values are no truth values.
    pub fn predicate(&self) -> Result<Predicate, ExpressionError> {
        match &self.code {
            Code::Boolean(code) => Ok(Predicate { code: Arc::clone(code) }),
            _ => {
                Err(self
                    .wrong_result("a condition", "compare the value with something, as in `x > 0`"))
            }
        }
    }

    /// It as what gives a record its event time.
    ///
    /// # Errors
    /// When its values are no timestamps. That one may be NULL is no error here: the row is then.
    pub fn timestamp(&self) -> Result<TimestampEvaluator, ExpressionError> {
        match &self.code {
            Code::Timestamp(code) => {
                let place = error::Place {
                    text: Arc::clone(&self.text),
                    span: Span { start: 0, end: self.text.len() },
                };
                Ok(TimestampEvaluator { code: Arc::clone(code), place })
            }
            _ => {
                let help = "write TO_TIMESTAMP_LTZ(x, 3) for milliseconds, 0 for seconds, or TO_TIMESTAMP(text)";
                Err(self.wrong_result("a timestamp", help))
            }
        }
    }

    /// It as a value of a new row.
    #[must_use]
    pub fn value(&self) -> Evaluator {
        Evaluator { code: self.code.clone(), is_column: self.is_column() }
    }
}

/// A compiled condition. Cheap to clone.
#[derive(Clone)]
pub struct Predicate {
    code: Eval<bool>,
}

impl fmt::Debug for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Predicate")
    }
}

impl Predicate {
    /// Whether it is TRUE for a row; NULL is not.
    ///
    /// # Errors
    /// When it has no value for this row.
    #[inline]
    pub fn test(&self, row: &Row) -> Result<bool, EvaluationError> {
        match (self.code)(row) {
            Ok(truth) => Ok(truth == Some(true)),
            Err(failure) => Err(*failure),
        }
    }
}

/// A compiled expression that gives event times. Cheap to clone.
#[derive(Clone)]
pub struct TimestampEvaluator {
    code: Eval<i64>,
    place: error::Place,
}

impl fmt::Debug for TimestampEvaluator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TimestampEvaluator")
    }
}

impl TimestampEvaluator {
    /// The time of a row, in milliseconds since the epoch.
    ///
    /// # Errors
    /// When it has none, or NULL.
    #[inline]
    pub fn evaluate(&self, row: &Row) -> Result<i64, EvaluationError> {
        match (self.code)(row) {
            Ok(Some(time)) => Ok(time),
            Ok(None) => Err(*self.place.fail("the event time is NULL", "")),
            Err(failure) => Err(*failure),
        }
    }
}

/// A compiled expression. Cheap to clone.
#[derive(Clone)]
pub struct Evaluator {
    code: Code,
    is_column: bool,
}

impl fmt::Debug for Evaluator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Evaluator")
    }
}

impl Evaluator {
    /// Whether it only reads a column, or a field within one: that never fails for a row of its schema.
    #[must_use]
    pub const fn never_fails(&self) -> bool {
        self.is_column
    }

    /// Its value for a row.
    ///
    /// # Errors
    /// When it has none for this row.
    #[inline]
    pub fn evaluate(&self, row: &Row) -> Result<Value, EvaluationError> {
        match self.code.datum(row).map(Datum::into_value) {
            Ok(value) => Ok(value),
            Err(failure) => Err(*failure),
        }
    }
}
