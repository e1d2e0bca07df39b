//! The simple keyed states: one value, a list, a reduced value and an aggregate per key.
//!
//! Each is a typed view of one [`Table`]; they differ only in what "add" means.

use super::aggregate::Aggregate;
use super::delta::Delta;
use super::delta_writer::DeltaWriter;
use super::room::Room;
use super::table::{Changes, Table};
use super::{Frozen, Keyed, KeyedState, Value};
use crate::codec::DecodeError;
use crate::key::{Key, KeyGroupRange, MaxParallelism};

/// One value per key.
///
/// ```
/// use tidegate_core::state::{Keyed, handles::ValueState};
/// let mut seen = ValueState::<u64, u32>::default();
/// *seen.get_or_insert_with(Keyed::new(&7), || 0) += 1;
/// assert_eq!(seen.get(Keyed::new(&7)), Some(&1));
/// ```
#[derive(Clone, Debug)]
pub struct ValueState<K, V>(pub(super) Table<K, V>, Room<(K, V)>);

impl<K, V> Default for ValueState<K, V> {
    fn default() -> Self {
        Self(Table::default(), Room::default())
    }
}

impl<K: Key, V: Value> ValueState<K, V> {
    /// The value of a key.
    #[inline]
    #[must_use]
    pub fn get(&self, at: Keyed<'_, K>) -> Option<&V> {
        self.0.get(at)
    }

    /// The value of a key, to be changed.
    #[inline]
    pub fn get_mut(&mut self, at: Keyed<'_, K>) -> Option<&mut V> {
        self.0.get_mut(at)
    }

    /// The value of a key, to be changed; made by `value` when there is none.
    #[inline]
    pub fn get_or_insert_with(&mut self, at: Keyed<'_, K>, value: impl FnOnce() -> V) -> &mut V {
        self.0.get_or_insert_with(at, value)
    }

    /// Sets the value of a key.
    pub fn set(&mut self, at: Keyed<'_, K>, value: V) {
        let mut value = Some(value);
        let slot = self.0.get_or_insert_with(at, || value.take().expect("made at most once"));
        if let Some(value) = value {
            *slot = value;
        }
    }

    /// Forgets a key.
    pub fn remove(&mut self, at: Keyed<'_, K>) -> Option<V> {
        self.0.remove(at)
    }

    /// Shows every key of the subtask to `keep`, which may change its value and says whether it stays, in
    /// no particular order. All that stays counts as changed.
    pub fn retain(&mut self, keep: impl FnMut(&K, &mut V) -> bool) {
        self.0.retain(keep);
    }

    /// As [`Table::slot_or_insert_with`].
    #[inline]
    pub fn slot_or_insert_with(&mut self, at: Keyed<'_, K>, value: impl FnOnce() -> V) -> usize {
        self.0.slot_or_insert_with(at, value)
    }

    /// As [`Table::slot_of`].
    #[inline]
    #[must_use]
    pub fn slot_of(&self, hash: u64, wanted: impl FnMut(&V) -> bool) -> Option<usize> {
        self.0.slot_of(hash, wanted)
    }

    /// As [`Table::slot`].
    #[inline]
    #[must_use]
    pub fn slot(&self, position: usize) -> Option<(&K, &V)> {
        self.0.slot(position)
    }

    /// As [`Table::slot_mut`].
    #[inline]
    pub fn slot_mut(&mut self, position: usize) -> Option<&mut V> {
        self.0.slot_mut(position)
    }

    /// As [`Table::remove_slot`].
    pub fn remove_slot(&mut self, position: usize) -> Option<V> {
        self.0.remove_slot(position)
    }

    /// Number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no key has a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All entries, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter()
    }
}

struct FrozenTable<K, V> {
    full: bool,
    changes: Changes<K, V>,
}

impl<K: Key, V: Value> Frozen for FrozenTable<K, V> {
    fn is_full(&self) -> bool {
        self.full
    }

    fn encode(self: Box<Self>, max_parallelism: MaxParallelism, into: &mut DeltaWriter<'_>) {
        self.changes.encode(&[], max_parallelism, into);
    }
}

impl<K: Key, V: Value> KeyedState for ValueState<K, V> {
    fn capture(&mut self, full: bool) -> Box<dyn Frozen> {
        let full = full || self.0.mostly_dirty();
        Box::new(FrozenTable { full, changes: self.0.capture(full, &self.1) })
    }

    fn restore(&mut self, delta: &Delta, groups: KeyGroupRange) -> Result<(), DecodeError> {
        self.0.reserve(delta.estimate(groups));
        delta.for_each(groups, |_, entry| {
            self.0.restore(&delta.key(&entry)?, delta.value(&entry)?);
            Ok(())
        })
    }

