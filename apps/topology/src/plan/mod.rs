//! The plan: what a topology says once every column has a type and every expression is compiled.
//!
//! Apart from the document because nothing of its text is left: predicates, evaluators, indices of columns and
//! milliseconds, from which operators of the typed API can be made without asking anything again. One file per
//! family of kinds, as in [`crate::document`]; the doc comment of each says how it is built where that is not plain.
//!
//! [`plan`] walks the graph once, inputs before those who take them. Everything wrong is told at once; a node whose
//! input has no columns because of a mistake before it tells only of mistakes that are its own whatever comes.

mod aggregate;
mod dedup;
mod expression;
mod format;
mod inline;
mod join;
mod join_output;
mod join_pairs;
mod lookup;
mod meaning;
mod pattern;
mod pattern_text;
mod rank;
mod sink;
mod source;
mod step;
mod taken;
mod time;
mod union;
mod walk;
mod window;

pub use aggregate::{AggregatePlan, Aggregation};
pub use dedup::DedupPlan;
pub use format::FormatPlan;
pub(crate) use inline::{RowReader, not_a_column, time};
pub use join::{BroadcastPlan, JoinKeys, TemporalPlan, UnboundedPlan};
pub use join_output::{JoinColumn, JoinOutput};
pub use join_pairs::{Bounds, IntervalPlan, JoinWindows, OuterPlan, ReconcilePlan, WindowJoinPlan};
pub use lookup::{LookupPlan, RetryPlan};
pub use pattern::{ConditionPlan, MatchColumn, PatternPlan, StagePlan, TimesPlan};
pub use rank::{OrderTerm, RankingPlan, TopNPlan};
pub use sink::SinkPlan;
pub use source::SourcePlan;
pub use step::{FlatMapPlan, StepColumn};
pub use taken::Taken;
pub use time::{EmitPlan, EventTimePlan, WatermarkPlan};
pub use window::{EvictPlan, EvictRule, TriggerPlan, WindowPlan, Windows};

use crate::document::{Materialize, Restart, Role, Unusable};
use crate::kinds::Configuration;
use std::fmt;
use tidegate_rows::Schema;
use tidegate_rows::expression::Predicate;

pub use walk::plan;

/// A topology, ready to be built.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The nodes, inputs before those who take them.
    pub nodes: Vec<PlanNode>,
}

/// A source, an operator or a sink.
#[derive(Clone, Debug)]
pub struct PlanNode {
    /// Its name: the uid of its state.
    pub name: String,
    /// Its section.
    pub role: Role,
    /// Subtasks, if it says how many.
    pub parallelism: Option<u32>,
    /// Whether it may be fused with its neighbours.
    pub chaining: bool,
    /// What follows its failures, if not what the job says.
    pub restart: Option<Restart>,
    /// What becomes of a record for which an expression has no value. Built in front of the operator, by a stage that
    /// evaluates what can fail: `skip` leaves the record out there, counted as dropped.
    pub unusable: Unusable,
    /// Where its records come from.
    pub inputs: Vec<PortRef>,
    /// What it is.
    pub kind: NodePlan,
    /// What its state means, if it has any: state of another meaning is not taken over.
    pub meaning: Option<String>,
    /// What it gives, the main output first, then its side outputs. A sink gives nothing.
    pub outputs: Vec<Port>,
}

/// An output of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortRef {
    /// The node, by its place in the plan.
    pub node: usize,
    /// Which of its outputs.
    pub output: usize,
}

/// What an output carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name; none of the main output.
    pub side: Option<String>,
    /// The columns of its rows.
    pub schema: Schema,
    /// Whether rows are taken back (a changelog).
    pub changes: bool,
    /// Whether watermarks come before the input has ended.
    pub watermarks: bool,
    /// The columns whose values name a row or a group, where the kind of the node says so; else none.
    pub key: Vec<String>,
}

