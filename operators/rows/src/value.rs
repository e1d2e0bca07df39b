//! What stands in one column of one row.
//!
//! Apart from its bytes (`value_bytes`) and its role as a key (`row_key`). A value is 24 bytes: numbers, and
//! strings of up to 24 bytes, lie within it; whatever is larger is shared or boxed behind a pointer.

use crate::data_type::DataType;
use crate::expression::float_of;
use crate::limits::MAX_SHOWN_CHARACTERS;
use compact_str::CompactString;
use jiff::Timestamp;
use rust_decimal::Decimal;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// One value. Which one it may be is said by the schema; here everything can stand anywhere.
///
/// Equality and order are total, so that a value can be a key: `-0.0` equals `0.0`; every NaN equals every other and
/// is larger than all numbers; decimals are compared by what they are worth (`1.0` equals `1.00`). Values of
/// different types are never equal, also `1` and `1.0` (expressions widen before they compare); NULL equals
/// NULL and comes first, then the types in the order of these variants. SQL's `=` is in the expressions.
#[derive(Debug)]
pub enum Value {
    /// Nothing is known.
    Null,
    /// A truth value.
    Boolean(bool),
    /// A signed integer.
    Int64(i64),
    /// An IEEE 754 number.
    Float64(f64),
    /// An exact decimal number; how many digits it is printed with is kept.
    Decimal(Decimal),
    /// Text.
    String(CompactString),
    /// Milliseconds since the epoch, UTC.
    Timestamp(i64),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A list.
    List(Arc<[Value]>),
    /// The fields of a struct in the order of its type, which has their names.
    Struct(Arc<[Value]>),
}

const _: () = assert!(size_of::<Value>() <= 24, "rows are moved and compared by the million");

/// The one bit pattern under which a float is compared, hashed and made a key.
pub(crate) fn canonical_float(number: f64) -> f64 {
    // Adding zero turns -0.0 into 0.0 and changes nothing else.
    if number.is_nan() { f64::NAN } else { number + 0.0 }
}

/// The total order of floats: `-0.0` equals `0.0`, NaN equals NaN and is the largest.
pub(crate) fn compare_floats(left: f64, right: f64) -> Ordering {
    canonical_float(left).total_cmp(&canonical_float(right))
}

/// The one form of all decimals of this worth: no zeros at the end, and zero has no sign.
pub(crate) fn canonical_decimal(number: Decimal) -> Decimal {
    if number.is_zero() { Decimal::ZERO } else { number.normalize() }
}

impl Clone for Value {
    #[inline]
    fn clone(&self) -> Self {
        match self {
            Self::Int64(value) => Self::Int64(*value),
            Self::Timestamp(value) => Self::Timestamp(*value),
            other => other.duplicate(),
        }
    }
}

impl Value {
    /// A clone of whatever it is; apart so that the clone of a number is no call.
    fn duplicate(&self) -> Self {
        match self {
            Self::Null => Self::Null,
            Self::Boolean(value) => Self::Boolean(*value),
            Self::Int64(value) => Self::Int64(*value),
            Self::Float64(value) => Self::Float64(*value),
            Self::Decimal(value) => Self::Decimal(*value),
            Self::String(value) => Self::String(value.clone()),
            Self::Timestamp(value) => Self::Timestamp(*value),
            Self::Bytes(value) => Self::Bytes(Arc::clone(value)),
            Self::List(values) => Self::List(Arc::clone(values)),
            Self::Struct(values) => Self::Struct(Arc::clone(values)),
        }
    }

    /// A string.
    pub fn string(text: impl Into<CompactString>) -> Self {
        Self::String(text.into())
    }

    /// A list.
    pub fn list(elements: impl IntoIterator<Item = Self>) -> Self {
        Self::List(elements.into_iter().collect())
    }

    /// A struct of these fields, in the order of its type.
    pub fn structure(fields: impl IntoIterator<Item = Self>) -> Self {
        Self::Struct(fields.into_iter().collect())
    }

