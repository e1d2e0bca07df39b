//! What a file of cases looks like (schema `conformance-v1`), read strictly: a field that is not
//! known here is an error.
//!
//! Apart from the drive because areas whose cases are no steps read their own shape with the same
//! strictness.

use super::Case;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::fmt;
use tidegate_core::element::Status;
use tidegate_core::time::Timestamp;

/// A file of cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    schema: String,
    area: String,
    cases: Vec<Value>,
}

impl File {
    /// The cases with their names.
    pub(super) fn cases_checked(self) -> Result<Vec<Case>, String> {
        if !self.schema.starts_with("conformance-v1") {
            return Err(format!("the schema is `{}` and not `conformance-v1`", self.schema));
        }
        let case = |content: Value| {
            let id = content.get("id").and_then(Value::as_str).ok_or("a case has no `id`")?;
            Ok(Case { id: id.to_owned(), area: self.area.clone(), content })
        };
        self.cases.into_iter().map(case).collect()
    }
}

/// Reads a case, or a part of one, as its area knows it.
///
/// # Errors
/// What the area does not know or does not find.
pub fn read<T: DeserializeOwned>(content: &Value) -> Result<T, String> {
    T::deserialize(content).map_err(|error| format!("cannot be run: {error}"))
}

/// A case that consists of steps; `P` is what the area says of its operator.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stepped<P, S = Step> {
    /// Its name.
    pub id: String,
    /// Where it comes from.
    pub origin: String,
    /// Whether it is held back elsewhere.
    pub hidden: bool,
    /// The operator and its parameters.
    pub operator: P,
    /// What happens, in order.
    pub steps: Vec<S>,
    /// How what is emitted compares.
    #[serde(default)]
    pub order: Order,
}

/// How what a step emits is compared with what is expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Order {
    /// The sequence matters.
    #[default]
    #[serde(rename = "exact")]
    Exact,
    /// Records may be permuted, but not across a watermark.
    #[serde(rename = "within_step_records_unordered")]
    RecordsUnordered,
    /// Anything may be permuted; where a whole run may be, it is over when its last step is.
    #[serde(rename = "within_step_unordered", alias = "unordered, whole run")]
    Unordered,
    /// What is emitted is told by other cases.
    #[serde(rename = "only check_state steps are checked")]
    StateOnly,
}

/// One thing that happens to the operator.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// A record arrives.
    Element {
        /// The input it comes on.
        #[serde(default)]
        input: usize,
        /// The record.
        value: Value,
        /// Its event time, if it has one.
        ts: Option<i64>,
        /// What it makes the operator emit.
        #[serde(default)]
        expect: Vec<Emission>,
        /// Why the operator must refuse it.
        expect_error: Option<String>,
    },
    /// Event time advances.
    Watermark {
        /// The input on which it does.
        #[serde(default)]
        input: usize,
        /// How far.
        ts: i64,
        /// What it makes the operator emit.
        #[serde(default)]
        expect: Vec<Emission>,
    },
    /// An input falls idle or wakes up.
    Status {
        /// The input.
        #[serde(default)]
        input: usize,
        /// Which of the two.
        #[serde(deserialize_with = "status")]
        status: Status,
        /// What it makes the operator emit.
        #[serde(default)]
        expect: Vec<Emission>,
    },
    /// The wall clock advances.
    ProcessingTime {
        /// To this time.
        ts: i64,
        /// What it makes the operator emit.
        #[serde(default)]
        expect: Vec<Emission>,
    },
    /// A call of an asynchronous function is answered.
    AsyncComplete {
        /// The record it was made for.
        element: Value,
        /// The answer.
        results: Vec<Value>,
        /// What it makes the operator emit.
        #[serde(default)]
        expect: Vec<Emission>,
    },
    /// A checkpoint is taken.
    Snapshot {
        /// Its name.
        id: String,
    },
    /// The operator is thrown away; a new one goes on from a checkpoint.
    RestartFromSnapshot {
        /// The name of the checkpoint.
        id: String,
    },
    /// The operator has so much left in its state.
    Check {
        /// Keyed entries, timers not counted.
        state_entries: Option<Count>,
        /// Timers in event time.
        event_timers: Option<Count>,
    },
    /// A join has kept the records with these timestamps.
    CheckState {
        /// Of which side.
        buffer: String,
        /// In ascending order.
        timestamps_kept: Vec<i64>,
    },
    /// All input ends.
    End {
        /// What it makes the operator emit.
        #[serde(default)]
        expect: Vec<Emission>,
    },
    /// The operator is closed.
    Close {
        /// What it makes the operator emit.
        #[serde(default)]
        expect: Vec<Emission>,
    },
}

