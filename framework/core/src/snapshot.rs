//! What a checkpoint consists of: the part of each subtask, and the manifest that makes them one.
//!
//! Apart because the task fills it, the coordinator collects it, storage keeps it and recovery reads
//! it; all four meet in these plain values.

use crate::codec::{self, DecodeError, FrameKind};
use crate::key::MaxParallelism;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The number of a checkpoint (and of the epoch of records that it closes). Starts at 1, never used
/// twice by a job, also not after a crash.
pub type CheckpointId = u64;

/// Where a stored blob is and what it must look like.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BlobRef {
    /// Its immutable name, unique for ever.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
}

/// A base or delta of a keyed state in storage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredDelta {
    /// Where it is.
    pub blob: BlobRef,
    /// Number of its entries, deletions included.
    pub entries: u64,
}

/// How the elements of an operator state are dealt out when parallelism changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Redistribution {
    /// Every element goes to one subtask, in contiguous shares.
    Split,
    /// Every subtask gets all elements.
    Union,
    /// All subtasks hold the same; every subtask gets the elements of one.
    Broadcast,
}

/// One operator list state of one subtask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListSnapshot {
    /// What becomes of it when parallelism changes.
    pub redistribution: Redistribution,
    /// CBOR of each element.
    pub elements: Vec<Vec<u8>>,
}

/// What an operator has done since the job first started. Restored with the state, so a record that
/// is replayed is not counted twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorTotals {
    /// Records taken.
    pub records_in: u64,
    /// Records emitted on the main output.
    pub records_out: u64,
    /// Records that came behind the watermark and past the allowed lateness.
    pub late: u64,
    /// Records left out by policy: late without a side output, or malformed and skipped.
    pub dropped: u64,
}

impl OperatorTotals {
    /// Adds the totals of another subtask.
    pub const fn add(&mut self, other: Self) {
        self.records_in += other.records_in;
        self.records_out += other.records_out;
        self.late += other.late;
        self.dropped += other.dropped;
    }
}

/// The non-keyed state of one operator of one subtask.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorSnapshot {
    /// Operator list states by name.
    pub lists: BTreeMap<String, ListSnapshot>,
    /// Totals since the job first started.
    pub totals: OperatorTotals,
}

/// Event time of one input channel at the barrier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelSnapshot {
    /// The edge the channel belongs to.
    pub edge: String,
    /// The sending subtask's index.
    pub from: u32,
    /// The highest watermark received on it.
    pub watermark: Timestamp,
    /// Whether the sender was idle.
    pub idle: bool,
}

/// Everything of one subtask but its keyed state; stored as one blob.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubtaskSnapshot {
    /// State and totals by operator uid.
    pub operators: BTreeMap<String, OperatorSnapshot>,
    /// Event time per input channel.
    pub channels: Vec<ChannelSnapshot>,
    /// The watermark the subtask had last passed on.
    pub watermark: Timestamp,
}

impl SubtaskSnapshot {
    /// The sealed frame.
    #[must_use]
    pub fn to_frame(&self) -> Vec<u8> {
        codec::seal(FrameKind::Subtask, &codec::to_cbor(self))
    }

    /// The snapshot that a frame holds.
    ///
    /// # Errors
    /// When the frame is damaged or of another kind or version.
    pub fn from_frame(frame: &[u8]) -> Result<Self, DecodeError> {
        codec::from_cbor(codec::open(FrameKind::Subtask, frame)?)
    }
}

/// The blobs that hold one keyed state of one subtask: a base and its deltas, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyedPart {
    /// The operator's uid.
    pub operator: String,
    /// The state's name.
    pub state: String,
    /// Base first, then deltas in the order of their capture.
    pub chain: Vec<StoredDelta>,
}

/// Output of a sink that waits for the commit of its epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committable {
    /// The sink's uid.
    pub sink: String,
    /// The epoch whose records it holds (the checkpoint whose barrier closed it).
    pub epoch: CheckpointId,
    /// Rows in it, for the audit.
    pub rows: u64,
    /// What the sink's committer needs to publish it; only the sink knows the meaning.
    pub payload: Vec<u8>,
}

