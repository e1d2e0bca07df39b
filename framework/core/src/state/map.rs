//! Map state: for each key an ordered map, of which only the changed entries are captured.

use super::delta::Delta;
use super::delta_writer::DeltaWriter;
use super::in_groups::in_groups;
use super::{Frozen, Keyed, KeyedState, Value};
use crate::codec::DecodeError;
use crate::key::{Key, KeyGroupRange, MaxParallelism};
use hashbrown::HashTable;
use std::collections::{BTreeMap, BTreeSet};

/// An ordered map per key. The entry's own key is stored as the namespace of a snapshot entry.
#[derive(Clone, Debug)]
pub struct MapState<K, U, V> {
    maps: HashTable<(K, BTreeMap<U, V>)>,
    /// Entries of all maps together.
    entries: u64,
    /// Entries set or removed since the last capture; meaningless once `all_dirty`.
    changed: BTreeSet<(K, U)>,
    all_dirty: bool,
}

impl<K, U, V> Default for MapState<K, U, V> {
    fn default() -> Self {
        Self { maps: HashTable::new(), entries: 0, changed: BTreeSet::new(), all_dirty: false }
    }
}

impl<K: Key, U: Value + Ord, V: Value> MapState<K, U, V> {
    /// The value of `entry` in the map of a key.
    #[must_use]
    pub fn get(&self, at: Keyed<'_, K>, entry: &U) -> Option<&V> {
        self.map(at)?.get(entry)
    }

    /// The value of `entry` in the map of a key, to be changed.
    pub fn get_mut(&mut self, at: Keyed<'_, K>, entry: &U) -> Option<&mut V> {
        self.get(at, entry)?;
        self.note(at, entry.clone());
        self.maps.find_mut(at.hash, |(key, _)| key == at.key)?.1.get_mut(entry)
    }

    /// Sets `entry` in the map of a key.
    pub fn insert(&mut self, at: Keyed<'_, K>, entry: U, value: V) {
        self.note(at, entry.clone());
        self.put(at, entry, value);
    }

    /// Removes `entry` from the map of a key.
    pub fn remove(&mut self, at: Keyed<'_, K>, entry: &U) -> Option<V> {
        let value = self.cut(at, entry)?;
        self.note(at, entry.clone());
        Some(value)
    }

    /// The entries of a key's map within `range`, in order.
    pub fn range<R: std::ops::RangeBounds<U>>(
        &self,
        at: Keyed<'_, K>,
        range: R,
    ) -> impl DoubleEndedIterator<Item = (&U, &V)> {
        self.map(at).map(|map| map.range(range)).into_iter().flatten()
    }

    /// Takes the whole map of a key out.
    pub fn take(&mut self, at: Keyed<'_, K>) -> BTreeMap<U, V> {
        let found = self.maps.find_entry(at.hash, |(key, _)| key == at.key);
        let map = found.map(|found| found.remove().0.1).unwrap_or_default();
        self.entries -= map.len() as u64;
        for entry in map.keys() {
            self.note(at, entry.clone());
        }
        map
    }

    /// The maps that lie in the table's slots, of which there are [`MapState::slots`]: a walk that
    /// can be broken off and resumed, and misses no map as long as no key comes or goes.
    #[must_use]
    pub fn slot(&self, position: usize) -> Option<(&K, &BTreeMap<U, V>)> {
        self.maps.get_bucket(position).map(|(key, map)| (key, map))
    }

    /// How many slots there are, full and empty ones.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.maps.num_buckets()
    }

    fn map(&self, at: Keyed<'_, K>) -> Option<&BTreeMap<U, V>> {
        self.maps.find(at.hash, |(key, _)| key == at.key).map(|(_, map)| map)
    }

    fn put(&mut self, at: Keyed<'_, K>, entry: U, value: V) {
        let found =
            self.maps.entry(at.hash, |(key, _)| key == at.key, |(key, _)| key.stable_hash());
        let slot = found.or_insert_with(|| (at.key.clone(), BTreeMap::new()));
        let before = slot.into_mut().1.insert(entry, value);
        self.entries += u64::from(before.is_none());
    }

    fn cut(&mut self, at: Keyed<'_, K>, entry: &U) -> Option<V> {
        let mut found = self.maps.find_entry(at.hash, |(key, _)| key == at.key).ok()?;
        let value = found.get_mut().1.remove(entry)?;
        self.entries -= 1;
        if found.get().1.is_empty() {
            found.remove();
        }
        Some(value)
    }

    fn note(&mut self, at: Keyed<'_, K>, entry: U) {
        if !self.all_dirty {
            self.changed.insert((at.key.clone(), entry));
            if self.changed.len() > 1024.max(4 * self.maps.len()) {
                self.all_dirty = true;
                self.changed = BTreeSet::new();
            }
        }
    }
}

struct FrozenMap<K, U, V> {
    full: bool,
    entries: Vec<(K, U, Option<V>)>,
}

impl<K: Key, U: Value, V: Value> Frozen for FrozenMap<K, U, V> {
    fn is_full(&self) -> bool {
        self.full
    }

    fn encode(self: Box<Self>, max_parallelism: MaxParallelism, into: &mut DeltaWriter<'_>) {
        let group_of = |(key, ..): &(K, _, _)| max_parallelism.group_of(key.stable_hash());
        in_groups(&self.entries, max_parallelism, group_of, |group, (key, entry, value)| {
            let entry = into.pack(entry);
            into.put(group, &entry, key, value.as_ref());
        });
    }
}

impl<K: Key, U: Value + Ord + Sync, V: Value> KeyedState for MapState<K, U, V> {
    fn capture(&mut self, full: bool) -> Box<dyn Frozen> {
        let full = full || self.all_dirty;
        self.all_dirty = false;
        let changed = std::mem::take(&mut self.changed);
        let entries = if full {
            let all = self.maps.iter().flat_map(|(key, map)| {
                map.iter().map(|(u, v)| (key.clone(), u.clone(), Some(v.clone())))
            });
            all.collect()
        } else {
            let value = |key: &K, entry: &U| self.get(Keyed::new(key), entry).cloned();
            changed
                .into_iter()
                .map(|(k, u)| {
                    let v = value(&k, &u);
                    (k, u, v)
                })
                .collect()
        };
        Box::new(FrozenMap { full, entries })
    }

    fn restore(&mut self, delta: &Delta, groups: KeyGroupRange) -> Result<(), DecodeError> {
        delta.for_each(groups, |_, entry| {
            let (key, inner): (K, U) = (delta.key(&entry)?, delta.namespace(&entry)?);
            let at = Keyed::new(&key);
            match delta.value(&entry)? {
                Some(value) => self.put(at, inner, value),
                None => drop(self.cut(at, &inner)),
            }
            Ok(())
        })
    }

    fn entries(&self) -> u64 {
        self.entries
    }
}
