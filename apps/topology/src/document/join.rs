//! Joins: two streams, the left one first among the inputs, and what becomes of records that stay alone.

use super::{Clock, Duration, Entries, Expression, Many, Name, Quantity, Retain};
use super::{Sliding, Tumbling, window};
use crate::decode::{Raw, Spanned};
use schemars::JsonSchema;
use serde::Deserialize;

/// The columns that must be equal. NULL equals NULL.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct On {
    /// Of the left stream.
    pub left: Many<Name>,
    /// Of the right stream.
    pub right: Many<Name>,
}

/// Whose records come out also when they stay alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JoinKind {
    /// Nobody's: pairs only.
    #[default]
    Inner,
    /// The left side's.
    Left,
    /// The right side's.
    Right,
    /// Both sides'.
    Full,
}

/// Every pair whose event times lie within bounds of each other. Late records are on the side outputs `late_left` and `late_right`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct IntervalJoin {
    /// The columns that must be equal.
    pub on: On,
    /// How much later the right record may be.
    pub between: Spanned<Between>,
    /// Whose records come out also when they stay alone.
    #[serde(default)]
    pub kind: JoinKind,
    /// The columns of the result, such as `user: left.user`; all of both by default.
    #[serde(default)]
    pub columns: Entries<Expression>,
}

/// A right record belongs to a left one when its time is from `lower` to `upper` after that of the left one.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Between {
    /// The least distance; below zero when the right record may be earlier.
    pub lower: Spanned<Duration>,
    /// The greatest distance.
    pub upper: Spanned<Duration>,
    /// Leaves the lower bound out.
    #[serde(default)]
    pub lower_exclusive: bool,
    /// Leaves the upper bound out.
    #[serde(default)]
    pub upper_exclusive: bool,
}

/// Every pair in the same window. Exactly one of `tumbling`, `sliding` and `session`. Late records are on the side outputs `late_left` and `late_right`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct WindowJoin {
    /// The columns that must be equal.
    pub on: On,
    /// Windows of one size, side by side.
    #[serde(default)]
    pub tumbling: Option<Spanned<Tumbling>>,
    /// Windows of one size that overlap.
    #[serde(default)]
    pub sliding: Option<Spanned<Sliding>>,
    /// Windows that end when no record has come for a while.
    #[serde(default)]
    pub session: Option<Spanned<window::Session>>,
    /// Which records come out.
    #[serde(default)]
    pub kind: WindowJoinKind,
    /// The clock that windows go by.
    #[serde(default)]
    pub time: Clock,
    /// For how much event time a window that has fired takes late records.
    #[serde(default)]
    pub allowed_lateness: Option<Spanned<Duration>>,
    /// The columns of the result, which may use `window_start` and `window_end`; all of both by default.
    #[serde(default)]
    pub columns: Entries<Expression>,
}

/// Which records of a window come out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WindowJoinKind {
    /// Pairs only.
    #[default]
    Inner,
    /// Pairs, and left records that stay alone.
    Left,
    /// Pairs, and right records that stay alone.
    Right,
    /// Pairs, and all that stay alone.
    Full,
    /// Left records that have a partner, once.
    Semi,
    /// Left records that have none.
    Anti,
}

/// Each side waits for the other for a while, and then comes out alone. Late records are on the side outputs `late_left` and `late_right`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct OuterJoin {
    /// The columns that must be equal.
    pub on: On,
    /// How long a left record waits for a right one.
    pub left_waits: Duration,
    /// How long a right record waits for a left one.
    pub right_waits: Duration,
    /// Whose records come out also when they stay alone.
    #[serde(default = "full")]
    pub kind: JoinKind,
    /// How many partners a record may have.
    #[serde(default)]
    pub pairing: Pairing,
    /// The clock by which records wait.
    #[serde(default)]
    pub time: Clock,
    /// The columns of the result; all of both by default.
    #[serde(default)]
    pub columns: Entries<Expression>,
}

/// How many partners a record may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pairing {
    /// One: the first match takes both.
    #[default]
    OneToOne,
    /// A left record any number, a right one one.
    OneToMany,
    /// A left record one, a right one any number.
    ManyToOne,
    /// Any number on either side.
    ManyToMany,
}

/// Each left record with the version of the right table that was valid at its time. Late records are on the side outputs `late_left` and `late_versions`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct TemporalJoin {
    /// The columns that must be equal.
    pub on: On,
    /// How long a version is valid when no other replaces it.
    pub validity: Validity,
    /// Left records without a version come out alone.
    #[serde(default)]
    pub left_outer: bool,
    /// Which right records delete the version of their key.
    #[serde(default)]
    pub tombstones: Option<Expression>,
    /// The columns of the result; all of both by default.
    #[serde(default)]
    pub columns: Entries<Expression>,
}

/// How long a version is valid when no other replaces it.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Validity {
    /// For ever.
    UntilReplaced,
    /// For so much event time.
    AtMost(Spanned<Duration>),
}