    /// Whether it is NULL.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The place of its type in the order of all values.
    pub(crate) const fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Boolean(_) => 1,
            Self::Int64(_) => 2,
            Self::Float64(_) => 3,
            Self::Decimal(_) => 4,
            Self::String(_) => 5,
            Self::Timestamp(_) => 6,
            Self::Bytes(_) => 7,
            Self::List(_) => 8,
            Self::Struct(_) => 9,
        }
    }

    /// Whether a column of this type may hold it.
    #[must_use]
    pub fn fits(&self, data_type: &DataType, nullable: bool) -> bool {
        match (self, data_type) {
            (Self::Null, _) => nullable,
            (Self::Boolean(_), DataType::Boolean)
            | (Self::Int64(_), DataType::Int64)
            | (Self::Float64(_), DataType::Float64)
            | (Self::Decimal(_), DataType::Decimal)
            | (Self::String(_), DataType::String)
            | (Self::Timestamp(_), DataType::Timestamp)
            | (Self::Bytes(_), DataType::Bytes) => true,
            (Self::List(elements), DataType::List(element)) => {
                elements.iter().all(|value| value.fits(&element.data_type, element.nullable))
            }
            (Self::Struct(values), DataType::Struct(fields)) => {
                let mut pairs = values.iter().zip(&**fields);
                values.len() == fields.len()
                    && pairs.all(|(value, field)| value.fits(&field.data_type, field.nullable))
            }
            _ => false,
        }
    }

    /// How far two numbers of one type are from each other; none where one is no number, or NULL. The difference of
    /// integers and of decimals is exact before it becomes a float.
    ///
    /// ```
    /// use tidegate_rows::Value;
    /// assert_eq!(Value::Int64(i64::MAX).distance(&Value::Int64(i64::MAX - 3)), Some(3.0));
    /// assert_eq!(Value::Int64(1).distance(&Value::Null), None);
    /// ```
    #[must_use]
    pub fn distance(&self, other: &Self) -> Option<f64> {
        match (self, other) {
            (Self::Int64(one), Self::Int64(other)) => Some(one.abs_diff(*other) as f64),
            (Self::Float64(one), Self::Float64(other)) => Some((one - other).abs()),
            (Self::Decimal(one), Self::Decimal(other)) => {
                let exact = one.checked_sub(*other).map(float_of);
                Some(exact.unwrap_or_else(|| float_of(*one) - float_of(*other)).abs())
            }
            _ => None,
        }
    }

    /// The value in words for an error: short, and quoted where it is text.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut text = String::new();
        // What is left out is not even written.
        let mut shortened = Shortened { text: &mut text, left: MAX_SHOWN_CHARACTERS };
        if fmt::write(&mut shortened, format_args!("{}", Quoted(self))).is_err() {
            text.push_str("...");
        }
        text
    }
}

/// Takes a limited number of characters, then refuses.
struct Shortened<'a> {
    text: &'a mut String,
    left: usize,
}

impl fmt::Write for Shortened<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        for character in part.chars() {
            self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(character);
        }
        Ok(())
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Boolean(left), Self::Boolean(right)) => left.cmp(right),
            (Self::Int64(left), Self::Int64(right))
            | (Self::Timestamp(left), Self::Timestamp(right)) => left.cmp(right),
            (Self::Float64(left), Self::Float64(right)) => compare_floats(*left, *right),
            (Self::Decimal(left), Self::Decimal(right)) => left.cmp(right),
            (Self::String(left), Self::String(right)) => left.as_bytes().cmp(right.as_bytes()),
            (Self::Bytes(left), Self::Bytes(right)) => left.cmp(right),
            (Self::List(left), Self::List(right)) | (Self::Struct(left), Self::Struct(right)) => {
                left.cmp(right)
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            // What most keys are, and what is compared most often.
            (Self::Int64(left), Self::Int64(right)) => left == right,
            (Self::String(left), Self::String(right)) => left.as_bytes() == right.as_bytes(),
            _ => self.cmp(other).is_eq(),
        }
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u8(self.rank());
        match self {
            Self::Null => {}
            Self::Boolean(value) => value.hash(state),
            Self::Int64(value) | Self::Timestamp(value) => value.hash(state),
            Self::Float64(value) => canonical_float(*value).to_bits().hash(state),
            Self::Decimal(value) => {
                let value = canonical_decimal(*value);
                (value.mantissa(), value.scale()).hash(state);
            }
            Self::String(value) => value.as_bytes().hash(state),
            Self::Bytes(value) => value.hash(state),
            Self::List(values) | Self::Struct(values) => values.hash(state),
        }
    }
}

/// A value as part of a larger text: strings in quotes.
struct Quoted<'a>(&'a Value);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::String(text) => {
                write!(f, "'{}'", text.escape_debug().collect::<CompactString>())
            }
            other => other.fmt(f),
        }
    }
}

/// As SQL would write it: strings bare, but quoted within lists and structs; timestamps in UTC; bytes as `x'0a'`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = |f: &mut fmt::Formatter<'_>, values: &[Self]| {
            for (index, value) in values.iter().enumerate() {
                write!(f, "{}{}", if index == 0 { "" } else { ", " }, Quoted(value))?;
            }
            Ok(())
        };
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Boolean(true) => f.write_str("TRUE"),
            Self::Boolean(false) => f.write_str("FALSE"),
            Self::Int64(value) => value.fmt(f),
            Self::Float64(value) => write_float(f, *value),
            Self::Decimal(value) => value.fmt(f),
            Self::String(value) => f.write_str(value),
            Self::Timestamp(value) => write_timestamp(f, *value),
            Self::Bytes(bytes) => {
                f.write_str("x'")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_str("'")
            }
            Self::List(values) => {
                f.write_str("[")?;
                all(f, values)?;
                f.write_str("]")
            }
            Self::Struct(values) => {
                f.write_str("(")?;
                all(f, values)?;
                f.write_str(")")
            }
        }
    }
}

