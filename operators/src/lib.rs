//! The operators: transforms, aggregates, windows, joins and rankings.
//!
//! Each is a pure state machine on [`tidegate_core::operator::Operator`] (or on
//! [`tidegate_core::process::KeyedProcess`], where one key at a time is all it needs) in a file of its
//! own, named like the method that adds it to a stream. Nothing here knows a channel, a clock or a
//! thread; whatever does I/O is a connector.

mod agenda;
pub mod aggregate;
pub mod assign_timestamps_and_watermarks;
pub mod async_io;
pub mod cep;
pub mod changelog;
pub mod combine;
pub mod continuous_top_n;
pub mod dedup;
mod fetch;
pub mod filter;
pub mod filter_map;
pub mod flat_map;
pub mod join;
pub mod map;
mod retain;
pub mod split;
pub mod top_n;
pub mod window;

pub use retain::Retain;
