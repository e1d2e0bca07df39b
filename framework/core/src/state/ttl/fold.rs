//! Values that grow by every new one and expire: reduced ones and accumulators.

use super::super::aggregate::Aggregate;
use super::super::handles::keyed_state_by_table;
use super::super::{Frozen, Keyed, KeyedState, Value, delta::Delta};
use super::{StateTtl, TtlValueState};
use crate::codec::DecodeError;
use crate::key::{Key, KeyGroupRange};
use crate::time::Timestamp;

/// One value per key into which every new one is folded, and which expires.
#[derive(Clone, Debug)]
pub struct TtlReducingState<K, V> {
    values: TtlValueState<K, V>,
    reduce: fn(&mut V, V),
}

impl<K: Key, V: Value> TtlReducingState<K, V> {
    /// A state that folds with `reduce` and whose values live as `ttl` says.
    #[must_use]
    pub fn new(ttl: StateTtl, reduce: fn(&mut V, V)) -> Self {
        Self { values: TtlValueState::new(ttl), reduce }
    }

    /// Folds `value` into that of a key, if it lives; returns the result.
    pub fn add(&mut self, at: Keyed<'_, K>, value: V, now: Timestamp) -> &V {
        let (value, reduce) = (std::cell::Cell::new(Some(value)), self.reduce);
        let first = || value.take().expect("made before it is changed");
        self.values.update(at, now, first, |slot| {
            if let Some(value) = value.take() {
                reduce(slot, value);
            }
        })
    }

    /// The value of a key, when processing time is `now`.
    pub fn get(&mut self, at: Keyed<'_, K>, now: Timestamp) -> Option<&V> {
        self.values.get(at, now)
    }

    /// Forgets a key.
    pub fn remove(&mut self, at: Keyed<'_, K>) {
        self.values.remove(at);
    }
}
keyed_state_by_table!(TtlReducingState<K, V: Value>);

/// One accumulator per key, which expires.
#[derive(Clone, Debug)]
pub struct TtlAggregatingState<K, A: Aggregate> {
    values: TtlValueState<K, A::Accumulator>,
    aggregate: A,
}

impl<K: Key, A: Aggregate> TtlAggregatingState<K, A> {
    /// A state that accumulates by `aggregate` and whose accumulators live as `ttl` says.
    #[must_use]
    pub fn new(ttl: StateTtl, aggregate: A) -> Self {
        Self { values: TtlValueState::new(ttl), aggregate }
    }

    /// Adds `value` to the accumulator of a key, or to a new one when that has expired.
    pub fn add(&mut self, at: Keyed<'_, K>, value: &A::In, now: Timestamp) {
        let aggregate = &self.aggregate;
        let add = |accumulator: &mut _| aggregate.add(accumulator, value);
        self.values.update(at, now, || aggregate.create(), add);
    }

    /// The result of a key, when processing time is `now`.
    pub fn get(&mut self, at: Keyed<'_, K>, now: Timestamp) -> Option<A::Out> {
        self.values.get(at, now).map(|accumulator| self.aggregate.result(accumulator))
    }

    /// Forgets a key.
    pub fn remove(&mut self, at: Keyed<'_, K>) {
        self.values.remove(at);
    }
}
keyed_state_by_table!(TtlAggregatingState<K, A: Aggregate>);
