//! Event time: where it comes from, and how watermarks follow from it.

use super::{Duration, Expression, Name, Quantity};
use schemars::JsonSchema;
use serde::Deserialize;

/// When a record has happened, and when a time is complete.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct EventTime {
    /// The time of a record: a column of type timestamp, or an expression. Generators have a time of their own.
    #[serde(default)]
    pub timestamp: Option<Expression>,
    /// How watermarks follow from times.
    #[serde(default)]
    pub watermark: Watermark,
    /// Behind which records a watermark is emitted.
    #[serde(default)]
    pub emit: Emit,
    /// After so long without a record (by the wall clock) a split no longer holds event time back.
    #[serde(default)]
    pub idle: Option<Duration>,
    /// Sources that wait for each other.
    #[serde(default)]
    pub align: Option<Align>,
}

/// How watermarks follow from the times of records.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Watermark {
    /// No watermarks until the input ends: for jobs that need no event time.
    #[default]
    None,
    /// Times never fall within a split.
    Monotonous,
    #[serde(rename = "bounded_out_of_orderness")]
    /// Records come up to so much behind the latest one.
    BoundedOutOfOrderness(Duration),
    /// A record's time is that at which it is read.
    IngestionTime,
}

/// Behind which records a watermark that has advanced is emitted.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Emit {
    /// When it has advanced by 200 ms of event time.
    #[default]
    Default,
    /// Behind each record that advances it.
    EachRecord,
    /// When it has advanced by so much event time.
    Every(Duration),
    /// Behind every so many records.
    EveryRecords(Quantity),
}

/// Sources that wait for each other.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Align {
    /// Sources with the same group wait for each other.
    pub group: Name,
    /// How far a source may be ahead of the slowest.
    pub max_drift: Duration,
}

/// The clock that an operator goes by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// The times of records, as far as watermarks have come.
    #[default]
    EventTime,
    /// The wall clock.
    ProcessingTime,
}
