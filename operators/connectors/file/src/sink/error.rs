//! Why a file sink gave up: what it was doing, with which file, and what to do about it.

use crate::limits::BUCKETS_OPEN_MAX;
use std::io;
use std::path::Path;
use std::sync::Arc;
use thiserror::Error;

/// Why a file sink gave up.
#[derive(Debug, Error)]
pub enum SinkError {
    /// The operating system refused.
    #[error("cannot {action} {path}: {cause}; make sure the folder is writable and has room")]
    Disk {
        /// What was tried.
        action: &'static str,
        /// With which file or folder.
        path: String,
        /// What the operating system said.
        #[source]
        cause: io::Error,
    },
    /// A name that nobody else can give is taken.
    #[error(
        "{path} is there already, so another sink writes into the same folder; \
         give each sink a folder of its own"
    )]
    Shared {
        /// The file.
        path: String,
    },
    /// The bucket expression gave something that cannot be a folder.
    #[error("the bucket {bucket:?} cannot be a folder: {reason}; change the bucket expression")]
    Bucket {
        /// What it gave.
        bucket: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The bucket expression gave nothing.
    #[error("a record has no bucket: {0}; change the bucket expression or filter such records out")]
    NoBucket(String),
    /// Too many files at once.
    #[error(
        "more than {BUCKETS_OPEN_MAX} buckets are being written at once; \
         choose coarser buckets or a shorter roll_after"
    )]
    TooManyBuckets,
    /// A record that the format cannot write.
    #[error("a record cannot be written: {0}; correct the format or filter such records out")]
    Format(String),
    /// What the checkpoint holds for this sink was not written by it.
    #[error("the checkpoint's output list cannot be read: {0}")]
    Committable(#[source] tidegate_core::codec::DecodeError),
    /// The writing thread has failed; said to everyone who asks it afterwards.
    #[error(transparent)]
    Failed(Arc<SinkError>),
    /// The writing thread panicked.
    #[error("writing panicked: what is on the disk is not what was counted; this is a bug")]
    Panicked,
    /// The epoch will not become durable: nobody writes any more.
    #[error(
        "the sink was closed before the epoch was durable; the job resumes from its checkpoint"
    )]
    Closed,
}

impl SinkError {
    /// What `cause` means when a pending file was to be made.
    pub(crate) fn create(path: &Path, cause: io::Error) -> Self {
        match cause.kind() {
            io::ErrorKind::AlreadyExists => Self::Shared { path: path.display().to_string() },
            _ => Self::disk("create", path, cause),
        }
    }

    pub(crate) fn disk(action: &'static str, path: &Path, cause: io::Error) -> Self {
        Self::Disk { action, path: path.display().to_string(), cause }
    }
}
