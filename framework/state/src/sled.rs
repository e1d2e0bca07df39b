//! Checkpoint storage in sled 0.34.7: the embedded default, one folder, nothing to install.
//!
//! Apart because it is the only file that names sled, and knows what bites there.
//!
//! An object (a blob or a manifest) is a row of chunks under a write number that is never used twice, or a
//! file when it is large, and a *head* that names the write number and the length. The head is set last and by compare and
//! swap, so an object is whole or invisible, and of two writers of one name the loser touches nothing
//! of the winner's. Sled's log keeps a prefix after a crash: a head that survived has its chunks.
//!
//! What bites, and what is done about it: values stay within [`SLED_VALUE_BYTES`]; the flusher thread
//! always runs, as it alone collects garbage; `flush_async` locks up and is not used; `apply_batch`
//! takes a lock that is shared by all databases of the process, so all writes are plain; `open` may
//! hang or panic on a broken folder, and a folder that opens may be broken further in, where a look-up
//! then panics or never returns: so it is opened and walked through on a thread of its own with a
//! deadline; a process that is killed while sled writes a snapshot leaves a torn one that the next `open` refuses.

mod copy;
mod large;
mod objects;
mod opening;

use crate::limits::{
    SLED_AT_REST, SLED_CACHE_BYTES, SLED_COPY_PATIENCE, SLED_OBJECT_BYTES, SLED_OPEN_DEADLINE,
    SLED_REASON_CHARS,
};
use crate::points::reach;
use crate::storage::{
    BlobWriter, Cause, CheckpointStorage, Damage, StorageError, check_length, check_name,
};
use copy::Copied;
use large::{LargeObjects, LargeWriter};
use objects::{Head, Objects, Place, number};
use opening::{is_lock, open_whole, walk_time};
use sled::Db;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tidegate_core::snapshot::{BlobRef, CheckpointId};

/// How sled is to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SledOptions {
    /// Bytes of page cache. An estimate: resident memory is a few times as much under load.
    pub cache_bytes: u64,
    /// How long opening may take.
    pub open_deadline: Duration,
}

impl Default for SledOptions {
    fn default() -> Self {
        Self { cache_bytes: SLED_CACHE_BYTES, open_deadline: SLED_OPEN_DEADLINE }
    }
}

/// Checkpoint storage in a sled database. Dropping it closes the database.
#[derive(Debug)]
pub struct SledStorage {
    place: String,
    db: Db,
    blobs: Objects,
    manifests: Objects,
    large: LargeObjects,
    /// Goes last, behind the database in it.
    copied: Option<Copied>,
}

impl SledStorage {
    /// Opens the database in `folder`, created if absent.
    ///
    /// # Errors
    /// [`StorageError::InUse`] when a living process holds it, [`StorageError::Open`] when it is
    /// damaged, not accessible, or silent past the deadline.
    pub fn open(folder: impl AsRef<Path>, options: SledOptions) -> Result<Self, StorageError> {
        let folder = folder.as_ref();
        let place = format!("the sled folder {}", folder.display());
        let large = || LargeObjects::open(folder).map_err(|error| error.to_string());
        Self::open_with(folder, place, options, large)
    }

    /// Opens a copy of the database in `folder`, to be read: nothing in `folder` is written, locked or repaired, also
    /// while a job runs on it. The copy lies in the folder for temporary files and goes with the storage; large objects
    /// are not copied but read where they are.
    ///
    /// # Errors
    /// [`StorageError::Busy`] when a running job writes to it all the time, [`StorageError::Uncopied`] when it cannot
    /// be copied, and as [`open`](Self::open).
    pub fn open_copy(folder: impl AsRef<Path>, options: SledOptions) -> Result<Self, StorageError> {
        let folder = folder.as_ref();
        let place = format!("the sled folder {}", folder.display());
        let copied = Copied::of(folder, &place, SLED_AT_REST, SLED_COPY_PATIENCE)?;
        let large = || Ok(LargeObjects::existing(folder));
        let mut storage = Self::open_with(copied.folder(), place, options, large)?;
        storage.copied = Some(copied);
        Ok(storage)
    }

