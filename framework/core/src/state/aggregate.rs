//! Incremental aggregation: an accumulator instead of a list of records.
//!
//! Laws: `merge` is associative, and adding records one by one in any grouping and merging the
//! accumulators gives the same result as adding them all to one.

use super::Value;
use crate::element::Data;

/// Folds records into an accumulator and reads a result off it.
pub trait Aggregate: Clone + Send + Sync + 'static {
    /// The record type.
    type In: Data;
    /// What is kept in state.
    type Accumulator: Value;
    /// What comes out.
    type Out: Data;

    /// The accumulator of nothing.
    fn create(&self) -> Self::Accumulator;
    /// Adds one record.
    fn add(&self, accumulator: &mut Self::Accumulator, value: &Self::In);
    /// Adds all that `other` has taken in.
    fn merge(&self, accumulator: &mut Self::Accumulator, other: &Self::Accumulator);
    /// The result so far.
    fn result(&self, accumulator: &Self::Accumulator) -> Self::Out;
}
