//! `Min`: the least value of a field; none of no records.

use std::marker::PhantomData;
use tidegate_core::element::Data;
use tidegate_core::state::Value;
use tidegate_core::state::aggregate::Aggregate;

/// The least value of a field.
#[derive(Debug)]
pub struct Min<T, F> {
    field: F,
    of: PhantomData<fn(T)>,
}

impl<T, V, F: Fn(&T) -> V> Min<T, F> {
    /// The least value of `field`.
    pub const fn of(field: F) -> Self {
        Self { field, of: PhantomData }
    }
}

impl<T, F: Clone> Clone for Min<T, F> {
    fn clone(&self) -> Self {
        Self { field: self.field.clone(), of: PhantomData }
    }
}

impl<T: Data, V: Value + Sync + Ord, F> Aggregate for Min<T, F>
where
    F: Fn(&T) -> V + Clone + Send + Sync + 'static,
{
    type In = T;
    type Accumulator = Option<V>;
    type Out = Option<V>;

    fn create(&self) -> Option<V> {
        None
    }

    fn add(&self, min: &mut Option<V>, value: &T) {
        let value = (self.field)(value);
        if min.as_ref().is_none_or(|min| value < *min) {
            *min = Some(value);
        }
    }

    fn merge(&self, min: &mut Option<V>, other: &Option<V>) {
        if let Some(value) = other
            && min.as_ref().is_none_or(|min| value < min)
        {
            min.clone_from(other);
        }
    }

    fn result(&self, min: &Option<V>) -> Option<V> {
        min.clone()
    }
}
