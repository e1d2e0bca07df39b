//! The hash table under every keyed state: finds an entry by its stable hash and knows what has
//! changed since the last capture.
//!
//! Apart from the handles because its two invariants need watching in one place:
//! every entry changed since the last capture carries the current round, and every captured entry
//! that was removed since is in `removed`. Lists of changes are bounded: once they pass half of the
//! table, the next capture simply takes everything, which then costs no more.

use super::delta_writer::DeltaWriter;
use super::in_groups::in_groups;
use super::room::{Lent, Room};
use super::slots::Slots;
use super::{Keyed, Value, look_ahead};
use crate::key::{Key, MaxParallelism};
use std::hint::black_box;

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
    slots: Slots<Slot<K, V>>,
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
            slots: Slots::default(),
            round: 1,
            dirty: Vec::new(),
            removed: Vec::new(),
            all_dirty: false,
        }
    }
}

fn hash_of<K: Key, V>(slot: &Slot<K, V>) -> u64 {
    slot.key.stable_hash()
}

/// Changes fewer than this are always tracked one by one.
const TRACKED_MIN: usize = 1024;

/// From what size on a table is read ahead: about that of a second-level cache.
const LOOK_AHEAD_BYTES: usize = 512 * 1024;

/// Reads the entries with these hashes without doing anything with them, so that none waits for another; if the table is
/// too large for the cache. Of several whose hashes begin alike one may be read for another: they are neighbours.
fn read_ahead<K, V>(slots: &Slots<Slot<K, V>>, hashes: &[u64]) {
    if slots.bytes() < LOOK_AHEAD_BYTES {
        return;
    }
    let found = hashes.iter().filter_map(|hash| slots.find(*hash, |_| true));
    black_box(found.fold(0, |rounds, slot| rounds ^ slot.round));
}

impl<K: Key, V> Table<K, V> {
    /// Reads the entries with these hashes ([`look_ahead`]).
    pub fn look_ahead(&self, hashes: &[u64]) {
        read_ahead(&self.slots, hashes);
    }

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
        self.slots.reserve(additional, hash_of);
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
        if self.dirty.len() > self.most_tracked() {
            self.give_up_tracking();
        }
        let round = self.round;
        let make = || Slot { key: at.key.clone(), value: value(), round, captured: false };
        let found = self.slots.find_or_insert(at.hash, |slot| slot.key == *at.key, hash_of, make);
        let slot = found.slot;
        if found.is_new || slot.round != round {
            slot.round = round;
            if !self.all_dirty {
                self.dirty.push(at.hash);
            }
        }
        &mut slot.value
    }

    /// The slot of the value of `at`, which is made by `value` when there is none. It stays where it is
    /// until an entry is inserted.
    #[inline]
    pub fn slot_or_insert_with(&mut self, at: Keyed<'_, K>, value: impl FnOnce() -> V) -> usize {
        let round = self.round;
        let make = || Slot { key: at.key.clone(), value: value(), round, captured: false };
        let found = self.slots.find_or_insert(at.hash, |slot| slot.key == *at.key, hash_of, make);
        let (position, is_new) = (found.position, found.is_new);
        if is_new {
            self.note_dirty(at.hash);
        }
        position
    }

    /// The slot of an entry that is `wanted` and whose key has this hash; hardly ever is there more
    /// than one.
    #[inline]
    #[must_use]
    pub fn slot_of(&self, hash: u64, mut wanted: impl FnMut(&V) -> bool) -> Option<usize> {
        self.slots.position_of(hash, |slot| wanted(&slot.value) && slot.key.stable_hash() == hash)
    }

    /// The value in slot `position`, to be changed.
    #[inline]
    pub fn slot_mut(&mut self, position: usize) -> Option<&mut V> {
        let slot = self.slots.get_mut(position)?;
        if slot.round != self.round {
            slot.round = self.round;
            let hash = slot.key.stable_hash();
            self.note_dirty(hash);
        }
        self.slots.get_mut(position).map(|slot| &mut slot.value)
    }

    /// Removes and returns the value in slot `position`.
    pub fn remove_slot(&mut self, position: usize) -> Option<V> {
        let slot = self.slots.remove_at(position, hash_of)?;
        Some(self.removed(slot))
    }

    /// Removes and returns the value of `at`.
    pub fn remove(&mut self, at: Keyed<'_, K>) -> Option<V> {
        let slot = self.slots.remove(at.hash, |slot| slot.key == *at.key)?;
        Some(self.removed(slot))
    }

    /// Shows every entry to `keep`, which may change its value and says whether it stays, in no particular
    /// order.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        let Self { slots, round, dirty, removed, all_dirty } = self;
        let keep = |slot: &mut Slot<K, V>| {
            if !keep(&slot.key, &mut slot.value) {
                if slot.captured && !*all_dirty {
                    removed.push(slot.key.clone());
                }
                return false;
            }
            if slot.round != *round {
                slot.round = *round;
                if !*all_dirty {
                    dirty.push(slot.key.stable_hash());
                }
            }
            true
        };
        slots.retain(keep, hash_of);
        let removed_most = TRACKED_MIN.max(self.slots.len());
        if self.dirty.len() > self.most_tracked() || self.removed.len() > removed_most {
            self.give_up_tracking();
        }
    }

    /// Notes that `slot` has been removed.
    fn removed(&mut self, slot: Slot<K, V>) -> V {
        if slot.captured && !self.all_dirty {
            self.removed.push(slot.key);
            if self.removed.len() > TRACKED_MIN.max(self.slots.len()) {
                self.give_up_tracking();
            }
        }
        slot.value
    }

    /// Notes that the entry with this hash is new or has changed for the first time in this round.
    /// Entries that come and go leave their hashes behind: beyond twice the table they are not worth
    /// keeping.
    #[inline]
    fn note_dirty(&mut self, hash: u64) {
        if !self.all_dirty {
            self.dirty.push(hash);
            if self.dirty.len() > self.most_tracked() {
                self.give_up_tracking();
            }
        }
    }

    fn most_tracked(&self) -> usize {
        TRACKED_MIN.max(2 * self.slots.len())
    }

    /// All entries, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.slots.iter().map(|slot| (&slot.key, &slot.value))
    }

    /// The first entry at or behind `position`, and the position behind it: a walk, begun at 0, that
    /// can be broken off and resumed as long as nothing is inserted or removed.
    #[must_use]
    pub fn next_from(&self, position: usize) -> Option<(usize, &K, &V)> {
        (position..self.slots.positions()).find_map(|bucket| {
            let slot = self.slots.get(bucket)?;
            Some((bucket + 1, &slot.key, &slot.value))
        })
    }

    /// The entry in slot `position`, if it is full: for a walk that may miss or repeat entries while
    /// others come and go.
    #[must_use]
    pub fn slot(&self, position: usize) -> Option<(&K, &V)> {
        self.slots.get(position).map(|slot| (&slot.key, &slot.value))
    }

    /// How many slots there are, full and empty ones.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots.positions()
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
    pub fn restore(&mut self, key: &K, value: Option<V>) {
        let hash = key.stable_hash();
        let Some(value) = value else {
            self.slots.remove(hash, |slot| slot.key == *key);
            return;
        };
        let mut value = Some(value);
        let make = || {
            let value = value.take().expect("made at most once");
            Slot { key: key.clone(), value, round: 0, captured: true }
        };
        let found = self.slots.find_or_insert(hash, |slot| slot.key == *key, hash_of, make);
        let slot = found.slot;
        if let Some(value) = value {
            slot.value = value;
        }
    }
}

