//! What is carried from one window to the next, so that a slide costs what enters and leaves and not
//! what the window holds: one running aggregate per key of the newest window.
//!
//! It is *derived*: all of it follows from the slices, so it is in no checkpoint. After a restore the
//! first window takes its slices in anew; a key whose slice a late record has changed is forgotten and
//! built anew when the next window fires.
//!
//! Invariants: the slices that have entered are those that end in `(from, upto]`, for every key that
//! is not stale; a slice leaves before it is dropped; a slice that has entered does not change, or its
//! key is stale.

use super::firing::Slices;
use crate::window::time_window::TimeWindow;
use hashbrown::hash_table::{Entry, HashTable};
use std::ops::Bound::{Excluded, Included};
use tidegate_core::key::Key;
use tidegate_core::state::Keyed;
use tidegate_core::state::aggregate::Aggregate;
use tidegate_core::time::Timestamp;

/// The slices of one key.
pub(crate) struct Parts<'a, K: Key, A: Aggregate> {
    pub(crate) at: Keyed<'a, K>,
    pub(crate) slices: &'a Slices<K, A>,
    pub(crate) aggregate: &'a A,
}

impl<'a, K: Key, A: Aggregate> Parts<'a, K, A> {
    /// What the key has in the slice that ends at `end`.
    pub(crate) fn part(&self, end: Timestamp) -> &'a A::Accumulator {
        self.slices.get(&end, self.at).expect("a slice that has entered is there until it leaves")
    }
}

/// The running aggregate of one key. Slices leave in the order in which they entered: from the oldest
/// to the newest for windows on time, the other way round in [`super::refire`].
pub(crate) trait Running<A: Aggregate>: Sized {
    /// That of the slice that ends at `end` alone.
    fn begin<K: Key>(end: Timestamp, parts: &Parts<'_, K, A>) -> Self;
    /// The slice that ends at `end` enters.
    fn enter<K: Key>(&mut self, end: Timestamp, parts: &Parts<'_, K, A>);
    /// The slice that entered first, which ends at `end`, leaves; false when it was the only one.
    fn leave<K: Key>(&mut self, end: Timestamp, parts: &Parts<'_, K, A>) -> bool;
    /// The result over all slices that have entered and not left.
    fn result<K: Key>(&self, parts: &Parts<'_, K, A>) -> A::Out;
}

/// The running aggregates of all keys.
pub(crate) struct Carry<K, R> {
    keys: HashTable<(K, R)>,
    /// Keys whose running aggregate has to be built anew.
    stale: HashTable<K>,
    from: Timestamp,
    upto: Timestamp,
}

impl<K, R> Default for Carry<K, R> {
    fn default() -> Self {
        let (from, upto) = (Timestamp::MIN, Timestamp::MIN);
        Self { keys: HashTable::new(), stale: HashTable::new(), from, upto }
    }
}

/// A table of more buckets than this is shrunk when few of them are used.
const BUCKETS_KEPT: usize = 1024;

/// Fewer than one used bucket in so many are few.
const FEW_USED: usize = 16;

impl<K: Key, R> Carry<K, R> {
    /// Goes on to `window`, which ends behind all windows before it.
    pub(crate) fn advance_to<A: Aggregate>(
        &mut self,
        window: TimeWindow,
        slices: &Slices<K, A>,
        aggregate: &A,
    ) where
        R: Running<A>,
    {
        if window.start != self.from {
            // The first window, or windows without data were skipped: nothing can be carried.
            self.clear();
            (self.from, self.upto) = (window.start, window.start);
        }
        let stale = std::mem::take(&mut self.stale);
        for key in stale {
            let at = Keyed::new(&key);
            for (end, table) in slices.range((Excluded(self.from), Included(self.upto))) {
                if table.get(at).is_some() {
                    self.enter(*end, &Parts { at, slices, aggregate });
                }
            }
        }
        for (end, table) in slices.range((Excluded(self.upto), Included(window.end))) {
            for (key, _) in table.iter() {
                self.enter(*end, &Parts { at: Keyed::new(key), slices, aggregate });
            }
        }
        self.upto = window.end;
    }

    fn enter<A: Aggregate>(&mut self, end: Timestamp, parts: &Parts<'_, K, A>)
    where
        R: Running<A>,
    {
        let known = |(key, _): &(K, R)| key == parts.at.key;
        match self.keys.entry(parts.at.hash, known, |(key, _)| key.stable_hash()) {
            Entry::Occupied(entry) => entry.into_mut().1.enter(end, parts),
            Entry::Vacant(entry) => {
                entry.insert((parts.at.key.clone(), R::begin(end, parts)));
            }
        }
    }

    /// Lets the slices leave that the `next` window does not contain.
    pub(crate) fn retire<A: Aggregate>(
        &mut self,
        next: TimeWindow,
        slices: &Slices<K, A>,
        aggregate: &A,
    ) where
        R: Running<A>,
    {
        if next.start >= self.upto {
            self.clear();
        } else {
            for (end, table) in slices.range((Excluded(self.from), Included(next.start))) {
                for (key, _) in table.iter() {
                    self.leave(*end, &Parts { at: Keyed::new(key), slices, aggregate });
                }
            }
        }
        self.from = next.start;
        self.upto = self.upto.max(next.start);
        let (buckets, used) = (self.keys.num_buckets(), self.keys.len());
        if buckets > BUCKETS_KEPT && used * FEW_USED < buckets {
            self.keys.shrink_to(used, |(key, _)| key.stable_hash());
        }
    }

    fn leave<A: Aggregate>(&mut self, end: Timestamp, parts: &Parts<'_, K, A>)
    where
        R: Running<A>,
    {
        let known = |(key, _): &(K, R)| key == parts.at.key;
        let found = self.keys.find_entry(parts.at.hash, known).ok();
        let mut entry = found.expect("a key is there as long as one of its slices");
        if !entry.get_mut().1.leave(end, parts) {
            entry.remove();
        }
    }

    /// A late record has changed what `at` has in the slice that ends at `end`.
    pub(crate) fn forget(&mut self, end: Timestamp, at: Keyed<'_, K>) {
        if self.from < end && end <= self.upto {
            if let Ok(entry) = self.keys.find_entry(at.hash, |(key, _)| key == at.key) {
                entry.remove();
            }
            let known = |key: &K| key == at.key;
            if let Entry::Vacant(entry) = self.stale.entry(at.hash, known, K::stable_hash) {
                entry.insert(at.key.clone());
            }
        }
    }

    fn clear(&mut self) {
        self.keys.clear();
        self.stale.clear();
    }

    /// The first key at or behind `position` with its result, and the position behind it: a walk that
    /// can be broken off and resumed as long as nothing enters or leaves.
    pub(crate) fn next_from<A: Aggregate>(
        &self,
        position: usize,
        slices: &Slices<K, A>,
        aggregate: &A,
    ) -> Option<(usize, K, A::Out)>
    where
        R: Running<A>,
    {
        (position..self.keys.num_buckets()).find_map(|bucket| {
            let (key, running) = self.keys.get_bucket(bucket)?;
            let parts = Parts { at: Keyed::new(key), slices, aggregate };
            Some((bucket + 1, key.clone(), running.result(&parts)))
        })
    }
}
