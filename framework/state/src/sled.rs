//! Checkpoint storage in sled 0.34.7: the embedded default, one folder, nothing to install.
//!
//! Apart because it is the only file that names sled, and knows what bites there.
//!
//! An object (a blob or a manifest) is a row of chunks under a write number that is never used twice,
//! and a *head* that names the write number and the length. The head is set last and by compare and
//! swap, so an object is whole or invisible, and of two writers of one name the loser touches nothing
//! of the winner's. Sled's log keeps a prefix after a crash: a head that survived has its chunks.
//!
//! What bites, and what is done about it: values stay within [`SLED_VALUE_BYTES`]; the flusher thread
//! always runs, as it alone collects garbage; `flush_async` locks up and is not used; `apply_batch`
//! takes a lock that is shared by all databases of the process, so all writes are plain; `open` may
//! hang or panic on a broken folder, and a folder that opens may be broken further in, where a look-up
//! then panics or never returns: so it is opened and walked through on a thread of its own with a
//! deadline; a process that is killed while sled writes a snapshot leaves a torn one that the next `open` refuses.

use crate::folder;
use crate::limits::{
    SLED_CACHE_BYTES, SLED_FLUSH_EVERY_MS, SLED_LOCK_PATIENCE, SLED_LOCK_RETRY, SLED_OPEN_DEADLINE,
    SLED_VALUE_BYTES, SLED_WALK_BYTES_PER_SECOND,
};
use crate::points::reach;
use crate::storage::{Cause, CheckpointStorage, StorageError, check_length, check_name};
use sled::{Db, IVec, Tree};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
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
}

impl SledStorage {
    /// Opens the database in `folder`, created if absent.
    ///
    /// # Errors
    /// [`StorageError::InUse`] when a living process holds it, [`StorageError::Open`] when it is
    /// damaged, not accessible, or silent past the deadline.
    pub fn open(folder: impl AsRef<Path>, options: SledOptions) -> Result<Self, StorageError> {
        let folder = folder.as_ref().to_owned();
        let place = format!("the sled folder {}", folder.display());
        let cannot = |why: String| StorageError::Open { place: place.clone(), why };
        let deadline = options.open_deadline + walk_time(&folder);
        let (answer, answered) = mpsc::sync_channel(1);
        // When the deadline has passed nobody listens: the thread is left behind, and whatever it
        // may yet open is dropped with its unsent answer.
        thread::Builder::new()
            .name("sled-open".into())
            .spawn(move || answer.send(guarded(|| open_whole(&folder, options.cache_bytes))))
            .map_err(|error| cannot(error.to_string()))?;
        match answered.recv_timeout(deadline) {
            Ok(Ok((db, [blob_heads, blob_chunks, manifest_heads, manifest_chunks]))) => Ok(Self {
                place,
                db,
                blobs: Objects { heads: blob_heads, chunks: blob_chunks },
                manifests: Objects { heads: manifest_heads, chunks: manifest_chunks },
            }),
            Ok(Err(cause)) if is_lock(&cause.to_string()) => Err(StorageError::InUse { place }),
            Ok(Err(cause)) => Err(cannot(cause.to_string())),
            Err(_) => Err(cannot(format!("no answer after {deadline:?}"))),
        }
    }

    fn sync(&self) -> Result<(), Cause> {
        guarded(|| self.db.flush().map(|_| ()))
    }

