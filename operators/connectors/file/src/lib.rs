//! Files as the edges of a job: a source that reads them in ranges.
//!
//! Apart from the operators because it does I/O: on a thread of its own behind a bounded queue, so that
//! `poll` never waits for a disk.

mod limits;
#[cfg(test)]
mod scratch;
pub mod source;

pub use source::{FileSource, Malformed};
