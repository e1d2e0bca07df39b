//! Timers: per key, in event time or processing time, deduplicated, deletable, part of the snapshot.
//!
//! A timer is a pair (timestamp, key): registered twice, it fires once. Timers fire in the order of
//! their timestamps, and among equal ones in the order of their keys, so a replay fires them alike.

use crate::codec::DecodeError;
use crate::key::{Key, KeyGroupRange, MaxParallelism};
use crate::state::delta::Delta;
use crate::state::delta_writer::DeltaWriter;
use crate::state::in_groups::in_groups;
use crate::state::{Frozen, KeyedState, StateVisitor};
use crate::time::Timestamp;
use std::collections::BTreeSet;

/// The clock a timer goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeDomain {
    /// Fires when the watermark reaches the timestamp.
    Event,
    /// Fires when the wall clock reaches the timestamp.
    Processing,
}

/// The timers of one domain.
#[derive(Clone, Debug)]
pub struct TimerQueue<K: Key> {
    timers: BTreeSet<(Timestamp, K)>,
    /// Timers registered, deleted or fired since the last capture; meaningless once `all_dirty`.
    changed: Vec<(Timestamp, K)>,
    all_dirty: bool,
}

impl<K: Key> Default for TimerQueue<K> {
    fn default() -> Self {
        Self { timers: BTreeSet::new(), changed: Vec::new(), all_dirty: false }
    }
}

impl<K: Key> TimerQueue<K> {
    /// Registers a timer; a second time is no change.
    pub fn register(&mut self, at: Timestamp, key: &K) {
        let timer = (at, key.clone());
        if self.timers.insert(timer.clone()) {
            self.note(timer);
        }
    }

    /// Deletes a timer, if it is there.
    pub fn delete(&mut self, at: Timestamp, key: &K) {
        let timer = (at, key.clone());
        if self.timers.remove(&timer) {
            self.note(timer);
        }
    }

    /// Takes the next timer that is due at `now`.
    pub fn pop_due(&mut self, now: Timestamp) -> Option<(Timestamp, K)> {
        if self.timers.first()?.0 > now {
            return None;
        }
        let timer = self.timers.pop_first()?;
        self.note(timer.clone());
        Some(timer)
    }

    /// When the next timer is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Number of timers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.timers.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.timers.is_empty()
    }

    fn note(&mut self, timer: (Timestamp, K)) {
        if !self.all_dirty {
            self.changed.push(timer);
            // Changes are bounded by the size of the queue: beyond it a base costs no more.
            if self.changed.len() > 1024.max(2 * self.timers.len()) {
                self.all_dirty = true;
                self.changed = Vec::new();
            }
        }
    }
}

struct FrozenTimers<K> {
    full: bool,
    timers: Vec<(Timestamp, K, bool)>,
}

impl<K: Key> Frozen for FrozenTimers<K> {
    fn is_full(&self) -> bool {
        self.full
    }

    fn encode(self: Box<Self>, max_parallelism: MaxParallelism, into: &mut DeltaWriter<'_>) {
        let group_of = |(_, key, _): &(_, K, _)| max_parallelism.group_of(key.stable_hash());
        in_groups(&self.timers, max_parallelism, group_of, |group, (at, key, set)| {
            let at = into.pack(at);
            into.put(group, &at, key, set.then_some(&()));
        });
    }
}

impl<K: Key> KeyedState for TimerQueue<K> {
    fn capture(&mut self, full: bool) -> Box<dyn Frozen> {
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort_unstable();
        changed.dedup();
        // Most changes are timers that have fired: the rest is then less than what there is to tell.
        let full = full || self.all_dirty || changed.len() >= self.timers.len();
        self.all_dirty = false;
        let timers = if full {
            self.timers.iter().map(|(at, key)| (*at, key.clone(), true)).collect()
        } else {
            let state = |timer: (Timestamp, K)| {
                let set = self.timers.contains(&timer);
                (timer.0, timer.1, set)
            };
            changed.into_iter().map(state).collect()
        };
        Box::new(FrozenTimers { full, timers })
    }

    fn restore(&mut self, delta: &Delta, groups: KeyGroupRange) -> Result<(), DecodeError> {
        delta.for_each(groups, |_, entry| {
            let timer = (delta.namespace(&entry)?, delta.key(&entry)?);
            match entry.value {
                Some(_) => self.timers.insert(timer),
                None => self.timers.remove(&timer),
            };
            Ok(())
        })
    }

    fn entries(&self) -> u64 {
        self.timers.len() as u64
    }
}

/// The timers of an operator, in both domains.
#[derive(Clone, Debug)]
pub struct Timers<K: Key> {
    /// By the watermark.
    pub event: TimerQueue<K>,
    /// By the wall clock.
    pub processing: TimerQueue<K>,
}

impl<K: Key> Default for Timers<K> {
    fn default() -> Self {
        Self { event: TimerQueue::default(), processing: TimerQueue::default() }
    }
}

impl<K: Key> Timers<K> {
    /// Shows both queues to the runner.
    pub fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("timers.event", &mut self.event);
        visitor.keyed("timers.processing", &mut self.processing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_fires_once_in_order_unless_deleted() {
        let mut queue = TimerQueue::<u64>::default();
        for (at, key) in [(5, 1), (3, 2), (5, 1), (3, 1), (4, 9)] {
            queue.register(Timestamp(at), &key);
        }
        queue.delete(Timestamp(4), &9);
        let mut fired = Vec::new();
        while let Some((at, key)) = queue.pop_due(Timestamp(5)) {
            fired.push((at.millis(), key));
        }
        assert_eq!(fired, [(3, 1), (3, 2), (5, 1)]);
    }

    #[test]
    fn base_and_deltas_restore_exactly_the_timers_that_are_set() {
        let mut queue = TimerQueue::<u64>::default();
        let max = MaxParallelism::DEFAULT;
        for key in 1..=9 {
            queue.register(Timestamp(key), &(key as u64));
        }
        let base = queue.capture(true).into_delta(max);
        queue.pop_due(Timestamp(1));
        queue.register(Timestamp(30), &3);
        queue.register(Timestamp(40), &4);
        queue.delete(Timestamp(40), &4);
        let delta = queue.capture(false).into_delta(max);
        assert!(base.full && !delta.full);
        let mut restored = TimerQueue::<u64>::default();
        for part in [base, delta] {
            restored.restore(&part, KeyGroupRange::ALL).expect("whole");
        }
        assert_eq!(restored.timers, queue.timers);
    }

    #[test]
    fn when_most_timers_have_fired_the_rest_is_captured_rather_than_the_changes() {
        let mut queue = TimerQueue::<u64>::default();
        for key in 0..100 {
            queue.register(Timestamp(5), &key);
        }
        let max = MaxParallelism::DEFAULT;
        let base = queue.capture(true).into_delta(max);
        while queue.pop_due(Timestamp(5)).is_some() {}
        let rest = queue.capture(false).into_delta(max);
        assert!(rest.full && rest.entries == 0 && rest.bytes() < base.bytes());
    }
}
