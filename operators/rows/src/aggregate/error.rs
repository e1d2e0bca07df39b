//! What is wrong with a call, and what went wrong while records were aggregated. Apart because all aggregates report it.

use serde::{Deserialize, Serialize};

/// Where in a call a mistake is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemPlace {
    /// The call as a whole.
    Call,
    /// The argument of this index.
    Argument(usize),
    /// The condition of its FILTER.
    Filter,
    /// The time by which `first` and `last` go.
    Order,
}

/// A mistake in a call, found before any record is read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}; {help}")]
pub struct AggregateProblem {
    /// Where.
    pub place: ProblemPlace,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// A result that cannot be given: a record for which an argument has no value, or a sum beyond its type.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error,
)]
#[error("aggregate `{}`: {}", .0.aggregate, .0.message)]
#[serde(transparent)]
pub struct AggregateError(Box<Told>);

/// What is told of it; apart and boxed, as results travel by the million and hardly ever fail.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Told {
    aggregate: String,
    message: String,
}

impl AggregateError {
    pub(crate) fn new(aggregate: String, message: String) -> Self {
        Self(Box::new(Told { aggregate, message }))
    }

    /// The name of the column that the result should fill.
    #[must_use]
    pub fn aggregate(&self) -> &str {
        &self.0.aggregate
    }

    /// What happened.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }
}

/// The records that failed: how many, and one of them to tell.
///
/// Which is told does not depend on the order: the smallest. After parts were deducted it may be one of theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failures {
    #[serde(rename = "n")]
    pub(crate) count: u64,
    #[serde(rename = "e")]
    pub(crate) example: AggregateError,
}

impl Failures {
    #[cold]
    pub(crate) fn join(into: &mut Option<Box<Self>>, count: u64, example: AggregateError) {
        match into {
            None => *into = Some(Box::new(Self { count, example })),
            Some(failures) => {
                failures.count = failures.count.saturating_add(count);
                if example < failures.example {
                    failures.example = example;
                }
            }
        }
    }

    #[cold]
    pub(crate) fn take(from: &mut Option<Box<Self>>, part: &Self) {
        if let Some(failures) = from {
            failures.count = failures.count.saturating_sub(part.count);
            if failures.count == 0 {
                *from = None;
            }
        }
    }
}