    fn open_with(
        folder: &Path,
        place: String,
        options: SledOptions,
        large: impl FnOnce() -> Result<LargeObjects, String>,
    ) -> Result<Self, StorageError> {
        let folder = folder.to_owned();
        let cannot = |why: String| StorageError::Open { place: place.clone(), why };
        let deadline = options.open_deadline + walk_time(&folder);
        let (answer, answered) = mpsc::sync_channel(1);
        // When the deadline has passed nobody listens: the thread is left behind, and whatever it
        // may yet open is dropped with its unsent answer.
        let database = folder.clone();
        thread::Builder::new()
            .name("sled-open".into())
            .spawn(move || answer.send(guarded(|| open_whole(&database, options.cache_bytes))))
            .map_err(|error| cannot(error.to_string()))?;
        match answered.recv_timeout(deadline) {
            Ok(Ok((db, [blob_heads, blob_chunks, manifest_heads, manifest_chunks]))) => Ok(Self {
                large: large().map_err(&cannot)?,
                copied: None,
                db,
                blobs: Objects { heads: blob_heads, chunks: blob_chunks },
                manifests: Objects { heads: manifest_heads, chunks: manifest_chunks },
                place,
            }),
            Ok(Err(cause)) if is_lock(&cause.to_string()) => Err(StorageError::InUse { place }),
            Ok(Err(cause)) => Err(cannot(cause.to_string())),
            Err(_) => Err(cannot(format!("no answer after {deadline:?}"))),
        }
    }

    fn sync(&self) -> Result<(), Cause> {
        let forgotten = self.large.take_forgotten();
        guarded(|| {
            self.db.flush()?;
            Ok(self.large.sync()?)
        })
        .inspect(|()| self.large.remove_forgotten(&forgotten))
        .inspect_err(|_| forgotten.iter().for_each(|write| self.large.forget(*write)))
    }

    /// The content of an object, or why it cannot be had.
    fn read(&self, objects: &Objects, head: Head, what: &str) -> Result<Vec<u8>, ReadFailure> {
        let bytes = guarded(|| match head.place {
            Place::Chunks => objects.read(head),
            Place::File => Ok(self.large.read(head.write)?),
        });
        match bytes {
            Ok(Some(bytes)) if bytes.len() as u64 == head.length => Ok(bytes),
            Ok(_) => Err(ReadFailure::Damaged("a part of it is missing or cut short".into())),
            Err(source) => Err(ReadFailure::Failed(StorageError::Read {
                doing: format!("read {what} from {}", self.place),
                source,
            })),
        }
    }

    fn head(&self, objects: &Objects, key: &[u8]) -> Result<Option<Head>, StorageError> {
        guarded(|| objects.head(key)).map_err(|source| StorageError::Read {
            doing: format!("look up an entry in {}", self.place),
            source,
        })
    }

    /// Writes the chunks of an object that nothing names yet.
    fn stage(&self, objects: &Objects, bytes: &[u8], doing: &str) -> Result<Head, StorageError> {
        guarded(|| {
            let (write, length) = (self.db.generate_id()?, bytes.len() as u64);
            objects.write_chunks(write, bytes)?;
            Ok(Head { place: Place::Chunks, write, length })
        })
        .map_err(|source| StorageError::NotWritten { doing: doing.to_owned(), source })
    }

    /// Writes a large object that nothing names yet.
    fn stage_file(&self, bytes: &[u8], doing: &str) -> Result<Head, StorageError> {
        let (write, mut file) = self.begin_file(doing)?;
        let written = file.write_all(bytes).and_then(|()| file.finish(&[]));
        let length = written.map_err(|error| not_written(doing, error))?;
        Ok(Head { place: Place::File, write, length })
    }

    /// Begins a file that nothing names yet.
    fn begin_file(&self, doing: &str) -> Result<(u64, LargeWriter), StorageError> {
        guarded(|| {
            let write = self.db.generate_id()?;
            Ok((write, self.large.create(write)?))
        })
        .map_err(|source| StorageError::NotWritten { doing: doing.to_owned(), source })
    }

    /// Makes a staged object visible, unless another has its name.
    fn name(
        &self,
        objects: &Objects,
        key: &[u8],
        head: Head,
        doing: &str,
    ) -> Result<bool, StorageError> {
        let named = guarded(|| objects.set_head(key, head))
            .map_err(|source| StorageError::Unknown { doing: doing.to_owned(), source })?;
        if !named {
            // The loser cleans up after itself; what it fails to remove, `remove_unfinished` will.
            let removed = guarded(|| match head.place {
                Place::Chunks => objects.remove_chunks(head),
                Place::File => Ok(self.large.remove(head.write)?),
            });
            if let Err(error) = removed {
                tracing::warn!(%error, doing, "what was written under a taken name stays behind");
            }
        }
        Ok(named)
    }

    fn same_content(&self, name: &str, head: Head, bytes: &[u8]) -> Result<(), StorageError> {
        let stored = self.read(&self.blobs, head, name).map_err(|failure| failure.of_blob(name))?;
        if stored == bytes { Ok(()) } else { Err(StorageError::BlobExists(name.to_owned())) }
    }
}

