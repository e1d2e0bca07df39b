//! `Fold`: an aggregate from a first value and two functions, where a type of its own is too much.
//!
//! ```
//! use tidegate_core::state::aggregate::Aggregate;
//! use tidegate_operators::aggregate::Fold;
//!
//! let longest = Fold::new(
//!     0usize,
//!     |longest, word: &String| *longest = word.len().max(*longest),
//!     |longest, other| *longest = *other.max(longest),
//! );
//! let mut accumulator = longest.create();
//! longest.add(&mut accumulator, &"watermark".to_owned());
//! assert_eq!(longest.result(&accumulator), 9);
//! ```

use tidegate_core::element::Data;
use tidegate_core::state::Value;
use tidegate_core::state::aggregate::Aggregate;

/// Folds records of type `T` into a value of type `V`, which is also the result.
#[derive(Debug)]
pub struct Fold<T, V> {
    first: V,
    add: fn(&mut V, &T),
    merge: fn(&mut V, &V),
}

impl<T, V> Fold<T, V> {
    /// Begins with `first`, takes records in by `add` and other folds by `merge`. Merging a fold of
    /// nothing must change nothing.
    pub const fn new(first: V, add: fn(&mut V, &T), merge: fn(&mut V, &V)) -> Self {
        Self { first, add, merge }
    }
}

impl<T, V: Clone> Clone for Fold<T, V> {
    fn clone(&self) -> Self {
        Self { first: self.first.clone(), add: self.add, merge: self.merge }
    }
}

impl<T: Data, V: Value + Sync> Aggregate for Fold<T, V> {
    type In = T;
    type Accumulator = V;
    type Out = V;

    fn create(&self) -> V {
        self.first.clone()
    }

    fn add(&self, accumulator: &mut V, value: &T) {
        (self.add)(accumulator, value);
    }

    fn merge(&self, accumulator: &mut V, other: &V) {
        (self.merge)(accumulator, other);
    }

    fn result(&self, accumulator: &V) -> V {
        accumulator.clone()
    }
}
