//! Operators: what becomes of records on their way. Those with many options have files of their own.

use super::{Aggregated, Broadcast, Dedup, Empty, Entries, EventTime, Expression, IntervalJoin};
use super::{LookupJoin, Many, Name, OuterJoin, Pattern, Reconcile, TemporalJoin, TopN};
use super::{UnboundedJoin, Window, WindowJoin};
use schemars::JsonSchema;
use serde::Deserialize;

/// What becomes of records on their way.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperatorKind {
    /// Keeps the records for which a condition holds, such as `behavior = 'pv'`.
    Filter(Expression),
    /// Makes records of these columns, such as `item: item_id`.
    Project(Entries<Expression>),
    /// Adds columns or replaces them, and leaves the others.
    Map(Map),
    /// Makes any number of records of each.
    FlatMap(FlatMap),
    /// Gives records another event time in mid-stream.
    AssignTimestamps(EventTime),
    /// Brings streams with the same columns together.
    Union(Empty),
    /// Gives each record to the first side output whose condition holds; the rest goes on.
    Split(Entries<Expression>),
    /// Windows, and aggregates of them.
    Window(Box<Window>),
    /// Aggregates without a window, revised with each record (a changelog).
    Aggregate(Aggregated),
    /// The first rows of each key, revised with each record (a changelog).
    TopN(TopN),
    /// One row of each key.
    Dedup(Dedup),
    /// Every pair whose event times lie within bounds of each other.
    IntervalJoin(IntervalJoin),
    /// Every pair in the same window.
    WindowJoin(WindowJoin),
    /// Each side waits for the other for a while, and then comes out alone.
    OuterJoin(OuterJoin),
    /// Each record with the version of a table that was valid at its time.
    TemporalJoin(TemporalJoin),
    /// Every pair, whenever its rows come.
    UnboundedJoin(UnboundedJoin),
    /// Each record with what a service knows about its key.
    LookupJoin(LookupJoin),
    /// Two accounts of the same events, matched one to one.
    Reconcile(Reconcile),
    /// Each record with the row of a table that every subtask has.
    Broadcast(Broadcast),
    /// Events of a key that follow each other.
    Pattern(Pattern),
    /// The rows that a changelog amounts to, when its input has ended.
    Materialize(Materialize),
    /// Records as a changelog that only adds.
    ToChangelog(Empty),
}

/// Adds columns or replaces them, and leaves the others.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Map {
    /// Columns with expressions.
    #[serde(default)]
    pub set: Entries<Expression>,
    /// Columns that go.
    #[serde(default)]
    pub drop: Many<Name>,
}

/// Makes any number of records of each.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FlatMap {
    /// A record for each element of a list.
    Explode(Explode),
    /// A record for each piece of a text.
    Split(SplitText),
}

/// A record for each element of a list.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Explode {
    /// The list.
    pub list: Expression,
    /// The column that takes the element.
    #[serde(rename = "as")]
    pub column: Name,
}

/// A record for each piece of a text.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct SplitText {
    /// The text.
    pub text: Expression,
    /// What stands between the pieces.
    pub by: String,
    /// The column that takes the piece.
    #[serde(rename = "as")]
    pub column: Name,
}

/// The rows that a changelog amounts to.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Materialize {
    /// The columns that make a row's key.
    pub key_by: Many<Name>,
    /// One row per key, the last one; otherwise equal rows are counted.
    #[serde(default)]
    pub primary_key: bool,
}

/// What becomes of a record for which an expression has no value, such as a division by zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unusable {
    /// The job fails and says why.
    #[default]
    Fail,
    /// The record is left out and counted.
    Skip,
    /// The record goes to the side output `dead_letters`: `node`, `reason` and `row`, as text.
    Aside,
}
