//! The model of a topology: what a file says once its shape is right.
//!
//! One file per family of kinds. Doc comments here are what users read: they are the descriptions of the
//! JSON Schema, shown by editors. Keys are in snake_case, words in kebab-case.

mod aggregate_call;
mod dedup;
mod format;
mod job;
mod join;
mod operator;
mod pattern;
mod quantity;
mod rank;
mod read;
mod sink;
mod source;
mod text;
mod time;
mod window;

pub use aggregate_call::{AGGREGATES, AggregateCall, Argument, Signature, WrongCall};
pub use dedup::{Bitmap, Bloom, Dedup, FirstRow, LastRow};
pub use format::{Csv, Format};
pub use job::{Checkpoint, CheckpointMode, Job, Metrics, Restart, State, StateBackend};
pub use job::{ExponentialDelay, FailureRate, FixedDelay};
pub use join::{
    Between, Books, Broadcast, BroadcastKind, Cache, IntervalJoin, JoinKind, LookupJoin,
    LookupKind, LookupOrder, On, OuterJoin, Pairing, Reconcile, Retry, TemporalJoin, UnboundedJoin,
    UnboundedPairing, Validity, WindowJoin, WindowJoinKind,
};
pub use operator::{Explode, FlatMap, Map, Materialize, OperatorKind, SplitText, Unusable};
pub use pattern::{AfterMatch, Contiguity, MatchLimits, Pattern, Stage, Times};
pub use quantity::{Duration, Quantity, Size, TimeZone};
pub use rank::{Aggregated, Ranking, TopN};
pub use read::{Common, Document, Kind, Node, Role, read};
pub(crate) use read::{OperatorKeys, SECTIONS, SinkKeys, SourceKeys};
pub use sink::{Changes, FileSink, Print, Roll, SinkKind};
pub use source::{
    AppEvents, Clicks, DeadLetters, FileSource, FolderSource, Generator, Inline, Nexmark, Sequence,
    SourceKind, Stdin,
};
pub use text::{
    AggregateText, Entries, Expression, Many, Name, Retain, SchemaText, Text, TypeText,
};
pub use time::{Align, Clock, Emit, EventTime, Watermark};
pub use window::{
    Calendar, CalendarUnit, CountWindow, Cumulate, Delta, Evict, EvictWhen, Session, Sliding,
    Trigger, Tumbling, Window, Windowing,
};

/// What a mapping without keys says: nothing more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(default)]
#[schemars(extend("type" = ["object", "null"], "additionalProperties" = false))]
pub struct Empty {}
