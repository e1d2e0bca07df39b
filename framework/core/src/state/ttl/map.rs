//! A map per key whose entries expire one by one.

use super::super::map::MapState;
use super::super::{Frozen, Keyed, KeyedState, Value, delta::Delta};
use super::{StateTtl, Timed};
use crate::codec::DecodeError;
use crate::key::{Key, KeyGroupRange};
use crate::time::Timestamp;
use std::ops::Bound;

/// An ordered map per key whose entries expire one by one.
#[derive(Clone, Debug)]
pub struct TtlMapState<K, U, V> {
    maps: MapState<K, U, Timed<V>>,
    ttl: StateTtl,
    /// Processing time as last heard of.
    clock: Timestamp,
    /// The slot that is looked at next, and how far its map has been.
    position: (usize, Option<U>),
    /// Whether what was restored has not been looked at.
    restored: bool,
    /// What has expired and was read last.
    expired: Vec<(U, V)>,
}

impl<K: Key, U: Value + Ord, V: Value> TtlMapState<K, U, V> {
    /// A state whose entries live as `ttl` says.
    #[must_use]
    pub fn new(ttl: StateTtl) -> Self {
        Self {
            maps: MapState::default(),
            ttl,
            clock: Timestamp::MIN,
            position: (0, None),
            restored: false,
            expired: Vec::new(),
        }
    }

    /// The value of `entry` in the map of a key, when processing time is `now`.
    pub fn get(&mut self, at: Keyed<'_, K>, entry: &U, now: Timestamp) -> Option<&V> {
        self.accessed(now);
        if self.ttl.has_expired(self.maps.get(at, entry)?.0, now) {
            let Timed(_, value) = self.maps.remove(at, entry)?;
            self.expired = vec![(entry.clone(), value)];
            let seen = self.expired.first().filter(|_| self.ttl.shows_expired());
            return seen.map(|(_, value)| value);
        }
        if self.ttl.refreshes_on_read() {
            let Timed(updated, value) = self.maps.get_mut(at, entry)?;
            *updated = now;
            return Some(value);
        }
        self.maps.get(at, entry).map(|Timed(_, value)| value)
    }

    /// Sets `entry` in the map of a key.
    pub fn insert(&mut self, at: Keyed<'_, K>, entry: U, value: V, now: Timestamp) {
        self.accessed(now);
        self.maps.insert(at, entry, Timed(now, value));
    }

    /// Removes `entry` from the map of a key.
    pub fn remove(&mut self, at: Keyed<'_, K>, entry: &U) {
        self.maps.remove(at, entry);
    }

    /// The map of a key, when processing time is `now`; what has expired and may be seen comes first.
    pub fn entries_of(
        &mut self,
        at: Keyed<'_, K>,
        now: Timestamp,
    ) -> impl Iterator<Item = (&U, &V)> {
        self.accessed(now);
        self.expired.clear();
        let entries: Vec<(U, bool)> = self
            .maps
            .range(at, ..)
            .map(|(entry, Timed(updated, _))| (entry.clone(), self.ttl.has_expired(*updated, now)))
            .collect();
        for (entry, has_expired) in entries {
            if has_expired {
                let removed = self.maps.remove(at, &entry);
                self.expired.extend(removed.map(|Timed(_, value)| (entry, value)));
            } else if self.ttl.refreshes_on_read()
                && let Some(Timed(updated, _)) = self.maps.get_mut(at, &entry)
            {
                *updated = now;
            }
        }
        let seen = self.expired.iter().filter(|_| self.ttl.shows_expired());
        let living = self.maps.range(at, ..).map(|(entry, Timed(_, value))| (entry, value));
        seen.map(|(entry, value)| (entry, value)).chain(living)
    }

    /// Forgets the whole map of a key.
    pub fn clear(&mut self, at: Keyed<'_, K>) {
        self.maps.take(at);
    }

    fn accessed(&mut self, now: Timestamp) {
        self.clock = now;
        if std::mem::take(&mut self.restored) {
            self.sweep_all();
        } else {
            (0..self.ttl.cleanup.min(self.maps.slots())).for_each(|_| self.look());
        }
    }

    fn sweep_all(&mut self) {
        self.position = (0, None);
        while self.position.0 < self.maps.slots() {
            self.look();
        }
    }

    /// Looks at the next entry; an empty slot, or the end of a map, takes a turn as well.
    fn look(&mut self) {
        let (slot, after) = &mut self.position;
        if *slot >= self.maps.slots() {
            (*slot, *after) = (0, None);
        }
        let from = after.take().map_or(Bound::Unbounded, Bound::Excluded);
        let mut met = self
            .maps
            .slot(*slot)
            .and_then(|(key, map)| Some((key, map.range((from, Bound::Unbounded)).next()?)));
        let Some((key, (entry, Timed(updated, _)))) = met.take() else {
            *slot += 1;
            return;
        };
        *after = Some(entry.clone());
        if self.ttl.has_expired(*updated, self.clock) {
            let (key, entry) = (key.clone(), entry.clone());
            self.maps.remove(Keyed::new(&key), &entry);
        }
    }
}

impl<K: Key, U: Value + Ord + Sync, V: Value> KeyedState for TtlMapState<K, U, V> {
    fn capture(&mut self, full: bool) -> Box<dyn Frozen> {
        if full {
            self.sweep_all();
        }
        self.maps.capture(full)
    }

    fn restore(&mut self, delta: &Delta, groups: KeyGroupRange) -> Result<(), DecodeError> {
        self.restored = true;
        self.maps.restore(delta, groups)
    }

    fn entries(&self) -> u64 {
        self.maps.entries()
    }
}
