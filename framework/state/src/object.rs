//! Checkpoint storage in an object store: a local folder, S3, or whatever `object_store` speaks.
//!
//! Apart because it is the only file that names that crate. Blobs lie under `blobs/`, manifests under
//! `manifests/` with names that sort like numbers. Manifests and blobs are created, never
//! overwritten: a put with [`PutMode::Create`] is one atomic step in every store.
//!
//! **Durability.** A remote store answers when the object is durable. The local one does not by
//! default (`LocalFileSystem::fsync` starts as `false`); built `with_fsync(true)`, `put_opts` calls
//! `sync_all` on the staged file, links it to its name, and syncs the folder, and each folder that it
//! had to create, before it returns (object_store 0.14.2, `local.rs`: `finish_staged_hard_link`,
//! `hard_link`, `create_parent_dirs`). Deletes are never synced there (`delete_stream` passes
//! `false`), so [`flush`](CheckpointStorage::flush) syncs both folders itself.
//!
//! The async API is driven by a runtime of its own on the calling thread, which therefore must be one
//! that may block: a plain thread, or one of tokio's blocking pool, never a worker.

use crate::folder;
use crate::limits::MANIFEST_DIGITS;
use crate::points::reach;
use crate::storage::{CheckpointStorage, StorageError, check_length, check_name};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{Error, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutPayload};
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::{fs, io};
use tidegate_core::snapshot::{BlobRef, CheckpointId};
use tokio::runtime::{Builder, Runtime};

const BLOBS: &str = "blobs";
const MANIFESTS: &str = "manifests";

/// Checkpoint storage in an object store.
#[derive(Debug)]
pub struct ObjectStorage {
    place: String,
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// The folder of a local store: to sync deletes, and to find what crashed writes left there.
    folder: Option<PathBuf>,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

impl ObjectStorage {
    /// Storage under `prefix` in `store`, which must answer only when a write is durable.
    ///
    /// # Errors
    /// [`StorageError::Open`] when the runtime that drives it cannot be built.
    pub fn new(store: Arc<dyn ObjectStore>, prefix: &str) -> Result<Self, StorageError> {
        let place = format!("{store} under {prefix:?}");
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| cannot_open(&place, &error))?;
        let prefix = Path::from(prefix);
        Ok(Self { place, store, prefix, folder: None, runtime: Some(runtime) })
    }

    /// Storage in a local folder, created if absent.
    ///
    /// # Errors
    /// [`StorageError::Open`] when it cannot be created or used.
    pub fn folder(folder: impl Into<PathBuf>) -> Result<Self, StorageError> {
        let folder: PathBuf = folder.into();
        let place = format!("the folder {}", folder.display());
        let folder = folder::create(&folder).map_err(|error| cannot_open(&place, &error))?;
        for part in [BLOBS, MANIFESTS] {
            folder::create(&folder.join(part)).map_err(|error| cannot_open(&place, &error))?;
        }
        let store = LocalFileSystem::new_with_prefix(&folder)
            .map_err(|error| cannot_open(&place, &error))?
            .with_fsync(true);
        let mut storage = Self::new(Arc::new(store), "")?;
        storage.place = place;
        storage.folder = Some(folder);
        Ok(storage)
    }

    /// Storage in a local folder that is there, to be read: nothing is made in it.
    ///
    /// # Errors
    /// [`StorageError::Open`] when it is not there or cannot be used.
    pub fn existing(folder: impl Into<PathBuf>) -> Result<Self, StorageError> {
        let folder: PathBuf = folder.into();
        let place = format!("the folder {}", folder.display());
        let store = LocalFileSystem::new_with_prefix(&folder)
            .map_err(|error| cannot_open(&place, &error))?;
        let mut storage = Self::new(Arc::new(store), "")?;
        storage.place = place;
        storage.folder = Some(folder);
        Ok(storage)
    }

