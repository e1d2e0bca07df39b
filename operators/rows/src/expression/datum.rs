//! A value while it is computed with: borrowed from the row where it can be.
//!
//! Apart from [`Value`], which owns: a function that reads a string, or gives back a part of it, allocates nothing.

use crate::value::{Value, compare_floats};
use compact_str::CompactString;
use rust_decimal::Decimal;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Deref;

/// Text of a row, or text made from it.
#[derive(Clone, Debug)]
pub(crate) enum Text<'r> {
    Borrowed(&'r str),
    Owned(CompactString),
}

impl Deref for Text<'_> {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Owned(text) => text,
        }
    }
}

impl<'r> Text<'r> {
    /// A part of the text, given by bytes that lie between characters.
    pub(crate) fn part(&self, start: usize, end: usize) -> Self {
        match self {
            Self::Borrowed(text) => Self::Borrowed(text.get(start..end).unwrap_or("")),
            Self::Owned(text) => Self::Owned(text.get(start..end).unwrap_or("").into()),
        }
    }

    pub(crate) fn into_owned(self) -> CompactString {
        match self {
            Self::Borrowed(text) => text.into(),
            Self::Owned(text) => text,
        }
    }
}

/// One value in the midst of a computation.
#[derive(Clone, Debug)]
pub(crate) enum Datum<'r> {
    Null,
    Boolean(bool),
    Int(i64),
    Float(f64),
    Decimal(Decimal),
    Text(Text<'r>),
    Timestamp(i64),
    /// Bytes, a list or a struct.
    Other(Cow<'r, Value>),
}

impl<'r> Datum<'r> {
    pub(crate) fn of(value: &'r Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Boolean(value) => Self::Boolean(*value),
            Value::Int64(value) => Self::Int(*value),
            Value::Float64(value) => Self::Float(*value),
            Value::Decimal(value) => Self::Decimal(*value),
            Value::String(value) => Self::Text(Text::Borrowed(value)),
            Value::Timestamp(value) => Self::Timestamp(*value),
            other => Self::Other(Cow::Borrowed(other)),
        }
    }

    pub(crate) fn owned(value: Value) -> Self {
        match value {
            Value::String(value) => Self::Text(Text::Owned(value)),
            Value::Bytes(_) | Value::List(_) | Value::Struct(_) => Self::Other(Cow::Owned(value)),
            plain => match Datum::of(&plain) {
                Datum::Boolean(value) => Self::Boolean(value),
                Datum::Int(value) => Self::Int(value),
                Datum::Float(value) => Self::Float(value),
                Datum::Decimal(value) => Self::Decimal(value),
                Datum::Timestamp(value) => Self::Timestamp(value),
                Datum::Null | Datum::Text(_) | Datum::Other(_) => Self::Null,
            },
        }
    }

    pub(crate) fn text(text: impl Into<CompactString>) -> Self {
        Self::Text(Text::Owned(text.into()))
    }

    pub(crate) fn into_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Boolean(value) => Value::Boolean(value),
            Self::Int(value) => Value::Int64(value),
            Self::Float(value) => Value::Float64(value),
            Self::Decimal(value) => Value::Decimal(value),
            Self::Text(value) => Value::String(value.into_owned()),
            Self::Timestamp(value) => Value::Timestamp(value),
            Self::Other(value) => value.into_owned(),
        }
    }

    pub(crate) const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// For an error.
    pub(crate) fn shown(&self) -> String {
        self.clone().into_value().shown()
    }

    /// The order of keys: total, NaN equal to itself and the largest. Both are of one type.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Int(left), Self::Int(right))
            | (Self::Timestamp(left), Self::Timestamp(right)) => left.cmp(right),
            (Self::Boolean(left), Self::Boolean(right)) => left.cmp(right),
            (Self::Float(left), Self::Float(right)) => compare_floats(*left, *right),
            (Self::Decimal(left), Self::Decimal(right)) => left.cmp(right),
            (Self::Text(left), Self::Text(right)) => left.as_bytes().cmp(right.as_bytes()),
            (Self::Other(left), Self::Other(right)) => left.cmp(right),
            (left, right) => left.clone().into_value().cmp(&right.clone().into_value()),
        }
    }

    /// The order of SQL's comparisons: `None` when a NaN takes part, which is neither less, equal nor greater.
    pub(crate) fn sql_compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Float(left), Self::Float(right)) => left.partial_cmp(right),
            (left, right) => Some(left.compare(right)),
        }
    }
}
