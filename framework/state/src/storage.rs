//! The contract of checkpoint storage: immutable blobs, and manifests created only if absent.
//!
//! Apart because everything above it (log, retention, recovery) is written once against it, and the
//! suite in `contract` holds every implementation to it. All calls block.
//!
//! Invariants: what [`CheckpointStorage::flush`] has returned for is durable; a manifest is durable
//! when `create_manifest` has returned `Ok`; a write that failed says whether it can still turn up.

use crate::limits::BLOB_NAME_BYTES;
use std::io;
use std::sync::Arc;
use tidegate_core::snapshot::{BlobRef, CheckpointId};

/// What a storage engine said went wrong.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What a storage engine said when it met damage in what it keeps. As the [`Cause`] of an error it turns the advice
/// from trying again to starting anew.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Damage(pub String);

fn advice(cause: &Cause, otherwise: &'static str) -> &'static str {
    if cause.is::<Damage>() {
        "it looks damaged; start the job again, and if it stays so, move it away and start from a savepoint"
    } else {
        otherwise
    }
}

/// Why storage could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Another process holds the lock.
    #[error("{place} is in use: stop the process that runs the job, or choose another folder")]
    InUse {
        /// Where.
        place: String,
    },
    /// It is written to all the time, so that no copy of it could be taken.
    #[error(
        "a running job writes to {place} all the time, and it can be looked into only while nothing is written: try \
         again, or stop the job (it goes on from where it was); a job that keeps its checkpoints in a folder \
         (--checkpoint-storage file:///DIR) can be looked into while it runs"
    )]
    Busy {
        /// Where.
        place: String,
    },
    /// No copy of it could be taken.
    #[error(
        "{place} cannot be copied to {to} to be looked into ({why}): make room there, or set TMPDIR to a folder that \
         has it"
    )]
    Uncopied {
        /// Where it is.
        place: String,
        /// Where the copy was to be.
        to: String,
        /// What happened.
        why: String,
    },
    /// It could not be opened.
    #[error(
        "{place} cannot be opened ({why}): check the disk and the permissions; if it stays so, \
         move it away and start from a savepoint"
    )]
    Open {
        /// Where.
        place: String,
        /// What happened.
        why: String,
    },
    /// The name is not one a blob can have.
    #[error(
        "{0:?} cannot name a blob: use 1 to {BLOB_NAME_BYTES} letters, digits, '-', '_' or '.', \
         not starting with '.'"
    )]
    BadName(String),
    /// A blob with this name and other content exists.
    #[error("blob {0} exists with other content: a name must never be used twice")]
    BlobExists(String),
    /// The blob is not there.
    #[error("blob {0} is missing: restore an older checkpoint")]
    MissingBlob(String),
    /// The blob is there, and is not what was written.
    #[error("blob {name} is damaged ({why}): restore an older checkpoint")]
    DamagedBlob {
        /// The blob's name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// A manifest with this number exists; the one offered was certainly not written.
    #[error("manifest {0} exists: another run may have taken over the job")]
    ManifestExists(CheckpointId),
    /// The manifest is not there.
    #[error("manifest {0} is missing: list the checkpoints again")]
    MissingManifest(CheckpointId),
    /// The manifest is there and cannot be read in full.
    #[error("manifest {id} is damaged ({why}): restore an older checkpoint")]
    DamagedManifest {
        /// Its number.
        id: CheckpointId,
        /// What is wrong with it.
        why: String,
    },
    /// It failed, and certainly left no effect that a reader could see.
    #[error("could not {doing}, nothing was changed: {}", advice(source, "try again"))]
    NotWritten {
        /// What was attempted.
        doing: String,
        /// What the engine said.
        source: Cause,
    },
    /// It failed, and may or may not have taken effect, now or later.
    #[error(
        "could not {doing}, and it may yet have taken effect: {}",
        advice(source, "read before going on")
    )]
    Unknown {
        /// What was attempted.
        doing: String,
        /// What the engine said.
        source: Cause,
    },
    /// It failed to read.
    #[error(
        "could not {doing}: {}",
        advice(source, "try again, and check the disk or the network")
    )]
    Read {
        /// What was attempted.
        doing: String,
        /// What the engine said.
        source: Cause,
    },
}

