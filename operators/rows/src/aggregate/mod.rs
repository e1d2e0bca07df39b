//! Aggregates over rows: what windows and aggregating operators of a topology compute.
//!
//! Apart from the typed aggregates, on which some of these stand: here a list of calls, known only when a job is built,
//! is one [`Aggregate`](tidegate_core::state::aggregate::Aggregate) whose result is a row.
//!
//! | call | result | of no value |
//! |---|---|---|
//! | `count()`, `count(x)` | int64: the records; those whose `x` is not NULL | 0 |
//! | `sum(x)` | the type of `x`, which is a number | NULL |
//! | `avg(x)` | float64 | NULL |
//! | `min(x)`, `max(x)` | the type of `x`, which is neither a list nor a struct | NULL |
//! | `first(x)`, `last(x)` | the type of `x` | NULL |
//! | `count_distinct(x)`, `approx_count_distinct(x)`, `bloom_count_distinct(x, values, false_positives)` | int64 | 0 |
//! | `top_k(x, k)` | a list of structs of `value` and `count`: the most frequent, largest count first, then the smallest value | an empty list |
//! | `percentile(x, share)` | float64 | NULL |
//!
//! Values that are NULL are left out, by `first` and `last` too; and records for which the condition of a call's FILTER
//! is not TRUE. A result may be NULL where the argument may be, or where there is a FILTER; a window has at least
//! one record, so otherwise there is a value.
//!
//! - A sum of int64 or decimal is exact and fails when it does not fit its type, where Flink's wraps round silently. It is
//!   the end result that has to fit: `MAX + 1 - 1` does. Sum `CAST(x AS DECIMAL)` where int64 is too narrow. A decimal
//!   sum of more than 28 digits is rounded behind the point.
//! - A sum of float64 depends on the grouping in its last digits, as the typed one does.
//! - NaN is the largest float64, and equal to itself; -0.0 equals 0.0.
//! - `first` and `last` go by a time where the caller gives one: equal times by the value, the smaller is first.
//!   Without one they go by arrival, and merging takes what is merged into as the earlier; see
//!   [`RowAggregate::is_commutative`].
//! - Exact distinct counts are of 64 bits: of the number itself, and of the hash of what is longer (two of a hundred
//!   million texts are taken for one with a chance of 1 in 3,700).
//! - A percentile is the value of that rank (the nearest, from above), its magnitude cut to eight binary digits behind the
//!   first: up to 0.4 % too small, exact for integers up to 512. Buckets of whole counts give the same however the
//!   records are grouped.
//!
//! What fails in a row, a division by zero within `sum(a / b)`, fails the result of each window with this record, as an
//! error and not a panic. [`RowAggregate::check`] finds such a record before it is added, for a policy that sends it
//! elsewhere.

mod call;
mod distinct;
mod error;
mod fold;
mod numbers;
mod part;
mod percentile;
mod row_aggregate;
#[cfg(test)]
mod tests;
mod top_k;

pub use call::AggregateCall;
pub use error::{AggregateError, AggregateProblem, ProblemPlace};
pub use part::RowAccumulator;
pub use row_aggregate::{DeductingRowAggregate, RowAggregate};
