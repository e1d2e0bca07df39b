//! How far apart in time two records may be to belong together.

use crate::join::sides::Waits;
use std::fmt;
use thiserror::Error;

/// A left and a right record belong together when `lower <= right.ts - left.ts <= upper`.
///
/// ```
/// use tidegate_operators::join::Interval;
/// let interval = Interval::between(-5, 3).upper_bound_exclusive();
/// assert_eq!(interval, Interval::between(-5, 2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The least distance, in milliseconds.
    pub lower_ms: i64,
    /// The greatest distance, in milliseconds.
    pub upper_ms: i64,
}

/// An interval that no pair can lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "a join between {lower_ms} ms and {upper_ms} ms, both included, has no pairs: the lower bound \
     must not be above the upper one"
)]
pub struct InvalidInterval {
    lower_ms: i64,
    upper_ms: i64,
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "right from {} ms to {} ms after left", self.lower_ms, self.upper_ms)
    }
}

impl Interval {
    /// Both bounds are within the interval.
    #[must_use]
    pub const fn between(lower_ms: i64, upper_ms: i64) -> Self {
        Self { lower_ms, upper_ms }
    }

    /// Leaves the lower bound out.
    #[must_use]
    pub const fn lower_bound_exclusive(mut self) -> Self {
        self.lower_ms = self.lower_ms.saturating_add(1);
        self
    }

    /// Leaves the upper bound out.
    #[must_use]
    pub const fn upper_bound_exclusive(mut self) -> Self {
        self.upper_ms = self.upper_ms.saturating_sub(1);
        self
    }

    /// The interval, when a pair can lie in it.
    ///
    /// # Errors
    /// When the lower bound is above the upper one.
    pub const fn validate(self) -> Result<Self, InvalidInterval> {
        let Self { lower_ms, upper_ms } = self;
        if lower_ms > upper_ms { Err(InvalidInterval { lower_ms, upper_ms }) } else { Ok(self) }
    }

    /// How long each side waits: until no partner of it can come any more.
    pub(super) fn waits(self) -> Waits {
        Waits { left_ms: self.upper_ms.max(0), right_ms: self.lower_ms.saturating_neg().max(0) }
    }
}
