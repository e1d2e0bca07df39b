//! The section `job`: how a topology is run.

use super::{Duration, Name, Quantity, TimeZone};
use crate::decode::Spanned;
use schemars::JsonSchema;
use serde::Deserialize;

/// How the topology is run. Flags on the command line go before what is said here.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Job {
    /// The name of the job. Together with the names of the nodes it says whose state it is.
    pub name: Name,
    /// What the job is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Subtasks per node, unless the node says otherwise; 1 by default.
    #[serde(default)]
    pub parallelism: Option<Spanned<u32>>,
    /// Key groups: the most subtasks the job can ever have, 128 by default. Fixed once there is state.
    #[serde(default)]
    pub max_parallelism: Option<Spanned<u32>>,
    /// Threads that subtasks run on; one per core by default.
    #[serde(default)]
    pub slots: Option<Quantity>,
    /// The time zone of calendar windows, and of dates and clocks in expressions where none is named; UTC by default. What
    /// formats read and write is in UTC all the same.
    #[serde(default)]
    pub time_zone: Option<TimeZone>,
    /// Records per second of all sources together, at most.
    #[serde(default)]
    pub rate: Option<Spanned<f64>>,
    /// When checkpoints are taken.
    #[serde(default)]
    pub checkpoint: Checkpoint,
    /// Where state is kept.
    #[serde(default)]
    pub state: State,
    /// What follows a failure.
    #[serde(default)]
    pub restart: Option<Restart>,
    /// Where metrics are served.
    #[serde(default)]
    pub metrics: Metrics,
}

/// When checkpoints are taken and how many are kept. Names and meanings are Flink's.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Checkpoint {
    /// From the start of one checkpoint to the start of the next; 10s by default.
    pub interval: Option<Spanned<Duration>>,
    /// From the end of one checkpoint at least so long to the start of the next.
    pub min_pause: Option<Duration>,
    /// A checkpoint that takes longer is given up; 10m by default.
    pub timeout: Option<Spanned<Duration>>,
    /// So many checkpoints in a row may fail before the job does; 3 by default.
    pub tolerable_failures: Option<u32>,
    /// Completed checkpoints that are kept; 3 by default.
    pub retained: Option<Quantity>,
    /// Whether records may pass a barrier.
    pub mode: CheckpointMode,
    /// Where checkpoints go: `sled` (in the state folder), `memory`, or a URL such as `file:///var/lib/job`.
    pub storage: Option<Spanned<String>>,
}

/// Whether records may pass a barrier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CheckpointMode {
    /// Each record counts once, also after a failure.
    #[default]
    ExactlyOnce,
    /// Barriers do not wait for each other; after a failure records may count twice.
    AtLeastOnce,
}

/// Where state is kept.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct State {
    /// How keyed state is captured.
    pub backend: StateBackend,
    /// The folder; the same folder goes on from the last checkpoint. A temporary one by default.
    pub directory: Option<Spanned<String>>,
}

/// How keyed state is captured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StateBackend {
    /// Checkpoints hold what has changed.
    #[default]
    Sled,
    /// Each checkpoint holds everything.
    Memory,
}

/// What follows a failure.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// The job fails.
    None,
    /// So many restarts in all, each after the same delay.
    FixedDelay(FixedDelay),
    /// Without end; the first at once, then after ever longer delays. The default.
    ExponentialDelay(ExponentialDelay),
    /// As long as there are at most so many failures within an interval.
    FailureRate(FailureRate),
}

/// So many restarts in all, each after the same delay.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct FixedDelay {
    /// Restarts in all.
    pub attempts: u32,
    /// Before each.
    pub delay: Duration,
}

/// Without end, after ever longer delays.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ExponentialDelay {
    /// The first delay; 1s by default.
    pub initial: Option<Duration>,
    /// The longest delay; 1m by default.
    pub max: Option<Duration>,
    /// What each delay is to the one before; 1.5 by default.
    pub multiplier: Option<Spanned<f64>>,
    /// A region that has run so long starts over with an immediate restart; 1h by default.
    pub reset_after: Option<Duration>,
    /// The delay is changed at random by up to this share; 0.1 by default.
    pub jitter: Option<Spanned<f64>>,
}

/// As long as there are at most so many failures within an interval.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct FailureRate {
    /// Failures allowed within the interval.
    pub failures: u32,
    /// The interval.
    pub interval: Duration,
    /// Before each restart.
    pub delay: Duration,
}

/// Where Prometheus finds metrics.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Metrics {
    /// The port on this machine; 9249 by default, if it is free.
    pub port: Option<u16>,
    /// An address such as `0.0.0.0:9249`, instead of a port.
    pub address: Option<Spanned<String>>,
    /// `false`: metrics are not served.
    pub enabled: Option<bool>,
}
