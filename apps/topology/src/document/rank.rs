//! Results that are revised: aggregates and rankings without windows.

use super::{AggregateText, Entries, Expression, Many, Name, Quantity, Retain};
use schemars::JsonSchema;
use serde::Deserialize;

/// Aggregates without a window: the result of a key is revised with each of its records.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Aggregated {
    /// The columns whose values make a group; none for all records together.
    #[serde(default)]
    pub key_by: Many<Name>,
    /// Names and aggregates, such as `orders: count()`.
    pub aggregates: Entries<AggregateText>,
    /// How long a key is remembered.
    pub retain: Retain,
}

/// The first rows of each key, revised with every record.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct TopN {
    /// The columns whose values make a group; none for all records together.
    #[serde(default)]
    pub key_by: Many<Name>,
    /// How many rows.
    pub n: Quantity,
    /// The order, such as `[price desc, ts]`.
    pub order_by: Many<Expression>,
    /// Adds the column `rank`, from 1.
    #[serde(default)]
    pub with_rank: bool,
    /// A row replaces the one with the same values of these columns.
    #[serde(default)]
    pub unique_by: Many<Name>,
    /// No update makes a row rank lower and none is deleted: only the rows of the ranking are kept.
    #[serde(default)]
    pub only_rising: bool,
}

/// The first rows of each window.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Ranking {
    /// How many rows.
    pub n: Quantity,
    /// The order, such as `[views desc, item]`.
    pub order_by: Many<Expression>,
    /// Rows that rank as the last one come out too.
    #[serde(default)]
    pub with_ties: bool,
}