/// Every pair, whenever its rows come. Outer kinds revise their results (a changelog), and so does a changelog on either side.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct UnboundedJoin {
    /// The columns that must be equal.
    pub on: On,
    /// Whose records come out also when they stay alone.
    #[serde(default)]
    pub kind: JoinKind,
    /// How long a row is remembered.
    pub retain: Retain,
    /// How many partners a record may have; only pairs of records that are only ever added can say less than any number.
    #[serde(default)]
    pub pairing: Option<Spanned<UnboundedPairing>>,
    /// The columns of the result; all of both by default.
    #[serde(default)]
    pub columns: Entries<Expression>,
}

/// How many partners a record may have in a join without a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnboundedPairing {
    /// Any number on either side.
    ManyToMany,
    /// A left record one, as an item has one order: it is forgotten when it is paired, and waits only if it comes first.
    /// Another right record of the same key is dropped and counted.
    ManyToOne,
}

/// Two accounts of the same events, matched one to one. What stays alone is on the side outputs `unmatched_left` and `unmatched_right`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Reconcile {
    /// The columns that must be equal.
    pub on: On,
    /// How much later the right record may be.
    pub within: Spanned<Between>,
    /// The books of each subtask on the side output `books`.
    #[serde(default)]
    pub books: Option<Books>,
    /// The columns of the result; all of both by default.
    #[serde(default)]
    pub columns: Entries<Expression>,
}

/// The books of a reconciliation.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Books {
    /// How often they are told, in event time.
    pub every: Duration,
}

/// Each record of the left stream with the row of a table that every subtask has. The right stream is the table; it must come from one subtask.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Broadcast {
    /// The columns that must be equal.
    pub on: On,
    /// Which records come out.
    #[serde(default)]
    pub kind: BroadcastKind,
    /// Records wait until the table has its first row, so many per subtask at most; one more fails the job.
    #[serde(default)]
    pub hold: Option<Quantity>,
    /// The table is the same in whatever order its rows come, so they may come from several subtasks.
    #[serde(default)]
    pub commutative: bool,
    /// The columns of the result; all of both by default.
    #[serde(default)]
    pub columns: Entries<Expression>,
}

/// Which records come out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BroadcastKind {
    /// Records with a row of the table, and the row.
    #[default]
    Inner,
    /// All records, with the row if there is one.
    Left,
    /// Records with a row of the table, without the row.
    Semi,
    /// Records without a row of the table.
    Anti,
}

/// Each record with what a service knows about its key, asked while it is processed. Records without an answer are on the side output `failed`, if something takes it; else the job fails.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct LookupJoin {
    /// The columns that are looked up.
    pub key_by: Many<Name>,
    /// The name of a lookup that this program has registered, with its options below.
    pub lookup: Spanned<Entries<Raw>>,
    /// Whether records come out of whose key nothing is known.
    #[serde(default)]
    pub kind: LookupKind,
    /// Whether results keep the order of records.
    #[serde(default)]
    pub order: LookupOrder,
    /// How long a record waits for its answer, retries included.
    pub timeout: Spanned<Duration>,
    /// Records under way in one subtask, at most; 100 by default.
    #[serde(default)]
    pub capacity: Option<Quantity>,
    /// Whether a call that failed is made again.
    #[serde(default)]
    pub retry: Retry,
    /// Answers that are kept for a while.
    #[serde(default)]
    pub cache: Option<Cache>,
    /// The columns of the result; all of both by default.
    #[serde(default)]
    pub columns: Entries<Expression>,
}

/// Whether records come out of whose key nothing is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LookupKind {
    /// They do.
    #[default]
    Left,
    /// They do not.
    Inner,
}

/// Whether results keep the order of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LookupOrder {
    /// They do.
    #[default]
    Ordered,
    /// They come as they are answered, but do not pass watermarks.
    Unordered,
}

/// Whether a call that failed is made again.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Retry {
    /// It is not.
    #[default]
    Never,
    /// After the same delay.
    FixedDelay(RetryFixed),
    /// After delays that double.
    Exponential(RetryExponential),
}

/// Calls again after the same delay.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct RetryFixed {
    /// Calls in all.
    pub calls: Quantity,
    /// After each that failed.
    pub delay: Duration,
}

/// Calls again after delays that double.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct RetryExponential {
    /// Calls in all.
    pub calls: Quantity,
    /// Before the second call.
    pub first: Duration,
    /// The longest delay.
    pub most: Duration,
}

/// Answers that are kept for a while.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Cache {
    /// How many keys, those used last.
    pub entries: Quantity,
    /// How long each.
    pub ttl: Duration,
    /// `false`: keys of which nothing is known are asked for again.
    #[serde(default)]
    pub missing: Option<bool>,
}

/// Without a word about it, whatever has waited in vain comes out.
const fn full() -> JoinKind {
    JoinKind::Full
}
