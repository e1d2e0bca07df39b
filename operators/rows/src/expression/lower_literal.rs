//! Constants and the names of types as SQL writes them. Apart because each has rules of its own.

use super::calendar::{Unit, parse_time};
use super::syntax::Interval;
use crate::data_type::DataType;
use crate::type_text::TypeError;
use crate::value::Value;
use rust_decimal::Decimal;
use sqlparser::ast;

/// An integer when it is written as one and fits; a float when it has an exponent; else a decimal, as in Flink.
pub(super) fn number(digits: &str) -> Result<Value, String> {
    let is_float = digits.contains(['e', 'E']);
    if is_float {
        return match digits.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Float64(number)),
            _ => Err("the number is out of the range of float64".to_owned()),
        };
    }
    if let Ok(number) = digits.parse() {
        return Ok(Value::Int64(number));
    }
    let exact = Decimal::from_str_exact(digits.trim_end_matches('.')).map(Value::Decimal);
    exact.map_err(|_| "a decimal has at most 28 digits; write 1.5e0 for a float64".to_owned())
}

/// The bytes of `x'0aff'`.
pub(super) fn hex(digits: &str) -> Result<Value, String> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = digits.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some((digit(*high)? * 16 + digit(*low)?) as u8),
        _ => None,
    });
    let bytes: Option<Vec<u8>> = pairs.collect();
    bytes
        .map(|bytes| Value::Bytes(bytes.into()))
        .ok_or_else(|| "bytes are written as pairs of hexadecimal digits, as in x'0aff'".to_owned())
}

/// Whether `TIMESTAMP '...'` is one, in whatever zone.
pub(super) fn timestamp(target: &str, text: &str) -> Result<(), (String, &'static str)> {
    if !target.to_uppercase().starts_with("TIMESTAMP") {
        return Err((
            format!("there are no {target} literals"),
            "write TIMESTAMP '2026-11-27 12:00:00'",
        ));
    }
    parse_time(text).map(|_| ()).map_err(|message| (message, ""))
}

/// `INTERVAL '5' MINUTE`.
pub(super) fn interval(length: &str, unit: &str) -> Result<Interval, String> {
    let unit = Unit::of(unit)?;
    let count: i64 = length
        .trim()
        .parse()
        .map_err(|_| format!("the length of an interval is a whole number, not '{length}'"))?;
    unit.interval(count).ok_or_else(|| "the interval is too long".to_owned())
}

/// SQL's names of types, where they are not ours.
const SQL: &[(&str, DataType)] = &[
    ("BOOL", DataType::Boolean),
    ("INT", DataType::Int64),
    ("INTEGER", DataType::Int64),
    ("BIGINT", DataType::Int64),
    ("DOUBLE", DataType::Float64),
    ("NUMERIC", DataType::Decimal),
    ("VARCHAR", DataType::String),
    ("TEXT", DataType::String),
    ("VARBINARY", DataType::Bytes),
];

/// The type that a cast names: in this house's words, or in SQL's.
pub(super) fn cast_target(written: &ast::DataType) -> Result<DataType, (String, String)> {
    let (name, rest) = match written {
        ast::DataType::Custom(name, rest) => {
            // The dialect leaves what follows the name as one text.
            let rest = rest.iter().map(|part| match part {
                ast::TypeModifier::String(text) => text.clone(),
                other => other.to_string(),
            });
            (name.to_string(), rest.collect())
        }
        other => (other.to_string(), String::new()),
    };
    let upper = name.to_uppercase();
    let found = SQL.iter().find(|(sql, _)| *sql == upper).map(|(_, data_type)| data_type.clone());
    let own = match found {
        Some(data_type) => Ok(data_type),
        None => {
            let lower = name.to_lowercase();
            let text = if rest.starts_with('<') { format!("{lower}{rest}") } else { lower };
            text.parse().map_err(|error: TypeError| error.message)
        }
    };
    let data_type = own.map_err(|message| (message, String::new()))?;
    if rest.starts_with('(') && data_type == DataType::Decimal {
        let help = "write ROUND(CAST(x AS decimal), digits)".to_owned();
        return Err(("decimals take no precision: they have up to 28 digits".to_owned(), help));
    }
    if rest.starts_with('(') {
        let help = format!("write {data_type}");
        return Err((format!("`{name}` takes no length here"), help));
    }
    Ok(data_type)
}
