//! What is kept of the checkpoints, and the deletion of the rest.
//!
//! Apart because it is the only place that deletes. Garbage is what no durable manifest reaches and
//! nobody can still be writing. Manifests go first, oldest first, and are gone for good before the
//! first of their blobs goes: a crash in between leaves blobs without a name, never a name without
//! blobs. After each checkpoint only what it dropped is looked at; the full comparison is made once,
//! when a run has claimed the log.
//!
//! Nothing is deleted on an uncertain outcome: not while an append waits to be settled, and not while
//! a manifest is there that cannot be read, for it may name any blob.

use crate::manifest_log::{ManifestLog, Problem};
use crate::storage::{CheckpointStorage, StorageError};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use tidegate_core::snapshot::{CheckpointId, Manifest};

/// What a pass over the garbage did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Manifests deleted.
    pub manifests: u64,
    /// Blobs deleted.
    pub blobs: u64,
    /// Pieces of unfinished writes removed.
    pub pieces: u64,
    /// Why nothing was deleted, if so.
    pub held: Option<String>,
}

/// Keeps the newest checkpoints and what they need.
pub struct Retention {
    storage: Arc<dyn CheckpointStorage>,
    retained: usize,
    /// Dropped, and not yet deleted: still protected, or a deletion that failed.
    dropped: BTreeSet<String>,
    /// By the checkpoint that a completed one must be later than.
    abandoned: BTreeMap<CheckpointId, BTreeSet<String>>,
}

impl Retention {
    /// Keeps the newest `retained` checkpoints, at least one.
    #[must_use]
    pub fn new(storage: Arc<dyn CheckpointStorage>, retained: usize) -> Self {
        Self {
            storage,
            retained: retained.max(1),
            dropped: BTreeSet::new(),
            abandoned: BTreeMap::new(),
        }
    }

    /// Notes blobs that may never be named: those of an aborted checkpoint, or the parts that a merge
    /// replaced. `checkpoint` is the newest one triggered by then. They are looked at when a later
    /// one is complete, because until then the next may still build on them, and they go unless it
    /// does.
    pub fn abandon(&mut self, checkpoint: CheckpointId, names: impl IntoIterator<Item = String>) {
        self.abandoned.entry(checkpoint).or_default().extend(names);
    }

    /// After a checkpoint: drops what is older than the newest ones. `protected` says of a name
    /// whether a checkpoint in flight may still come to need it.
    ///
    /// # Errors
    /// When a deletion failed; it is tried again by the next pass.
    pub fn collect(
        &mut self,
        log: &mut ManifestLog,
        protected: &dyn Fn(&str) -> bool,
    ) -> Result<Swept, StorageError> {
        if let Some(held) = held(log) {
            return Ok(Swept { held: Some(held), ..Swept::default() });
        }
        let manifests = self.drop_manifests(log)?;
        let blobs = self.delete_dropped(log, protected)?;
        Ok(Swept { manifests, blobs, ..Swept::default() })
    }

    /// Once, after the claim and before the first checkpoint: also deletes what crashed runs left.
    ///
    /// # Errors
    /// When storage cannot be listed or a deletion failed.
    pub fn sweep(
        &mut self,
        log: &mut ManifestLog,
        protected: &dyn Fn(&str) -> bool,
    ) -> Result<Swept, StorageError> {
        if let Some(held) = held(log) {
            return Ok(Swept { held: Some(held), ..Swept::default() });
        }
        for &stray in log.strays() {
            self.storage.delete_manifest(stray)?;
        }
        let strays = log.strays().len() as u64;
        if strays > 0 {
            self.storage.flush()?;
            log.forget_strays();
        }
        let manifests = strays + self.drop_manifests(log)?;
        self.dropped.extend(self.storage.blobs()?);
        let blobs = self.delete_dropped(log, protected)?;
        let pieces = self.storage.remove_unfinished()?;
        Ok(Swept { manifests, blobs, pieces, held: None })
    }

    /// Deletes the manifests below the oldest checkpoint that is kept, for good.
    fn drop_manifests(&mut self, log: &mut ManifestLog) -> Result<u64, StorageError> {
        let Some(oldest) = log.checkpoints().nth(self.retained - 1).map(|kept| kept.id) else {
            return Ok(0);
        };
        let old: Vec<&Manifest> = log.manifests().iter().filter(|m| m.id < oldest).collect();
        for manifest in &old {
            self.storage.delete_manifest(manifest.id)?;
            self.dropped.extend(manifest.blobs().map(|blob| blob.name.clone()));
        }
        let deleted = old.len() as u64;
        if deleted > 0 {
            self.storage.flush()?;
            log.forget_below(oldest);
        }
        Ok(deleted)
    }

    fn delete_dropped(
        &mut self,
        log: &ManifestLog,
        protected: &dyn Fn(&str) -> bool,
    ) -> Result<u64, StorageError> {
        let newest = log.checkpoints().next().map_or(0, |newest| newest.id);
        let still_needed = self.abandoned.split_off(&newest);
        self.dropped
            .extend(std::mem::replace(&mut self.abandoned, still_needed).into_values().flatten());
        let reached: HashSet<&str> =
            log.manifests().iter().flat_map(Manifest::blobs).map(|b| b.name.as_str()).collect();
        // A blob that a manifest reaches again is dropped anew with that manifest.
        self.dropped.retain(|name| !reached.contains(name.as_str()));
        let garbage: Vec<String> =
            self.dropped.iter().filter(|name| !protected(name)).cloned().collect();
        for name in &garbage {
            self.storage.delete_blob(name)?;
            self.dropped.remove(name);
        }
        Ok(garbage.len() as u64)
    }
}

/// Why nothing may be deleted now.
fn held(log: &ManifestLog) -> Option<String> {
    if log.is_uncertain() {
        return Some("the last manifest may or may not have been written".to_owned());
    }
    log.unreadable().map(Problem::to_string)
}

#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;