impl StorageError {
    /// Whether the write may have taken effect, or may yet do so.
    #[must_use]
    pub const fn is_uncertain(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }

    /// Whether what was asked for is gone or broken for good, so that asking again is no use.
    #[must_use]
    pub const fn is_loss(&self) -> bool {
        matches!(
            self,
            Self::MissingBlob(_)
                | Self::DamagedBlob { .. }
                | Self::MissingManifest(_)
                | Self::DamagedManifest { .. }
        )
    }
}

/// Where checkpoints live. Every method blocks: call it from a thread that may.
pub trait CheckpointStorage: Send + Sync + 'static {
    /// Stores an immutable blob; durable after the next [`flush`](Self::flush). The same name with the
    /// same content is fine, with other content it is [`StorageError::BlobExists`].
    ///
    /// # Errors
    /// When it could not be stored. What is left of it is invisible, or a blob that nothing names.
    fn put_blob(&self, name: &str, bytes: &[u8]) -> Result<BlobRef, StorageError>;

    /// Begins a blob that is written piece by piece, behind a head of `head_bytes` that is told last. As
    /// [`put_blob`](Self::put_blob) once it is finished; one that is dropped before is not there.
    ///
    /// # Errors
    /// As [`put_blob`](Self::put_blob).
    fn begin_blob(
        &self,
        name: &str,
        head_bytes: usize,
    ) -> Result<Box<dyn BlobWriter + '_>, StorageError> {
        let bytes = vec![0; head_bytes];
        Ok(Box::new(BlobInMemory { storage: self, name: name.to_owned(), bytes }))
    }

    /// The content of a blob.
    ///
    /// # Errors
    /// [`StorageError::MissingBlob`], [`StorageError::DamagedBlob`] when its length is not the one
    /// in `blob`, or [`StorageError::Read`].
    fn get_blob(&self, blob: &BlobRef) -> Result<Vec<u8>, StorageError>;

    /// Makes everything durable that was put or deleted before.
    ///
    /// # Errors
    /// [`StorageError::Unknown`]: some of it may be durable.
    fn flush(&self) -> Result<(), StorageError>;

    /// Creates a manifest unless one with its number exists; durable on return.
    ///
    /// # Errors
    /// [`StorageError::ManifestExists`] and [`StorageError::NotWritten`]: this one was certainly not
    /// written. [`StorageError::Unknown`]: it may exist, now or later.
    fn create_manifest(&self, id: CheckpointId, frame: &[u8]) -> Result<(), StorageError>;

    /// The numbers of all manifests, ascending.
    ///
    /// # Errors
    /// When they could not be listed.
    fn manifests(&self) -> Result<Vec<CheckpointId>, StorageError>;

    /// The frame of a manifest.
    ///
    /// # Errors
    /// [`StorageError::MissingManifest`], [`StorageError::DamagedManifest`] or
    /// [`StorageError::Read`].
    fn get_manifest(&self, id: CheckpointId) -> Result<Vec<u8>, StorageError>;

    /// Deletes a manifest; one that is not there is fine. Durable after the next flush.
    ///
    /// # Errors
    /// [`StorageError::Unknown`]: it may be gone.
    fn delete_manifest(&self, id: CheckpointId) -> Result<(), StorageError>;

    /// The names of all blobs, ascending.
    ///
    /// # Errors
    /// When they could not be listed.
    fn blobs(&self) -> Result<Vec<String>, StorageError>;

    /// Deletes a blob; one that is not there is fine. Durable after the next flush.
    ///
    /// # Errors
    /// [`StorageError::Unknown`]: it may be gone.
    fn delete_blob(&self, name: &str) -> Result<(), StorageError>;

    /// Removes what crashed writes left behind and no listing shows; returns how many pieces. Only
    /// for the one run that owns the storage, while it writes nothing.
    ///
    /// # Errors
    /// When it could not be listed or removed.
    fn remove_unfinished(&self) -> Result<u64, StorageError>;

    /// Bytes that the storage takes up, garbage included.
    ///
    /// # Errors
    /// When it could not be measured.
    fn bytes_on_disk(&self) -> Result<u64, StorageError>;

    /// Where it is, for people.
    fn describe(&self) -> String;
}

