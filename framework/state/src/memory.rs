//! Checkpoint storage in memory, for tests and for jobs that need not survive their process.
//!
//! Apart because it is also the plainest reading of the contract. A clone is the same storage.

use crate::storage::{CheckpointStorage, StorageError, check_length, check_name};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tidegate_core::snapshot::{BlobRef, CheckpointId};

#[derive(Debug, Default)]
struct Content {
    blobs: BTreeMap<String, Vec<u8>>,
    manifests: BTreeMap<CheckpointId, Vec<u8>>,
}

/// Checkpoint storage in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryStorage {
    content: Arc<Mutex<Content>>,
}

impl MemoryStorage {
    /// An empty storage.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Every critical section is a single map operation, so a panic elsewhere leaves nothing half done.
    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CheckpointStorage for MemoryStorage {
    fn put_blob(&self, name: &str, bytes: &[u8]) -> Result<BlobRef, StorageError> {
        check_name(name)?;
        match self.content().blobs.entry(name.to_owned()) {
            Entry::Vacant(free) => {
                free.insert(bytes.to_vec());
            }
            Entry::Occupied(taken) if taken.get() == bytes => {}
            Entry::Occupied(_) => return Err(StorageError::BlobExists(name.to_owned())),
        }
        Ok(BlobRef { name: name.to_owned(), bytes: bytes.len() as u64 })
    }

    fn get_blob(&self, blob: &BlobRef) -> Result<Vec<u8>, StorageError> {
        let found = self.content().blobs.get(&blob.name).cloned();
        check_length(blob, found.ok_or_else(|| StorageError::MissingBlob(blob.name.clone()))?)
    }

    fn flush(&self) -> Result<(), StorageError> {
        Ok(())
    }

    fn create_manifest(&self, id: CheckpointId, frame: &[u8]) -> Result<(), StorageError> {
        match self.content().manifests.entry(id) {
            Entry::Vacant(free) => {
                free.insert(frame.to_vec());
                Ok(())
            }
            Entry::Occupied(_) => Err(StorageError::ManifestExists(id)),
        }
    }

    fn manifests(&self) -> Result<Vec<CheckpointId>, StorageError> {
        Ok(self.content().manifests.keys().copied().collect())
    }

    fn get_manifest(&self, id: CheckpointId) -> Result<Vec<u8>, StorageError> {
        self.content().manifests.get(&id).cloned().ok_or(StorageError::MissingManifest(id))
    }

    fn delete_manifest(&self, id: CheckpointId) -> Result<(), StorageError> {
        self.content().manifests.remove(&id);
        Ok(())
    }

    fn blobs(&self) -> Result<Vec<String>, StorageError> {
        Ok(self.content().blobs.keys().cloned().collect())
    }

    fn delete_blob(&self, name: &str) -> Result<(), StorageError> {
        self.content().blobs.remove(name);
        Ok(())
    }

    fn remove_unfinished(&self) -> Result<u64, StorageError> {
        Ok(0)
    }

    fn bytes_on_disk(&self) -> Result<u64, StorageError> {
        let content = self.content();
        let all = content.blobs.values().chain(content.manifests.values());
        Ok(all.map(|bytes| bytes.len() as u64).sum())
    }

    fn describe(&self) -> String {
        "memory".to_owned()
    }
}
