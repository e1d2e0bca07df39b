//! One value per key that expires.

use super::super::handles::keyed_state_by_table;
use super::super::{Frozen, Keyed, KeyedState, Value, delta::Delta};
use super::store::Store;
use super::{StateTtl, Timed};
use crate::codec::DecodeError;
use crate::key::{Key, KeyGroupRange};
use crate::time::Timestamp;

/// One value per key that expires.
///
/// ```
/// use tidegate_core::{state::{Keyed, ttl::{StateTtl, TtlValueState}}, time::Timestamp};
/// let mut seen = TtlValueState::<u64, u32>::new(StateTtl::new(1_000));
/// seen.set(Keyed::new(&7), 1, Timestamp(0));
/// assert_eq!(seen.get(Keyed::new(&7), Timestamp(999)), Some(&1));
/// assert_eq!(seen.get(Keyed::new(&7), Timestamp(1_000)), None);
/// ```
#[derive(Clone, Debug)]
pub struct TtlValueState<K, V> {
    values: Store<K, Timed<V>>,
    /// What has expired and was read last.
    expired: Option<V>,
}

impl<K: Key, V: Value> TtlValueState<K, V> {
    /// A state whose values live as `ttl` says.
    #[must_use]
    pub fn new(ttl: StateTtl) -> Self {
        Self { values: Store::new(ttl), expired: None }
    }

    /// The value of a key, when processing time is `now`.
    pub fn get(&mut self, at: Keyed<'_, K>, now: Timestamp) -> Option<&V> {
        self.values.accessed(now);
        let Store { values, ttl, .. } = &mut self.values;
        if ttl.has_expired(values.get(at)?.0, now) {
            self.expired = values.remove(at).map(|Timed(_, value)| value);
            return self.expired.as_ref().filter(|_| ttl.shows_expired());
        }
        if ttl.refreshes_on_read() {
            let Timed(updated, value) = values.get_mut(at)?;
            *updated = now;
            return Some(value);
        }
        values.get(at).map(|Timed(_, value)| value)
    }

    /// Sets the value of a key.
    pub fn set(&mut self, at: Keyed<'_, K>, value: V, now: Timestamp) {
        self.values.accessed(now);
        self.values.values.set(at, Timed(now, value));
    }

    /// Changes the value of a key, or what `make` makes when there is none that lives.
    pub fn update(
        &mut self,
        at: Keyed<'_, K>,
        now: Timestamp,
        make: impl FnOnce() -> V,
        change: impl FnOnce(&mut V),
    ) -> &V {
        self.values.accessed(now);
        let Store { values, ttl, .. } = &mut self.values;
        if values.get(at).is_some_and(|Timed(updated, _)| ttl.has_expired(*updated, now)) {
            values.remove(at);
        }
        let Timed(updated, value) = values.get_or_insert_with(at, || Timed(now, make()));
        *updated = now;
        change(value);
        value
    }

    /// Forgets a key.
    pub fn remove(&mut self, at: Keyed<'_, K>) {
        self.values.values.remove(at);
    }
}
keyed_state_by_table!(TtlValueState<K, V: Value>);
