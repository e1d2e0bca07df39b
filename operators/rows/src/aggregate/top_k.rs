//! How often each value occurs: what the most frequent ones are read off. Exact, so that the result depends on the
//! values alone; the state grows with the different values there are.

use crate::value::Value;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Counts by value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Frequencies(BTreeMap<Value, u64>);

impl Frequencies {
    pub(crate) fn put(&mut self, value: Value) {
        *self.0.entry(value).or_default() += 1;
    }

    pub(crate) fn join(&mut self, part: &Self) {
        for (value, count) in &part.0 {
            match self.0.get_mut(value) {
                Some(own) => *own = own.saturating_add(*count),
                None => {
                    self.0.insert(value.clone(), *count);
                }
            }
        }
    }

    pub(crate) fn take(&mut self, part: &Self) {
        for (value, count) in &part.0 {
            if let Entry::Occupied(mut own) = self.0.entry(value.clone()) {
                *own.get_mut() = own.get().saturating_sub(*count);
                if *own.get() == 0 {
                    own.remove();
                }
            }
        }
    }

    /// The most frequent values with their counts, in a list.
    pub(crate) fn top(&self, k: usize) -> Value {
        let mut all: Vec<(&Value, u64)> =
            self.0.iter().map(|(value, count)| (value, *count)).collect();
        let order = |entry: &(&Value, u64)| Reverse(entry.1);
        if k < all.len() {
            // Values ascend already, and ties go by them.
            all.select_nth_unstable_by(k, |left, right| {
                order(left).cmp(&order(right)).then_with(|| left.0.cmp(right.0))
            });
            all.truncate(k);
        }
        all.sort_unstable_by(|left, right| {
            order(left).cmp(&order(right)).then_with(|| left.0.cmp(right.0))
        });
        let count = |count: u64| Value::Int64(i64::try_from(count).unwrap_or(i64::MAX));
        Value::list(
            all.into_iter().map(|(value, often)| Value::structure([value.clone(), count(often)])),
        )
    }
}
