//! The hash table under every keyed state: finds an entry by its stable hash and knows what has
//! changed since the last capture.
//!
//! Apart from the handles because its two invariants need watching in one place:
//! every entry changed since the last capture carries the current round, and every captured entry
//! that was removed since is in `removed`. Lists of changes are bounded: once they pass half of the
//! table, the next capture simply takes everything, which then costs no more.

use super::delta::{DeltaBuilder, Entry};
use super::{Keyed, Value};
use crate::codec;
use crate::key::{Key, MaxParallelism};
use hashbrown::HashTable;

#[derive(Clone, Debug)]
struct Slot<K, V> {
    key: K,
    value: V,
    /// The capture round in which the entry last changed.
    round: u32,
    /// Whether some earlier capture holds the entry, so that its removal must be told.
    captured: bool,
}

/// Keyed entries with change tracking.
#[derive(Clone, Debug)]
pub struct Table<K, V> {
    slots: HashTable<Slot<K, V>>,
    round: u32,
    /// Hashes of the entries changed in this round; meaningless once `all_dirty`.
    dirty: Vec<u64>,
    /// Captured keys removed in this round; meaningless once `all_dirty`.
    removed: Vec<K>,
    all_dirty: bool,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self {
            slots: HashTable::new(),
            round: 1,
            dirty: Vec::new(),
            removed: Vec::new(),
            all_dirty: false,
        }
    }
}

/// Changes fewer than this are always tracked one by one.
const TRACKED_MIN: usize = 1024;

impl<K: Key, V> Table<K, V> {
    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Makes room for `additional` entries.
    pub fn reserve(&mut self, additional: usize) {
        self.slots.reserve(additional, |slot| slot.key.stable_hash());
    }

    /// The value of `at`.
    #[inline]
    #[must_use]
    pub fn get(&self, at: Keyed<'_, K>) -> Option<&V> {
        self.slots.find(at.hash, |slot| slot.key == *at.key).map(|slot| &slot.value)
    }

    /// The value of `at`, to be changed.
    #[inline]
    pub fn get_mut(&mut self, at: Keyed<'_, K>) -> Option<&mut V> {
        let slot = self.slots.find_mut(at.hash, |slot| slot.key == *at.key)?;
        if slot.round != self.round {
            slot.round = self.round;
            if !self.all_dirty {
                self.dirty.push(at.hash);
            }
        }
        Some(&mut slot.value)
    }

    /// The value of `at`, to be changed; made by `value` when there is none.
    #[inline]
    pub fn get_or_insert_with(&mut self, at: Keyed<'_, K>, value: impl FnOnce() -> V) -> &mut V {
        let (round, all_dirty) = (self.round, self.all_dirty);
        let entry =
            self.slots.entry(at.hash, |slot| slot.key == *at.key, |slot| slot.key.stable_hash());
        let slot = match entry {
            hashbrown::hash_table::Entry::Occupied(occupied) => {
                let slot = occupied.into_mut();
                if slot.round != round {
                    slot.round = round;
                    if !all_dirty {
                        self.dirty.push(at.hash);
                    }
                }
                slot
            }
            hashbrown::hash_table::Entry::Vacant(vacant) => {
                if !all_dirty {
                    self.dirty.push(at.hash);
                }
                let slot = Slot { key: at.key.clone(), value: value(), round, captured: false };
                vacant.insert(slot).into_mut()
            }
        };
        &mut slot.value
    }

    /// Removes and returns the value of `at`.
    pub fn remove(&mut self, at: Keyed<'_, K>) -> Option<V> {
        let found = self.slots.find_entry(at.hash, |slot| slot.key == *at.key).ok()?;
        let (slot, _) = found.remove();
        if slot.captured && !self.all_dirty {
            self.removed.push(slot.key);
            if self.removed.len() > TRACKED_MIN.max(self.slots.len()) {
                self.give_up_tracking();
            }
        }
        Some(slot.value)
    }

