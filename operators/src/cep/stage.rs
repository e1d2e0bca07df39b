//! One stage of a pattern, as the user has described it: what it takes, how often, and what may lie before
//! and between.

use crate::cep::condition::Criterion;

/// What may lie between the stage before and this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contiguity {
    /// Nothing: the very next event must fit.
    Next,
    /// Events that do not fit.
    FollowedBy,
    /// Any events: one that fits may also be left for a later match.
    FollowedByAny,
    /// Absence: the very next event must not fit.
    NotNext,
    /// Absence: no event may fit until the following stage takes one.
    NotFollowedBy,
}

impl Contiguity {
    pub(super) const fn is_absence(self) -> bool {
        matches!(self, Self::NotNext | Self::NotFollowedBy)
    }
}

/// How many events a stage takes, or how often a group runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantifier {
    One,
    Times { from: usize, to: usize },
    AtLeast(usize),
}

/// A stage; a group if it has stages of its own.
pub(super) struct Stage<T> {
    pub(super) name: String,
    pub(super) contiguity: Contiguity,
    pub(super) group: Option<Vec<Self>>,
    /// What it takes; anything where nothing is asked.
    pub(super) criterion: Option<Criterion<T>>,
    pub(super) until: Option<Criterion<T>>,
    pub(super) quantifier: Quantifier,
    /// What may lie between repetitions; as for `FollowedBy` where nothing is said.
    pub(super) between: Option<Contiguity>,
    pub(super) optional: bool,
    pub(super) greedy: bool,
    /// From the event before to the one this stage takes.
    pub(super) within_previous_ms: Option<i64>,
    /// From one repetition to the next.
    pub(super) repeats_within_ms: Option<i64>,
}

impl<T> Clone for Stage<T> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            contiguity: self.contiguity,
            group: self.group.clone(),
            criterion: self.criterion.clone(),
            until: self.until.clone(),
            quantifier: self.quantifier,
            between: self.between,
            optional: self.optional,
            greedy: self.greedy,
            within_previous_ms: self.within_previous_ms,
            repeats_within_ms: self.repeats_within_ms,
        }
    }
}

impl<T> Stage<T> {
    pub(super) fn new(name: String, contiguity: Contiguity) -> Self {
        Self {
            name,
            contiguity,
            group: None,
            criterion: None,
            until: None,
            quantifier: Quantifier::One,
            between: None,
            optional: false,
            greedy: false,
            within_previous_ms: None,
            repeats_within_ms: None,
        }
    }

    /// How it is called in errors.
    pub(super) fn called(&self) -> String {
        match &self.group {
            None => format!("stage `{}`", self.name),
            Some(stages) => {
                let first = stages.first().map_or("", |stage| stage.name.as_str());
                format!("the group that begins with `{first}`")
            }
        }
    }
}
