//! Patterns: events that follow each other (complex event processing), with Flink's meaning.

use super::{Clock, Duration, Entries, Expression, Many, Name, Quantity};
use crate::decode::Spanned;
use schemars::JsonSchema;
use serde::Deserialize;

/// Events of a key that follow each other. Late records are on the side output `late`, matches that ran out of time on `timed_out`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Pattern {
    /// The columns whose values make a group.
    pub key_by: Many<Name>,
    /// What follows what.
    pub stages: Spanned<Vec<Spanned<Stage>>>,
    /// From its first event to its last, a match lasts less than this.
    #[serde(default)]
    pub within: Option<Spanned<Duration>>,
    /// Where matching goes on after a match.
    #[serde(default)]
    pub after_match: AfterMatch,
    /// A match in which the stage of `after_match` has taken nothing fails the job.
    #[serde(default)]
    pub fail_on_miss: bool,
    /// The columns of a match, such as `paid_at: last(pay.ts)`; of all events of a stage by `count`, `sum`, `avg`, `min` and `max`.
    pub columns: Entries<Expression>,
    /// The columns of a match that ran out of time, for the side output `timed_out`.
    #[serde(default)]
    pub timed_out: Option<Entries<Expression>>,
    /// The clock that orders events.
    #[serde(default)]
    pub time: Clock,
    /// The order of events of the same time.
    #[serde(default)]
    pub order_ties_by: Many<Expression>,
    /// Bounds on what is kept of a key.
    #[serde(default)]
    pub limits: Option<MatchLimits>,
}

/// A stage of a pattern: one event or several, or a group of stages.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Stage {
    /// Its name, for expressions such as `first(pay.ts)`.
    #[serde(default)]
    pub name: Option<Name>,
    /// How it follows the stage before.
    #[serde(default)]
    pub after: Contiguity,
    /// What an event must be; may look at what stages, this one too, have taken before it: `last(pay.ts)`, `sum(pay.amount)`.
    #[serde(rename = "where", default)]
    pub condition: Option<Expression>,
    /// A group of stages in place of an event.
    #[serde(default)]
    pub group: Option<Vec<Spanned<Self>>>,
    /// How often it repeats.
    #[serde(default)]
    pub times: Times,
    /// A match need not have it.
    #[serde(default)]
    pub optional: bool,
    /// Repetitions take what they can, and leave nothing that fits to the following stage.
    #[serde(default)]
    pub greedy: bool,
    /// Nothing lies between repetitions.
    #[serde(default)]
    pub consecutive: bool,
    /// Anything may lie between repetitions, also events that fit: a match for each combination.
    #[serde(default)]
    pub combinations: bool,
    /// A stage that repeats without end stops before such an event.
    #[serde(default)]
    pub until: Option<Expression>,
    /// From the event before to this one it lasts less than this.
    #[serde(default)]
    pub within: Option<Duration>,
    /// From one repetition to the next it lasts less than this.
    #[serde(default)]
    pub repeats_within: Option<Duration>,
}

/// How a stage follows the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Contiguity {
    /// The next event that fits; others are ignored.
    #[default]
    FollowedBy,
    /// The very next event.
    Next,
    /// Each event that fits, one match for each.
    FollowedByAny,
    /// The very next event must not fit.
    NotNext,
    /// No event may fit before the following stage, or until the time is over.
    NotFollowedBy,
}

/// How often a stage repeats.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Times {
    /// Once.
    #[default]
    Once,
    /// Once or more.
    OneOrMore,
    /// So many times.
    Exactly(Quantity),
    /// So many times or more.
    AtLeast(Quantity),
    /// From the first to the second number of times.
    Between(Spanned<[u32; 2]>),
}

/// Which other matches go when one has been found.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AfterMatch {
    /// None: every match is found.
    #[default]
    NoSkip,
    /// Those that begin with the same event.
    ToNext,
    /// Those that begin before the match has ended: matches do not overlap.
    PastLastEvent,
    /// Those that begin before the first event of this stage.
    ToFirst(Name),
    /// Those that begin before the last event of this stage.
    ToLast(Name),
}

/// Bounds on what is kept of a key.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct MatchLimits {
    /// Matches that have begun.
    pub partial_matches: Quantity,
    /// Events that are kept for them.
    pub entries: Quantity,
}
