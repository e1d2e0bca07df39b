//! Values as what distinct counts take: 64 bits. Apart because the typed aggregates, which do the counting, hash keys;
//! a value has the hash that its typed twin has, so both give the same estimates.

use crate::expression::datum::Datum;
use crate::row_key::hash_value;
use crate::value::canonical_float;
use serde::{Deserialize, Serialize};
use tidegate_core::key::{Key, hash_str};
use tidegate_operators::aggregate::{BloomCount, DistinctWide, HyperLogLog};

/// What was hashed already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Hashed(u64);

impl Key for Hashed {
    fn write_canonical(&self, out: &mut Vec<u8>) {
        self.0.write_canonical(out);
    }

    fn stable_hash(&self) -> u64 {
        self.0
    }
}

pub(crate) type Exact = DistinctWide<u64, fn(&u64) -> u64>;
pub(crate) type Estimate = HyperLogLog<u64, fn(&u64) -> Hashed>;
pub(crate) type Filter = BloomCount<u64, fn(&u64) -> Hashed>;

pub(crate) fn exact() -> Exact {
    DistinctWide::of(|number| *number)
}

pub(crate) fn estimate() -> Estimate {
    HyperLogLog::of(|hash| Hashed(*hash))
}

pub(crate) fn filter(values: usize, false_positives: f64) -> Filter {
    BloomCount::of(|hash| Hashed(*hash), values, false_positives)
}

/// The hash of a value that is not NULL.
pub(crate) fn hash(datum: &Datum<'_>) -> u64 {
    match datum {
        Datum::Int(number) | Datum::Timestamp(number) => number.stable_hash(),
        Datum::Boolean(truth) => u8::from(*truth).stable_hash(),
        Datum::Text(text) => hash_str(text),
        Datum::Other(value) => hash_value(value),
        Datum::Null | Datum::Float(_) | Datum::Decimal(_) => {
            hash_value(&datum.clone().into_value())
        }
    }
}

/// The value itself where it has 64 bits, else its hash.
pub(crate) fn identity(datum: &Datum<'_>) -> u64 {
    match datum {
        Datum::Int(number) | Datum::Timestamp(number) => number.cast_unsigned(),
        Datum::Boolean(truth) => u64::from(*truth),
        Datum::Float(number) => canonical_float(*number).to_bits(),
        other => hash(other),
    }
}
