//! Makes state durable: immutable blobs and a chain of manifests behind one trait, kept in sled, in an
//! object store (a folder, S3) or in memory; and what reads them back.
//!
//! Apart from the core because it does I/O, and from the runtime because it starts nothing: every call
//! here blocks, and is made from a bounded pool of threads that may.
//!
//! The order that everything rests on: blobs, [`CheckpointStorage::flush`], manifest. A manifest that
//! exists names only blobs that exist; one that is gone may leave blobs behind, which
//! [`Retention::sweep`] collects.

pub mod chain;
mod folder;
pub mod limits;
pub mod manifest_log;
pub mod memory;
pub mod object;
pub mod points;
pub mod recovery;
pub mod rescale;
pub mod retention;
pub mod share;
pub mod sled;
pub mod storage;
pub mod upload;

#[cfg(test)]
mod contract;
#[cfg(test)]
mod crash_matrix;
#[cfg(test)]
mod fixtures;

pub use self::sled::{SledOptions, SledStorage};
pub use chain::{Capture, Chain, CompactError, Compaction, compact};
pub use manifest_log::{Fault, LogError, ManifestLog, Problem, Settled};
pub use memory::MemoryStorage;
pub use object::ObjectStorage;
pub use recovery::{Recovered, RecoveryError, Restore, Skipped, newest_whole};
pub use rescale::Sides;
pub use retention::{Retention, Swept};
pub use storage::{CheckpointStorage, StorageError};