impl CheckpointStorage for SledStorage {
    fn put_blob(&self, name: &str, bytes: &[u8]) -> Result<BlobRef, StorageError> {
        check_name(name)?;
        let doing = format!("write blob {name} to {}", self.place);
        if let Some(head) = self.head(&self.blobs, name.as_bytes())? {
            self.same_content(name, head, bytes)?;
        } else {
            reach("blob.write.before");
            let head = if bytes.len() > SLED_OBJECT_BYTES {
                self.stage_file(bytes, &doing)?
            } else {
                self.stage(&self.blobs, bytes, &doing)?
            };
            reach("sled.blob.staged");
            if !self.name(&self.blobs, name.as_bytes(), head, &doing)?
                && let Some(winner) = self.head(&self.blobs, name.as_bytes())?
            {
                self.same_content(name, winner, bytes)?;
            }
            reach("blob.write.after");
        }
        Ok(BlobRef { name: name.to_owned(), bytes: bytes.len() as u64 })
    }

    fn begin_blob(
        &self,
        name: &str,
        head_bytes: usize,
    ) -> Result<Box<dyn BlobWriter + '_>, StorageError> {
        check_name(name)?;
        let doing = format!("write blob {name} to {}", self.place);
        let bytes = vec![0; head_bytes];
        Ok(Box::new(SledBlob { storage: self, name: name.to_owned(), doing, bytes, file: None }))
    }

    fn get_blob(&self, blob: &BlobRef) -> Result<Vec<u8>, StorageError> {
        let head = self
            .head(&self.blobs, blob.name.as_bytes())?
            .ok_or_else(|| StorageError::MissingBlob(blob.name.clone()))?;
        let bytes = self
            .read(&self.blobs, head, &blob.name)
            .map_err(|failure| failure.of_blob(&blob.name))?;
        check_length(blob, bytes)
    }

    fn flush(&self) -> Result<(), StorageError> {
        reach("flush.before");
        self.sync().map_err(|source| StorageError::Unknown {
            doing: format!("flush {}", self.place),
            source,
        })?;
        reach("flush.after");
        Ok(())
    }

    fn create_manifest(&self, id: CheckpointId, frame: &[u8]) -> Result<(), StorageError> {
        let key = id.to_be_bytes();
        let doing = format!("write manifest {id} to {}", self.place);
        if self.head(&self.manifests, &key)?.is_some() {
            return Err(StorageError::ManifestExists(id));
        }
        reach("manifest.write.before");
        let head = self.stage(&self.manifests, frame, &doing)?;
        self.sync().map_err(|source| StorageError::NotWritten { doing: doing.clone(), source })?;
        reach("sled.manifest.chunked");
        if !self.name(&self.manifests, &key, head, &doing)? {
            return Err(StorageError::ManifestExists(id));
        }
        reach("sled.manifest.headed");
        self.sync().map_err(|source| StorageError::Unknown { doing, source })?;
        reach("manifest.write.after");
        Ok(())
    }

    fn manifests(&self) -> Result<Vec<CheckpointId>, StorageError> {
        let keys = guarded(|| self.manifests.heads.iter().keys().collect::<sled::Result<Vec<_>>>())
            .map_err(|source| StorageError::Read {
                doing: format!("list the manifests in {}", self.place),
                source,
            })?;
        Ok(keys.iter().filter_map(|key| number(key)).collect())
    }

    fn get_manifest(&self, id: CheckpointId) -> Result<Vec<u8>, StorageError> {
        let head = self
            .head(&self.manifests, &id.to_be_bytes())?
            .ok_or(StorageError::MissingManifest(id))?;
        self.read(&self.manifests, head, "a manifest").map_err(|failure| match failure {
            ReadFailure::Damaged(why) => StorageError::DamagedManifest { id, why },
            ReadFailure::Failed(error) => error,
        })
    }

    fn delete_manifest(&self, id: CheckpointId) -> Result<(), StorageError> {
        reach("manifest.delete.before");
        guarded(|| self.manifests.remove(&id.to_be_bytes())).map_err(|source| {
            StorageError::Unknown {
                doing: format!("delete manifest {id} in {}", self.place),
                source,
            }
        })?;
        reach("manifest.delete.after");
        Ok(())
    }

    fn blobs(&self) -> Result<Vec<String>, StorageError> {
        let keys = guarded(|| self.blobs.heads.iter().keys().collect::<sled::Result<Vec<_>>>())
            .map_err(|source| StorageError::Read {
                doing: format!("list the blobs in {}", self.place),
                source,
            })?;
        Ok(keys.iter().map(|key| String::from_utf8_lossy(key).into_owned()).collect())
    }

    fn delete_blob(&self, name: &str) -> Result<(), StorageError> {
        reach("blob.delete.before");
        let head = guarded(|| self.blobs.remove(name.as_bytes())).map_err(|source| {
            StorageError::Unknown { doing: format!("delete blob {name} in {}", self.place), source }
        })?;
        if let Some(head) = head.filter(|head| head.place == Place::File) {
            self.large.forget(head.write);
        }
        reach("blob.delete.after");
        Ok(())
    }

    fn remove_unfinished(&self) -> Result<u64, StorageError> {
        let remove = || {
            let blobs = self.blobs.living()?;
            let chunks = self.blobs.remove_headless(&blobs)?
                + self.manifests.remove_headless(&self.manifests.living()?)?;
            Ok(chunks + self.large.remove_all_but(&blobs)?)
        };
        guarded(remove).map_err(|source| StorageError::Unknown {
            doing: format!("remove unfinished writes from {}", self.place),
            source,
        })
    }

    fn bytes_on_disk(&self) -> Result<u64, StorageError> {
        guarded(|| Ok(self.db.size_on_disk()? + self.large.bytes()?)).map_err(|source| {
            StorageError::Read { doing: format!("measure {}", self.place), source }
        })
    }

    fn describe(&self) -> String {
        self.place.clone()
    }
}

