//! Operators over changelogs ([`tidegate_core::changelog`]): a filter that understands updates, and the way
//! back to plain rows at the end of bounded input.
//!
//! Apart from the operators of the same name over plain streams, which would read a retraction as one
//! more record.

mod filter;
mod materialize;

pub use filter::ChangelogFilter;
pub use materialize::{Materialize, MaterializeOperator};
