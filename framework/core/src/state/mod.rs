//! Keyed state and operator state: what an operator remembers between records.
//!
//! An operator *owns* its states as plain fields and shows them to the runner by one method that
//! visits each ([`StateVisitor`]). There is no hidden "current key": whoever reads a state passes the
//! key. Values stay decoded in memory; only what has changed is encoded, off the hot path.

pub mod aggregate;
pub mod broadcast;
#[cfg(test)]
mod capture_tests;
pub mod delta;
pub mod delta_writer;
pub mod handles;
pub mod in_groups;
pub mod list;
pub mod look_ahead;
pub mod map;
pub mod namespaced;
pub mod room;
pub mod rules;
mod slots;
#[cfg(test)]
mod slots_tests;
pub mod table;
pub mod ttl;

use crate::codec::DecodeError;
use crate::key::{Key, KeyGroupRange, MaxParallelism};
use crate::snapshot::Redistribution;
use delta::Delta;
use delta_writer::DeltaWriter;
use serde::{Serialize, de::DeserializeOwned};

/// What a state can hold.
pub trait Value: Clone + Send + Serialize + DeserializeOwned + 'static {}
impl<T: Clone + Send + Serialize + DeserializeOwned + 'static> Value for T {}

/// A key with its stable hash, which the exchange has computed already.
#[derive(Debug)]
pub struct Keyed<'a, K> {
    /// The key.
    pub key: &'a K,
    /// [`Key::stable_hash`] of it.
    pub hash: u64,
}

impl<K> Clone for Keyed<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Keyed<'_, K> {}

impl<'a, K: Key> Keyed<'a, K> {
    /// Hashes `key`.
    pub fn new(key: &'a K) -> Self {
        Self { key, hash: key.stable_hash() }
    }
}

/// A keyed state as the runner sees it: something that can be captured, encoded and restored.
pub trait KeyedState: Send {
    /// Takes what has changed since the last capture (or everything, when `full` or when that is as
    /// cheap), synchronously and without encoding.
    fn capture(&mut self, full: bool) -> Box<dyn Frozen>;

    /// Applies one base or delta, oldest first; only entries whose group lies in `groups` count.
    /// Deltas that drop whole namespaces have been merged before ([`delta::resolve`]), because such a
    /// drop speaks of one old subtask only.
    ///
    /// # Errors
    /// When the entries do not fit the state's types.
    fn restore(&mut self, delta: &Delta, groups: KeyGroupRange) -> Result<(), DecodeError>;

    /// Reads the entries of the keys with these hashes, so that they are near when they are asked for
    /// ([`look_ahead`](look_ahead::look_ahead)). Nothing else comes of it.
    fn look_ahead(&self, hashes: &[u64]) {
        let _ = hashes;
    }

    /// Number of entries held now, counted as they are captured: at little cost, for it is asked at every
    /// barrier.
    fn entries(&self) -> u64;
}

/// Captured entries on their way to storage.
pub trait Frozen: Send {
    /// Whether they are a base: all entries.
    fn is_full(&self) -> bool;

    /// Writes them, off the hot path.
    fn encode(self: Box<Self>, max_parallelism: MaxParallelism, into: &mut DeltaWriter<'_>);
}

impl dyn Frozen {
    /// The entries, encoded in memory.
    #[must_use]
    pub fn into_delta(self: Box<Self>, max_parallelism: MaxParallelism) -> Delta {
        Delta::of(self.is_full(), |into| self.encode(max_parallelism, into))
    }
}

/// An operator list state as the runner sees it.
pub trait OperatorState: Send {
    /// What becomes of it when parallelism changes.
    fn redistribution(&self) -> Redistribution;
    /// CBOR of each element.
    fn snapshot(&self) -> Vec<Vec<u8>>;
    /// Replaces the content.
    ///
    /// # Errors
    /// When an element does not fit the state's type.
    fn restore(&mut self, elements: &[Vec<u8>]) -> Result<(), DecodeError>;
}

/// Walks over the states of an operator, for a snapshot or a restore.
pub trait StateVisitor {
    /// A keyed state, by its name within the operator.
    fn keyed(&mut self, name: &str, state: &mut dyn KeyedState);
    /// An operator list state, by its name within the operator.
    fn list(&mut self, name: &str, state: &mut dyn OperatorState);
}
