//! A simulated disk for checkpoints: what was not flushed is lost, torn or reordered at a crash.
//!
//! Apart because it is the adversary of everything in the state package. It keeps the letter of the
//! storage contract and nothing beyond it: what may happen does happen, by chance.

use super::fate::{Canary, Fate};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use tidegate_core::snapshot::{BlobRef, CheckpointId};
use tidegate_state::{CheckpointStorage, StorageError};

/// Something on the disk: as a reader sees it now, and as a crash would leave it.
#[derive(Clone, Debug, Default)]
struct Entry {
    current: Option<Vec<u8>>,
    durable: Option<Vec<u8>>,
}

#[derive(Debug, Default)]
struct Content {
    blobs: BTreeMap<String, Entry>,
    manifests: BTreeMap<CheckpointId, Entry>,
    /// Manifests whose write was given up and that may still turn up.
    ghosts: Vec<(CheckpointId, Vec<u8>)>,
}

/// The disk; a clone is the same disk.
#[derive(Clone)]
pub(crate) struct Disk {
    content: Arc<Mutex<Content>>,
    fate: Fate,
}

fn not_written(doing: &str) -> StorageError {
    StorageError::NotWritten { doing: doing.to_owned(), source: "simulated".into() }
}

fn unknown(doing: &str) -> StorageError {
    StorageError::Unknown { doing: doing.to_owned(), source: "simulated".into() }
}

impl Disk {
    pub(crate) fn new(fate: Fate) -> Self {
        Self { content: Arc::default(), fate }
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().expect("nothing panics while it holds the disk")
    }

    fn read_fails(&self, doing: &str) -> Result<(), StorageError> {
        if self.fate.is_dead() || self.fate.fails() {
            let source = "simulated".into();
            return Err(StorageError::Read { doing: doing.to_owned(), source });
        }
        Ok(())
    }

    /// The machine stops. What was not flushed is lost, kept or damaged, each piece for itself.
    pub(crate) fn crash(&self) {
        let mut content = self.content();
        let ghosts = std::mem::take(&mut content.ghosts);
        for (id, frame) in ghosts {
            let entry = content.manifests.entry(id).or_default();
            if entry.current.is_none() && self.fate.draw(|chance| chance.one_in(2)) {
                *entry = Entry { current: Some(frame.clone()), durable: Some(frame) };
            }
        }
        for entry in content.manifests.values_mut() {
            if entry.current != entry.durable && self.fate.draw(|chance| chance.one_in(2)) {
                entry.durable = entry.current.clone();
            }
            entry.current = entry.durable.clone();
        }
        for entry in content.blobs.values_mut() {
            if entry.current != entry.durable {
                entry.durable = self.mangled(entry);
            }
            entry.current = entry.durable.clone();
        }
        content.manifests.retain(|_, entry| entry.current.is_some());
        content.blobs.retain(|_, entry| entry.current.is_some());
    }

    fn mangled(&self, entry: &Entry) -> Option<Vec<u8>> {
        let Some(mut bytes) = entry.current.clone() else {
            return if self.fate.draw(|chance| chance.one_in(2)) {
                None
            } else {
                entry.durable.clone()
            };
        };
        let (kind, at) = self.fate.draw(|chance| (chance.below(4), chance.next()));
        match kind {
            0 => return entry.durable.clone(),
            1 => bytes.truncate(at as usize % (bytes.len() + 1)),
            2 => flip(&mut bytes, at),
            _ => {}
        }
        Some(bytes)
    }

    /// The process ends in good order: everything it wrote arrives.
    pub(crate) fn settle(&self) {
        let mut content = self.content();
        let Content { blobs, manifests, .. } = &mut *content;
        blobs.values_mut().chain(manifests.values_mut()).for_each(|entry| {
            entry.durable = entry.current.clone();
        });
        blobs.retain(|_, entry| entry.current.is_some());
        manifests.retain(|_, entry| entry.current.is_some());
    }

