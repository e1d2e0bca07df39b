//! Compiled expressions: closures by type, which read columns by index.
//!
//! Apart from the check, which chooses them. A closure gives `None` for NULL. There is no name to look up and no value to
//! box while a row is read; text is borrowed from the row.

use super::datum::{Datum, Text};
use super::error::{Failure, Place};
use crate::data_type::DataType;
use crate::row::Row;
use crate::value::Value;
use rust_decimal::Decimal;
use std::borrow::Cow;
use std::sync::Arc;

pub(crate) type Outcome<T> = Result<T, Failure>;
pub(crate) type Eval<T> = Arc<dyn Fn(&Row) -> Outcome<Option<T>> + Send + Sync>;
pub(crate) type TextEval = Arc<dyn for<'r> Fn(&'r Row) -> Outcome<Option<Text<'r>>> + Send + Sync>;
pub(crate) type OtherEval =
    Arc<dyn for<'r> Fn(&'r Row) -> Outcome<Option<Cow<'r, Value>>> + Send + Sync>;

/// What a function does with its arguments; the error says what happened.
pub(crate) type Body = Arc<dyn for<'r> Fn(&[Datum<'r>]) -> Result<Datum<'r>, String> + Send + Sync>;

/// A compiled expression of one type.
#[derive(Clone)]
pub(crate) enum Code {
    Boolean(Eval<bool>),
    Int(Eval<i64>),
    Float(Eval<f64>),
    Decimal(Eval<Decimal>),
    Timestamp(Eval<i64>),
    Text(TextEval),
    /// Bytes, lists and structs.
    Other(OtherEval),
}

/// Where a column is read, and the fields of structs on the way down from it.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(crate) column: usize,
    pub(crate) fields: Arc<[usize]>,
    pub(crate) place: Place,
}

impl Reader {
    #[inline]
    pub(crate) fn read<'r>(&self, row: &'r Row) -> Option<&'r Value> {
        let mut value = row.get(self.column)?;
        for &field in &*self.fields {
            match value {
                Value::Struct(fields) => value = fields.get(field)?,
                Value::Null => return Some(value),
                _ => return None,
            }
        }
        Some(value)
    }

    #[cold]
    pub(crate) fn misfit(&self, found: Option<&Value>) -> Failure {
        let found = found.map_or_else(|| "a row that is too short".to_owned(), Value::shown);
        self.place.fail("the row is not of the schema that the expression was checked for", found)
    }
}

/// Compiles the reading of a column.
pub(crate) fn column(at: Reader, data_type: &DataType) -> Code {
    macro_rules! read {
        ($code:ident, $variant:ident) => {
            Code::$code(Arc::new(move |row| match at.read(row) {
                Some(Value::$variant(value)) => Ok(Some(*value)),
                Some(Value::Null) => Ok(None),
                other => Err(at.misfit(other)),
            }))
        };
    }
    match data_type {
        DataType::Boolean => read!(Boolean, Boolean),
        DataType::Int64 => read!(Int, Int64),
        DataType::Float64 => read!(Float, Float64),
        DataType::Decimal => read!(Decimal, Decimal),
        DataType::Timestamp => read!(Timestamp, Timestamp),
        DataType::String => Code::Text(Arc::new(move |row| match at.read(row) {
            Some(Value::String(value)) => Ok(Some(Text::Borrowed(value))),
            Some(Value::Null) => Ok(None),
            other => Err(at.misfit(other)),
        })),
        DataType::Bytes | DataType::List(_) | DataType::Struct(_) => {
            let expected = data_type.clone();
            Code::Other(Arc::new(move |row| match (at.read(row), &expected) {
                (Some(Value::Null), _) => Ok(None),
                (Some(value @ Value::Bytes(_)), DataType::Bytes)
                | (Some(value @ Value::List(_)), DataType::List(_))
                | (Some(value @ Value::Struct(_)), DataType::Struct(_)) => {
                    Ok(Some(Cow::Borrowed(value)))
                }
                (other, _) => Err(at.misfit(other)),
            }))
        }
    }
}