/// A blob that is being written: in memory as long as it is small, then in a file.
struct SledBlob<'a> {
    storage: &'a SledStorage,
    name: String,
    doing: String,
    bytes: Vec<u8>,
    file: Option<(u64, LargeWriter)>,
}

impl Write for SledBlob<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some((_, file)) = &mut self.file {
            return file.write(bytes);
        }
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() > SLED_OBJECT_BYTES {
            let (write, mut file) =
                self.storage.begin_file(&self.doing).map_err(io::Error::other)?;
            file.write_all(&self.bytes)?;
            (self.file, self.bytes) = (Some((write, file)), Vec::new());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl BlobWriter for SledBlob<'_> {
    fn finish(self: Box<Self>, head: &[u8]) -> Result<BlobRef, StorageError> {
        let Self { storage, name, doing, mut bytes, file } = *self;
        let Some((write, file)) = file else {
            bytes[..head.len()].copy_from_slice(head);
            return storage.put_blob(&name, &bytes);
        };
        reach("blob.write.before");
        let length = file.finish(head).map_err(|error| not_written(&doing, error))?;
        let head = Head { place: Place::File, write, length };
        let taken = storage.head(&storage.blobs, name.as_bytes())?;
        let same = match taken {
            Some(taken) => {
                let ours = storage.read(&storage.blobs, head, &name);
                let ours = ours.map_err(|failure| failure.of_blob(&name))?;
                storage.same_content(&name, taken, &ours)
            }
            // Whoever takes the name now is another: that is not looked into.
            None => Err(StorageError::BlobExists(name.clone())),
        };
        if !storage.name(&storage.blobs, name.as_bytes(), head, &doing)? {
            same?;
        }
        reach("blob.write.after");
        Ok(BlobRef { name, bytes: length })
    }
}

fn not_written(doing: &str, error: io::Error) -> StorageError {
    StorageError::NotWritten { doing: doing.to_owned(), source: error.into() }
}

enum ReadFailure {
    Damaged(String),
    Failed(StorageError),
}

impl ReadFailure {
    fn of_blob(self, name: &str) -> StorageError {
        match self {
            Self::Damaged(why) => StorageError::DamagedBlob { name: name.to_owned(), why },
            Self::Failed(error) => error,
        }
    }
}

/// Sled panics where it meets what it did not expect; that is an answer like another.
fn guarded<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, Cause> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(answer)) => Ok(answer),
        // Of the operating system's errors sled shows how they look in memory.
        Ok(Err(sled::Error::Io(error))) if error.kind() != io::ErrorKind::UnexpectedEof => {
            Err(error.into())
        }
        Ok(Err(broken)) => Err(Damage(broken.to_string()).into()),
        Err(panic) => {
            let said = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no reason given");
            // Sled shows keys, a megabyte of them at times.
            let end = said.char_indices().nth(SLED_REASON_CHARS).map_or(said.len(), |(at, _)| at);
            Err(Damage(format!("sled gave up: {}", &said[..end])).into())
        }
    }
}

#[cfg(test)]
#[path = "sled_tests.rs"]
mod tests;
