//! How a job is run: the settings that a user may change from one run to the next.

use crate::gate::alignment::Guarantee;
use crate::key::MaxParallelism;
use crate::restart::RestartStrategy;

/// When checkpoints are taken and how many are kept. Names and meanings are Flink's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointConfig {
    /// From the start of one checkpoint to the start of the next.
    pub interval_ms: i64,
    /// From the end of one checkpoint at least so long to the start of the next.
    pub min_pause_ms: i64,
    /// A checkpoint that takes longer is given up.
    pub timeout_ms: i64,
    /// So many checkpoints in a row may fail before the job does.
    pub tolerable_failures: u32,
    /// Completed checkpoints that are kept.
    pub retained: usize,
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        Self {
            interval_ms: 10_000,
            min_pause_ms: 0,
            timeout_ms: 600_000,
            tolerable_failures: 3,
            retained: 3,
        }
    }
}

/// How a job is run.
#[derive(Clone, Debug, PartialEq)]
pub struct JobConfig {
    /// Subtasks per operator, unless the operator says otherwise.
    pub parallelism: u32,
    /// Key groups; fixed for the life of the job's state.
    pub max_parallelism: MaxParallelism,
    /// Checkpoints.
    pub checkpoint: CheckpointConfig,
    /// What follows a failure.
    pub restart: RestartStrategy,
    /// Whether records may pass a barrier.
    pub guarantee: Guarantee,
    /// Records per second of all sources together.
    pub rate: Option<f64>,
    /// A stop request ends event time instead of leaving it to be resumed.
    pub drain_on_stop: bool,
}

impl Default for JobConfig {
    fn default() -> Self {
        Self {
            parallelism: 1,
            max_parallelism: MaxParallelism::DEFAULT,
            checkpoint: CheckpointConfig::default(),
            restart: RestartStrategy::DEFAULT,
            guarantee: Guarantee::ExactlyOnce,
            rate: None,
            drain_on_stop: false,
        }
    }
}
