//! Numbers, times and bytes as text, as both CSV and JSON write them.
//!
//! Apart from both formats because a value has one text, whichever it stands in. How each type is written, and what is
//! read for it:
//!
//! | type | written | read too |
//! |---|---|---|
//! | boolean | `true`, `false` | any case; `t`, `f`, `yes`, `no`, `y`, `n`, `1`, `0` (CSV only) |
//! | int64 | `-12` | `+12` (CSV only); never a fraction or an exponent |
//! | float64 | the fewest digits that give the same number: `0.1`, `1E300`, `NaN`, `Infinity` | any decimal notation; `inf` |
//! | decimal | `12.50`, all its digits | an exponent; up to 28 digits |
//! | timestamp | RFC 3339 in UTC: `2026-11-27T12:00:00.5Z` | see below |
//! | bytes | base64 with the standard alphabet and padding | |
//!
//! A timestamp is an ISO 8601 date (`2026-11-27`), alone or followed by `T` or a blank and a time of day, `12:30`,
//! `12:30:00` or `12:30:00.123456789`; behind that may stand `Z` or an offset such as `+01:00`. Without an offset it is
//! UTC, without a time of day it is midnight; what is finer than a millisecond is cut off towards the past. Years beyond
//! 9999 have no such form: those instants are written, and read, as `9223372036854775807 ms`. A bare number is
//! malformed, because nothing says whether it counts seconds or milliseconds.

use super::malformed::quoted;
use crate::data_type::DataType;
use crate::expression::{boolean_of, decimal_of, parse_time};
use crate::limits::MAX_NUMBER_BYTES;
use crate::value::{Value, write_float};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use rust_decimal::Decimal;
use std::fmt::{self, Write};

/// Appends text to bytes.
pub(crate) struct Utf8<'a>(pub(crate) &'a mut Vec<u8>);

impl Write for Utf8<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// Appends what is printed; a vector takes everything.
pub(crate) fn print(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    Utf8(out).write_fmt(text).expect("a vector takes all text");
}

pub(crate) fn expected(data_type: &DataType, found: &str) -> String {
    format!("expected {data_type}, found {}", quoted(found))
}

fn float(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    // A number too large for a float is no infinity.
    let is_named = || text.contains(['i', 'I']);
    (number.is_finite() || number.is_nan() || is_named()).then_some(number)
}

fn decimal(text: &str) -> Option<Decimal> {
    let is_part =
        |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
    let is_number = text.len() <= 64 && text.bytes().all(is_part);
    if is_number { decimal_of(text).ok() } else { None }
}

fn timestamp(text: &str) -> Result<i64, String> {
    if let Some(millis) = text.strip_suffix(" ms").and_then(|millis| millis.parse().ok()) {
        return Ok(millis);
    }
    if text.parse::<i64>().is_ok() {
        let help = "declare the column int64 and write TO_TIMESTAMP_LTZ(column, 3) for milliseconds, 0 for seconds";
        return Err(format!("{}; {help}", expected(&DataType::Timestamp, text)));
    }
    parse_time(text).map_err(|_| {
        let help = "write it as in '2026-11-27T12:00:00Z'";
        format!("{}; {help}", expected(&DataType::Timestamp, text))
    })
}

/// Reads the text of a scalar.
pub(crate) fn read(text: &str, data_type: &DataType) -> Result<Value, String> {
    let wrong = || expected(data_type, text);
    let is_short = text.len() <= MAX_NUMBER_BYTES;
    match data_type {
        DataType::String => Ok(Value::string(text)),
        DataType::Bytes => match STANDARD.decode(text) {
            Ok(bytes) => Ok(Value::Bytes(bytes.into())),
            Err(_) => Err(format!("{}, which is no base64", wrong())),
        },
        _ if !is_short => Err(wrong()),
        DataType::Boolean => boolean_of(text).map(Value::Boolean).map_err(|_| wrong()),
        DataType::Int64 => text.parse().map(Value::Int64).map_err(|_| wrong()),
        DataType::Float64 => float(text).map(Value::Float64).ok_or_else(wrong),
        DataType::Decimal => decimal(text).map(Value::Decimal).ok_or_else(wrong),
        DataType::Timestamp => timestamp(text).map(Value::Timestamp),
        DataType::List(_) | DataType::Struct(_) => Err(wrong()),
    }
}

