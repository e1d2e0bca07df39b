//! What a stream of rows is keyed by: one column, or several.
//!
//! Apart from the values because its canonical bytes are for ever: they decide which subtask owns a key's state. They
//! begin with a byte for the type, so `1` and the timestamp `1` are two keys; `-0.0` and `0.0` are one key, all NaNs
//! are one key, decimals of one worth (`1.0`, `1.00`) are one key. NULL is a key like any other.

use crate::row::Row;
use crate::value::{Value, canonical_decimal, canonical_float};
use std::fmt;
use tidegate_core::key::{Key, write_str};
use xxhash_rust::xxh3::xxh3_64;

/// The key of a row. Operators know it as any key, by `Debug` when they tell of it: that is how people write it, `7` or
/// `(7, 'a')`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowKey {
    /// One column. Nothing is allocated for a number or a string of up to 24 bytes.
    One(Value),
    /// Several columns.
    Many(Box<[Value]>),
}

const _: () = assert!(size_of::<RowKey>() <= 24, "tables hold keys by the million");

/// The first canonical byte of a key of several columns; those of values are their ranks.
const MANY: u8 = 255;

/// The longest string whose hash is taken without an allocation.
const SHORT: usize = 119;

impl RowKey {
    /// The key in these columns of a row. A column that the row does not have counts as NULL.
    #[inline]
    #[must_use]
    pub fn of(row: &Row, columns: &[usize]) -> Self {
        let value = |column: &usize| row.get(*column).cloned().unwrap_or(Value::Null);
        match columns {
            [column] => Self::One(value(column)),
            columns => Self::Many(columns.iter().map(value).collect()),
        }
    }

    /// The values of its columns.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

impl fmt::Debug for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(value) => f.write_str(&value.shown()),
            Self::Many(values) => {
                let values: Vec<String> = values.iter().map(Value::shown).collect();
                write!(f, "({})", values.join(", "))
            }
        }
    }
}

fn write_all(values: &[Value], out: &mut Vec<u8>) {
    out.extend_from_slice(&(values.len() as u64).to_le_bytes());
    for value in values {
        write_value(value, out);
    }
}

/// Appends the canonical bytes of a value: its rank, then itself, self-delimiting.
pub(crate) fn write_value(value: &Value, out: &mut Vec<u8>) {
    out.push(value.rank());
    match value {
        Value::Null => {}
        Value::Boolean(value) => out.push(u8::from(*value)),
        Value::Int64(value) | Value::Timestamp(value) => {
            out.extend_from_slice(&value.to_le_bytes());
        }
        Value::Float64(value) => {
            out.extend_from_slice(&canonical_float(*value).to_bits().to_le_bytes());
        }
        Value::Decimal(value) => {
            let value = canonical_decimal(*value);
            // At most 28, so it fits.
            out.push(value.scale() as u8);
            out.extend_from_slice(&value.mantissa().to_le_bytes());
        }
        Value::String(value) => write_str(value, out),
        Value::Bytes(value) => {
            out.extend_from_slice(&(value.len() as u64).to_le_bytes());
            out.extend_from_slice(value);
        }
        Value::List(values) | Value::Struct(values) => write_all(values, out),
    }
}

/// XXH3-64 of the canonical bytes of a value of 64 bits: of nine bytes, its rank and then `number`, little-endian.
///
/// That is XXH3 as it is defined for nine to sixteen bytes (xxhash.com, `XXH3_len_9to16_64b`), of which two overlapping
/// words are read. Here the words are made in registers: bytes just written one by one cannot be read as a word at once,
/// which took three times as long as the hash itself.
#[inline]
fn hash_number(rank: u8, number: u64) -> u64 {
    // Words 3 to 6 of the default secret, in pairs.
    const LOW: u64 = 0x1f67_b3b7_a4a4_4072 ^ 0x78e5_c0cc_4ee6_79cb;
    const HIGH: u64 = 0x2172_ffcc_7dd0_5a82 ^ 0x8e24_43f7_7446_08b8;
    let low = (u64::from(rank) | number << 8) ^ LOW;
    let high = number ^ HIGH;
    let product = u128::from(low) * u128::from(high);
    let folded = product as u64 ^ (product >> 64) as u64;
    let sum = low.swap_bytes().wrapping_add(9).wrapping_add(high).wrapping_add(folded);
    let mixed = (sum ^ (sum >> 37)).wrapping_mul(0x1656_6791_9e37_79f9);
    mixed ^ (mixed >> 32)
}

/// XXH3-64 of a value's canonical bytes, without an allocation for numbers and short strings, and without a call for
/// integers.
#[inline]
pub(crate) fn hash_value(value: &Value) -> u64 {
    match value {
        Value::Int64(number) => hash_number(value.rank(), number.cast_unsigned()),
        other => hash_other(other),
    }
}

fn hash_other(value: &Value) -> u64 {
    let number = |number: u64| hash_number(value.rank(), number);
    match value {
        Value::Int64(value) | Value::Timestamp(value) => number(value.cast_unsigned()),
        Value::Float64(value) => number(canonical_float(*value).to_bits()),
        Value::String(text) if text.len() <= SHORT => {
            let mut canonical = [0; 9 + SHORT];
            canonical[0] = value.rank();
            canonical[1..9].copy_from_slice(&(text.len() as u64).to_le_bytes());
            canonical[9..9 + text.len()].copy_from_slice(text.as_bytes());
            xxh3_64(&canonical[..9 + text.len()])
        }
        other => {
            let mut canonical = Vec::with_capacity(64);
            write_value(other, &mut canonical);
            xxh3_64(&canonical)
        }
    }
}

