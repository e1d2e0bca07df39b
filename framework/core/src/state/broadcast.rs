//! Broadcast state: a map that is the same on all subtasks, such as rules that every one applies.
//!
//! Apart from list state because of its law: all subtasks receive the same records in the same order on
//! a broadcast input and must do the same to the map, or they drift apart. Each snapshot holds a copy
//! per subtask; on restore every subtask takes one old copy, its own where there is one.

use super::{OperatorState, Value};
use crate::codec::{self, DecodeError};
use crate::snapshot::Redistribution;
use hashbrown::HashMap;
use std::collections::BTreeSet;
use std::hash::Hash;

/// A map that is the same on all subtasks; its order is that of its entries.
///
/// Every record looks into it and few change it: so it finds an entry by its hash, and keeps the order
/// beside that.
///
/// ```
/// use tidegate_core::state::broadcast::BroadcastState;
/// let mut rules = BroadcastState::default();
/// rules.insert("limit", 5);
/// assert_eq!(rules.get(&"limit"), Some(&5));
/// ```
#[derive(Clone, Debug)]
pub struct BroadcastState<U, V> {
    values: HashMap<U, V>,
    /// Its entries in order; a walk over a hash map would differ from subtask to subtask.
    order: BTreeSet<U>,
}

impl<U, V> Default for BroadcastState<U, V> {
    fn default() -> Self {
        Self { values: HashMap::new(), order: BTreeSet::new() }
    }
}

impl<U: Ord + Hash + Clone, V> BroadcastState<U, V> {
    /// The value of `entry`.
    #[inline]
    #[must_use]
    pub fn get(&self, entry: &U) -> Option<&V> {
        self.values.get(entry)
    }

    /// Sets `entry`; only for what comes on the broadcast input.
    pub fn insert(&mut self, entry: U, value: V) -> Option<V> {
        let before = self.values.insert(entry.clone(), value);
        if before.is_none() {
            self.order.insert(entry);
        }
        before
    }

    /// Removes `entry`; only for what comes on the broadcast input.
    pub fn remove(&mut self, entry: &U) -> Option<V> {
        self.order.remove(entry);
        self.values.remove(entry)
    }

    /// All entries, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&U, &V)> {
        self.order
            .iter()
            .map(|entry| (entry, self.values.get(entry).expect("what is in the order has a value")))
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

impl<U: Value + Ord + Hash, V: Value> OperatorState for BroadcastState<U, V> {
    fn redistribution(&self) -> Redistribution {
        Redistribution::Broadcast
    }

    fn snapshot(&self) -> Vec<Vec<u8>> {
        self.iter().map(|entry| codec::to_cbor(&entry)).collect()
    }

    fn restore(&mut self, elements: &[Vec<u8>]) -> Result<(), DecodeError> {
        *self = Self::default();
        for element in elements {
            let (entry, value) = codec::from_cbor(element)?;
            self.insert(entry, value);
        }
        Ok(())
    }
}