/// Appends the text of a scalar; false when the value is none.
pub(crate) fn write(value: &Value, out: &mut Vec<u8>) -> bool {
    match value {
        Value::Boolean(value) => print(out, format_args!("{value}")),
        Value::Int64(value) => print(out, format_args!("{value}")),
        Value::Float64(value) => {
            write_float(&mut Utf8(out), *value).expect("a vector takes all text");
        }
        Value::Decimal(value) => print(out, format_args!("{value}")),
        Value::String(value) => out.extend_from_slice(value.as_bytes()),
        Value::Timestamp(millis) => match Timestamp::from_millisecond(*millis) {
            Ok(instant) => print(out, format_args!("{instant}")),
            Err(_) => print(out, format_args!("{millis} ms")),
        },
        Value::Bytes(bytes) => {
            let start = out.len();
            // Four characters for each three bytes begun.
            out.resize(start + bytes.len().div_ceil(3) * 4, 0);
            let written = STANDARD.encode_slice(bytes, &mut out[start..]);
            out.truncate(start + written.expect("there is room for it"));
        }
        Value::Null | Value::List(_) | Value::Struct(_) => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &Value) -> String {
        let mut out = Vec::new();
        assert!(write(value, &mut out));
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn scalars_have_one_text_each() {
        for (value, text) in [
            (Value::Float64(0.1), "0.1"),
            (Value::Float64(f64::NEG_INFINITY), "-Infinity"),
            (Value::Decimal("12.50".parse().expect("a decimal")), "12.50"),
            (Value::Timestamp(1_500), "1970-01-01T00:00:01.5Z"),
            (Value::Timestamp(i64::MIN), "-9223372036854775808 ms"),
            (Value::Bytes([0, 255].into()), "AP8="),
        ] {
            assert_eq!(written(&value), text);
        }
    }

    #[test]
    fn times_are_read_with_and_without_zone_fraction_and_t() {
        let noon = 1_795_780_800_000;
        for (text, millis) in [
            ("2026-11-27", noon - 43_200_000),
            ("2026-11-27 12:00", noon),
            ("2026-11-27T12:00:00", noon),
            ("2026-11-27 12:00:00.123456789", noon + 123),
            ("2026-11-27T12:00:00Z", noon),
            ("2026-11-27 13:00:00.5+01:00", noon + 500),
            ("1969-12-31T23:59:59.9999Z", -1),
            ("5 ms", 5),
        ] {
            assert_eq!(read(text, &DataType::Timestamp), Ok(Value::Timestamp(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_scalar_is_told() {
        let check = |text: &str, data_type: DataType, message: &str| {
            let error = read(text, &data_type).expect_err(text);
            assert!(error.starts_with(message), "{error}");
        };
        check("1.5", DataType::Int64, "expected int64, found '1.5'");
        check(
            "9223372036854775808",
            DataType::Int64,
            "expected int64, found '9223372036854775808'",
        );
        check("1e999", DataType::Float64, "expected float64, found '1e999'");
        check("1_0", DataType::Decimal, "expected decimal, found '1_0'");
        check("maybe", DataType::Boolean, "expected boolean, found 'maybe'");
        check(
            "1795780800",
            DataType::Timestamp,
            "expected timestamp, found '1795780800'; declare the column int64",
        );
        check("soon", DataType::Timestamp, "expected timestamp, found 'soon'; write it as in");
        check("%", DataType::Bytes, "expected bytes, found '%', which is no base64");
        check(&"9".repeat(1_000_000), DataType::Float64, "expected float64, found '999");
    }
}
