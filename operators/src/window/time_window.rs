//! A window of event time, and a result that belongs to one.

use serde::{Deserialize, Serialize};
use std::fmt;
use tidegate_core::key::Key;
use tidegate_core::time::Timestamp;
use xxhash_rust::xxh3::xxh3_64;

/// The stretch of time from `start` up to and without `end`; one that ends at [`Timestamp::MAX`] has no
/// end, and contains that moment too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TimeWindow {
    /// The first millisecond in it.
    pub start: Timestamp,
    /// The first millisecond behind it.
    pub end: Timestamp,
}

impl TimeWindow {
    /// All of time: the one window of a stream that is not cut.
    pub const GLOBAL: Self = Self { start: Timestamp::MIN, end: Timestamp::MAX };

    /// The last millisecond in it: the event time of its results, and the watermark that fires it.
    #[must_use]
    pub const fn max_timestamp(self) -> Timestamp {
        match self.end {
            Timestamp::MAX => Timestamp::MAX,
            end => end.minus(1),
        }
    }

    /// Whether `timestamp` lies in it.
    #[must_use]
    pub fn contains(self, timestamp: Timestamp) -> bool {
        self.start <= timestamp && timestamp <= self.max_timestamp()
    }

    /// Whether the two overlap, or one begins where the other ends: windows that merge do so then.
    #[must_use]
    pub fn touches(self, other: Self) -> bool {
        self.start <= other.end && other.start <= self.end
    }

    /// The smallest window that covers both.
    #[must_use]
    pub fn cover(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    fn canonical(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.start.0.to_le_bytes());
        bytes[8..].copy_from_slice(&self.end.0.to_le_bytes());
        bytes
    }
}

impl fmt::Display for TimeWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {})", self.start.millis(), self.end.millis())
    }
}

impl Key for TimeWindow {
    fn write_canonical(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.canonical());
    }

    fn stable_hash(&self) -> u64 {
        xxh3_64(&self.canonical())
    }
}

/// The result of a window for a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Windowed<K, V> {
    /// The key.
    pub key: K,
    /// The window.
    pub window: TimeWindow,
    /// The result.
    pub value: V,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(start: i64, end: i64) -> TimeWindow {
        TimeWindow { start: Timestamp(start), end: Timestamp(end) }
    }

    #[test]
    fn windows_touch_when_nothing_lies_between_them() {
        for (left, right, cover) in [
            (window(0, 5), window(5, 9), Some(window(0, 9))),
            (window(0, 5), window(6, 9), None),
            (window(2, 3), window(1, 4), Some(window(1, 4))),
            (window(7, 7), window(4, 7), Some(window(4, 7))),
        ] {
            for (left, right) in [(left, right), (right, left)] {
                assert_eq!(left.touches(right).then(|| left.cover(right)), cover);
            }
        }
    }

    #[test]
    fn a_window_without_end_lasts_until_the_final_watermark() {
        assert_eq!(TimeWindow::GLOBAL.max_timestamp(), Timestamp::MAX);
        assert!(TimeWindow::GLOBAL.contains(Timestamp::MAX));
        assert!(TimeWindow::GLOBAL.contains(Timestamp::MIN));
        assert_eq!(window(0, 5).max_timestamp(), Timestamp(4));
    }

    #[test]
    fn the_hash_of_a_window_is_that_of_its_canonical_bytes() {
        let window = window(-5, 10);
        let mut bytes = Vec::new();
        window.write_canonical(&mut bytes);
        assert_eq!(window.stable_hash(), xxh3_64(&bytes));
        assert_eq!(bytes.len(), 16);
    }
}
