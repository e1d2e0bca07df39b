//! The contract of a sink: where records leave the job, and how they become visible exactly once.
//!
//! A transactional sink works in four strokes. `write` takes records. `freeze` draws the line of an
//! epoch, cheaply, at the barrier. `prepare` makes the epoch durable but invisible, off-thread; the
//! subtask's acknowledgement waits for it. `commit` makes it visible, only after the checkpoint's
//! manifest is durable; it is idempotent, because after a crash it is simply done again.
//!
//! An aborted checkpoint aborts nothing here: what was prepared goes with the next manifest. Only
//! what no manifest names is ever deleted, and only by [`Committer::recover`].

use crate::element::{Barrier, Batch, Data};
use crate::operator::BoxError;
use crate::snapshot::{CheckpointId, Committable};
use crate::state::StateVisitor;
use std::task::Waker;

/// One subtask's end of a sink.
pub trait Sink: Send + 'static {
    /// What it takes.
    type In: Data;

    /// Takes records off `input`. What it leaves is offered again: it must then wake `waker` as soon
    /// as it can take more.
    ///
    /// # Errors
    /// An error fails the subtask.
    fn write(&mut self, input: &mut Batch<Self::In>, waker: &Waker) -> Result<(), BoxError>;

    /// The input has run dry: what is buffered for efficiency alone should go out now.
    ///
    /// # Errors
    /// An error fails the subtask.
    fn flush(&mut self) -> Result<(), BoxError> {
        Ok(())
    }

    /// Draws the line behind all records written so far; `barrier` closes their epoch. When it is a
    /// stop or final barrier, nothing may stay unsealed.
    ///
    /// # Errors
    /// An error fails the subtask.
    fn freeze(&mut self, barrier: Barrier) -> Result<Box<dyn Prepare>, BoxError>;

    /// Shows every state to `visitor`.
    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        let _ = visitor;
    }
}

/// An epoch on its way to being durable.
pub trait Prepare: Send {
    /// Makes the epoch durable; called off-thread.
    ///
    /// # Errors
    /// An error fails the subtask: the epoch's records must be written again.
    fn prepare(self: Box<Self>) -> Result<Prepared, BoxError>;
}

/// Rows that are durable and invisible.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// How many.
    pub rows: u64,
    /// What the committer needs to publish them.
    pub payload: Vec<u8>,
}

/// What [`Prepare::prepare`] leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prepared {
    /// To be committed with the checkpoint.
    pub sealed: Vec<Sealed>,
    /// Goes on after the checkpoint; committed only by a restore to it.
    pub unsealed: Vec<Sealed>,
}

/// For sinks that have nothing to prepare.
#[derive(Debug)]
pub struct NothingToPrepare;

impl Prepare for NothingToPrepare {
    fn prepare(self: Box<Self>) -> Result<Prepared, BoxError> {
        Ok(Prepared::default())
    }
}

/// The state to which a sink is brought before the job (re)starts.
#[derive(Clone, Copy, Debug)]
pub struct RecoveryPoint<'a> {
    /// The sink, its job, and which of all jobs of that name: output of any other is not ours.
    pub owner: &'a str,
    /// The checkpoint the job restarts from; `None` is an empty start.
    pub checkpoint: Option<CheckpointId>,
    /// All output up to it that is not known to be committed, sealed and unsealed.
    pub committables: &'a [Committable],
    /// Rows committed before those.
    pub committed_rows: u64,
    /// The first start of a job that has no state: output that is already there is not ours.
    pub fresh: bool,
}

/// Makes prepared output visible. One per sink and job, called off-thread by the job master only.
pub trait Committer: Send + Sync {
    /// Publishes what was prepared. Doing it again changes nothing.
    ///
    /// # Errors
    /// The master tries again, then restarts the region, which commits again.
    fn commit(&self, committables: &[Committable]) -> Result<(), BoxError>;

    /// Brings the outside world to `point`: takes back what was published after it, commits what
    /// belongs to it, removes what is left of this job's unfinished work.
    ///
    /// # Errors
    /// [`Refusal`] when it cannot or must not be done; other errors are tried again.
    fn recover(&self, point: RecoveryPoint<'_>) -> Result<(), BoxError>;

    /// Removes what an earlier job of the same output left (`--fresh`).
    ///
    /// # Errors
    /// When it cannot be removed.
    fn discard(&self) -> Result<(), BoxError> {
        Ok(())
    }
}

/// For sinks whose output is visible at once.
#[derive(Debug)]
pub struct NothingToCommit;

impl Committer for NothingToCommit {
    fn commit(&self, _committables: &[Committable]) -> Result<(), BoxError> {
        Ok(())
    }

    fn recover(&self, _point: RecoveryPoint<'_>) -> Result<(), BoxError> {
        Ok(())
    }
}

/// Something the user must decide: the job does not start (exit code 2), nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub String);

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

/// Who a sink subtask or a source subtask is; part of every name it gives to something outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubtaskIdentity {
    /// The operator's uid.
    pub operator: String,
    /// The subtask's index.
    pub index: u32,
    /// The number of subtasks.
    pub parallelism: u32,
    /// The run of the job (one process start).
    pub run: u64,
    /// The attempt within the run.
    pub attempt: u32,
}

/// Makes the subtasks' ends of a sink, and its committer.
pub trait SinkFactory: Send + Sync + 'static {
    /// What the sink takes.
    type In: Data;
    /// One subtask's end.
    type Sink: Sink<In = Self::In>;

    /// What kind of sink it is, such as `file-sink`; part of the job's identity.
    fn kind(&self) -> &'static str;

    /// Whether the rows it takes come out of [`Prepare`] as committables, and are audited.
    fn is_transactional(&self) -> bool;

    /// A subtask's end.
    ///
    /// # Errors
    /// When the sink cannot be opened.
    fn create(&self, identity: &SubtaskIdentity) -> Result<Self::Sink, BoxError>;

    /// The committer.
    ///
    /// # Errors
    /// When it cannot be opened.
    fn committer(&self) -> Result<Box<dyn Committer>, BoxError> {
        Ok(Box::new(NothingToCommit))
    }
}
