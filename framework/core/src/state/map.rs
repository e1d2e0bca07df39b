//! Map state: for each key an ordered map, of which only the changed entries are captured.

use super::delta::{Delta, DeltaBuilder, Entry};
use super::{Frozen, Keyed, KeyedState, Value};
use crate::codec::{self, DecodeError};
use crate::key::{Key, KeyGroupRange, MaxParallelism};
use hashbrown::HashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;

/// An ordered map per key. The entry's own key is stored as the namespace of a snapshot entry.
#[derive(Clone, Debug)]
pub struct MapState<K, U, V> {
    maps: HashMap<K, BTreeMap<U, V>>,
    /// Entries set or removed since the last capture; meaningless once `all_dirty`.
    changed: BTreeSet<(K, U)>,
    all_dirty: bool,
}

impl<K: Key + Hash, U: Ord, V> Default for MapState<K, U, V> {
    fn default() -> Self {
        Self { maps: HashMap::new(), changed: BTreeSet::new(), all_dirty: false }
    }
}

impl<K: Key + Hash, U: Value + Ord, V: Value> MapState<K, U, V> {
    /// The value of `entry` in the map of a key.
    #[must_use]
    pub fn get(&self, at: Keyed<'_, K>, entry: &U) -> Option<&V> {
        self.maps.get(at.key)?.get(entry)
    }

    /// Sets `entry` in the map of a key.
    pub fn insert(&mut self, at: Keyed<'_, K>, entry: U, value: V) {
        self.note(at, entry.clone());
        self.maps.entry(at.key.clone()).or_default().insert(entry, value);
    }

    /// Removes `entry` from the map of a key.
    pub fn remove(&mut self, at: Keyed<'_, K>, entry: &U) -> Option<V> {
        let map = self.maps.get_mut(at.key)?;
        let value = map.remove(entry)?;
        if map.is_empty() {
            self.maps.remove(at.key);
        }
        self.note(at, entry.clone());
        Some(value)
    }

    /// The entries of a key's map within `range`, in order.
    pub fn range<R: std::ops::RangeBounds<U>>(
        &self,
        at: Keyed<'_, K>,
        range: R,
    ) -> impl DoubleEndedIterator<Item = (&U, &V)> {
        self.maps.get(at.key).map(|map| map.range(range)).into_iter().flatten()
    }

    /// Takes the whole map of a key out.
    pub fn take(&mut self, at: Keyed<'_, K>) -> BTreeMap<U, V> {
        let map = self.maps.remove(at.key).unwrap_or_default();
        for entry in map.keys() {
            self.note(at, entry.clone());
        }
        map
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
    fn encode(self: Box<Self>, max_parallelism: MaxParallelism) -> Delta {
        let mut builder = DeltaBuilder::new(self.full);
        for (key, entry, value) in &self.entries {
            let value = value.as_ref().map(codec::to_cbor);
            let (namespace, bytes) = (codec::to_cbor(entry), codec::to_cbor(key));
            let encoded = Entry { namespace: &namespace, key: &bytes, value: value.as_deref() };
            builder.push(max_parallelism.group_of(key.stable_hash()), encoded);
        }
        builder.finish()
    }
}

impl<K: Key + Hash, U: Value + Ord + Sync, V: Value> KeyedState for MapState<K, U, V> {
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
            let value = |key: &K, entry: &U| self.maps.get(key)?.get(entry).cloned();
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
            let (key, inner): (K, U) =
                (codec::from_cbor(entry.key)?, codec::from_cbor(entry.namespace)?);
            match entry.value {
                Some(value) => {
                    let value = codec::from_cbor(value)?;
                    self.maps.entry(key).or_default().insert(inner, value);
                }
                None => {
                    if let Some(map) = self.maps.get_mut(&key) {
                        map.remove(&inner);
                        if map.is_empty() {
                            self.maps.remove(&key);
                        }
                    }
                }
            }
            Ok(())
        })
    }

    fn entries(&self) -> u64 {
        self.maps.values().map(|map| map.len() as u64).sum()
    }
}
