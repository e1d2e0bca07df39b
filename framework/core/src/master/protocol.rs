//! What the job master is told and what it tells: the words between the machine and its shells.

use crate::element::Barrier;
use crate::plan::SubtaskId;
use crate::snapshot::{CheckpointId, Committable, JobIdentity, Manifest, SubtaskPart};
use crate::time::Timestamp;
use std::sync::Arc;

/// What the shell tells the master.
#[derive(Clone, Debug)]
pub enum Event {
    /// The clock.
    Tick,
    /// All subtasks of a region are built, wired and running.
    RegionRunning {
        /// The region.
        region: usize,
        /// Its attempt.
        attempt: u32,
    },
    /// No subtask of a region runs any more.
    RegionStopped {
        /// The region.
        region: usize,
    },
    /// A region could not be started, or one of its subtasks failed.
    Failed {
        /// The region.
        region: usize,
        /// Its attempt.
        attempt: u32,
        /// Why, and whose failure it is.
        failure: Failure,
        /// What can be done about it.
        remedy: Remedy,
    },
    /// A subtask's part of a checkpoint is durable.
    Acknowledged {
        /// The subtask.
        subtask: SubtaskId,
        /// Its attempt.
        attempt: u32,
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// The part.
        part: Box<SubtaskPart>,
    },
    /// A subtask could not store its part.
    Declined {
        /// The subtask.
        subtask: SubtaskId,
        /// Its attempt.
        attempt: u32,
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// Why.
        cause: String,
        /// What its sinks had prepared all the same: it goes with the next checkpoint.
        committables: Vec<Committable>,
    },
    /// A subtask has processed all its input.
    Drained {
        /// The subtask.
        subtask: SubtaskId,
        /// Its attempt.
        attempt: u32,
    },
    /// A manifest write has been settled.
    ManifestSettled(ManifestOutcome),
    /// A commit has ended.
    Committed {
        /// Why it failed, after all tries, and whose failure that is.
        result: Result<(), Failure>,
    },
    /// The user wants the job to stop.
    StopRequested,
}

/// A failure, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The uid of the source, operator or sink that failed; `None` when it cannot be put down to one.
    pub node: Option<String>,
    /// Who, in which phase, and why: a sentence for people.
    pub cause: String,
}

impl Failure {
    /// A failure of one node.
    #[must_use]
    pub fn of(node: &str, cause: String) -> Self {
        Self { node: Some(node.to_owned()), cause }
    }

    /// A failure that cannot be put down to a node.
    #[must_use]
    pub const fn of_the_job(cause: String) -> Self {
        Self { node: None, cause }
    }
}

/// How a manifest write ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManifestOutcome {
    /// It is durable.
    Durable,
    /// It is not there and can no longer come to be.
    NotWritten(String),
    /// Nobody can tell, or another run has taken over: this process must not go on.
    Lost(String),
}

/// What the master tells its shell.
#[derive(Clone, Debug)]
pub enum Command {
    /// Recover the region's sinks to `from`, build its tasks from it, wire and run them.
    StartRegion {
        /// The region.
        region: usize,
        /// Its attempt.
        attempt: u32,
        /// The checkpoint to restore; `None` for an empty start.
        from: Option<Arc<Manifest>>,
    },
    /// Stop all subtasks of a region.
    StopRegion {
        /// The region.
        region: usize,
    },
    /// Let the sources emit this barrier.
    Trigger(Barrier),
    /// End the input of all sources.
    DrainSources,
    /// Make this manifest durable.
    WriteManifest(Arc<Manifest>),
    /// Publish sink output.
    Commit(Vec<Committable>),
    /// A checkpoint was given up.
    Aborted(CheckpointId),
    /// Something people should read.
    Say(Notice),
    /// The job has ended; nothing of it runs any more.
    End(JobEnd),
}

/// What happened, for logs, metrics and progress.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A checkpoint is complete.
    CheckpointCompleted {
        /// Its number.
        id: CheckpointId,
        /// From trigger to durable manifest.
        duration_ms: i64,
    },
    /// A checkpoint was given up.
    CheckpointFailed {
        /// Its number.
        id: CheckpointId,
        /// Why.
        cause: String,
    },
    /// A region failed.
    RegionFailed {
        /// The region.
        region: usize,
        /// Why.
        cause: String,
        /// When it starts again.
        restart_at: Option<Timestamp>,
    },
    /// The conservation audit found lost or doubled records.
    AuditBroken(String),
}

/// What can be done about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// A restart of the region, from the newest checkpoint.
    Restart,
    /// A new start of the job, which finds an older checkpoint: the newest is no longer whole.
    NewStart,
    /// Nothing, until the user has decided something.
    Decision,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobEnd {
    /// All input was processed and all output committed.
    Finished,
    /// It was asked to stop; it can be resumed.
    Stopped,
    /// It failed and was not to be restarted.
    Failed(String),
    /// The user must decide something first.
    Refused(String),
}

/// Where a job starts from.
#[derive(Clone, Debug)]
pub struct StartingPoint {
    /// Whose job it is.
    pub identity: JobIdentity,
    /// This run's number.
    pub run: u64,
    /// The manifest by which this run has claimed the job.
    pub claim: CheckpointId,
    /// The checkpoint to restore.
    pub latest: Option<Arc<Manifest>>,
    /// Seed for the jitter of restarts.
    pub seed: u64,
}