    /// Damages a stored blob for good, or removes it; returns what it was.
    pub(crate) fn rot(&self, name: &str) -> Option<Vec<u8>> {
        let mut content = self.content();
        let entry = content.blobs.get_mut(name)?;
        let was = entry.current.clone()?;
        let kind = self.fate.draw(|chance| chance.next());
        let mut bytes = was.clone();
        match kind % 3 {
            0 => drop(content.blobs.remove(name)),
            1 => {
                flip(&mut bytes, kind);
                *entry = Entry { current: Some(bytes.clone()), durable: Some(bytes) };
            }
            _ => {
                bytes.pop();
                *entry = Entry { current: Some(bytes.clone()), durable: Some(bytes) };
            }
        }
        Some(was)
    }

    /// Undoes [`Disk::rot`].
    pub(crate) fn heal(&self, name: &str, bytes: Vec<u8>) {
        let entry = Entry { current: Some(bytes.clone()), durable: Some(bytes) };
        self.content().blobs.insert(name.to_owned(), entry);
    }

    /// Reads past all faults, for the checkers.
    pub(crate) fn peek_manifest(&self, id: CheckpointId) -> Option<Vec<u8>> {
        self.content().manifests.get(&id)?.durable.clone()
    }

    /// Reads past all faults, for the checkers.
    pub(crate) fn peek_blob(&self, name: &str) -> Option<Vec<u8>> {
        self.content().blobs.get(name)?.durable.clone()
    }

    /// The names of all blobs that a reader sees.
    pub(crate) fn peek_blobs(&self) -> Vec<String> {
        let content = self.content();
        content.blobs.iter().filter(|(_, e)| e.current.is_some()).map(|(n, _)| n.clone()).collect()
    }

    fn put(&self, name: &str, bytes: &[u8], whole: bool) -> Result<(), StorageError> {
        let mut content = self.content();
        let entry = content.blobs.entry(name.to_owned()).or_default();
        if entry.current.as_deref().is_some_and(|found| found != bytes) {
            self.fate.violation(format_args!("blob name {name} was used twice"));
            return Err(StorageError::BlobExists(name.to_owned()));
        }
        if whole {
            entry.current = Some(bytes.to_vec());
        }
        Ok(())
    }
}

fn flip(bytes: &mut [u8], at: u64) {
    if !bytes.is_empty() {
        let position = usize::try_from(at >> 8).unwrap_or(0) % bytes.len();
        bytes[position] ^= 1 << (at % 8);
    }
}

impl CheckpointStorage for Disk {
    fn put_blob(&self, name: &str, bytes: &[u8]) -> Result<BlobRef, StorageError> {
        if self.fate.burns() {
            return Err(unknown("put a blob"));
        }
        if self.fate.fails() {
            // A blob that nothing names may be left behind.
            self.put(name, bytes, self.fate.draw(|chance| chance.one_in(2)))?;
            return Err(not_written("put a blob"));
        }
        self.put(name, bytes, true)?;
        Ok(BlobRef { name: name.to_owned(), bytes: bytes.len() as u64 })
    }

    fn get_blob(&self, blob: &BlobRef) -> Result<Vec<u8>, StorageError> {
        self.read_fails("get a blob")?;
        let found = self.content().blobs.get(&blob.name).and_then(|entry| entry.current.clone());
        let bytes = found.ok_or_else(|| StorageError::MissingBlob(blob.name.clone()))?;
        if bytes.len() as u64 == blob.bytes {
            return Ok(bytes);
        }
        let why = format!("{} bytes instead of {}", bytes.len(), blob.bytes);
        Err(StorageError::DamagedBlob { name: blob.name.clone(), why })
    }