/// What one subtask hands to the coordinator when its part of a checkpoint is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubtaskPart {
    /// The uid of the first operator of the subtask's chain.
    pub vertex: String,
    /// The subtask's index.
    pub index: u32,
    /// The blob with its [`SubtaskSnapshot`].
    pub snapshot: BlobRef,
    /// Its keyed states.
    pub keyed: Vec<KeyedPart>,
    /// Sink output sealed by this barrier.
    pub committables: Vec<Committable>,
    /// Sink output still open, in the form in which a restore would publish it up to this barrier.
    pub unsealed: Vec<Committable>,
    /// Records sent per edge since the job first started.
    pub sent: BTreeMap<String, u64>,
    /// Records received per edge since the job first started.
    pub received: BTreeMap<String, u64>,
    /// Rows written per sink since the job first started.
    pub written: BTreeMap<String, u64>,
}

/// What makes a job the same job: changed, its old state cannot be taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobIdentity {
    /// The job's name.
    pub name: String,
    /// Which of all jobs of that name: drawn once, when a job without state begins.
    pub instance: String,
    /// The number of key groups.
    pub max_parallelism: MaxParallelism,
    /// Operator uid to operator kind.
    pub operators: BTreeMap<String, String>,
    /// Source uid to a fingerprint of its input, where the source has one.
    pub inputs: BTreeMap<String, String>,
    /// Operator uid to what its state means, where the operator says so.
    #[serde(default)]
    pub meanings: BTreeMap<String, String>,
}

impl JobIdentity {
    /// The owner of what `sink` writes.
    #[must_use]
    pub fn owner_of(&self, sink: &str) -> String {
        format!("{} {}, sink {sink}", self.name, self.instance)
    }
}

/// What a manifest says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ManifestKind {
    /// A run has taken over the job; what an older run writes from now on does not count.
    Claim,
    /// A completed checkpoint.
    Checkpoint,
    /// The checkpoint named by `restore` was the last of a bounded job, and its output is committed.
    Finished,
}

/// The commit point of a checkpoint: once it is durable, the checkpoint exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Its number: that of the checkpoint for [`ManifestKind::Checkpoint`].
    pub id: CheckpointId,
    /// The manifest before it, set by the log that it is appended to; readers accept only an
    /// unbroken chain.
    pub predecessor: Option<CheckpointId>,
    /// The run that wrote it; never falls along the chain.
    pub run: u64,
    /// What it says.
    pub kind: ManifestKind,
    /// Whose state it is.
    pub job: JobIdentity,
    /// Wall clock when it was written, for people.
    pub written_at: Timestamp,
    /// The parts of all subtasks (empty unless a checkpoint).
    pub parts: Vec<SubtaskPart>,
    /// All sink output that is sealed and not known to be committed.
    pub committables: Vec<Committable>,
    /// Rows per sink that are known to be committed.
    pub committed_rows: BTreeMap<String, u64>,
    /// Checkpoints that a claim leaves behind for good, because they could not be read when its run
    /// began: what was published with them is taken back, so nobody may go on from them, also not
    /// when they can be read again.
    #[serde(default)]
    pub passed_over: Vec<CheckpointId>,
}

impl Manifest {
    /// The sealed frame.
    #[must_use]
    pub fn to_frame(&self) -> Vec<u8> {
        codec::seal(FrameKind::Manifest, &codec::to_cbor(self))
    }

    /// The manifest that a frame holds.
    ///
    /// # Errors
    /// When the frame is damaged or of another kind or version.
    pub fn from_frame(frame: &[u8]) -> Result<Self, DecodeError> {
        codec::from_cbor(codec::open(FrameKind::Manifest, frame)?)
    }

    /// Every blob the checkpoint needs.
    pub fn blobs(&self) -> impl Iterator<Item = &BlobRef> {
        self.parts.iter().flat_map(|part| {
            let keyed = part.keyed.iter().flat_map(|keyed| &keyed.chain);
            std::iter::once(&part.snapshot).chain(keyed.map(|stored| &stored.blob))
        })
    }
}
