//! The wall clock: the only place of the runtime that reads it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tidegate_core::time::Timestamp;

/// Now.
#[must_use]
pub fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// From now until `at`; zero when that has passed.
#[must_use]
pub fn until(at: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(at.since(now())).unwrap_or(0))
}