    /// Runs one request to its end. Several threads may do so at once: one of them turns the driver.
    fn wait<T>(&self, request: impl Future<Output = T>) -> T {
        let runtime = self.runtime.as_ref().expect("taken only by drop");
        runtime.block_on(request)
    }

    fn blob_path(&self, name: &str) -> Path {
        self.prefix.clone().join(BLOBS).join(name)
    }

    fn manifest_path(&self, id: CheckpointId) -> Path {
        self.prefix.clone().join(MANIFESTS).join(format!("{id:0MANIFEST_DIGITS$}"))
    }

    fn create(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let payload = PutPayload::from(bytes.to_vec());
        self.wait(self.store.put_opts(path, payload, PutMode::Create.into())).map(|_| ())
    }

    fn get(&self, path: &Path) -> Result<Vec<u8>, Error> {
        self.wait(async { Ok(self.store.get(path).await?.bytes().await?.to_vec()) })
    }

    fn delete(&self, path: &Path, what: &str) -> Result<(), StorageError> {
        match self.wait(self.store.delete(path)) {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.unknown(&format!("delete {what} in"), error)),
        }
    }

    /// Everything directly in `part`, ascending by name.
    fn list(&self, part: &str) -> Result<Vec<ObjectMeta>, StorageError> {
        let prefix = self.prefix.clone().join(part);
        let listed = self
            .wait(self.store.list_with_delimiter(Some(&prefix)))
            .map_err(|error| self.unread(&format!("list {part} in"), error))?;
        let mut objects = listed.objects;
        objects.sort_by(|left, right| left.location.cmp(&right.location));
        Ok(objects)
    }

    /// Names of staged files (`name#1`) that a crash left in `part` of a local folder; the store
    /// neither lists them nor lets them be named.
    fn staged(&self, part: &str) -> io::Result<Vec<PathBuf>> {
        let Some(folder) = &self.folder else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for entry in fs::read_dir(folder.join(part))? {
            let path = entry?.path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().contains('#')) {
                found.push(path);
            }
        }
        Ok(found)
    }

    fn unread(&self, doing: &str, error: Error) -> StorageError {
        StorageError::Read { doing: format!("{doing} {}", self.place), source: error.into() }
    }

    fn unknown(
        &self,
        doing: &str,
        error: impl std::error::Error + Send + Sync + 'static,
    ) -> StorageError {
        StorageError::Unknown { doing: format!("{doing} {}", self.place), source: error.into() }
    }

    /// A failed create is certain only where the store refused before it tried.
    fn not_created(&self, what: &str, error: Error) -> StorageError {
        let doing = format!("write {what} to {}", self.place);
        match error {
            Error::InvalidPath { .. }
            | Error::NotImplemented { .. }
            | Error::NotSupported { .. }
            | Error::PermissionDenied { .. }
            | Error::Unauthenticated { .. } => {
                StorageError::NotWritten { doing, source: error.into() }
            }
            _ => StorageError::Unknown { doing, source: error.into() },
        }
    }
}

