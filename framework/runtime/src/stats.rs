//! What each subtask counts: plain atomics that its actor writes once per step and others read.
//!
//! Apart from the metrics exporter, which reads them twice a second, and from progress and summary,
//! which read the same numbers: nothing on the hot path knows who is looking.

use dashmap::DashMap;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tidegate_core::plan::SubtaskId;
use tidegate_core::snapshot::OperatorTotals;
use tidegate_core::time::Timestamp;

/// A counter or gauge that one thread writes.
#[derive(Debug, Default)]
pub struct Cell(AtomicU64);

impl Cell {
    /// Sets it.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Adds to it.
    pub fn add(&self, value: u64) {
        self.0.fetch_add(value, Ordering::Relaxed);
    }

    /// Raises it to `value` if that is higher.
    pub fn raise(&self, value: u64) {
        self.0.fetch_max(value, Ordering::Relaxed);
    }

    /// Reads it.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counters of one subtask, over all its attempts.
#[derive(Debug)]
pub struct SubtaskStats {
    /// Records that its source has emitted in this attempt, after each step; 0 of a subtask without a source.
    pub emitted: Cell,
    /// Batches taken.
    pub batches_in: Cell,
    /// Batches sent.
    pub batches_out: Cell,
    /// Nanoseconds in which it worked.
    pub busy_ns: Cell,
    /// Nanoseconds in which it had nothing to do.
    pub idle_ns: Cell,
    /// Nanoseconds in which it had work and no room for the result.
    pub backpressured_ns: Cell,
    /// The longest step, in nanoseconds.
    pub slowest_step_ns: Cell,
    /// Credits in use on its outputs.
    pub credits_used: Cell,
    /// Credits in all on its outputs.
    pub credits_total: Cell,
    /// Nanoseconds from the first barrier of a checkpoint to the last, of the last alignment.
    pub alignment_ns: Cell,
    /// Keyed state entries.
    pub state_entries: Cell,
    /// Bytes of its part of the last checkpoint.
    pub checkpoint_bytes: Cell,
    /// Entries in its part of the last checkpoint.
    pub checkpoint_entries: Cell,
    watermark: AtomicI64,
    /// What holds its event time back: an edge and a sending subtask.
    holding_back: Mutex<Option<(String, u32)>>,
    totals: Mutex<BTreeMap<String, OperatorTotals>>,
    gauges: Mutex<Gauges>,
}

/// Figures of operators' own: by uid, then by name.
pub type Gauges = BTreeMap<String, BTreeMap<&'static str, u64>>;

impl Default for SubtaskStats {
    fn default() -> Self {
        Self {
            emitted: Cell::default(),
            batches_in: Cell::default(),
            batches_out: Cell::default(),
            busy_ns: Cell::default(),
            idle_ns: Cell::default(),
            backpressured_ns: Cell::default(),
            slowest_step_ns: Cell::default(),
            credits_used: Cell::default(),
            credits_total: Cell::default(),
            alignment_ns: Cell::default(),
            state_entries: Cell::default(),
            checkpoint_bytes: Cell::default(),
            checkpoint_entries: Cell::default(),
            watermark: AtomicI64::new(Timestamp::MIN.millis()),
            holding_back: Mutex::new(None),
            totals: Mutex::new(BTreeMap::new()),
            gauges: Mutex::new(BTreeMap::new()),
        }
    }
}

impl SubtaskStats {
    /// Event time.
    #[must_use]
    pub fn watermark(&self) -> Timestamp {
        Timestamp(self.watermark.load(Ordering::Relaxed))
    }

    /// Sets event time.
    pub fn set_watermark(&self, watermark: Timestamp) {
        self.watermark.store(watermark.millis(), Ordering::Relaxed);
    }