/// Compiles a constant; NULL of any type.
pub(crate) fn constant(value: &Value, data_type: &DataType) -> Code {
    macro_rules! give {
        ($code:ident, $variant:ident) => {{
            let value = if let Value::$variant(value) = value { Some(*value) } else { None };
            Code::$code(Arc::new(move |_| Ok(value)))
        }};
    }
    match data_type {
        DataType::Boolean => give!(Boolean, Boolean),
        DataType::Int64 => give!(Int, Int64),
        DataType::Float64 => give!(Float, Float64),
        DataType::Decimal => give!(Decimal, Decimal),
        DataType::Timestamp => give!(Timestamp, Timestamp),
        DataType::String => {
            let text = if let Value::String(text) = value { Some(text.clone()) } else { None };
            Code::Text(Arc::new(move |_| Ok(text.clone().map(Text::Owned))))
        }
        DataType::Bytes | DataType::List(_) | DataType::Struct(_) => {
            let value = if value.is_null() { None } else { Some(value.clone()) };
            Code::Other(Arc::new(move |_| Ok(value.clone().map(Cow::Owned))))
        }
    }
}

impl Code {
    /// The value for a row, whatever its type.
    #[inline]
    pub(crate) fn datum<'r>(&self, row: &'r Row) -> Outcome<Datum<'r>> {
        fn some<'r, T>(value: Option<T>, wrap: impl FnOnce(T) -> Datum<'r>) -> Outcome<Datum<'r>> {
            Ok(value.map_or(Datum::Null, wrap))
        }
        match self {
            Self::Boolean(code) => some(code(row)?, Datum::Boolean),
            Self::Int(code) => some(code(row)?, Datum::Int),
            Self::Float(code) => some(code(row)?, Datum::Float),
            Self::Decimal(code) => some(code(row)?, Datum::Decimal),
            Self::Timestamp(code) => some(code(row)?, Datum::Timestamp),
            Self::Text(code) => some(code(row)?, Datum::Text),
            Self::Other(code) => some(code(row)?, Datum::Other),
        }
    }
}

/// Makes code of a type from something that gives data of that type.
pub(crate) fn from_datum(
    data_type: &DataType,
    place: Place,
    evaluate: impl for<'r> Fn(&'r Row) -> Outcome<Datum<'r>> + Send + Sync + 'static,
) -> Code {
    macro_rules! give {
        ($code:ident) => {
            Code::$code(Arc::new(move |row| match evaluate(row)? {
                Datum::$code(value) => Ok(Some(value)),
                Datum::Null => Ok(None),
                other => Err(place.fail("a function gave a value of another type", other.shown())),
            }))
        };
    }
    match data_type {
        DataType::Boolean => give!(Boolean),
        DataType::Int64 => give!(Int),
        DataType::Float64 => give!(Float),
        DataType::Decimal => give!(Decimal),
        DataType::Timestamp => give!(Timestamp),
        DataType::String => give!(Text),
        DataType::Bytes | DataType::List(_) | DataType::Struct(_) => {
            let expected = data_type.clone();
            Code::Other(Arc::new(move |row| match evaluate(row)? {
                Datum::Null => Ok(None),
                Datum::Other(value) if value.fits(&expected, false) => Ok(Some(value)),
                other => Err(place.fail("a function gave a value of another type", other.shown())),
            }))
        }
    }
}

/// One argument of a call.
pub(crate) struct Argument {
    pub(crate) code: Code,
    /// Whether a NULL here makes the result NULL without a call.
    pub(crate) is_strict: bool,
}

const INLINE: usize = 4;

/// Compiles a call.
pub(crate) fn call(
    data_type: &DataType,
    arguments: Vec<Argument>,
    body: Body,
    place: Place,
) -> Code {
    let at = place.clone();
    from_datum(data_type, place, move |row| {
        let mut inline: [Datum<'_>; INLINE] = [const { Datum::Null }; INLINE];
        let mut many = Vec::new();
        let data = match inline.get_mut(..arguments.len()) {
            Some(data) => data,
            None => {
                many.resize(arguments.len(), Datum::Null);
                &mut many[..]
            }
        };
        for (slot, argument) in data.iter_mut().zip(&arguments) {
            *slot = argument.code.datum(row)?;
            if argument.is_strict && slot.is_null() {
                return Ok(Datum::Null);
            }
        }
        body(data).map_err(|message| {
            let shown: Vec<String> = data.iter().map(Datum::shown).collect();
            at.fail(message, shown.join(", "))
        })
    })
}
