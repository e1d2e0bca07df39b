//! Distinct counts: how many different values there are.
//!
//! | | result | a slice costs | sliding |
//! |---|---|---|---|
//! | [`Distinct`] | exact, of ids up to 2^32 | 2 bytes to 4 bytes an id, or 1 bit of the id's range | deducts |
//! | [`DistinctWide`] | exact, of 64-bit numbers; of hashes as good as they are | 8 bytes a number | deducts |
//! | [`HyperLogLog`] | within 0.8 % (standard error, of choice) | 4 bytes a value, 16 KiB at most | stacks |
//! | [`BloomCount`] | within what the filter's size allows | the filter | stacks |
//!
//! A result depends on which values came and on nothing else: not on their order, nor on how often
//! each came, nor on where slices were cut or partial results merged. That is why the estimates read
//! registers and filters as they are and never count along.
//!
//! ```
//! use tidegate_core::state::aggregate::Aggregate;
//! use tidegate_operators::aggregate::{Distinct, HyperLogLog};
//!
//! fn count<A: Aggregate<In = u32>>(aggregate: &A, users: &[u32]) -> A::Out {
//!     let mut accumulator = aggregate.create();
//!     users.iter().for_each(|user| aggregate.add(&mut accumulator, user));
//!     aggregate.result(&accumulator)
//! }
//! assert_eq!(count(&Distinct::of(|user: &u32| *user), &[7, 9, 7]), 2);
//! assert_eq!(count(&HyperLogLog::of(|user: &u32| *user), &[7, 9, 7]), 2);
//! ```

mod bloom;
mod bytes;
mod exact;
mod hyper_log_log;
mod ids;
mod multiset;
mod wide;

pub use bloom::{BloomCount, SeenValues};
pub use exact::{Distinct, DistinctIds};
pub use hyper_log_log::{HyperLogLog, Sketch};
pub use wide::{DistinctWide, WideIds};

#[cfg(test)]
mod tests;
