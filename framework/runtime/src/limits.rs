//! Every bound and default of the runtime in one place, with why.

use std::time::Duration;

/// Threads for calls that block: a snapshot write per core, sinks that prepare, and one that commits.
pub const BLOCKING_THREADS: usize = 8;

/// How long a subtask may take to let go before the process is given up.
pub const CANCEL_TIMEOUT: Duration = Duration::from_secs(30);

/// How often a commit is tried before the region restarts and commits again.
pub const COMMIT_TRIES: u32 = 5;

/// Pause before the second try of a commit; each further one doubles it.
pub const COMMIT_PAUSE: Duration = Duration::from_millis(50);

/// How often an uncertain manifest write is settled before this process gives up.
pub const SETTLE_TRIES: u32 = 5;

/// How often metrics are brought up to date from the counters of the subtasks.
pub const METRICS_EVERY: Duration = Duration::from_millis(500);

/// How often a task looks at slow things about itself, such as the number of its state entries.
pub const SURVEY_EVERY_MS: i64 = 1000;

/// Rounds of all tasks of a job on one thread until it has ended or is idle. Records of a batch are many, so a job of a
/// million takes fewer.
pub const ROUNDS_MAX: u64 = 100_000;

/// How often the clock of a job on one thread stops on its way: a timer every millisecond of a quarter of an hour.
pub const STOPS_MAX: u64 = 1_000_000;

/// How often sources are asked at most while that clock is moved.
pub const PROBES_MAX: i64 = 1_000;

/// How often sources are asked at least, as they ask for themselves.
pub const PROBE_MS: i64 = 100;

/// How long a job on one thread waits for an answer from outside.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