    /// What holds event time back.
    #[must_use]
    pub fn holding_back(&self) -> Option<(String, u32)> {
        self.holding_back.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets what holds event time back.
    pub fn set_holding_back(&self, channel: Option<(String, u32)>) {
        *self.holding_back.lock().unwrap_or_else(PoisonError::into_inner) = channel;
    }

    /// Figures of the operators' own.
    #[must_use]
    pub fn gauges(&self) -> Gauges {
        self.gauges.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets the figures of the operators' own.
    pub fn set_gauges(&self, gauges: Gauges) {
        *self.gauges.lock().unwrap_or_else(PoisonError::into_inner) = gauges;
    }

    /// Totals per operator since the job first started.
    #[must_use]
    pub fn totals(&self) -> BTreeMap<String, OperatorTotals> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets the totals.
    pub fn set_totals<'a>(&self, totals: impl Iterator<Item = (&'a str, OperatorTotals)>) {
        let mut kept = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        for (operator, totals) in totals {
            match kept.get_mut(operator) {
                Some(slot) => *slot = totals,
                None => drop(kept.insert(operator.to_owned(), totals)),
            }
        }
    }
}

impl RestartTimes {
    /// All subtasks of a region have stopped: after a failure, or because the job ends.
    pub fn stopped(&self, now: u64) {
        if self.told_at.get() > self.built_at.get() {
            self.stopped_at.set(now);
        }
    }
}

/// The counters of the job as a whole.
#[derive(Debug, Default)]
pub struct JobStats {
    /// Region restarts.
    pub restarts: Cell,
    /// Completed checkpoints.
    pub checkpoints: Cell,
    /// Checkpoints that were given up.
    pub checkpoints_failed: Cell,
    /// The number of the last completed checkpoint.
    pub last_checkpoint: Cell,
    /// Milliseconds from trigger to durable manifest, of the last checkpoint.
    pub last_duration_ms: Cell,
    /// Bytes of the last checkpoint.
    pub last_bytes: Cell,
    /// Wall clock (epoch milliseconds) at which the last checkpoint completed.
    pub last_completed_ms: Cell,
    /// Whether the conservation audit has failed: 0 or 1.
    pub audit_broken: Cell,
    /// The last restart, step by step.
    pub restart: RestartTimes,
}

/// When the steps of the last restart of a region were reached, in nanoseconds of [`Stats::nanos`],
/// and what its longest parts took.
#[derive(Debug, Default)]
pub struct RestartTimes {
    /// The master was told of the failure.
    pub told_at: Cell,
    /// All subtasks had stopped.
    pub stopped_at: Cell,
    /// All tasks were built.
    pub built_at: Cell,
    /// Nanoseconds that the slowest subtask needed to read its share of the checkpoint.
    pub read_ns: Cell,
    /// Nanoseconds that the slowest subtask needed to decode its state and fill its tables.
    pub fill_ns: Cell,
}

/// All counters of a running job, for whoever wants to look.
#[derive(Clone, Debug)]
pub struct Stats {
    /// Of the job.
    pub job: Arc<JobStats>,
    subtasks: Arc<DashMap<SubtaskId, Arc<SubtaskStats>>>,
    since: Instant,
}

impl Default for Stats {
    fn default() -> Self {
        Self { job: Arc::default(), subtasks: Arc::default(), since: Instant::now() }
    }
}

impl Stats {
    /// Nanoseconds since these counters were made: a clock that never goes back.
    #[must_use]
    pub fn nanos(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// The counters of a subtask; made when there are none.
    #[must_use]
    pub fn subtask(&self, subtask: SubtaskId) -> Arc<SubtaskStats> {
        Arc::clone(&self.subtasks.entry(subtask).or_default())
    }

    /// The counters of all subtasks, in order.
    #[must_use]
    pub fn subtasks(&self) -> BTreeMap<SubtaskId, Arc<SubtaskStats>> {
        self.subtasks.iter().map(|entry| (*entry.key(), Arc::clone(entry.value()))).collect()
    }
}
