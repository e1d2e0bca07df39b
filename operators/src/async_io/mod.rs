//! Asking something outside about each record, without standing still for the answer.
//!
//! - [`AsyncWait`]: any [`AsyncFunction`], ordered or unordered;
//! - [`LookupJoin`]: the function that joins records with what a service or a data base knows about their
//!   keys, with a cache.
//!
//! The operator is polled by its task ([`tidegate_core::operator::Operator::poll`]); what is called runs as
//! futures in the same thread. Clock and wake-ups come from outside, so that all of it can be tested
//! without either.

mod async_wait;
mod function;
mod kept;
mod lookup_cache;
mod lookup_join;
mod queue;
mod retry;

pub use async_wait::{AsyncWait, AsyncWaitOperator, DEFAULT_CAPACITY, Failed};
pub use function::{Answer, AsyncFn, AsyncFunction, Call};
pub use lookup_cache::LookupCache;
pub use lookup_join::{Asked, Lookup, LookupJoin};
pub use retry::Retry;
