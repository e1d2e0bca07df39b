//! How long an operator without windows remembers.
//!
//! Apart because it is said wherever nothing else bounds the state, and has no default: forgetting
//! changes results, and never forgetting fills the memory. Whoever builds such an operator has to choose.

/// How long something is kept.
///
/// ```
/// use tidegate_operators::Retain;
/// assert_eq!(Retain::for_hours(36), Retain::For(129_600_000));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retain {
    /// As long as the job lives.
    Forever,
    /// For so many milliseconds; less than one is one.
    For(i64),
}

impl Retain {
    /// For so many hours.
    #[must_use]
    pub const fn for_hours(hours: u32) -> Self {
        Self::For(hours as i64 * 3_600_000)
    }

    /// The milliseconds, if they have an end.
    #[must_use]
    pub fn millis(self) -> Option<i64> {
        match self {
            Self::Forever => None,
            Self::For(millis) => Some(millis.max(1)),
        }
    }
}
