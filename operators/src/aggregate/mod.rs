//! Ready aggregates: what a window or an aggregating state folds its records into.
//!
//! Each takes a closure that reads a field off the record, so that the fold is compiled into the
//! operator around it. [`Fold`] builds one from three values without a type of its own.
//!
//! ```
//! use tidegate_core::state::aggregate::Aggregate;
//! use tidegate_operators::aggregate::{Count, Max, Mean, Sum};
//!
//! fn fold<A: Aggregate<In = i64>>(aggregate: A, records: &[i64]) -> A::Out {
//!     let mut accumulator = aggregate.create();
//!     records.iter().for_each(|record| aggregate.add(&mut accumulator, record));
//!     aggregate.result(&accumulator)
//! }
//! assert_eq!(fold(Count::new(), &[3, 1, 2]), 3);
//! assert_eq!(fold(Sum::of(|n: &i64| *n), &[3, 1, 2]), 6);
//! assert_eq!(fold(Max::of(|n: &i64| *n), &[3, 1, 2]), Some(3));
//! assert_eq!(fold(Mean::of(|n: &i64| *n as f64), &[3, 1, 2]), Some(2.0));
//! ```

mod addend;
mod count;
mod distinct;
mod fold;
mod max;
mod mean;
mod min;
mod sum;

pub use addend::{Addend, Wide};
pub use count::Count;
pub use distinct::{
    BloomCount, Distinct, DistinctIds, DistinctWide, HyperLogLog, SeenValues, Sketch, WideIds,
};
pub use fold::Fold;
pub use max::Max;
pub use mean::Mean;
pub use min::Min;
pub use sum::Sum;

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::state::aggregate::Aggregate;

    /// Folds `records` cut at every place, and expects the same of each grouping.
    fn check<A: Aggregate<In = i64>>(aggregate: &A, records: &[i64], expected: &A::Out)
    where
        A::Out: PartialEq + std::fmt::Debug,
    {
        let fold = |part: &[i64]| {
            let mut accumulator = aggregate.create();
            part.iter().for_each(|record| aggregate.add(&mut accumulator, record));
            accumulator
        };
        for cut in 0..=records.len() {
            let mut merged = fold(&records[..cut]);
            aggregate.merge(&mut merged, &fold(&records[cut..]));
            assert_eq!(&aggregate.result(&merged), expected, "{records:?} cut at {cut}");
        }
    }

    #[test]
    fn merging_gives_the_same_result_wherever_the_records_are_cut() {
        let field = |n: &i64| *n;
        for (records, count, sum, min, max, mean) in [
            (&[][..], 0, 0, None, None, None),
            (&[5], 1, 5, Some(5), Some(5), Some(5.0)),
            (&[4, -2, 7, 3], 4, 12, Some(-2), Some(7), Some(3.0)),
        ] {
            check(&Count::new(), records, &count);
            check(&Sum::of(field), records, &sum);
            check(&Min::of(field), records, &min);
            check(&Max::of(field), records, &max);
            check(&Mean::of(|n: &i64| *n as f64), records, &mean);
            check(&Mean::of(field), records, &mean);
            let product = Fold::new(1i64, |p, n: &i64| *p *= n, |p, other| *p *= other);
            check(&product, records, &records.iter().product());
        }
    }

    #[test]
    fn a_sum_that_leaves_its_type_stays_at_the_end_of_it() {
        check(&Sum::of(|n: &i64| *n), &[i64::MAX, 1], &i64::MAX);
        check(&Sum::of(|n: &i64| *n), &[i64::MIN, -1], &i64::MIN);
    }
}
