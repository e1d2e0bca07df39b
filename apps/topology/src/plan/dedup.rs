//! Deduplication: one row of each key.

use super::NodePlan;
use super::aggregate::{names, retain_ms};
use super::walk::{Input, Planned, Planning};
use crate::document::{Clock, Dedup};
use tidegate_rows::DataType;
use tidegate_rows::expression::Evaluator;

/// Which row of each key is kept.
#[derive(Clone, Debug)]
pub enum DedupPlan {
    /// The first one.
    First {
        /// The columns of the key.
        key: Vec<usize>,
        /// Whether first is by event time.
        by_time: bool,
        /// How long a key is remembered, in milliseconds; for ever if not said.
        retain_ms: Option<i64>,
        /// Whether the time counts from the last row.
        refreshed: bool,
    },
    /// The last one, as a changelog.
    Last {
        /// The columns of the key.
        key: Vec<usize>,
        /// Whether last is by event time.
        by_time: bool,
        /// How long a key is remembered, in milliseconds; for ever if not said.
        retain_ms: Option<i64>,
    },
    /// The first of each number, an int64 that is not NULL; a row with one below 0 cannot be used.
    Bitmap(Evaluator),
    /// The first of each key, by a Bloom filter.
    Bloom {
        /// The columns of the key.
        key: Vec<usize>,
        /// Keys that are expected.
        expected: u64,
        /// The share of first rows that may be lost then.
        false_positives: f64,
    },
}

impl DedupPlan {
    /// The columns of the key, where it is one of columns.
    #[must_use]
    pub fn key(&self) -> Option<&Vec<usize>> {
        match self {
            Self::First { key, .. } | Self::Last { key, .. } | Self::Bloom { key, .. } => Some(key),
            Self::Bitmap(_) => None,
        }
    }
}

impl Planning<'_> {
    pub(super) fn dedup(&mut self, dedup: &Dedup, input: &Input) -> Planned {
        let schema = input.schema.as_ref();
        let mut named = Vec::new();
        let plan = match dedup {
            Dedup::FirstRow(first) => {
                let key = self.key(&first.key_by, schema);
                let refreshed = first.refreshed_by_duplicates.as_ref().is_some_and(|on| on.value);
                let by_time = first.time == Clock::EventTime;
                let retain_ms = retain_ms(first.retain);
                key.map(|key| DedupPlan::First { key, by_time, retain_ms, refreshed })
            }
            Dedup::LastRow(last) => {
                named = names(&last.key_by);
                let by_time = last.time == Clock::EventTime;
                let retain_ms = retain_ms(last.retain);
                let key = self.key(&last.key_by, schema);
                key.map(|key| DedupPlan::Last { key, by_time, retain_ms })
            }
            Dedup::Bitmap(bitmap) => {
                let is_number = |found: &DataType| *found == DataType::Int64;
                let help = "for keys that are no numbers there is `first_row`";
                let found = self.of_type(&bitmap.id, schema, "an int64", is_number, help);
                found.map(|found| DedupPlan::Bitmap(found.value()))
            }
            Dedup::Bloom(bloom) => {
                let (expected, false_positives) = (bloom.expected.0, bloom.false_positives.value);
                let key = self.key(&bloom.key_by, schema);
                key.map(|key| DedupPlan::Bloom { key, expected, false_positives })
            }
        };
        let has_late = matches!(dedup, Dedup::FirstRow(first) if first.time == Clock::EventTime);
        let planned = Planned::new(plan.map(NodePlan::Dedup), input.schema.clone()).keyed(named);
        if has_late { planned.side("late", input.schema.clone()) } else { planned }
    }
}