    fn flush(&self) -> Result<(), StorageError> {
        if self.fate.burns() {
            return Err(unknown("flush"));
        }
        let fails = self.fate.fails();
        if self.fate.has_canary(Canary::LazyFlush) {
            return Ok(());
        }
        let mut content = self.content();
        let Content { blobs, manifests, .. } = &mut *content;
        for entry in blobs.values_mut().chain(manifests.values_mut()) {
            if entry.durable != entry.current
                && (!fails || self.fate.draw(|chance| chance.one_in(2)))
            {
                entry.durable = entry.current.clone();
            }
        }
        if fails { Err(unknown("flush")) } else { Ok(()) }
    }

    fn create_manifest(&self, id: CheckpointId, frame: &[u8]) -> Result<(), StorageError> {
        if self.fate.burns() {
            return Err(unknown("create a manifest"));
        }
        let fails = self.fate.fails();
        let mut content = self.content();
        if content.manifests.get(&id).is_some_and(|entry| entry.current.is_some()) {
            return Err(StorageError::ManifestExists(id));
        }
        let written = Some(frame.to_vec());
        let durable = Entry { current: written.clone(), durable: written.clone() };
        if !fails {
            content.manifests.insert(id, durable);
            return Ok(());
        }
        match self.fate.draw(|chance| chance.below(5)) {
            0 => return Err(not_written("create a manifest")),
            1 => drop(content.manifests.insert(id, Entry { current: written, durable: None })),
            2 => drop(content.manifests.insert(id, durable)),
            3 => content.ghosts.push((id, frame.to_vec())),
            _ => {
                // Written, the answer lost, and the client underneath has tried again.
                content.manifests.insert(id, durable);
                return Err(StorageError::ManifestExists(id));
            }
        }
        Err(unknown("create a manifest"))
    }

    fn manifests(&self) -> Result<Vec<CheckpointId>, StorageError> {
        self.read_fails("list manifests")?;
        let mut content = self.content();
        if self.fate.draw(|chance| chance.one_in(4))
            && let Some((id, frame)) = content.ghosts.pop()
        {
            let entry = content.manifests.entry(id).or_default();
            if entry.current.is_none() {
                *entry = Entry { current: Some(frame.clone()), durable: Some(frame) };
            }
        }
        let seen = content.manifests.iter().filter(|(_, entry)| entry.current.is_some());
        Ok(seen.map(|(id, _)| *id).collect())
    }

    fn get_manifest(&self, id: CheckpointId) -> Result<Vec<u8>, StorageError> {
        self.read_fails("get a manifest")?;
        let found = self.content().manifests.get(&id).and_then(|entry| entry.current.clone());
        found.ok_or(StorageError::MissingManifest(id))
    }

    fn delete_manifest(&self, id: CheckpointId) -> Result<(), StorageError> {
        if self.fate.burns() {
            return Err(unknown("delete a manifest"));
        }
        let fails = self.fate.fails();
        if let Some(entry) = self.content().manifests.get_mut(&id)
            && (!fails || self.fate.draw(|chance| chance.one_in(2)))
        {
            entry.current = None;
        }
        if fails { Err(unknown("delete a manifest")) } else { Ok(()) }
    }

    fn blobs(&self) -> Result<Vec<String>, StorageError> {
        self.read_fails("list blobs")?;
        Ok(self.peek_blobs())
    }

    fn delete_blob(&self, name: &str) -> Result<(), StorageError> {
        if self.fate.burns() {
            return Err(unknown("delete a blob"));
        }
        let fails = self.fate.fails();
        if let Some(entry) = self.content().blobs.get_mut(name)
            && (!fails || self.fate.draw(|chance| chance.one_in(2)))
        {
            entry.current = None;
        }
        if fails { Err(unknown("delete a blob")) } else { Ok(()) }
    }

    fn remove_unfinished(&self) -> Result<u64, StorageError> {
        Ok(0)
    }

    fn bytes_on_disk(&self) -> Result<u64, StorageError> {
        let content = self.content();
        Ok(content.blobs.values().flat_map(|e| &e.current).map(|bytes| bytes.len() as u64).sum())
    }

    fn describe(&self) -> String {
        "a simulated disk".to_owned()
    }
}
