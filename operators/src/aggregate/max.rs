//! `Max`: the greatest value of a field; none of no records.

use std::marker::PhantomData;
use tidegate_core::element::Data;
use tidegate_core::state::Value;
use tidegate_core::state::aggregate::Aggregate;

/// The greatest value of a field.
#[derive(Debug)]
pub struct Max<T, F> {
    field: F,
    of: PhantomData<fn(T)>,
}

impl<T, V, F: Fn(&T) -> V> Max<T, F> {
    /// The greatest value of `field`.
    pub const fn of(field: F) -> Self {
        Self { field, of: PhantomData }
    }
}

impl<T, F: Clone> Clone for Max<T, F> {
    fn clone(&self) -> Self {
        Self { field: self.field.clone(), of: PhantomData }
    }
}

impl<T: Data, V: Value + Sync + Ord, F> Aggregate for Max<T, F>
where
    F: Fn(&T) -> V + Clone + Send + Sync + 'static,
{
    type In = T;
    type Accumulator = Option<V>;
    type Out = Option<V>;

    fn create(&self) -> Option<V> {
        None
    }

    fn add(&self, max: &mut Option<V>, value: &T) {
        let value = (self.field)(value);
        if max.as_ref().is_none_or(|max| value > *max) {
            *max = Some(value);
        }
    }

    fn merge(&self, max: &mut Option<V>, other: &Option<V>) {
        if let Some(value) = other
            && max.as_ref().is_none_or(|max| value > max)
        {
            max.clone_from(other);
        }
    }

    fn result(&self, max: &Option<V>) -> Option<V> {
        max.clone()
    }
}
