//! `Count`: how many records there are.

use std::marker::PhantomData;
use tidegate_core::element::Data;
use tidegate_core::state::aggregate::Aggregate;

/// Counts records.
#[derive(Debug)]
pub struct Count<T>(PhantomData<fn(T)>);

impl<T> Count<T> {
    /// Counts.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Default for Count<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for Count<T> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<T: Data> Aggregate for Count<T> {
    type In = T;
    type Accumulator = u64;
    type Out = u64;

    const INVERTIBLE: bool = true;

    fn create(&self) -> u64 {
        0
    }

    fn add(&self, count: &mut u64, _value: &T) {
        *count += 1;
    }

    fn merge(&self, count: &mut u64, other: &u64) {
        *count += other;
    }

    fn result(&self, count: &u64) -> u64 {
        *count
    }

    fn deduct(&self, count: &mut u64, part: &u64) {
        *count -= part;
    }
}
