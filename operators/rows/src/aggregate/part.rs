//! What is kept of the records that were aggregated. Apart because it is stored: names here are for ever.

use super::error::Failures;
use super::numbers::DecimalTotal;
use super::percentile::Histogram;
use super::top_k::Frequencies;
use crate::value::Value;
use serde::{Deserialize, Serialize};
use tidegate_operators::aggregate::{SeenValues, Sketch, WideIds};

/// What is kept for one call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Part {
    /// How many.
    #[serde(rename = "n")]
    Count(u64),
    /// The total of integers, and how many they are.
    #[serde(rename = "i")]
    Int(i128, u64),
    /// The total of floats, and how many they are.
    #[serde(rename = "f")]
    Float(f64, u64),
    /// The total of decimals, and how many they are.
    #[serde(rename = "d")]
    Decimal(DecimalTotal, u64),
    /// The least or the largest.
    #[serde(rename = "x")]
    Extreme(Option<Value>),
    /// The first or the last, and when it was.
    #[serde(rename = "o")]
    Ordered(Option<(i64, Value)>),
    /// The different ones.
    #[serde(rename = "u")]
    Distinct(Box<WideIds>),
    /// A sketch of the different ones.
    #[serde(rename = "h")]
    Sketch(Box<Sketch>),
    /// A filter of the different ones.
    #[serde(rename = "b")]
    Seen(Box<SeenValues>),
    /// How often each is there.
    #[serde(rename = "k")]
    Frequencies(Frequencies),
    /// How often each magnitude is there.
    #[serde(rename = "p")]
    Histogram(Histogram),
}

const _: () = assert!(size_of::<Part>() <= 64, "each key of each window has one per call");

/// What is kept of the rows that a [`RowAggregate`](super::RowAggregate) was given.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RowAccumulator {
    #[serde(rename = "p")]
    pub(crate) parts: Box<[Part]>,
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub(crate) failures: Option<Box<Failures>>,
}
