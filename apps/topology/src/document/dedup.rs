//! Deduplication: one row of each key.

use super::{Clock, Expression, Many, Name, Quantity, Retain};
use crate::decode::Spanned;
use schemars::JsonSchema;
use serde::Deserialize;

/// Which row of each key is kept, and how keys are remembered.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dedup {
    /// The first row comes out, the others do not.
    FirstRow(FirstRow),
    /// The last row counts: each row replaces the one before (a changelog).
    LastRow(LastRow),
    /// The first row of each number, remembered in bitmaps: for ids without large gaps.
    Bitmap(Bitmap),
    /// The first row of each key, remembered in a Bloom filter: a few first rows are lost.
    Bloom(Bloom),
}

/// The first row of each key.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct FirstRow {
    /// The columns that make the key.
    pub key_by: Many<Name>,
    /// Whether first is by arrival or by event time.
    #[serde(default = "by_arrival")]
    pub time: Clock,
    /// How long a key is remembered.
    pub retain: Retain,
    /// The time counts from the last row of a key, not from its first.
    #[serde(default)]
    pub refreshed_by_duplicates: Option<Spanned<bool>>,
}

/// The last row of each key.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct LastRow {
    /// The columns that make the key.
    pub key_by: Many<Name>,
    /// Whether last is by arrival or by event time.
    #[serde(default = "by_arrival")]
    pub time: Clock,
    /// How long a key is remembered.
    pub retain: Retain,
}

/// The first row of each number.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Bitmap {
    /// The number: an expression of type int64, not below 0.
    pub id: Expression,
}

/// The first row of each key, by a Bloom filter.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Bloom {
    /// The columns that make the key.
    pub key_by: Many<Name>,
    /// How many keys are expected.
    pub expected: Quantity,
    /// The share of first rows that may be lost, once so many keys have come.
    pub false_positives: Spanned<f64>,
}

/// Without a word about it, rows are first or last as they arrive.
const fn by_arrival() -> Clock {
    Clock::ProcessingTime
}
