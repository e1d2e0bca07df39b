//! Wakes: which key is to be looked at when, by one clock.
//!
//! Not state: each key's own entry says when it is to be looked at, and after a restore the wakes are
//! gathered from there. A wake only ever comes too early. When a session has grown meanwhile, or a
//! trigger has deleted its timer, whoever is woken finds nothing due and says when to come again; so
//! a record that merely extends a session touches no queue.
//!
//! Many keys wake in the same millisecond, so each millisecond has a list: a heap of single wakes is
//! walked through from top to bottom for each, and costs more than the windows themselves.
//!
//! A wake whose key says otherwise by now is *stale* and means nothing. Stale ones are bounded: when
//! most of them must be, all are gathered anew.

use std::collections::BTreeMap;
use tidegate_core::key::Key;
use tidegate_core::time::Timestamp;

/// So many stale wakes are always put up with.
const STALE_MIN: usize = 1024;

/// Lists that are kept to be filled again.
const SPARE_LISTS: usize = 64;

/// Keys by the time at which they are to be looked at; equal times in the order of the keys.
pub(crate) struct Wakes<K> {
    lists: BTreeMap<Timestamp, Vec<K>>,
    /// The first list when it has been begun, with the last key first.
    first: Option<(Timestamp, Vec<K>)>,
    len: usize,
    spare: Vec<Vec<K>>,
}

impl<K: Key> Default for Wakes<K> {
    fn default() -> Self {
        Self { lists: BTreeMap::new(), first: None, len: 0, spare: Vec::new() }
    }
}

impl<K: Key> Wakes<K> {
    pub(crate) fn push(&mut self, at: Timestamp, key: K) {
        let spare = &mut self.spare;
        self.lists.entry(at).or_insert_with(|| spare.pop().unwrap_or_default()).push(key);
        self.len += 1;
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        let first = self.first.as_ref().map(|(at, _)| *at);
        let list = self.lists.first_key_value().map(|(at, _)| *at);
        [first, list].into_iter().flatten().min()
    }

    /// Takes the next one that is due at `now`.
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<(Timestamp, K)> {
        let next = self.next().filter(|at| *at <= now)?;
        if self.first.as_ref().is_none_or(|(at, _)| *at != next) {
            self.begin(next);
        }
        let (at, keys) = self.first.as_mut()?;
        let wake = (*at, keys.pop()?);
        self.len -= 1;
        if keys.is_empty()
            && let Some((_, list)) = self.first.take()
            && self.spare.len() < SPARE_LISTS
        {
            self.spare.push(list);
        }
        Some(wake)
    }

    /// Begins the list of `at`, before which no other is; one begun already goes back.
    fn begin(&mut self, at: Timestamp) {
        if let Some((later, keys)) = self.first.take() {
            self.lists.entry(later).or_default().extend(keys);
        }
        self.first = self.lists.remove(&at).map(|mut keys| {
            keys.sort_unstable_by(|left, right| right.cmp(left));
            (at, keys)
        });
    }

    /// Whether most must be stale, when `keys` keys have one each at most.
    pub(crate) fn are_mostly_stale(&self, keys: usize) -> bool {
        self.len > STALE_MIN.max(keys.saturating_mul(2))
    }

    #[cfg(test)]
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Replaces all.
    pub(crate) fn gather(&mut self, wakes: impl Iterator<Item = (Timestamp, K)>) {
        *self = Self::default();
        wakes.for_each(|(at, key)| self.push(at, key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(wakes: &mut Wakes<u8>, now: i64) -> Vec<(i64, u8)> {
        let pop = || wakes.pop_due(Timestamp(now)).map(|(at, key)| (at.millis(), key));
        std::iter::from_fn(pop).collect()
    }

    #[test]
    fn wakes_come_in_the_order_of_time_and_of_keys() {
        let mut wakes = Wakes::default();
        for (at, key) in [(5, 2), (3, 9), (5, 1), (9, 4), (3, 9), (5, 3)] {
            wakes.push(Timestamp(at), key);
        }
        assert_eq!(drain(&mut wakes, 2), []);
        assert_eq!(drain(&mut wakes, 4), [(3, 9), (3, 9)]);
        assert_eq!(wakes.pop_due(Timestamp(7)), Some((Timestamp(5), 1)));
        // An earlier one goes before those of the list that was begun, one of its time into it.
        wakes.push(Timestamp(4), 7);
        wakes.push(Timestamp(5), 2);
        assert_eq!(wakes.next(), Some(Timestamp(4)));
        assert_eq!(drain(&mut wakes, 7), [(4, 7), (5, 2), (5, 2), (5, 3)]);
        assert_eq!((wakes.len(), drain(&mut wakes, 9)), (1, vec![(9, 4)]));
        assert_eq!((wakes.len(), wakes.next()), (0, None));
    }
}
