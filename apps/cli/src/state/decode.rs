//! Bytes of state as JSON: CBOR says itself what it holds.
//!
//! Apart because it knows neither checkpoints nor operators, only what the header of `state` promises.

use super::names::Names;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ciborium::Value as Cbor;
use serde_json::{Map, Number, Value, json};
use tidegate::core::codec::packed::Shapes;
use tidegate::core::state::delta::Entry;

/// Decodes; what is known to be of a topology, as rows.
pub(super) struct Decoder {
    names: Names,
}

impl Decoder {
    pub(super) const fn new(names: Names) -> Self {
        Self { names }
    }

    /// The key of an entry: its values alone, and with the names of their columns.
    pub(super) fn key(
        &self,
        uid: &str,
        state: &str,
        entry: &Entry<'_>,
        shapes: &Shapes,
    ) -> (Value, Value) {
        let plain = value(entry.key, shapes, self.names.knows(uid));
        (plain.clone(), self.names.key(uid, state, plain))
    }

    /// An entry, as a line of an export.
    pub(super) fn entry(
        &self,
        uid: &str,
        state: &str,
        entry: &Entry<'_>,
        shapes: &Shapes,
    ) -> String {
        let mut line = head(uid, state);
        let of_rows = self.names.knows(uid);
        if !entry.namespace.is_empty() {
            line.push_str(&format!(r#","namespace":{}"#, value(entry.namespace, shapes, of_rows)));
        }
        let kept = value(entry.value.unwrap_or_default(), shapes, of_rows);
        let kept = self.names.value(uid, state, kept);
        let (_, key) = self.key(uid, state, entry, shapes);
        line.push_str(&format!(r#","key":{key},"value":{kept}}}"#));
        line
    }

    /// An element of a list, likewise.
    pub(super) fn element(&self, uid: &str, state: &str, subtask: u32, bytes: &[u8]) -> String {
        let kept =
            self.names.value(uid, state, value(bytes, &Shapes::default(), self.names.knows(uid)));
        format!(r#"{},"subtask":{subtask},"value":{kept}}}"#, head(uid, state))
    }
}

/// Any bytes; none at all are nothing. `of_rows` says that values in it are those of rows.
fn value(bytes: &[u8], shapes: &Shapes, of_rows: bool) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    match shapes.read::<Cbor>(bytes) {
        Ok(value) => json(value, of_rows),
        Err(why) => {
            json!({ "base64": BASE64_STANDARD.encode(bytes), "undecoded": why.to_string() })
        }
    }
}

fn json(value: Cbor, of_rows: bool) -> Value {
    match value {
        Cbor::Null => Value::Null,
        Cbor::Bool(value) => Value::Bool(value),
        Cbor::Integer(number) => integer(number.into()),
        Cbor::Float(number) => float(number),
        Cbor::Text(text) => Value::String(text),
        Cbor::Bytes(bytes) => json!({ "base64": BASE64_STANDARD.encode(bytes) }),
        Cbor::Array(values) => values.into_iter().map(|value| json(value, of_rows)).collect(),
        Cbor::Map(entries) => map(entries, of_rows),
        Cbor::Tag(tag @ (2 | 3), value) => big(tag == 3, *value),
        Cbor::Tag(tag, value) => json!({ "tag": tag, "value": json(*value, of_rows) }),
        // The enum may grow.
        other => json!({ "undecoded": format!("{other:?}") }),
    }
}

fn map(mut entries: Vec<(Cbor, Cbor)>, of_rows: bool) -> Value {
    if of_rows
        && let [(Cbor::Text(name), value)] = &mut entries[..]
        && let Some(value) = of_row(name, value)
    {
        return value;
    }
    let mut map = Map::new();
    for (key, value) in entries {
        let key = match json(key, of_rows) {
            Value::String(text) => text,
            other => other.to_string(),
        };
        map.insert(key, json(value, of_rows));
    }
    Value::Object(map)
}

/// What CBOR itself cannot say, in the words of `tidegate-rows`.
fn of_row(name: &str, value: &mut Cbor) -> Option<Value> {
    match (name, &*value) {
        ("t", Cbor::Integer(millis)) => {
            let millis = i64::try_from(i128::from(*millis)).ok()?;
            Some(time(millis).map_or_else(|| json!(millis), Value::String))
        }
        ("d", Cbor::Bytes(_)) => {
            let decimal = Cbor::Map(vec![(Cbor::Text(name.to_owned()), value.clone())]);
            match decimal.deserialized().ok()? {
                tidegate_rows::Value::Decimal(number) => Some(Value::String(number.to_string())),
                _ => None,
            }
        }
        ("s" | "k", Cbor::Array(_)) => Some(json(std::mem::replace(value, Cbor::Null), true)),
        _ => None,
    }
}

/// The beginning of a line: whose it is comes first, for who reads it without `jq`.
fn head(uid: &str, state: &str) -> String {
    format!(r#"{{"operator":{},"state":{}"#, json!(uid), json!(state))
}

/// Milliseconds since the epoch as people write them; nothing for a time that no calendar has.
pub(super) fn time(millis: i64) -> Option<String> {
    Some(jiff::Timestamp::from_millisecond(millis).ok()?.to_string())
}

/// A number, or its digits where it is too large for one of JSON's.
fn integer(number: i128) -> Value {
    let small = i64::try_from(number).map(Number::from);
    let small = small.or_else(|_| u64::try_from(number).map(Number::from));
    small.map_or_else(|_| Value::String(number.to_string()), Value::Number)
}

fn float(number: f64) -> Value {
    let finite = Number::from_f64(number).map(Value::Number);
    finite.unwrap_or_else(|| Value::String(number.to_string()))
}

/// An integer beyond 64 bits: its bytes, largest first.
fn big(negative: bool, value: Cbor) -> Value {
    match value {
        Cbor::Bytes(bytes) if bytes.len() < 16 => {
            let number = bytes.iter().fold(0, |number, byte| number << 8 | i128::from(*byte));
            integer(if negative { -1 - number } else { number })
        }
        other => json!({ "undecoded": format!("an integer of too many digits: {other:?}") }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use tidegate::core::codec;
    use tidegate_rows::{Decimal, Row, RowKey, Value as Cell};

    fn shown<T: serde::Serialize>(value: &T, rows: bool) -> String {
        super::value(&codec::to_cbor(value), &Shapes::default(), rows).to_string()
    }

    #[test]
    fn what_cbor_says_itself_is_shown_as_it_is() {
        assert_eq!(shown(&(1, "a", None::<u8>, true, 0.5), false), r#"[1,"a",null,true,0.5]"#);
        assert_eq!(shown(&BTreeMap::from([(7, "x")]), false), r#"{"7":"x"}"#);
        assert_eq!(
            shown(&(u64::MAX, i128::from(u64::MAX) + 1), false),
            "[18446744073709551615,\"18446744073709551616\"]"
        );
        assert_eq!(shown(&(-(1_i128 << 70)), false), "\"-1180591620717411303424\"");
        assert_eq!(shown(&(f64::NAN, f64::INFINITY), false), r#"["NaN","inf"]"#);
        assert_eq!(shown(&Cell::Bytes(vec![1, 2, 255].into()), false), r#"{"base64":"AQL/"}"#);
    }

    #[test]
    fn timestamps_and_decimals_are_read_where_they_are_known_to_be_some() {
        let cents = Decimal::new(-1250, 2);
        let row = Row::new([
            Cell::Timestamp(1_511_658_000_000),
            Cell::Decimal(cents),
            Cell::structure([Cell::Null]),
        ]);
        assert_eq!(
            shown(&row, false),
            r#"[{"t":1511658000000},{"d":{"base64":"guIE"}},{"s":[null]}]"#
        );
        assert_eq!(shown(&row, true), r#"["2017-11-26T01:00:00Z","-12.50",[null]]"#);
        let key = RowKey::Many([Cell::Int64(1), Cell::string("a")].into());
        assert_eq!(shown(&key, false), r#"{"k":[1,"a"]}"#);
        assert_eq!(shown(&key, true), r#"[1,"a"]"#);
    }

    #[test]
    fn what_is_no_cbor_is_shown_as_bytes_with_the_reason() {
        for rubbish in [&[0xff][..], &[0x82, 1], &[1, 2], &[0x9f; 4000]] {
            let value = value(rubbish, &Shapes::default(), false);
            assert_eq!(value["base64"], BASE64_STANDARD.encode(rubbish));
            assert!(value["undecoded"].as_str().is_some_and(|why| why.len() < 200), "{value}");
        }
        assert_eq!(value(&[], &Shapes::default(), false), Value::Null);
    }
}