impl Key for RowKey {
    fn write_canonical(&self, out: &mut Vec<u8>) {
        match self {
            Self::One(value) => write_value(value, out),
            Self::Many(values) => {
                out.push(MANY);
                write_all(values, out);
            }
        }
    }

    #[inline]
    fn stable_hash(&self) -> u64 {
        match self {
            Self::One(value) => hash_value(value),
            Self::Many(_) => {
                let mut canonical = Vec::with_capacity(64);
                self.write_canonical(&mut canonical);
                xxh3_64(&canonical)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate;
    use proptest::prelude::*;

    fn canonical(key: &RowKey) -> Vec<u8> {
        let mut bytes = Vec::new();
        key.write_canonical(&mut bytes);
        bytes
    }

    fn decimal(text: &str) -> Value {
        Value::Decimal(text.parse().expect("a decimal"))
    }

    #[test]
    fn canonical_bytes_are_the_golden_ones() {
        let long = |head: &[u8], zeros: usize| [head, &vec![0; zeros]].concat();
        for (value, bytes) in [
            (Value::Null, vec![0]),
            (Value::Boolean(true), vec![1, 1]),
            (Value::Int64(1), long(&[2, 1], 7)),
            (Value::Float64(-0.0), long(&[3], 8)),
            (Value::Float64(f64::NAN), vec![3, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f]),
            (decimal("1.50"), long(&[4, 1, 15], 15)),
            (Value::string("a"), [long(&[5, 1], 7), vec![b'a']].concat()),
            (Value::Timestamp(1), long(&[6, 1], 7)),
            (Value::Bytes([9].into()), [long(&[7, 1], 7), vec![9]].concat()),
            (Value::list([Value::Null]), [long(&[8, 1], 7), vec![0]].concat()),
            (Value::structure([Value::Null]), [long(&[9, 1], 7), vec![0]].concat()),
        ] {
            assert_eq!(canonical(&RowKey::One(value.clone())), bytes, "{value}");
        }
        let many = RowKey::Many([Value::Boolean(false), Value::Null].into());
        assert_eq!(canonical(&many), [long(&[255, 2], 7), vec![1, 0, 0]].concat());
    }

    /// From the reference implementation. A changed value here would send the keys of every existing job to other subtasks.
    #[test]
    fn hashes_are_the_golden_ones() {
        for (key, hash) in golden_keys() {
            assert_eq!(key.stable_hash(), hash, "{key:?}");
        }
    }

    fn golden_keys() -> Vec<(RowKey, u64)> {
        vec![
            (RowKey::One(Value::Null), 0xc44b_dff4_074e_ecdb),
            (RowKey::One(Value::Int64(1)), 0x77b9_ee4e_4f0d_5d17),
            (RowKey::One(Value::Timestamp(1)), 0x043e_b44d_2afc_b0dd),
            (RowKey::One(Value::string("item")), 0xdad7_5f48_6474_2398),
            (RowKey::One(decimal("1.5")), 0xd74d_ecdd_fb5d_d108),
            (RowKey::Many([Value::Int64(1), Value::string("item")].into()), 0x9c6c_21a3_e6bc_1d13),
        ]
    }

    #[test]
    fn columns_are_taken_in_their_order() {
        let row = Row::new([Value::Int64(1), Value::string("a"), Value::Null]);
        assert_eq!(RowKey::of(&row, &[1]), RowKey::One(Value::string("a")));
        let both = RowKey::of(&row, &[1, 0]);
        assert_eq!(both.values(), [Value::string("a"), Value::Int64(1)]);
        assert_ne!(canonical(&both), canonical(&RowKey::of(&row, &[0, 1])));
        let told = [RowKey::of(&row, &[1]), both].map(|key| format!("{key:?}"));
        assert_eq!(told, ["'a'", "('a', 1)"]);
    }

    #[test]
    fn short_and_long_strings_are_hashed_by_their_canonical_bytes() {
        for length in [0, 1, SHORT - 1, SHORT, SHORT + 1, 5_000] {
            let key = RowKey::One(Value::string("x".repeat(length)));
            assert_eq!(key.stable_hash(), xxh3_64(&canonical(&key)), "{length}");
        }
    }

    proptest! {
        #[test]
        fn numbers_are_hashed_by_their_canonical_bytes(rank in any::<u8>(), number in any::<u64>()) {
            let bytes = [&[rank][..], &number.to_le_bytes()].concat();
            prop_assert_eq!(hash_number(rank, number), xxh3_64(&bytes));
        }

        #[test]
        fn equal_keys_and_only_they_have_equal_bytes(
            left in generate::any_value(), right in generate::any_value()
        ) {
            let keys = [left.clone(), right.clone()].map(RowKey::One);
            prop_assert_eq!(keys[0] == keys[1], canonical(&keys[0]) == canonical(&keys[1]));
            for key in keys {
                prop_assert_eq!(key.stable_hash(), xxh3_64(&canonical(&key)));
            }
            let many = RowKey::Many([left.clone(), right.clone()].into());
            let turned = RowKey::Many([right.clone(), left.clone()].into());
            prop_assert_eq!(left == right, canonical(&many) == canonical(&turned));
        }
    }
}
