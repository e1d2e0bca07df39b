//! `Reduce`: an aggregate that folds records of a type into one of the same type.

use std::marker::PhantomData;
use tidegate_core::element::Data;
use tidegate_core::state::Value;
use tidegate_core::state::aggregate::Aggregate;

/// Folds records with a function of two, which must be associative; one record is its own result.
#[derive(Debug)]
pub struct Reduce<T, F> {
    reduce: F,
    of: PhantomData<fn(T)>,
}

impl<T, F: Fn(T, &T) -> T> Reduce<T, F> {
    /// Folds by `reduce(so far, next)`.
    pub const fn new(reduce: F) -> Self {
        Self { reduce, of: PhantomData }
    }
}

impl<T, F: Clone> Clone for Reduce<T, F> {
    fn clone(&self) -> Self {
        Self { reduce: self.reduce.clone(), of: PhantomData }
    }
}

impl<T: Data + Value, F> Aggregate for Reduce<T, F>
where
    F: Fn(T, &T) -> T + Clone + Send + Sync + 'static,
{
    type In = T;
    type Accumulator = Option<T>;
    type Out = T;

    fn create(&self) -> Option<T> {
        None
    }

    fn add(&self, all: &mut Option<T>, value: &T) {
        *all = Some(match all.take() {
            None => value.clone(),
            Some(so_far) => (self.reduce)(so_far, value),
        });
    }

    fn merge(&self, all: &mut Option<T>, other: &Option<T>) {
        if let Some(other) = other {
            self.add(all, other);
        }
    }

    fn result(&self, all: &Option<T>) -> T {
        all.clone().expect("a window that fires holds a record")
    }
}
