//! Files as the edges of a job: a source that reads them in ranges, a sink that publishes them
//! exactly once.
//!
//! Apart from the operators because both do I/O: each has one thread of its own behind a bounded
//! queue, so that neither `poll` nor `write` ever waits for a disk.

pub mod crash;
mod limits;
#[cfg(test)]
mod scratch;
pub mod sink;
pub mod source;

pub use sink::FileSink;
pub use source::{FileSource, Malformed, RecordEnd, Records, StdinSource, WatchedFolder};
