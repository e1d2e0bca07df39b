//! Values, rows and keys as bytes: compact and self-describing in CBOR, which state and checkpoints use.
//!
//! Apart from the values because it is a format that must be read by later releases. NULL, booleans, integers,
//! floats, text, bytes and lists are CBOR's own. What CBOR cannot tell apart is a map of one entry, by whose name it is
//! known: `{"t": milliseconds}` a timestamp, `{"d": bytes}` a decimal (its scale and sign in the first byte, then its
//! digits as an integer, little-endian without zeros at the end), `{"s": [...]}` a struct, `{"k": [...]}` a
//! key of several columns. Everything comes back bit by bit, also `-0.0`, NaN and the zeros of `1.00`.

use crate::limits::{MAX_VALUE_DEPTH, TRUSTED_LENGTH};
use crate::row::Row;
use crate::row_key::RowKey;
use crate::value::Value;
use rust_decimal::Decimal;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use std::fmt;

const NEGATIVE: u8 = 0x80;

/// The bytes of a decimal: how many of the buffer are used, and the buffer.
fn decimal_bytes(number: Decimal) -> (usize, [u8; 13]) {
    let mut bytes = [0; 13];
    let sign = if number.is_sign_negative() { NEGATIVE } else { 0 };
    // A scale is at most 28, and the digits take at most 96 bits.
    bytes[0] = sign | number.scale() as u8;
    bytes[1..].copy_from_slice(&number.mantissa().unsigned_abs().to_le_bytes()[..12]);
    let used = bytes.iter().rposition(|&byte| byte != 0).unwrap_or(0) + 1;
    (used, bytes)
}

fn decimal_of(bytes: &[u8]) -> Option<Decimal> {
    let (&head, digits) = bytes.split_first()?;
    let scale = u32::from(head & !NEGATIVE);
    if scale > Decimal::MAX_SCALE || digits.len() > 12 || digits.last() == Some(&0) {
        return None;
    }
    let mut all = [0; 12];
    all[..digits.len()].copy_from_slice(digits);
    let word = |at: usize| u32::from_le_bytes([all[at], all[at + 1], all[at + 2], all[at + 3]]);
    Some(Decimal::from_parts(word(0), word(4), word(8), head & NEGATIVE != 0, scale))
}

/// Bytes as CBOR has them, not as a list of numbers.
struct Raw<'a>(&'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Boolean(value) => serializer.serialize_bool(*value),
            Self::Int64(value) => serializer.serialize_i64(*value),
            Self::Float64(value) => serializer.serialize_f64(*value),
            Self::Decimal(value) => {
                let (used, bytes) = decimal_bytes(*value);
                serializer.serialize_newtype_variant("Value", 0, "d", &Raw(&bytes[..used]))
            }
            Self::String(value) => serializer.serialize_str(value),
            Self::Timestamp(value) => serializer.serialize_newtype_variant("Value", 1, "t", value),
            Self::Bytes(value) => serializer.serialize_bytes(value),
            Self::List(values) => serializer.collect_seq(values.iter()),
            Self::Struct(values) => {
                serializer.serialize_newtype_variant("Value", 2, "s", &values[..])
            }
        }
    }
}

/// What was read: a value, or the several columns of a key.
enum Read {
    Value(Value),
    Key(Vec<Value>),
}

/// Reads a value at this depth; `key` where a key of several columns may stand.
#[derive(Clone, Copy)]
struct Reader {
    depth: usize,
    key: bool,
}

impl Reader {
    const TOP: Self = Self { depth: 0, key: false };

    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_VALUE_DEPTH {
            return Err(E::custom(format!("values are nested at most {MAX_VALUE_DEPTH} deep")));
        }
        Ok(Self { depth: self.depth + 1, key: false })
    }
}