    /// All entries, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.slots.iter().map(|slot| (&slot.key, &slot.value))
    }

    /// The first entry at or behind `position`, and the position behind it: a walk, begun at 0, that
    /// can be broken off and resumed as long as nothing is inserted or removed.
    #[must_use]
    pub fn next_from(&self, position: usize) -> Option<(usize, &K, &V)> {
        (position..self.slots.num_buckets()).find_map(|bucket| {
            let slot = self.slots.get_bucket(bucket)?;
            Some((bucket + 1, &slot.key, &slot.value))
        })
    }

    /// The entry in slot `position`, if it is full: for a walk that may miss or repeat entries while
    /// others come and go.
    #[must_use]
    pub fn slot(&self, position: usize) -> Option<(&K, &V)> {
        self.slots.get_bucket(position).map(|slot| (&slot.key, &slot.value))
    }

    /// How many slots there are, full and empty ones.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots.num_buckets()
    }

    /// Whether a capture from now on would hold anything.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        !self.all_dirty && self.dirty.is_empty() && self.removed.is_empty()
    }

    /// Whether some capture holds an entry of this table, or a removal has yet to be told.
    #[must_use]
    pub fn was_captured(&self) -> bool {
        self.all_dirty || !self.removed.is_empty() || self.slots.iter().any(|slot| slot.captured)
    }

    /// Whether taking everything costs no more than picking the changes.
    #[must_use]
    pub fn mostly_dirty(&self) -> bool {
        self.all_dirty || (self.dirty.len() + self.removed.len()) * 2 >= self.slots.len()
    }

    /// Whether so much was removed that the changes are no longer known one by one: the next capture
    /// must take everything.
    #[must_use]
    pub const fn lost_track(&self) -> bool {
        self.all_dirty
    }

    fn give_up_tracking(&mut self) {
        self.all_dirty = true;
        self.dirty = Vec::new();
        self.removed = Vec::new();
    }

    /// Inserts an entry read back from storage: it is not a change.
    pub fn restore(&mut self, key: K, value: Option<V>) {
        let hash = key.stable_hash();
        let found = self.slots.entry(hash, |s| s.key == key, |s| s.key.stable_hash());
        match (found, value) {
            (hashbrown::hash_table::Entry::Occupied(slot), None) => drop(slot.remove()),
            (hashbrown::hash_table::Entry::Occupied(mut slot), Some(value)) => {
                slot.get_mut().value = value;
            }
            (hashbrown::hash_table::Entry::Vacant(_), None) => {}
            (hashbrown::hash_table::Entry::Vacant(slot), Some(value)) => {
                slot.insert(Slot { key, value, round: 0, captured: true });
            }
        }
    }
}

impl<K: Key, V: Clone> Table<K, V> {
    /// Takes the changes of this round (or everything, when `full`) and starts the next round.
    ///
    /// A caller that does not ask for everything must not do so unless [`Table::mostly_dirty`] is
    /// false or it also tells that the result is a base.
    pub fn capture(&mut self, full: bool) -> Changes<K, V> {
        debug_assert!(
            full || !self.all_dirty,
            "tracking was given up: only a base can be captured"
        );
        let mut changes = Changes { upserts: Vec::new(), removed: Vec::new() };
        if full {
            changes.upserts.reserve_exact(self.slots.len());
            for slot in self.slots.iter_mut() {
                slot.captured = true;
                changes.upserts.push((slot.key.clone(), slot.value.clone()));
            }
        } else {
            self.capture_changes(&mut changes);
        }
        self.round = self.round.checked_add(1).expect("a checkpoint a second lasts 136 years");
        self.dirty.clear();
        self.removed.clear();
        self.all_dirty = false;
        changes
    }

    fn capture_changes(&mut self, changes: &mut Changes<K, V>) {
        let round = self.round;
        changes.upserts.reserve_exact(self.dirty.len());
        for &hash in &self.dirty {
            // Round 0 marks what this capture has already taken: hashes may be equal.
            if let Some(slot) = self.slots.find_mut(hash, |slot| slot.round == round) {
                slot.round = 0;
                slot.captured = true;
                changes.upserts.push((slot.key.clone(), slot.value.clone()));
            }
        }
        for key in self.removed.drain(..) {
            if self.slots.find(key.stable_hash(), |slot| slot.key == key).is_none() {
                changes.removed.push(key);
            }
        }
    }
}

/// What a capture took out of a [`Table`].
#[derive(Debug)]
pub struct Changes<K, V> {
    upserts: Vec<(K, V)>,
    removed: Vec<K>,
}

impl<K: Key, V: Value> Changes<K, V> {
    /// Encodes the changes under `namespace` (CBOR, empty for none).
    pub fn encode(&self, namespace: &[u8], max: MaxParallelism, into: &mut DeltaBuilder) {
        let (mut key_bytes, mut value_bytes) = (Vec::new(), Vec::new());
        for (key, value) in &self.upserts {
            key_bytes.clear();
            value_bytes.clear();
            codec::write_cbor(key, &mut key_bytes);
            codec::write_cbor(value, &mut value_bytes);
            let entry = Entry { namespace, key: &key_bytes, value: Some(&value_bytes) };
            into.push(max.group_of(key.stable_hash()), entry);
        }
        for key in &self.removed {
            key_bytes.clear();
            codec::write_cbor(key, &mut key_bytes);
            let entry = Entry { namespace, key: &key_bytes, value: None };
            into.push(max.group_of(key.stable_hash()), entry);
        }
    }
}