impl CheckpointStorage for ObjectStorage {
    fn put_blob(&self, name: &str, bytes: &[u8]) -> Result<BlobRef, StorageError> {
        check_name(name)?;
        let blob = BlobRef { name: name.to_owned(), bytes: bytes.len() as u64 };
        let path = self.blob_path(name);
        reach("blob.write.before");
        match self.create(&path, bytes) {
            Ok(()) => reach("blob.write.after"),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
                let stored = self
                    .get(&path)
                    .map_err(|error| self.unread(&format!("read blob {name} from"), error))?;
                if stored != bytes {
                    return Err(StorageError::BlobExists(name.to_owned()));
                }
            }
            Err(error) => return Err(self.not_created(&format!("blob {name}"), error)),
        }
        Ok(blob)
    }

    fn get_blob(&self, blob: &BlobRef) -> Result<Vec<u8>, StorageError> {
        match self.get(&self.blob_path(&blob.name)) {
            Ok(bytes) => check_length(blob, bytes),
            Err(Error::NotFound { .. }) => Err(StorageError::MissingBlob(blob.name.clone())),
            Err(error) => Err(self.unread(&format!("read blob {} from", blob.name), error)),
        }
    }

    fn flush(&self) -> Result<(), StorageError> {
        reach("flush.before");
        if let Some(root) = &self.folder {
            for part in [BLOBS, MANIFESTS] {
                folder::sync(&root.join(part)).map_err(|error| self.unknown("flush", error))?;
            }
        }
        reach("flush.after");
        Ok(())
    }

    fn create_manifest(&self, id: CheckpointId, frame: &[u8]) -> Result<(), StorageError> {
        reach("manifest.write.before");
        match self.create(&self.manifest_path(id), frame) {
            Ok(()) => {
                reach("manifest.write.after");
                Ok(())
            }
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
                Err(StorageError::ManifestExists(id))
            }
            Err(error) => Err(self.not_created(&format!("manifest {id}"), error)),
        }
    }

    fn manifests(&self) -> Result<Vec<CheckpointId>, StorageError> {
        let number = |object: &ObjectMeta| {
            object.location.filename().filter(|name| name.len() == MANIFEST_DIGITS)?.parse().ok()
        };
        Ok(self.list(MANIFESTS)?.iter().filter_map(number).collect())
    }

    fn get_manifest(&self, id: CheckpointId) -> Result<Vec<u8>, StorageError> {
        self.get(&self.manifest_path(id)).map_err(|error| match error {
            Error::NotFound { .. } => StorageError::MissingManifest(id),
            error => self.unread(&format!("read manifest {id} from"), error),
        })
    }

    fn delete_manifest(&self, id: CheckpointId) -> Result<(), StorageError> {
        reach("manifest.delete.before");
        self.delete(&self.manifest_path(id), &format!("manifest {id}"))?;
        reach("manifest.delete.after");
        Ok(())
    }

    fn blobs(&self) -> Result<Vec<String>, StorageError> {
        let objects = self.list(BLOBS)?;
        Ok(objects.iter().filter_map(|o| o.location.filename()).map(str::to_owned).collect())
    }

    fn delete_blob(&self, name: &str) -> Result<(), StorageError> {
        reach("blob.delete.before");
        self.delete(&self.blob_path(name), &format!("blob {name}"))?;
        reach("blob.delete.after");
        Ok(())
    }

    fn remove_unfinished(&self) -> Result<u64, StorageError> {
        let remove = || {
            let mut removed = 0;
            for part in [BLOBS, MANIFESTS] {
                for path in self.staged(part)? {
                    fs::remove_file(path)?;
                    removed += 1;
                }
            }
            Ok(removed)
        };
        remove().map_err(|error: io::Error| self.unknown("remove unfinished writes from", error))
    }

    fn bytes_on_disk(&self) -> Result<u64, StorageError> {
        let bytes = |part| Ok(self.list(part)?.iter().map(|object| object.size).sum::<u64>());
        Ok(bytes(BLOBS)? + bytes(MANIFESTS)?)
    }

    fn describe(&self) -> String {
        self.place.clone()
    }
}

impl Drop for ObjectStorage {
    fn drop(&mut self) {
        // An ordinary drop waits for the runtime's threads, and panics on a thread that must not.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn cannot_open(place: &str, error: &dyn std::error::Error) -> StorageError {
    StorageError::Open { place: place.to_owned(), why: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::Folder;

    #[test]
    fn what_is_only_read_is_not_made() {
        let folder = Folder::new();
        let absent = ObjectStorage::existing(folder.path().join("absent"));
        assert!(matches!(absent, Err(StorageError::Open { .. })));
        let storage = ObjectStorage::existing(folder.path()).expect("it is there");
        assert_eq!(storage.manifests().expect("listed"), [] as [CheckpointId; 0]);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }
}