impl<K: Key, V: Clone> Table<K, V> {
    /// Takes the changes of this round (or everything, when `full`) and starts the next round.
    ///
    /// A caller that does not ask for everything must not do so unless [`Table::mostly_dirty`] is
    /// false or it also tells that the result is a base.
    pub fn capture(&mut self, full: bool, room: &Room<(K, V)>) -> Changes<K, V> {
        debug_assert!(
            full || !self.all_dirty,
            "tracking was given up: only a base can be captured"
        );
        let upserts = room.lend(if full { self.slots.len() } else { self.dirty.len() });
        let mut changes = Changes { upserts, removed: Vec::new() };
        if full {
            for slot in self.slots.iter_mut() {
                slot.captured = true;
                changes.upserts.rows.push((slot.key.clone(), slot.value.clone()));
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
        for next in self.dirty.chunks(look_ahead::RECORDS) {
            read_ahead(&self.slots, next);
            for &hash in next {
                // The table itself compares seven bits of a hash: a neighbour that has changed as well could be taken
                // for it. Round 0 marks what this capture has already taken: hashes may be equal.
                let changed =
                    |slot: &Slot<K, V>| slot.round == round && slot.key.stable_hash() == hash;
                if let Some(slot) = self.slots.find_mut(hash, changed) {
                    slot.round = 0;
                    slot.captured = true;
                    changes.upserts.rows.push((slot.key.clone(), slot.value.clone()));
                }
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
    upserts: Lent<(K, V)>,
    removed: Vec<K>,
}

impl<K: Key, V: Value> Changes<K, V> {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.upserts.rows.len() + self.removed.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Encodes the changes under `namespace` (packed, empty for none).
    pub fn encode(&self, namespace: &[u8], max: MaxParallelism, into: &mut DeltaWriter<'_>) {
        let group_of = |key: &K| max.group_of(key.stable_hash());
        let of_upsert = |(key, _): &(K, V)| group_of(key);
        in_groups(&self.upserts.rows, max, of_upsert, |group, (key, value)| {
            into.put(group, namespace, key, Some(value));
        });
        in_groups(&self.removed, max, group_of, |group, key| {
            into.put(group, namespace, key, None::<&V>);
        });
    }
}
