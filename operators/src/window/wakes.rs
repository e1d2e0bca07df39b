//! Wakes: which key is to be looked at when, by one clock.
//!
//! Not state: each key's own entry says when it is to be looked at, and after a restore the wakes are
//! gathered from there. A wake only ever comes too early. When a session has grown meanwhile, or a
//! trigger has deleted its timer, whoever is woken finds nothing due and says when to come again; so
//! a record that merely extends a session touches no queue.
//!
//! A wake whose key says otherwise by now is *stale* and means nothing. Stale ones are bounded: when
//! most of them must be, all are gathered anew.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use tidegate_core::key::Key;
use tidegate_core::time::Timestamp;

/// So many stale wakes are always put up with.
const STALE_MIN: usize = 1024;

/// Keys by the time at which they are to be looked at; equal times in the order of the keys.
pub(super) struct Wakes<K> {
    heap: BinaryHeap<Reverse<(Timestamp, K)>>,
}

impl<K: Key> Default for Wakes<K> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new() }
    }
}

impl<K: Key> Wakes<K> {
    pub(super) fn push(&mut self, at: Timestamp, key: K) {
        self.heap.push(Reverse((at, key)));
    }

    /// When the next one is due.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes the next one that is due at `now`.
    pub(super) fn pop_due(&mut self, now: Timestamp) -> Option<(Timestamp, K)> {
        self.next().filter(|at| *at <= now)?;
        self.heap.pop().map(|Reverse(wake)| wake)
    }

    /// Whether most must be stale, when `keys` keys have one each at most.
    pub(super) fn are_mostly_stale(&self, keys: usize) -> bool {
        self.heap.len() > STALE_MIN.max(keys.saturating_mul(2))
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    /// Replaces all.
    pub(super) fn gather(&mut self, wakes: impl Iterator<Item = (Timestamp, K)>) {
        self.heap.clear();
        self.heap.extend(wakes.map(Reverse));
    }
}