    /// The content of an object, or why it cannot be had.
    fn read(&self, objects: &Objects, head: Head, what: &str) -> Result<Vec<u8>, ReadFailure> {
        match guarded(|| objects.read(head)) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(ReadFailure::Damaged("a chunk is missing or cut short".into())),
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
            let head = Head { write: self.db.generate_id()?, length: bytes.len() as u64 };
            objects.write_chunks(head.write, bytes)?;
            Ok(head)
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
            if let Err(error) = guarded(|| objects.remove_chunks(head)) {
                tracing::warn!(%error, doing, "chunks of a name that was taken stay behind");
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
            let head = self.stage(&self.blobs, bytes, &doing)?;
            reach("sled.blob.chunked");
            if !self.name(&self.blobs, name.as_bytes(), head, &doing)?
                && let Some(winner) = self.head(&self.blobs, name.as_bytes())?
            {
                self.same_content(name, winner, bytes)?;
            }
            reach("blob.write.after");
        }
        Ok(BlobRef { name: name.to_owned(), bytes: bytes.len() as u64 })
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
        guarded(|| self.manifests.remove(&id.to_be_bytes(), || ())).map_err(|source| {
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
        guarded(|| self.blobs.remove(name.as_bytes(), || reach("sled.blob.beheaded"))).map_err(
            |source| StorageError::Unknown {
                doing: format!("delete blob {name} in {}", self.place),
                source,
            },
        )?;
        reach("blob.delete.after");
        Ok(())
    }

    fn remove_unfinished(&self) -> Result<u64, StorageError> {
        guarded(|| Ok(self.blobs.remove_headless()? + self.manifests.remove_headless()?)).map_err(
            |source| StorageError::Unknown {
                doing: format!("remove unfinished writes from {}", self.place),
                source,
            },
        )
    }

    fn bytes_on_disk(&self) -> Result<u64, StorageError> {
        guarded(|| self.db.size_on_disk()).map_err(|source| StorageError::Read {
            doing: format!("measure {}", self.place),
            source,
        })
    }

    fn describe(&self) -> String {
        self.place.clone()
    }
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

/// Where the chunks of an object are.
#[derive(Clone, Copy)]
struct Head {
    write: u64,
    length: u64,
}

impl Head {
    fn encode(self) -> [u8; 16] {
        (u128::from(self.write) << 64 | u128::from(self.length)).to_be_bytes()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let both = u128::from_be_bytes(bytes.try_into().ok()?);
        Some(Self { write: (both >> 64) as u64, length: both as u64 })
    }

    fn chunk_keys(self) -> impl Iterator<Item = [u8; 16]> {
        (0..self.length.div_ceil(SLED_VALUE_BYTES as u64)).map(move |n| chunk_key(self.write, n))
    }
}

fn chunk_key(write: u64, number: u64) -> [u8; 16] {
    (u128::from(write) << 64 | u128::from(number)).to_be_bytes()
}

fn number(key: &[u8]) -> Option<u64> {
    key.get(..8).and_then(|bytes| Some(u64::from_be_bytes(bytes.try_into().ok()?)))
}

/// Blobs or manifests: heads by name, chunks by write number and position.
#[derive(Debug)]
struct Objects {
    heads: Tree,
    chunks: Tree,
}

impl Objects {
    fn head(&self, key: &[u8]) -> sled::Result<Option<Head>> {
        match self.heads.get(key)? {
            None => Ok(None),
            Some(bytes) => Head::decode(&bytes)
                .map(Some)
                .ok_or_else(|| sled::Error::ReportableBug("a head is not 16 bytes long".into())),
        }
    }

    fn write_chunks(&self, write: u64, bytes: &[u8]) -> sled::Result<()> {
        for (number, chunk) in bytes.chunks(SLED_VALUE_BYTES).enumerate() {
            self.chunks.insert(chunk_key(write, number as u64), chunk)?;
        }
        Ok(())
    }

    /// Whether the name was free.
    fn set_head(&self, key: &[u8], head: Head) -> sled::Result<bool> {
        let free: Option<&[u8]> = None;
        Ok(self.heads.compare_and_swap(key, free, Some(&head.encode()[..]))?.is_ok())
    }

    fn read(&self, head: Head) -> sled::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        for key in head.chunk_keys() {
            match self.chunks.get(key)? {
                Some(chunk) => bytes.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
        Ok((bytes.len() as u64 == head.length).then_some(bytes))
    }

    fn remove(&self, key: &[u8], beheaded: impl FnOnce()) -> sled::Result<()> {
        if let Some(head) = self.heads.remove(key)?.as_deref().and_then(Head::decode) {
            beheaded();
            self.remove_chunks(head)?;
        }
        Ok(())
    }

    fn remove_chunks(&self, head: Head) -> sled::Result<()> {
        head.chunk_keys().try_for_each(|key| self.chunks.remove(key).map(|_| ()))
    }

    /// Removes the chunks that no head names. Living objects are stepped over by one look-up each.
    fn remove_headless(&self) -> sled::Result<u64> {
        let mut living = HashSet::new();
        for head in self.heads.iter().values() {
            living.extend(Head::decode(&head?).map(|head| head.write));
        }
        let mut removed = 0;
        let mut next = self.chunks.first()?;
        while let Some((key, _)) = next {
            let after = match number(&key) {
                Some(write) if living.contains(&write) => {
                    IVec::from(&chunk_key(write, u64::MAX)[..])
                }
                _ => {
                    self.chunks.remove(&key)?;
                    removed += 1;
                    key
                }
            };
            next = self.chunks.get_gt(after)?;
        }
        Ok(removed)
    }
}

/// Sled panics where it meets what it did not expect; that is an answer like another.
fn guarded<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, Cause> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(answer) => answer.map_err(Cause::from),
        Err(panic) => {
            let said = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied());
            Err(format!("sled gave up: {}", said.unwrap_or("no reason given")).into())
        }
    }
}

/// Sled has no error of its own for a held lock, only these words in an `Io` error.
fn is_lock(message: &str) -> bool {
    message.contains("could not acquire lock")
}

/// What walking through the database may take on top of opening it.
fn walk_time(folder: &Path) -> Duration {
    let bytes = std::fs::metadata(folder.join("db")).map_or(0, |db| db.len());
    Duration::from_secs(bytes / SLED_WALK_BYTES_PER_SECOND)
}

/// Opens the database and visits every page of it: a broken one is met here, not in the middle of a job.
fn open_whole(folder: &Path, cache_bytes: u64) -> sled::Result<(Db, [Tree; 4])> {
    let (db, trees) = open_patiently(folder, cache_bytes)?;
    for tree in &trees {
        let mut last: Option<IVec> = None;
        for key in tree.iter().keys() {
            let key = key?;
            if last.is_some_and(|last| last >= key) {
                return Err(sled::Error::ReportableBug("its keys are out of order".into()));
            }
            last = Some(key);
        }
    }
    Ok((db, trees))
}

fn open_patiently(folder: &Path, cache_bytes: u64) -> sled::Result<(Db, [Tree; 4])> {
    let folder = folder::create(folder)?;
    let config = sled::Config::new()
        .path(&folder)
        .cache_capacity(cache_bytes)
        .flush_every_ms(Some(SLED_FLUSH_EVERY_MS));
    let patience = Instant::now();
    let db = loop {
        match config.open() {
            Err(error)
                if is_lock(&error.to_string()) && patience.elapsed() < SLED_LOCK_PATIENCE =>
            {
                thread::sleep(SLED_LOCK_RETRY);
            }
            // Sled had the lock when it found this, so the snapshot is nobody's who lives.
            Err(sled::Error::Corruption { .. }) if remove_torn_snapshots(&folder)? => {}
            answer => break answer?,
        }
    };
    // Sled syncs its files, not their names.
    folder::sync(&folder)?;
    let tree = |name: &str| db.open_tree(name);
    let trees = [
        tree("blob-heads")?,
        tree("blob-chunks")?,
        tree("manifest-heads")?,
        tree("manifest-chunks")?,
    ];
    Ok((db, trees))
}

/// Removes what a killed process left of a snapshot of sled's own, and says whether there was any.
/// Sled takes such a file for its newest snapshot and, when it is torn, refuses to open; the log from
/// which the snapshot was made is whole.
fn remove_torn_snapshots(folder: &Path) -> std::io::Result<bool> {
    let mut removed = false;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            std::fs::remove_file(entry.path())?;
            removed = true;
        }
    }
    Ok(removed)
}

#[cfg(test)]
#[path = "sled_tests.rs"]
mod tests;
