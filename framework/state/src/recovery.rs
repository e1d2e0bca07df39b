//! Which checkpoint to start from, and the parts of it that a subtask needs.
//!
//! Apart because it only reads. A checkpoint with a missing or damaged blob is passed over, and said
//! so; but a storage that does not answer is an error: an outage must not look like damage, or a job
//! would fall back to an old checkpoint because the network was slow.

use crate::manifest_log::ManifestLog;
use crate::rescale::{self, Channel, Sides};
use crate::storage::{CheckpointStorage, StorageError};
use std::collections::{BTreeMap, BTreeSet};
use tidegate_core::codec::{self, DecodeError, FrameKind};
use tidegate_core::plan::Plan;
use tidegate_core::snapshot::{
    BlobRef, ChannelSnapshot, CheckpointId, KeyedPart, ListSnapshot, Manifest, OperatorSnapshot,
    OperatorTotals, SubtaskPart, SubtaskSnapshot,
};
use tidegate_core::state::delta::Delta;
use tidegate_core::time::Timestamp;

/// A checkpoint that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The checkpoint.
    pub checkpoint: CheckpointId,
    /// The first blob of it that is not whole.
    pub blob: String,
    /// What is wrong with that blob.
    pub why: String,
}

/// The outcome of the search for a checkpoint to start from.
#[derive(Clone, Debug, Default)]
pub struct Recovered {
    /// The newest whole checkpoint; `None` when there is none.
    pub manifest: Option<Manifest>,
    /// Newer ones that are not whole, newest first.
    pub skipped: Vec<Skipped>,
}

/// Why nothing can be restored for now.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// Storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A blob was written by another release.
    #[error("blob {blob} was written in format version {found}: use a release that reads it")]
    Version {
        /// The blob.
        blob: String,
        /// Its version.
        found: u16,
    },
    /// A blob that was whole when the checkpoint was chosen is no longer.
    #[error("blob {blob} is damaged ({why})")]
    Damaged {
        /// The blob.
        blob: String,
        /// What is wrong with it.
        why: String,
    },
}

/// The newest checkpoint whose every blob is there and whole.
///
/// # Errors
/// When storage does not answer, or a blob is of another format version.
pub fn newest_whole(
    log: &ManifestLog,
    storage: &dyn CheckpointStorage,
) -> Result<Recovered, RecoveryError> {
    let mut recovered = Recovered::default();
    let mut whole = BTreeSet::new();
    for manifest in log.checkpoints() {
        match broken(manifest, storage, &mut whole)? {
            None => {
                recovered.manifest = Some(manifest.clone());
                break;
            }
            Some(skipped) => recovered.skipped.push(skipped),
        }
    }
    Ok(recovered)
}

