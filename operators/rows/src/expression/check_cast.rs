//! CAST, TRY_CAST and `::`. Apart because which way there is from a type into another is a table of its own.
//!
//! A number to an integer drops the fraction. Text is read as SQL writes it, blanks around it are ignored. A time is written,
//! and read where it says no offset, by the clocks of the check's time zone. What cannot be cast is an error of the row, or
//! NULL with TRY_CAST.

use super::calendar::{parse_time_in, time_text};
use super::check::{Checker, Typed, float_of};
use super::code::{Argument, Body, call};
use super::datum::Datum;
use super::error::{ErrorCode, Span};
use super::syntax::Node;
use crate::data_type::{DataType, in_words};
use crate::value::Value;
use compact_str::CompactString;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use std::borrow::Cow;
use std::sync::Arc;

fn is_castable(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    matches!(
        (from, to),
        (T::Boolean, T::Int64 | T::String)
            | (T::Int64 | T::Decimal | T::Float64, T::Int64 | T::Decimal | T::Float64 | T::String)
            | (T::Int64, T::Boolean)
            | (
                T::String,
                T::Boolean | T::Int64 | T::Float64 | T::Decimal | T::Timestamp | T::Bytes
            )
            | (T::Timestamp | T::Bytes, T::String)
    )
}

const RANGE: &str = "the number is out of the range of";

pub(super) fn integer_of(number: f64) -> Result<i64, String> {
    let whole = number.trunc();
    // Both bounds are exact as floats; the upper one is one too many.
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&whole) {
        Ok(whole as i64)
    } else {
        Err(format!("{RANGE} int64"))
    }
}

pub(crate) fn boolean_of(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "1" => Ok(true),
        "false" | "f" | "no" | "n" | "0" => Ok(false),
        _ => Err("the text is no boolean: write TRUE or FALSE".to_owned()),
    }
}

pub(crate) fn decimal_of(text: &str) -> Result<Decimal, String> {
    let read = if text.contains(['e', 'E']) {
        Decimal::from_scientific(text)
    } else {
        Decimal::from_str_exact(text)
    };
    read.map_err(|_| "the text is no decimal of up to 28 digits".to_owned())
}

fn from_text<'r>(text: &str, to: &DataType, zone: &TimeZone) -> Result<Datum<'r>, String> {
    let text = text.trim();
    match to {
        DataType::Boolean => boolean_of(text).map(Datum::Boolean),
        DataType::Int64 => {
            text.parse().map(Datum::Int).map_err(|_| "the text is no int64".to_owned())
        }
        DataType::Float64 => {
            text.parse().map(Datum::Float).map_err(|_| "the text is no float64".to_owned())
        }
        DataType::Decimal if text.len() <= 64 => decimal_of(text).map(Datum::Decimal),
        DataType::Decimal => Err("the text is no decimal of up to 28 digits".to_owned()),
        DataType::Timestamp => parse_time_in(text, zone).map(Datum::Timestamp),
        _ => Err(format!("text cannot be cast to {to}")),
    }
}

fn cast<'r>(datum: &Datum<'r>, to: &DataType, zone: &TimeZone) -> Result<Datum<'r>, String> {
    match (datum, to) {
        (Datum::Boolean(value), DataType::Int64) => Ok(Datum::Int((*value).into())),
        (Datum::Int(value), DataType::Boolean) => Ok(Datum::Boolean(*value != 0)),
        (Datum::Int(value), DataType::Decimal) => Ok(Datum::Decimal(Decimal::from(*value))),
        (Datum::Int(value), DataType::Float64) => Ok(Datum::Float(*value as f64)),
        (Datum::Float(value), DataType::Int64) => integer_of(*value).map(Datum::Int),
        (Datum::Float(value), DataType::Decimal) => {
            let read = Decimal::from_f64(*value);
            read.map(Datum::Decimal).ok_or_else(|| format!("{RANGE} decimal"))
        }
        (Datum::Decimal(value), DataType::Int64) => {
            value.trunc().to_i64().map(Datum::Int).ok_or_else(|| format!("{RANGE} int64"))
        }
        (Datum::Decimal(value), DataType::Float64) => Ok(Datum::Float(float_of(*value))),
        (Datum::Text(text), DataType::Bytes) => {
            Ok(Datum::Other(Cow::Owned(Value::Bytes(text.as_bytes().into()))))
        }
        (Datum::Text(text), to) => from_text(text, to, zone),
        (Datum::Timestamp(time), DataType::String) => Ok(Datum::text(time_text(*time, zone))),
        (Datum::Other(value), DataType::String) => match &**value {
            Value::Bytes(bytes) => {
                let text = CompactString::from_utf8(bytes);
                text.map(Datum::text).map_err(|_| "the bytes are no text in UTF-8".to_owned())
            }
            _ => Err("only bytes can be read as text".to_owned()),
        },
        (datum, DataType::String) => {
            Ok(Datum::text(CompactString::from(datum.clone().into_value().to_string())))
        }
        (_, to) => Err(format!("there is no way to {to}")),
    }
}

impl Checker<'_> {
    pub(super) fn cast(
        &mut self,
        of: &Node,
        to: &DataType,
        or_null: bool,
        span: Span,
    ) -> Option<Typed> {
        let of = self.node(of)?;
        let Some(from) = &of.data_type else {
            return Some(Self::constant(&Value::Null, Some(to.clone()), span));
        };
        if super::check::is_assignable(from, to) {
            return Some(Typed { data_type: Some(to.clone()), span, ..of });
        }
        if !is_castable(from, to) {
            let message = format!("{} cannot be cast to {to}", in_words(from));
            let help = match (from, to) {
                (DataType::Timestamp, _) => {
                    Some("write EXTRACT(EPOCH FROM time), or TIMESTAMPDIFF")
                }
                (_, DataType::Timestamp) => {
                    Some("write TO_TIMESTAMP_LTZ(number, 3) for milliseconds, 0 for seconds")
                }
                (DataType::List(_), DataType::String) => Some("write ARRAY_JOIN(list, ',')"),
                _ => None,
            };
            return self.fail(ErrorCode::InvalidCast, span, message, help.map(str::to_owned));
        }
        let is_constant = of.constant.is_some();
        let is_of_time = [from, to].contains(&&DataType::Timestamp);
        let zone = if is_of_time { self.zone() } else { TimeZone::UTC };
        let target = to.clone();
        let body: Body = Arc::new(move |data| match data.first() {
            None => Ok(Datum::Null),
            Some(datum) => match cast(datum, &target, &zone) {
                Err(_) if or_null => Ok(Datum::Null),
                done => done,
            },
        });
        let arguments = vec![Argument { code: of.code, is_strict: true }];
        let code = call(to, arguments, body, self.place(span));
        self.made(to.clone(), of.nullable || or_null, code, span, is_constant)
    }
}
