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