/// A blob that is being written.
pub trait BlobWriter: io::Write {
    /// Stores it, with `head` in front.
    ///
    /// # Errors
    /// As [`CheckpointStorage::put_blob`].
    ///
    /// # Panics
    /// When the head is not of the length that was told.
    fn finish(self: Box<Self>, head: &[u8]) -> Result<BlobRef, StorageError>;
}

/// A blob that is collected, and put as a whole.
struct BlobInMemory<'a, S: ?Sized> {
    storage: &'a S,
    name: String,
    bytes: Vec<u8>,
}

impl<S: ?Sized> io::Write for BlobInMemory<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S: CheckpointStorage + ?Sized> BlobWriter for BlobInMemory<'_, S> {
    fn finish(mut self: Box<Self>, head: &[u8]) -> Result<BlobRef, StorageError> {
        self.bytes[..head.len()].copy_from_slice(head);
        self.storage.put_blob(&self.name, &self.bytes)
    }
}

/// A shared storage is a storage.
impl<S: CheckpointStorage + ?Sized> CheckpointStorage for Arc<S> {
    fn put_blob(&self, name: &str, bytes: &[u8]) -> Result<BlobRef, StorageError> {
        (**self).put_blob(name, bytes)
    }
    fn begin_blob(
        &self,
        name: &str,
        head_bytes: usize,
    ) -> Result<Box<dyn BlobWriter + '_>, StorageError> {
        (**self).begin_blob(name, head_bytes)
    }
    fn get_blob(&self, blob: &BlobRef) -> Result<Vec<u8>, StorageError> {
        (**self).get_blob(blob)
    }
    fn flush(&self) -> Result<(), StorageError> {
        (**self).flush()
    }
    fn create_manifest(&self, id: CheckpointId, frame: &[u8]) -> Result<(), StorageError> {
        (**self).create_manifest(id, frame)
    }
    fn manifests(&self) -> Result<Vec<CheckpointId>, StorageError> {
        (**self).manifests()
    }
    fn get_manifest(&self, id: CheckpointId) -> Result<Vec<u8>, StorageError> {
        (**self).get_manifest(id)
    }
    fn delete_manifest(&self, id: CheckpointId) -> Result<(), StorageError> {
        (**self).delete_manifest(id)
    }
    fn blobs(&self) -> Result<Vec<String>, StorageError> {
        (**self).blobs()
    }
    fn delete_blob(&self, name: &str) -> Result<(), StorageError> {
        (**self).delete_blob(name)
    }
    fn remove_unfinished(&self) -> Result<u64, StorageError> {
        (**self).remove_unfinished()
    }
    fn bytes_on_disk(&self) -> Result<u64, StorageError> {
        (**self).bytes_on_disk()
    }
    fn describe(&self) -> String {
        (**self).describe()
    }
}

/// Refuses a name that some storage could not keep as it is.
pub(crate) fn check_name(name: &str) -> Result<(), StorageError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if (1..=BLOB_NAME_BYTES).contains(&name.len())
        && !name.starts_with('.')
        && name.bytes().all(plain)
    {
        Ok(())
    } else {
        Err(StorageError::BadName(name.to_owned()))
    }
}

/// Refuses content that is not as long as the reference says.
pub(crate) fn check_length(blob: &BlobRef, bytes: Vec<u8>) -> Result<Vec<u8>, StorageError> {
    if bytes.len() as u64 == blob.bytes {
        return Ok(bytes);
    }
    let why = format!("{} bytes instead of {}", bytes.len(), blob.bytes);
    Err(StorageError::DamagedBlob { name: blob.name.clone(), why })
}
