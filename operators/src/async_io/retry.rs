//! How often a call that failed is made again, and how long that waits.

/// When a call is made again.
///
/// ```
/// use tidegate_operators::async_io::Retry;
/// let retry = Retry::exponential(4, 100, 300);
/// let waits: Vec<_> = (1..=4).map(|calls| retry.wait_ms(calls)).collect();
/// assert_eq!(waits, [Some(100), Some(200), Some(300), None]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    calls: u32,
    first_ms: i64,
    most_ms: i64,
}

impl Retry {
    /// A call is made once.
    #[must_use]
    pub const fn never() -> Self {
        Self { calls: 1, first_ms: 0, most_ms: 0 }
    }

    /// Up to `calls` calls in all, `delay_ms` after each that failed.
    #[must_use]
    pub const fn fixed_delay(calls: u32, delay_ms: i64) -> Self {
        Self { calls, first_ms: delay_ms, most_ms: delay_ms }
    }

    /// Up to `calls` calls in all; the wait before the second is `first_ms`, and each one twice the one
    /// before up to `most_ms`.
    #[must_use]
    pub const fn exponential(calls: u32, first_ms: i64, most_ms: i64) -> Self {
        Self { calls, first_ms, most_ms }
    }

    /// Milliseconds until the next call, when `calls` have failed; `None` when that was the last.
    #[must_use]
    pub fn wait_ms(&self, calls: u32) -> Option<i64> {
        let doublings = calls.checked_sub(1).filter(|_| calls < self.calls)?;
        let factor = 1i64.checked_shl(doublings).filter(|factor| *factor > 0).unwrap_or(i64::MAX);
        Some(self.first_ms.max(0).saturating_mul(factor).min(self.most_ms.max(0)))
    }
}