/// What of a checkpoint is not whole; `None` when all of it is. Blobs in `whole` are known to be, and those that are
/// found to be are put there.
///
/// # Errors
/// When storage does not answer, or a blob is of another format version.
pub fn broken(
    manifest: &Manifest,
    storage: &dyn CheckpointStorage,
    whole: &mut BTreeSet<BlobRef>,
) -> Result<Option<Skipped>, RecoveryError> {
    let skipped = |blob, why| Ok(Some(Skipped { checkpoint: manifest.id, blob, why }));
    for part in &manifest.parts {
        let keyed = part.keyed.iter().flat_map(|keyed| &keyed.chain);
        let blobs = keyed.map(|stored| (&stored.blob, FrameKind::KeyedState));
        for (blob, kind) in blobs.chain([(&part.snapshot, FrameKind::Subtask)]) {
            if whole.contains(blob) {
                continue;
            }
            match fetch(storage, blob, |frame| codec::open(kind, &frame).map(|_| ())) {
                Ok(()) => {
                    whole.insert(blob.clone());
                }
                Err(RecoveryError::Damaged { blob, why }) => return skipped(blob, why),
                Err(RecoveryError::Storage(error)) if error.is_loss() => {
                    return skipped(blob.name.clone(), error.to_string());
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(None)
}

fn fetch<T>(
    storage: &dyn CheckpointStorage,
    blob: &BlobRef,
    decode: impl FnOnce(Vec<u8>) -> Result<T, DecodeError>,
) -> Result<T, RecoveryError> {
    decode(storage.get_blob(blob)?).map_err(|error| match error {
        DecodeError::Version(found) => RecoveryError::Version { blob: blob.name.clone(), found },
        error => RecoveryError::Damaged { blob: blob.name.clone(), why: error.to_string() },
    })
}

/// The base and the deltas of one keyed state of one subtask, read and decoded.
///
/// # Errors
/// When a blob cannot be read.
pub fn chain(
    storage: &dyn CheckpointStorage,
    part: &KeyedPart,
) -> Result<Vec<Delta>, RecoveryError> {
    let blobs = part.chain.iter().map(|stored| &stored.blob);
    blobs.map(|blob| fetch(storage, blob, Delta::from_owned_frame)).collect()
}

/// A checkpoint opened for restoring: everything but the keyed state is in memory, read once for all
/// subtasks. Operators are found by uid, because a later run may chain them differently.
pub struct Restore {
    manifest: Manifest,
    /// Beside `manifest.parts`, in the same order.
    snapshots: Vec<SubtaskSnapshot>,
    /// Some operator has another parallelism than it had: event time of every subtask and channel is
    /// then the lowest of all, because a split may have moved to any of the paths that lead there.
    rescaled: bool,
}

impl Restore {
    /// Reads the subtask snapshots of `manifest`.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn open(
        storage: &dyn CheckpointStorage,
        mut manifest: Manifest,
    ) -> Result<Self, RecoveryError> {
        manifest.parts.sort_by(|a, b| (&a.vertex, a.index).cmp(&(&b.vertex, b.index)));
        let read = |part: &SubtaskPart| {
            fetch(storage, &part.snapshot, |frame| SubtaskSnapshot::from_frame(&frame))
        };
        let snapshots = manifest.parts.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { manifest, snapshots, rescaled: false })
    }

    /// As [`open`](Self::open), for a job with this plan.
    ///
    /// # Errors
    /// When a snapshot cannot be read.
    pub fn open_for(
        storage: &dyn CheckpointStorage,
        manifest: Manifest,
        plan: &Plan,
    ) -> Result<Self, RecoveryError> {
        let mut restore = Self::open(storage, manifest)?;
        restore.rescaled = plan.vertices.iter().any(|vertex| {
            let uids = vertex.nodes.iter().map(|&node| &plan.graph.nodes[node].uid);
            uids.into_iter().any(|uid| restore.parallelism(uid) != vertex.parallelism)
        });
        Ok(restore)
    }

    /// Whether some operator has another parallelism than it had.
    #[must_use]
    pub const fn is_rescaled(&self) -> bool {
        self.rescaled
    }

    /// The checkpoint.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Parallelism of an operator when the checkpoint was taken; 0 when it was not there.
    #[must_use]
    pub fn parallelism(&self, operator: &str) -> u32 {
        self.parts(operator).map(|(part, _)| part.index + 1).max().unwrap_or(0)
    }

    /// The keyed states of subtask `index` of `parallelism`, by name: the chains of all old subtasks
    /// that owned some of its key groups, in their order. The caller reads its own range from each.
    #[must_use]
    pub fn keyed_parts<'a>(
        &'a self,
        operator: &str,
        index: u32,
        parallelism: u32,
    ) -> BTreeMap<&'a str, Vec<&'a KeyedPart>> {
        let groups = self.manifest.job.max_parallelism;
        let range = groups.range_of(index, parallelism);
        let old = self.parallelism(operator);
        let mut states: BTreeMap<&str, Vec<&KeyedPart>> = BTreeMap::new();
        for (part, _) in self.parts(operator) {
            if !rescale::intersect(range, groups.range_of(part.index, old)) {
                continue;
            }
            for keyed in part.keyed.iter().filter(|keyed| keyed.operator == operator) {
                states.entry(&keyed.state).or_default().push(keyed);
            }
        }
        states
    }

    /// As [`keyed_parts`](Self::keyed_parts), read and decoded: per state one chain per old subtask.
    ///
    /// # Errors
    /// When a blob cannot be read.
    pub fn keyed(
        &self,
        storage: &dyn CheckpointStorage,
        operator: &str,
        index: u32,
        parallelism: u32,
    ) -> Result<BTreeMap<String, Vec<Vec<Delta>>>, RecoveryError> {
        let load = |part| chain(storage, part);
        let states = self.keyed_parts(operator, index, parallelism).into_iter();
        states
            .map(|(state, parts)| {
                let chains = parts.into_iter().map(load).collect::<Result<_, _>>()?;
                Ok((state.to_owned(), chains))
            })
            .collect()
    }

    /// The operator list states and totals of subtask `index` of `parallelism`.
    #[must_use]
    pub fn operator(&self, operator: &str, index: u32, parallelism: u32) -> OperatorSnapshot {
        let old: Vec<&OperatorSnapshot> = self
            .parts(operator)
            .filter_map(|(_, snapshot)| snapshot.operators.get(operator))
            .collect();
        let names: BTreeSet<&String> = old.iter().flat_map(|part| part.lists.keys()).collect();
        let share = |name: &String| {
            let parts: Vec<&[Vec<u8>]> = old
                .iter()
                .map(|part| part.lists.get(name).map_or(&[][..], |list| &list.elements))
                .collect();
            let redistribution = old.iter().find_map(|part| part.lists.get(name))?.redistribution;
            let elements = rescale::list(redistribution, &parts, index, parallelism);
            Some((name.clone(), ListSnapshot { redistribution, elements }))
        };
        let totals: Vec<OperatorTotals> = old.iter().map(|part| part.totals).collect();
        OperatorSnapshot {
            lists: names.into_iter().filter_map(share).collect(),
            totals: rescale::totals(&totals, index, parallelism),
        }
    }

    /// Event time of the channel of `edge` between subtasks `from` and `to`, with the parallelism that
    /// the two `sides` have now; `None` when the edge was not there.
    #[must_use]
    pub fn channel(&self, edge: &str, from: u32, to: u32, sides: Sides) -> Option<ChannelSnapshot> {
        let old = self.channels(edge);
        let restored = if self.rescaled {
            rescale::merged(&old, from, to)?
        } else {
            rescale::channel(&old, from, to, sides)?
        };
        Some(ChannelSnapshot {
            edge: edge.to_owned(),
            from,
            watermark: restored.watermark,
            idle: restored.idle,
        })
    }

    /// All channels that an edge had.
    fn channels(&self, edge: &str) -> Vec<Channel> {
        self.manifest
            .parts
            .iter()
            .zip(&self.snapshots)
            .flat_map(|(part, snapshot)| snapshot.channels.iter().map(|c| (part.index, c)))
            .filter(|(_, channel)| channel.edge == edge)
            .map(|(to, channel)| Channel {
                from: channel.from,
                to,
                watermark: channel.watermark,
                idle: channel.idle,
            })
            .collect()
    }

    /// The watermark that the subtask with this operator had passed on: its own when parallelism is
    /// what it was, else the lowest of all. `None` when the operator was not there.
    #[must_use]
    pub fn watermark(&self, operator: &str, index: u32, parallelism: u32) -> Option<Timestamp> {
        let exact = !self.rescaled && self.parallelism(operator) == parallelism;
        self.parts(operator)
            .filter(|(part, _)| !exact || part.index == index)
            .map(|(_, snapshot)| snapshot.watermark)
            .min()
    }

    /// Records sent over `edge` that subtask `index` of `parallelism` goes on counting from.
    #[must_use]
    pub fn sent(&self, edge: &str, index: u32, parallelism: u32) -> u64 {
        self.count(index, parallelism, |part| part.sent.get(edge))
    }

    /// Records received over `edge`, likewise.
    #[must_use]
    pub fn received(&self, edge: &str, index: u32, parallelism: u32) -> u64 {
        self.count(index, parallelism, |part| part.received.get(edge))
    }

    /// Rows written by `sink`, likewise.
    #[must_use]
    pub fn written(&self, sink: &str, index: u32, parallelism: u32) -> u64 {
        self.count(index, parallelism, |part| part.written.get(sink))
    }

    fn count(
        &self,
        index: u32,
        parallelism: u32,
        of: impl Fn(&SubtaskPart) -> Option<&u64>,
    ) -> u64 {
        let heirs = self.manifest.parts.iter().filter(|part| part.index % parallelism == index);
        heirs.filter_map(of).sum()
    }

    /// The old subtasks with this operator, by index.
    fn parts<'a>(
        &'a self,
        operator: &str,
    ) -> impl Iterator<Item = (&'a SubtaskPart, &'a SubtaskSnapshot)> {
        self.manifest.parts.iter().zip(&self.snapshots).filter(move |(part, snapshot)| {
            snapshot.operators.contains_key(operator)
                || part.keyed.iter().any(|keyed| keyed.operator == operator)
        })
    }
}

#[cfg(test)]
#[path = "recovery_tests.rs"]
mod tests;
