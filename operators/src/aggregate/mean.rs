//! `Mean`: the arithmetic mean of a field; none of no records.
//!
//! Integers are summed exactly and divided once; floating-point numbers as [`super::Sum`] does it.

use super::addend::Addend;
use std::marker::PhantomData;
use tidegate_core::element::Data;
use tidegate_core::state::aggregate::Aggregate;

/// Averages a field.
#[derive(Debug)]
pub struct Mean<T, F> {
    field: F,
    of: PhantomData<fn(T)>,
}

impl<T, N, F: Fn(&T) -> N> Mean<T, F> {
    /// Averages `field`.
    pub const fn of(field: F) -> Self {
        Self { field, of: PhantomData }
    }
}

impl<T, F: Clone> Clone for Mean<T, F> {
    fn clone(&self) -> Self {
        Self { field: self.field.clone(), of: PhantomData }
    }
}

impl<T: Data, N: Addend, F> Aggregate for Mean<T, F>
where
    F: Fn(&T) -> N + Clone + Send + Sync + 'static,
{
    type In = T;
    /// Sum and count.
    type Accumulator = (N::Total, u64);
    type Out = Option<f64>;

    const INVERTIBLE: bool = N::EXACT;

    fn create(&self) -> (N::Total, u64) {
        (N::Total::default(), 0)
    }

    fn add(&self, (total, count): &mut (N::Total, u64), value: &T) {
        (self.field)(value).put(total);
        *count += 1;
    }

    fn merge(&self, (total, count): &mut (N::Total, u64), other: &(N::Total, u64)) {
        N::join(total, &other.0);
        *count += other.1;
    }

    fn result(&self, (total, count): &(N::Total, u64)) -> Option<f64> {
        (*count > 0).then(|| N::approximate(total) / *count as f64)
    }

    fn deduct(&self, (total, count): &mut (N::Total, u64), part: &(N::Total, u64)) {
        N::take(total, &part.0);
        *count -= part.1;
    }
}