impl Step {
    /// What must be emitted during the step.
    #[must_use]
    pub fn expect(&self) -> &[Emission] {
        match self {
            Self::Element { expect, .. }
            | Self::Watermark { expect, .. }
            | Self::Status { expect, .. }
            | Self::ProcessingTime { expect, .. }
            | Self::AsyncComplete { expect, .. }
            | Self::End { expect }
            | Self::Close { expect } => expect,
            Self::Snapshot { .. }
            | Self::RestartFromSnapshot { .. }
            | Self::Check { .. }
            | Self::CheckState { .. } => &[],
        }
    }

    /// Why the step must fail, if it must.
    #[must_use]
    pub fn expect_error(&self) -> Option<&str> {
        match self {
            Self::Element { expect_error, .. } => expect_error.as_deref(),
            _ => None,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Element { input, value, ts, .. } => {
                write!(f, "element {value}{} on input {input}", At(*ts))
            }
            Self::Watermark { input, ts, .. } => write!(f, "watermark {ts} on input {input}"),
            Self::Status { input, status, .. } => write!(f, "{status:?} on input {input}"),
            Self::ProcessingTime { ts, .. } => write!(f, "processing time {ts}"),
            Self::AsyncComplete { element, .. } => write!(f, "answer to {element}"),
            Self::Snapshot { id } => write!(f, "snapshot {id}"),
            Self::RestartFromSnapshot { id } => write!(f, "restart from snapshot {id}"),
            Self::Check { .. } => f.write_str("check"),
            Self::CheckState { buffer, .. } => write!(f, "check state {buffer}"),
            Self::End { .. } => f.write_str("end"),
            Self::Close { .. } => f.write_str("close"),
        }
    }
}

/// How many there must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Count {
    /// So many.
    Exactly(u64),
    /// At least one.
    Some(Positive),
}

/// The text for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Positive {
    /// More than none.
    #[serde(rename = ">0")]
    Positive,
}

impl Count {
    /// Whether `found` is so many.
    #[must_use]
    pub const fn holds(self, found: u64) -> bool {
        match self {
            Self::Exactly(count) => found == count,
            Self::Some(Positive::Positive) => found > 0,
        }
    }
}

/// One thing that is emitted.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Emission {
    /// A record on the main output.
    Record {
        /// The record.
        value: Value,
        /// Its event time.
        #[serde(default, deserialize_with = "timestamp")]
        ts: Option<i64>,
    },
    /// A record on a side output.
    SideOutput {
        /// The name of the output.
        tag: String,
        /// The record.
        value: Value,
        /// Its event time.
        #[serde(default, deserialize_with = "timestamp")]
        ts: Option<i64>,
    },
    /// A watermark.
    Watermark {
        /// Event time; `i64::MAX` is its end.
        ts: i64,
    },
    /// A change of status.
    Status {
        /// The new status.
        #[serde(deserialize_with = "status")]
        status: Status,
    },
}

impl Emission {
    /// Makes a record one without event time.
    pub fn forget_time(&mut self) {
        if let Self::Record { ts, .. } | Self::SideOutput { ts, .. } = self {
            *ts = None;
        }
    }
}

impl fmt::Display for Emission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record { value, ts } => write!(f, "{value}{}", At(*ts)),
            Self::SideOutput { tag, value, ts } => write!(f, "{tag}: {value}{}", At(*ts)),
            Self::Watermark { ts } => write!(f, "watermark {ts}"),
            Self::Status { status } => write!(f, "{status:?}"),
        }
    }
}

/// An event time, as text.
struct At(Option<i64>);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |ts| write!(f, " @{ts}"))
    }
}

/// What a record says of its event time: the lowest is none at all.
#[must_use]
pub fn event_time(timestamp: Timestamp) -> Option<i64> {
    (timestamp > Timestamp::MIN).then(|| timestamp.millis())
}

fn timestamp<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    Ok(Option::<i64>::deserialize(from)?.map(Timestamp).and_then(event_time))
}

fn status<'de, D: Deserializer<'de>>(from: D) -> Result<Status, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Word {
        Idle,
        Active,
    }
    Ok(match Word::deserialize(from)? {
        Word::Idle => Status::Idle,
        Word::Active => Status::Active,
    })
}
