//! Clicks on advertisements, and when somebody clicks too much.

use serde::{Deserialize, Serialize};
use tidegate::prelude::*;

/// Clicks of one user on one advertisement within a UTC day that are believed.
pub(crate) const BELIEVED_CLICKS: u32 = 100;

const DAY_MS: i64 = 86_400_000;

/// A row of the click log: user, advertisement, province, city, second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AdClick {
    /// Who clicked.
    pub(crate) user: u64,
    /// On what.
    pub(crate) ad: u64,
    /// Where.
    pub(crate) province: String,
    city: String,
    /// When, in seconds since the epoch.
    second: i64,
}

impl AdClick {
    /// Its event time.
    pub(crate) const fn timestamp(&self) -> Timestamp {
        Timestamp(self.second * 1000)
    }
}

/// The day of a time, in UTC, since the epoch.
pub(crate) const fn day_of(at: Timestamp) -> i64 {
    at.millis().div_euclid(DAY_MS)
}

/// The last millisecond of the day of `at`.
pub(crate) const fn last_of_day(at: Timestamp) -> Timestamp {
    Timestamp((day_of(at) + 1) * DAY_MS - 1)
}

/// A user whose clicks on an advertisement do not count from a moment on, until the UTC day ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Blacklisting {
    /// Who.
    pub(crate) user: u64,
    /// On what.
    pub(crate) ad: u64,
    /// From when on.
    pub(crate) since: Timestamp,
}
