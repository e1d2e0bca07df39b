//! Incremental aggregation: an accumulator instead of a list of records.
//!
//! Laws, each of them as far as [`Aggregate::result`] can see:
//! - `merge` is associative and commutative, and merging the accumulator of nothing changes nothing;
//! - adding records one by one in any grouping and merging the accumulators gives the same result as
//!   adding them all to one;
//! - an accumulator made by `running` is as good as one made by `create` to merge into;
//! - where [`Aggregate::INVERTIBLE`]: after `merge(all, part)`, in whatever order other parts came and
//!   went meanwhile, `deduct(all, part)` leaves `all` as if `part` had never been merged, exactly.

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

    /// Whether [`Aggregate::deduct`] undoes a merge exactly. Overlapping windows then carry one
    /// running accumulator per key from window to window instead of stacks of them.
    const INVERTIBLE: bool = false;

    /// The accumulator of nothing.
    fn create(&self) -> Self::Accumulator;
    /// Adds one record.
    fn add(&self, accumulator: &mut Self::Accumulator, value: &Self::In);
    /// Adds all that `other` has taken in. `other` may come from `create` and `add`, or be the running
    /// accumulator of an aggregate that is not invertible.
    fn merge(&self, accumulator: &mut Self::Accumulator, other: &Self::Accumulator);
    /// The result so far.
    fn result(&self, accumulator: &Self::Accumulator) -> Self::Out;

    /// The accumulator of nothing, as parts are merged into it and deducted from it while a window
    /// slides. It may be represented in another way than the parts: no record is added to it, and it
    /// is never stored.
    fn running(&self) -> Self::Accumulator {
        self.create()
    }

    /// Takes `part` out of `all`, which was made by `running` and into which `part`, unchanged since,
    /// was merged. Only called where [`Aggregate::INVERTIBLE`].
    fn deduct(&self, all: &mut Self::Accumulator, part: &Self::Accumulator) {
        let _ = (all, part);
        unreachable!("an aggregate that is not invertible has nothing deducted");
    }
}
