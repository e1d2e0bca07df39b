//! Event time: a point in it and the saturating arithmetic that keeps the two ends of the scale safe.
//!
//! Apart from everything else because every other file of the model speaks of time.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A point in event time or processing time: milliseconds since the Unix epoch, UTC.
///
/// [`Timestamp::MIN`] is "no timestamp" on a record and "nothing is known yet" on a watermark;
/// [`Timestamp::MAX`] is the final watermark. Arithmetic saturates at both ends, so a lateness of
/// "for ever" cannot wrap round.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// No timestamp; the watermark before the first one.
    pub const MIN: Self = Self(i64::MIN);
    /// The final watermark: event time has ended.
    pub const MAX: Self = Self(i64::MAX);

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// `self + millis`, saturating.
    #[must_use]
    pub const fn plus(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// `self - millis`, saturating; [`Timestamp::MIN`] stays what it is.
    #[must_use]
    pub const fn minus(self, millis: i64) -> Self {
        Self(self.0.saturating_sub(millis))
    }

    /// Milliseconds from `earlier` to `self`, saturating; negative when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::MIN => f.write_str("none"),
            Self::MAX => f.write_str("end"),
            Self(millis) => write!(f, "{millis} ms"),
        }
    }
}
