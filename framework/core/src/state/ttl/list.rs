//! A list per key whose elements expire one by one.

use super::super::handles::keyed_state_by_table;
use super::super::{Frozen, Keyed, KeyedState, Value, delta::Delta};
use super::store::{Perishable, Store};
use super::{StateTtl, Timed};
use crate::codec::DecodeError;
use crate::key::{Key, KeyGroupRange};
use crate::time::Timestamp;

/// A list per key whose elements expire one by one.
#[derive(Clone, Debug)]
pub struct TtlListState<K, V> {
    values: Store<K, Vec<Timed<V>>>,
    /// What has expired and was read last.
    expired: Vec<Timed<V>>,
}

impl<K: Key, V: Value> TtlListState<K, V> {
    /// A state whose elements live as `ttl` says.
    #[must_use]
    pub fn new(ttl: StateTtl) -> Self {
        Self { values: Store::new(ttl), expired: Vec::new() }
    }

    /// Appends to the list of a key.
    pub fn push(&mut self, at: Keyed<'_, K>, value: V, now: Timestamp) {
        self.values.accessed(now);
        self.values.values.get_or_insert_with(at, Vec::new).push(Timed(now, value));
    }

    /// The list of a key, when processing time is `now`; what has expired and may be seen comes first.
    pub fn get(&mut self, at: Keyed<'_, K>, now: Timestamp) -> impl Iterator<Item = &V> {
        self.read(at, now);
        let seen = self.expired.iter().filter(|_| self.values.ttl.shows_expired());
        let living = self.values.values.get(at).into_iter().flatten();
        seen.chain(living).map(|Timed(_, value)| value)
    }

    /// Takes the list of a key out.
    pub fn take(&mut self, at: Keyed<'_, K>, now: Timestamp) -> Vec<V> {
        let list = self.get(at, now).cloned().collect();
        self.values.values.remove(at);
        list
    }

    /// Sorts out what has expired, and refreshes the rest if reading does.
    fn read(&mut self, at: Keyed<'_, K>, now: Timestamp) {
        self.values.accessed(now);
        self.expired.clear();
        let Store { values, ttl, .. } = &mut self.values;
        let (ttl, refreshes) = (*ttl, ttl.refreshes_on_read());
        if !values.get(at).is_some_and(|list| refreshes || list.has_expired(ttl, now)) {
            return;
        }
        let Some(list) = values.get_mut(at) else { return };
        self.expired.extend(list.extract_if(.., |element| element.has_expired(ttl, now)));
        if refreshes {
            list.iter_mut().for_each(|Timed(updated, _)| *updated = now);
        }
        if list.is_empty() {
            values.remove(at);
        }
    }
}
keyed_state_by_table!(TtlListState<K, V: Value>);
