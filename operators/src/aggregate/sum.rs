//! `Sum`: the sum of a field.
//!
//! The sum of integers is exact, and stops at the end of their range instead of wrapping round; sum
//! into a wider type where that can happen. The sum of floating-point numbers depends on their
//! grouping in the last digits, and so, between windows that share slices, on where the slices were
//! cut.

use super::addend::Addend;
use std::marker::PhantomData;
use tidegate_core::element::Data;
use tidegate_core::state::aggregate::Aggregate;

/// Sums a field.
#[derive(Debug)]
pub struct Sum<T, F> {
    field: F,
    of: PhantomData<fn(T)>,
}

impl<T, N, F: Fn(&T) -> N> Sum<T, F> {
    /// Sums `field`.
    pub const fn of(field: F) -> Self {
        Self { field, of: PhantomData }
    }
}

impl<T, F: Clone> Clone for Sum<T, F> {
    fn clone(&self) -> Self {
        Self { field: self.field.clone(), of: PhantomData }
    }
}

impl<T: Data, N: Addend, F> Aggregate for Sum<T, F>
where
    F: Fn(&T) -> N + Clone + Send + Sync + 'static,
{
    type In = T;
    type Accumulator = N::Total;
    type Out = N;

    const INVERTIBLE: bool = N::EXACT;

    fn create(&self) -> N::Total {
        N::Total::default()
    }

    fn add(&self, total: &mut N::Total, value: &T) {
        (self.field)(value).put(total);
    }

    fn merge(&self, total: &mut N::Total, other: &N::Total) {
        N::join(total, other);
    }

    fn result(&self, total: &N::Total) -> N {
        N::of(total)
    }

    fn deduct(&self, total: &mut N::Total, part: &N::Total) {
        N::take(total, part);
    }
}
