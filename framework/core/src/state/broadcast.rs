//! Broadcast state: a map that is the same on all subtasks, such as rules that every one applies.
//!
//! Apart from list state because of its law: all subtasks receive the same records in the same order on
//! a broadcast input and must do the same to the map, or they drift apart. Each snapshot holds a copy
//! per subtask; on restore every subtask takes one old copy, its own where there is one.

use super::{OperatorState, Value};
use crate::codec::{self, DecodeError};
use crate::snapshot::Redistribution;
use std::collections::BTreeMap;

/// An ordered map that is the same on all subtasks.
///
/// ```
/// use tidegate_core::state::broadcast::BroadcastState;
/// let mut rules = BroadcastState::default();
/// rules.insert("limit", 5);
/// assert_eq!(rules.get(&"limit"), Some(&5));
/// ```
#[derive(Clone, Debug)]
pub struct BroadcastState<U, V> {
    entries: BTreeMap<U, V>,
}

impl<U, V> Default for BroadcastState<U, V> {
    fn default() -> Self {
        Self { entries: BTreeMap::new() }
    }
}

impl<U: Ord, V> BroadcastState<U, V> {
    /// The value of `entry`.
    #[must_use]
    pub fn get(&self, entry: &U) -> Option<&V> {
        self.entries.get(entry)
    }

    /// Sets `entry`; only for what comes on the broadcast input.
    pub fn insert(&mut self, entry: U, value: V) -> Option<V> {
        self.entries.insert(entry, value)
    }

    /// Removes `entry`; only for what comes on the broadcast input.
    pub fn remove(&mut self, entry: &U) -> Option<V> {
        self.entries.remove(entry)
    }

    /// All entries, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&U, &V)> {
        self.entries.iter()
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<U: Value + Ord, V: Value> OperatorState for BroadcastState<U, V> {
    fn redistribution(&self) -> Redistribution {
        Redistribution::Broadcast
    }

    fn snapshot(&self) -> Vec<Vec<u8>> {
        self.entries.iter().map(|entry| codec::to_cbor(&entry)).collect()
    }

    fn restore(&mut self, elements: &[Vec<u8>]) -> Result<(), DecodeError> {
        self.entries = elements.iter().map(|e| codec::from_cbor(e)).collect::<Result<_, _>>()?;
        Ok(())
    }
}
