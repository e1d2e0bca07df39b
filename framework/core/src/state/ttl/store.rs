//! A table of values that expire: the sweep that each access pays a little of.

use super::super::delta::Delta;
use super::super::handles::ValueState;
use super::super::{Frozen, Keyed, KeyedState, Value};
use super::{StateTtl, Timed};
use crate::codec::DecodeError;
use crate::key::{Key, KeyGroupRange};
use crate::time::Timestamp;

/// What can expire, as a whole or in parts.
pub(super) trait Perishable: Value {
    /// Whether some of it has expired.
    fn has_expired(&self, ttl: StateTtl, now: Timestamp) -> bool;
    /// Drops what has expired; says whether something is left.
    fn prune(&mut self, ttl: StateTtl, now: Timestamp) -> bool;
}

impl<V: Value> Perishable for Timed<V> {
    fn has_expired(&self, ttl: StateTtl, now: Timestamp) -> bool {
        ttl.has_expired(self.0, now)
    }

    fn prune(&mut self, ttl: StateTtl, now: Timestamp) -> bool {
        !self.has_expired(ttl, now)
    }
}

impl<V: Value> Perishable for Vec<Timed<V>> {
    fn has_expired(&self, ttl: StateTtl, now: Timestamp) -> bool {
        self.iter().any(|element| element.has_expired(ttl, now))
    }

    fn prune(&mut self, ttl: StateTtl, now: Timestamp) -> bool {
        self.retain(|element| !element.has_expired(ttl, now));
        !self.is_empty()
    }
}

/// A perishable value per key.
#[derive(Clone, Debug)]
pub(super) struct Store<K, X> {
    pub(super) values: ValueState<K, X>,
    pub(super) ttl: StateTtl,
    /// Processing time as last heard of.
    clock: Timestamp,
    /// The slot that is looked at next.
    position: usize,
    /// Whether what was restored has not been looked at.
    restored: bool,
}

impl<K: Key, X: Perishable> Store<K, X> {
    pub(super) fn new(ttl: StateTtl) -> Self {
        let values = ValueState::default();
        Self { values, ttl, clock: Timestamp::MIN, position: 0, restored: false }
    }

    /// To be called first in every access.
    pub(super) fn accessed(&mut self, now: Timestamp) {
        self.clock = now;
        let all = self.values.0.slots();
        self.sweep(if self.restored { all } else { self.ttl.cleanup.min(all) });
        self.restored = false;
    }

    fn sweep(&mut self, slots: usize) {
        for _ in 0..slots {
            if self.position >= self.values.0.slots() {
                self.position = 0;
            }
            let met = self.values.0.slot(self.position);
            let due = met.filter(|(_, value)| value.has_expired(self.ttl, self.clock));
            let key = due.map(|(key, _)| key.clone());
            self.position += 1;
            if let Some(key) = key {
                let at = Keyed::new(&key);
                let (ttl, now) = (self.ttl, self.clock);
                if !self.values.get_mut(at).is_some_and(|value| value.prune(ttl, now)) {
                    self.values.remove(at);
                }
            }
        }
    }
}

impl<K: Key, X: Perishable> KeyedState for Store<K, X> {
    fn capture(&mut self, full: bool) -> Box<dyn Frozen> {
        if full {
            self.sweep(self.values.0.slots());
        }
        self.values.capture(full)
    }

    fn restore(&mut self, delta: &Delta, groups: KeyGroupRange) -> Result<(), DecodeError> {
        self.restored = true;
        self.values.restore(delta, groups)
    }

    fn look_ahead(&self, hashes: &[u64]) {
        self.values.look_ahead(hashes);
    }

    fn entries(&self) -> u64 {
        self.values.entries()
    }
}