/// What a node is, compiled.
#[derive(Clone)]
pub enum NodePlan {
    /// A built-in source.
    Source(SourcePlan, Option<EventTimePlan>),
    /// Keeps rows for which the predicate is TRUE.
    Filter(Predicate),
    /// Makes rows of these columns (`project` and `map`).
    Columns(Vec<StepColumn>),
    /// Makes any number of rows of each.
    FlatMap(FlatMapPlan),
    /// Another event time in mid-stream.
    AssignTimestamps(EventTimePlan),
    /// Streams of the same columns as one.
    Union,
    /// Each row to the side output of the first predicate that is TRUE, in order; else to the main one.
    Split(Vec<Predicate>),
    /// Windows with aggregates.
    Window(Box<WindowPlan>),
    /// Aggregates without a window.
    Aggregate(AggregatePlan),
    /// The first rows of each key.
    TopN(TopNPlan),
    /// One row of each key.
    Dedup(DedupPlan),
    /// Pairs within an interval.
    IntervalJoin(IntervalPlan),
    /// Pairs within a window.
    WindowJoin(WindowJoinPlan),
    /// Each side waits for the other.
    OuterJoin(OuterPlan),
    /// The version of a table at a row's time.
    TemporalJoin(TemporalPlan),
    /// Every pair.
    UnboundedJoin(UnboundedPlan),
    /// What a service knows.
    LookupJoin(LookupPlan),
    /// Two accounts of the same events.
    Reconcile(ReconcilePlan),
    /// A table that every subtask has.
    Broadcast(BroadcastPlan),
    /// Events that follow each other.
    Pattern(Box<PatternPlan>),
    /// The rows that a changelog amounts to, by these columns; whether one row per key, the last.
    Materialize(Vec<usize>, bool),
    /// Rows as changes that only add.
    ToChangelog,
    /// A built-in sink.
    Sink(SinkPlan),
    /// A kind that the program has registered.
    Registered(String, Configuration),
}

impl NodePlan {
    /// The word for it in a topology.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Source(SourcePlan::File { .. }, _) | Self::Sink(SinkPlan::File { .. }) => "file",
            Self::Source(SourcePlan::Folder { .. }, _) => "folder",
            Self::Source(SourcePlan::Stdin { .. }, _) => "stdin",
            Self::Source(SourcePlan::Generator(_), _) => "generator",
            Self::Source(SourcePlan::Inline(_), _) => "inline",
            Self::Filter(_) => "filter",
            Self::Columns(_) => "project",
            Self::FlatMap(_) => "flat_map",
            Self::AssignTimestamps(_) => "assign_timestamps",
            Self::Union => "union",
            Self::Split(_) => "split",
            Self::Window(_) => "window",
            Self::Aggregate(_) => "aggregate",
            Self::TopN(_) => "top_n",
            Self::Dedup(_) => "dedup",
            Self::IntervalJoin(_) => "interval_join",
            Self::WindowJoin(_) => "window_join",
            Self::OuterJoin(_) => "outer_join",
            Self::TemporalJoin(_) => "temporal_join",
            Self::UnboundedJoin(_) => "unbounded_join",
            Self::LookupJoin(_) => "lookup_join",
            Self::Reconcile(_) => "reconcile",
            Self::Broadcast(_) => "broadcast",
            Self::Pattern(_) => "pattern",
            Self::Materialize(..) => "materialize",
            Self::ToChangelog => "to_changelog",
            Self::Sink(SinkPlan::Print(_)) => "print",
            Self::Sink(SinkPlan::Discard) => "discard",
            Self::Registered(name, _) => name,
        }
    }
}

impl NodePlan {
    /// The columns by which a join brings two streams together.
    #[must_use]
    pub const fn join_keys(&self) -> Option<&JoinKeys> {
        match self {
            Self::IntervalJoin(join) => Some(&join.keys),
            Self::WindowJoin(join) => Some(&join.keys),
            Self::OuterJoin(join) => Some(&join.keys),
            Self::TemporalJoin(join) => Some(&join.keys),
            Self::UnboundedJoin(join) => Some(&join.keys),
            Self::Reconcile(join) => Some(&join.keys),
            Self::Broadcast(join) => Some(&join.keys),
            _ => None,
        }
    }
}

impl fmt::Debug for NodePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodePlan({})", self.word())
    }
}

/// Whether one row per key is kept, for [`NodePlan::Materialize`].
const fn is_unique(materialize: &Materialize) -> bool {
    materialize.primary_key
}