    fn look_ahead(&self, hashes: &[u64]) {
        self.0.look_ahead(hashes);
    }

    fn entries(&self) -> u64 {
        self.0.len() as u64
    }
}

macro_rules! keyed_state_by_table {
    ($name:ident<$key:ident, $value:ident $(: $bound:ident)?>) => {
        impl<$key: Key, $value $(: $bound)?> KeyedState for $name<$key, $value> {
            fn capture(&mut self, full: bool) -> Box<dyn Frozen> {
                self.values.capture(full)
            }

            fn restore(&mut self, delta: &Delta, groups: KeyGroupRange) -> Result<(), DecodeError> {
                self.values.restore(delta, groups)
            }

            fn look_ahead(&self, hashes: &[u64]) {
                self.values.look_ahead(hashes);
            }

            fn entries(&self) -> u64 {
                self.values.entries()
            }
        }
    };
}

pub(super) use keyed_state_by_table;

/// A list per key. Rewritten as a whole in a snapshot when it has changed.
#[derive(Clone, Debug)]
pub struct ListState<K, V> {
    values: ValueState<K, Vec<V>>,
}

impl<K, V> Default for ListState<K, V> {
    fn default() -> Self {
        Self { values: ValueState::default() }
    }
}

impl<K: Key, V: Value> ListState<K, V> {
    /// Appends to the list of a key.
    pub fn push(&mut self, at: Keyed<'_, K>, value: V) {
        self.values.get_or_insert_with(at, Vec::new).push(value);
    }

    /// The list of a key.
    #[must_use]
    pub fn get(&self, at: Keyed<'_, K>) -> &[V] {
        self.values.get(at).map_or(&[], Vec::as_slice)
    }

    /// Takes the list of a key out.
    pub fn take(&mut self, at: Keyed<'_, K>) -> Vec<V> {
        self.values.remove(at).unwrap_or_default()
    }

    /// As [`ValueState::retain`]; a list that stays must not be empty.
    pub fn retain(&mut self, keep: impl FnMut(&K, &mut Vec<V>) -> bool) {
        self.values.retain(keep);
    }

    /// The lists of all keys, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &[V])> {
        self.values.iter().map(|(key, list)| (key, list.as_slice()))
    }
}
keyed_state_by_table!(ListState<K, V: Value>);

/// One value per key into which every new one is folded.
#[derive(Clone, Debug)]
pub struct ReducingState<K, V> {
    values: ValueState<K, V>,
    reduce: fn(&mut V, V),
}

impl<K: Key, V: Value> ReducingState<K, V> {
    /// A state that folds with `reduce`.
    #[must_use]
    pub fn new(reduce: fn(&mut V, V)) -> Self {
        Self { values: ValueState::default(), reduce }
    }

    /// Folds `value` into that of a key, and returns the result.
    pub fn add(&mut self, at: Keyed<'_, K>, value: V) -> &V {
        let mut value = Some(value);
        let slot = self.values.get_or_insert_with(at, || value.take().expect("made at most once"));
        if let Some(value) = value {
            (self.reduce)(slot, value);
        }
        slot
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, at: Keyed<'_, K>) -> Option<&V> {
        self.values.get(at)
    }

    /// Forgets a key.
    pub fn remove(&mut self, at: Keyed<'_, K>) -> Option<V> {
        self.values.remove(at)
    }
}
keyed_state_by_table!(ReducingState<K, V: Value>);

/// One accumulator per key.
#[derive(Clone, Debug)]
pub struct AggregatingState<K, A: Aggregate> {
    values: ValueState<K, A::Accumulator>,
    aggregate: A,
}

impl<K: Key, A: Aggregate> AggregatingState<K, A> {
    /// A state that accumulates by `aggregate`.
    #[must_use]
    pub fn new(aggregate: A) -> Self {
        Self { values: ValueState::default(), aggregate }
    }

    /// Adds `value` to the accumulator of a key.
    pub fn add(&mut self, at: Keyed<'_, K>, value: &A::In) {
        let aggregate = &self.aggregate;
        aggregate.add(self.values.get_or_insert_with(at, || aggregate.create()), value);
    }

    /// The result of a key, `None` when nothing was added.
    #[must_use]
    pub fn get(&self, at: Keyed<'_, K>) -> Option<A::Out> {
        self.values.get(at).map(|accumulator| self.aggregate.result(accumulator))
    }

    /// Forgets a key.
    pub fn remove(&mut self, at: Keyed<'_, K>) {
        self.values.remove(at);
    }
}
keyed_state_by_table!(AggregatingState<K, A: Aggregate>);