/// The shortest digits that give the same number back; always with a point or an exponent.
pub(crate) fn write_float(f: &mut impl fmt::Write, number: f64) -> fmt::Result {
    if number.is_nan() {
        f.write_str("NaN")
    } else if number.is_infinite() {
        f.write_str(if number > 0.0 { "Infinity" } else { "-Infinity" })
    } else if number == 0.0 || (1e-6..1e15).contains(&number.abs()) {
        write!(f, "{number:?}")
    } else {
        write!(f, "{number:E}")
    }
}

/// `2026-11-27 07:44:30.123`; milliseconds only where there are some. What is no date is printed as a number.
pub(crate) fn write_timestamp(f: &mut impl fmt::Write, millis: i64) -> fmt::Result {
    match Timestamp::from_millisecond(millis) {
        Ok(_) => {}
        Err(_) => return write!(f, "{millis} ms"),
    }
    let days = millis.div_euclid(86_400_000);
    let of_day = millis.rem_euclid(86_400_000);
    let epoch = jiff::civil::date(1970, 1, 1);
    let Ok(date) = epoch.checked_add(jiff::Span::new().days(days)) else {
        return write!(f, "{millis} ms");
    };
    let (second, millisecond) = (of_day / 1_000, of_day % 1_000);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    write!(f, "{date} {hour:02}:{minute:02}:{second:02}")?;
    if millisecond == 0 { Ok(()) } else { write!(f, ".{millisecond:03}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate;
    use proptest::prelude::*;
    use std::collections::hash_map::DefaultHasher;

    fn hash(value: &Value) -> u64 {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        hasher.finish()
    }

    fn decimal(text: &str) -> Value {
        Value::Decimal(text.parse().expect("a decimal"))
    }

    #[test]
    fn zeros_nans_and_decimals_of_one_worth_are_equal() {
        let other_nan = f64::from_bits(0xfff8_0000_0000_0001);
        for (left, right) in [
            (Value::Float64(0.0), Value::Float64(-0.0)),
            (Value::Float64(f64::NAN), Value::Float64(other_nan)),
            (decimal("1.0"), decimal("1.00")),
            (decimal("0"), decimal("0.000")),
        ] {
            assert_eq!(left, right);
            assert_eq!(hash(&left), hash(&right));
        }
        assert!(Value::Float64(f64::NAN) > Value::Float64(f64::INFINITY));
        assert!(Value::Null < Value::Boolean(false));
        assert_ne!(Value::Int64(1), Value::Float64(1.0));
        assert_ne!(Value::Int64(1), Value::Timestamp(1));
    }

    #[test]
    fn values_are_printed_as_sql_would() {
        for (value, printed) in [
            (Value::Null, "NULL"),
            (Value::Float64(1.0), "1.0"),
            (Value::Float64(1e300), "1E300"),
            (Value::Float64(f64::NEG_INFINITY), "-Infinity"),
            (decimal("12.50"), "12.50"),
            (Value::Timestamp(0), "1970-01-01 00:00:00"),
            (Value::Timestamp(-1), "1969-12-31 23:59:59.999"),
            (Value::Timestamp(i64::MAX), "9223372036854775807 ms"),
            (Value::Bytes([1, 255].into()), "x'01ff'"),
            (Value::list([Value::string("a"), Value::Null]), "['a', NULL]"),
            (Value::structure([Value::Int64(1), Value::string("x")]), "(1, 'x')"),
        ] {
            assert_eq!(value.to_string(), printed);
        }
        let long = Value::string("x".repeat(1_000_000)).shown();
        assert_eq!(long.len(), MAX_SHOWN_CHARACTERS + 3);
        assert_eq!(Value::string("a\n").shown(), "'a\\n'");
    }

    proptest! {
        #[test]
        fn order_is_total_and_agrees_with_equality_and_hash(
            a in generate::any_value(), b in generate::any_value(), c in generate::any_value()
        ) {
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(&a, &a);
            if a == b {
                prop_assert_eq!(hash(&a), hash(&b));
            }
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
        }

        #[test]
        fn generated_values_fit_their_type((schema, row) in generate::schema_and_row()) {
            prop_assert!(row.fits(&schema).is_ok());
        }
    }
}
