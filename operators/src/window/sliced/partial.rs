//! What travels from a [`crate::window::LocalWindow`] to the window behind the exchange: records as
//! they came, and records of one key and slice that have been combined.

use serde::{Deserialize, Serialize};
use tidegate_core::key::Key;
use tidegate_core::state::aggregate::Aggregate;
use tidegate_core::time::Timestamp;

/// A record, or several of the same key and slice.
#[derive(Clone, Debug)]
pub enum Partial<K, A: Aggregate> {
    /// As it came.
    Record(A::In),
    /// What came together.
    Combined(Combined<K, A::Accumulator>),
}

/// The records of one key in one slice, or some of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Combined<K, V> {
    /// Their key.
    pub key: K,
    /// The end of the slice that all of them fall into; one millisecond less is their event time.
    pub slice_end: Timestamp,
    /// What they add up to.
    pub accumulator: V,
    /// How many they are.
    pub records: u64,
}

impl<K: Key, A: Aggregate> Partial<K, A> {
    /// The key; `of` reads it off a record.
    pub fn key(&self, of: impl Fn(&A::In) -> K) -> K {
        match self {
            Self::Record(record) => of(record),
            Self::Combined(combined) => combined.key.clone(),
        }
    }
}
