//! `Mean`: the arithmetic mean of a field; none of no records.

use std::marker::PhantomData;
use tidegate_core::element::Data;
use tidegate_core::state::aggregate::Aggregate;

/// Averages a field.
#[derive(Debug)]
pub struct Mean<T, F> {
    field: F,
    of: PhantomData<fn(T)>,
}

impl<T, F: Fn(&T) -> f64> Mean<T, F> {
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

impl<T: Data, F> Aggregate for Mean<T, F>
where
    F: Fn(&T) -> f64 + Clone + Send + Sync + 'static,
{
    type In = T;
    /// Sum and count.
    type Accumulator = (f64, u64);
    type Out = Option<f64>;

    fn create(&self) -> (f64, u64) {
        (0.0, 0)
    }

    fn add(&self, (sum, count): &mut (f64, u64), value: &T) {
        *sum += (self.field)(value);
        *count += 1;
    }

    fn merge(&self, (sum, count): &mut (f64, u64), other: &(f64, u64)) {
        *sum += other.0;
        *count += other.1;
    }

    fn result(&self, &(sum, count): &(f64, u64)) -> Option<f64> {
        (count > 0).then(|| sum / count as f64)
    }
}