impl<'de> DeserializeSeed<'de> for Reader {
    type Value = Read;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Read, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Reads a list of values at this depth.
struct Values(Reader);

impl<'de> DeserializeSeed<'de> for Values {
    type Value = Vec<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Value>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Values {
    type Value = Vec<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Value>, A::Error> {
        let inner = self.0.deeper()?;
        let mut values = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(TRUSTED_LENGTH));
        while let Some(read) = seq.next_element_seed(inner)? {
            if let Read::Value(value) = read {
                values.push(value);
            }
        }
        Ok(values)
    }
}

/// The bytes of a decimal.
struct Digits(Decimal);

impl<'de> Deserialize<'de> for Digits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Expected;

        impl Visitor<'_> for Expected {
            type Value = Digits;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the bytes of a decimal")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Digits, E> {
                decimal_of(bytes).map(Digits).ok_or_else(|| E::custom("no decimal has these bytes"))
            }
        }
        deserializer.deserialize_bytes(Expected)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.key { "a key" } else { "a value" })
    }

    fn visit_unit<E: Error>(self) -> Result<Read, E> {
        Ok(Read::Value(Value::Null))
    }

    fn visit_none<E: Error>(self) -> Result<Read, E> {
        Ok(Read::Value(Value::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Read, E> {
        Ok(Read::Value(Value::Boolean(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Read, E> {
        Ok(Read::Value(Value::Int64(value)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Read, E> {
        let value = i64::try_from(value).map_err(|_| E::custom(format!("{value} is no int64")))?;
        Ok(Read::Value(Value::Int64(value)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Read, E> {
        Ok(Read::Value(Value::Float64(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Read, E> {
        Ok(Read::Value(Value::string(value)))
    }

    fn visit_bytes<E: Error>(self, value: &[u8]) -> Result<Read, E> {
        Ok(Read::Value(Value::Bytes(value.into())))
    }

    fn visit_byte_buf<E: Error>(self, value: Vec<u8>) -> Result<Read, E> {
        Ok(Read::Value(Value::Bytes(value.into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Read, A::Error> {
        Ok(Read::Value(Value::List(Values(self).visit_seq(seq)?.into())))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Read, A::Error> {
        let name: Option<compact_str::CompactString> = map.next_key::<Name>()?.map(|name| name.0);
        let read = match name.as_deref() {
            Some("t") => Read::Value(Value::Timestamp(map.next_value()?)),
            Some("d") => Read::Value(Value::Decimal(map.next_value::<Digits>()?.0)),
            Some("s") => Read::Value(Value::Struct(map.next_value_seed(Values(self))?.into())),
            Some("k") if self.key => Read::Key(map.next_value_seed(Values(self))?),
            Some(name) => {
                return Err(A::Error::custom(format!("no kind of value is named `{name}`")));
            }
            None => return Err(A::Error::custom("a value is missing in an empty map")),
        };
        match map.next_key::<Name>()? {
            None => Ok(read),
            Some(_) => Err(A::Error::custom("a value is a map of one entry, not of more")),
        }
    }
}

/// The name of a kind of value.
struct Name(compact_str::CompactString);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Expected;

        impl Visitor<'_> for Expected {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a kind of value")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Name, E> {
                Ok(Name(name.chars().take(16).collect()))
            }
        }
        deserializer.deserialize_str(Expected)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Reader::TOP.deserialize(deserializer)? {
            Read::Value(value) => Ok(value),
            Read::Key(_) => Err(D::Error::custom("a key stands where a value should")),
        }
    }
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.values())
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Values(Reader::TOP).deserialize(deserializer).map(Self::new)
    }
}

impl Serialize for RowKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One(value) => value.serialize(serializer),
            Self::Many(values) => {
                serializer.serialize_newtype_variant("RowKey", 3, "k", &values[..])
            }
        }
    }
}

impl<'de> Deserialize<'de> for RowKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match (Reader { depth: 0, key: true }).deserialize(deserializer)? {
            Read::Value(value) => Ok(Self::One(value)),
            Read::Key(values) => Ok(Self::Many(values.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate;
    use proptest::prelude::*;

    fn written<T: Serialize>(value: &T) -> Vec<u8> {
        let mut bytes = Vec::new();
        ciborium::into_writer(value, &mut bytes).expect("memory takes it");
        bytes
    }

    fn read<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, String> {
        ciborium::from_reader(bytes).map_err(|error| error.to_string())
    }

    /// Equal bit by bit, which `==` on values is not.
    fn same(left: &Value, right: &Value) -> bool {
        match (left, right) {
            (Value::Float64(left), Value::Float64(right)) => left.to_bits() == right.to_bits(),
            (Value::Decimal(left), Value::Decimal(right)) => left.serialize() == right.serialize(),
            (Value::List(left), Value::List(right))
            | (Value::Struct(left), Value::Struct(right)) => {
                left.len() == right.len() && left.iter().zip(&**right).all(|(l, r)| same(l, r))
            }
            (left, right) => left == right,
        }
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A changed text here would make existing checkpoints unreadable.
    #[test]
    fn bytes_are_the_golden_ones() {
        for (value, bytes) in [
            (Value::Null, "f6"),
            (Value::Boolean(true), "f5"),
            (Value::Int64(-1), "20"),
            (Value::Float64(1.5), "f93e00"),
            (Value::string("ab"), "626162"),
            (Value::Bytes([1, 2].into()), "420102"),
            (Value::Timestamp(1_000), "a161741903e8"),
            (Value::Decimal("-1.50".parse().expect("a decimal")), "a16164428296"),
            (Value::list([Value::Int64(1), Value::Null]), "8201f6"),
            (Value::structure([Value::Int64(1)]), "a161738101"),
        ] {
            assert_eq!(hex(&written(&value)), bytes, "{value}");
        }
        let key = RowKey::Many([Value::Int64(1), Value::string("x")].into());
        assert_eq!(hex(&written(&key)), "a1616b82016178");
        assert_eq!(hex(&written(&RowKey::One(Value::Int64(1)))), "01");
    }

    #[test]
    fn what_is_no_value_is_an_error() {
        for (bytes, expected) in [
            (&[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..], "is no int64"),
            (&[0xa1, 0x61, b'q', 0x01], "no kind of value is named `q`"),
            (&[0xa0], "a value is missing in an empty map"),
            (&[0xa2, 0x61, b't', 0x01, 0x61, b't', 0x01], "a map of one entry"),
            (&[0xa1, 0x61, b'd', 0x41, 0x1d], "no decimal has these bytes"),
            (&[0xa1, 0x61, b'd', 0x42, 0x00, 0x00], "no decimal has these bytes"),
            (&[0xa1, 0x61, b'k', 0x80], "no kind of value is named `k`"),
            (&[0x81; 100], "nested at most"),
        ] {
            let error = read::<Value>(bytes).expect_err("rubbish");
            assert!(error.contains(expected), "{error}");
        }
        let huge = [0x9b, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert!(read::<Value>(&huge).is_err());
    }

    proptest! {
        #[test]
        fn values_come_back_bit_by_bit(value in generate::any_value()) {
            let back: Value = read(&written(&value)).map_err(TestCaseError::fail)?;
            prop_assert!(same(&back, &value), "{back:?} {value:?}");
        }

        #[test]
        fn rows_and_keys_come_back(values in proptest::collection::vec(generate::any_value(), 0..6)) {
            let row = Row::new(values.clone());
            prop_assert_eq!(&read::<Row>(&written(&row)).map_err(TestCaseError::fail)?, &row);
            let many = RowKey::Many(values.clone().into());
            prop_assert_eq!(read::<RowKey>(&written(&many)).map_err(TestCaseError::fail)?, many);
            if let Some(first) = values.into_iter().next() {
                let one = RowKey::One(first);
                prop_assert_eq!(read::<RowKey>(&written(&one)).map_err(TestCaseError::fail)?, one);
            }
        }

        #[test]
        fn rubbish_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(value) = read::<Value>(&bytes) {
                let back: Value = read(&written(&value)).map_err(TestCaseError::fail)?;
                prop_assert!(same(&back, &value));
            }
            let _: (Result<Row, _>, Result<RowKey, _>) = (read(&bytes), read(&bytes));
        }
    }
}
