//! A window of event time, and a result that belongs to one.

use serde::{Deserialize, Serialize};
use std::fmt;
use tidegate_core::key::Key;
use tidegate_core::time::Timestamp;
use xxhash_rust::xxh3::xxh3_64;

/// The stretch of event time from `start` up to and without `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TimeWindow {
    /// The first millisecond in it.
    pub start: Timestamp,
    /// The first millisecond behind it.
    pub end: Timestamp,
}

impl TimeWindow {
    /// The last millisecond in it: the event time of its results, and the watermark that fires it.
    #[must_use]
    pub const fn max_timestamp(self) -> Timestamp {
        self.end.minus(1)
    }

    /// Whether `timestamp` lies in it.
    #[must_use]
    pub fn contains(self, timestamp: Timestamp) -> bool {
        self.start <= timestamp && timestamp < self.end
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

    #[test]
    fn the_hash_of_a_window_is_that_of_its_canonical_bytes() {
        let window = TimeWindow { start: Timestamp(-5), end: Timestamp(10) };
        let mut bytes = Vec::new();
        window.write_canonical(&mut bytes);
        assert_eq!(window.stable_hash(), xxh3_64(&bytes));
        assert_eq!(bytes.len(), 16);
    }
}
