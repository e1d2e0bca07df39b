//! Evictors: which records a window that fires leaves out, and forgets.
//!
//! A window with an evictor keeps its records as a list, in the order of their arrival (those of
//! windows that have merged: the earlier window's first). What is evicted is gone for later firings
//! too.
//!
//! ```
//! use tidegate_core::time::Timestamp;
//! use tidegate_operators::window::{CountEvictor, Evictor, Stamped, When};
//!
//! let mut records: Vec<_> = (0..5).map(|n| Stamped { value: n, timestamp: Timestamp(n) }).collect();
//! CountEvictor::before(2).evict(When::Before, &mut records);
//! assert_eq!(records.iter().map(|record| record.value).collect::<Vec<_>>(), [3, 4]);
//! ```

use serde::{Deserialize, Serialize};
use tidegate_core::time::Timestamp;

/// A record in a window's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamped<T> {
    /// The record.
    pub value: T,
    /// Its event time; [`Timestamp::MIN`] when it has none.
    pub timestamp: Timestamp,
}

/// When an evictor is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Before the window function sees the records.
    Before,
    /// When it has seen them.
    After,
}

/// Removes records from a window that fires.
pub trait Evictor<T>: Send + Sync + 'static {
    /// Removes records; called twice with each firing.
    fn evict(&self, when: When, records: &mut Vec<Stamped<T>>);
}

/// Keeps the last so many records.
#[derive(Clone, Copy, Debug)]
pub struct CountEvictor {
    keep: usize,
    when: When,
}

impl CountEvictor {
    /// Keeps the last `keep` records before the window function.
    #[must_use]
    pub const fn before(keep: usize) -> Self {
        Self { keep, when: When::Before }
    }

    /// Keeps the last `keep` records after the window function.
    #[must_use]
    pub const fn after(keep: usize) -> Self {
        Self { keep, when: When::After }
    }
}

impl<T> Evictor<T> for CountEvictor {
    fn evict(&self, when: When, records: &mut Vec<Stamped<T>>) {
        if when == self.when {
            records.drain(..records.len().saturating_sub(self.keep));
        }
    }
}

/// Keeps the records of the last stretch of event time before the latest one in the window. Where the
/// first record has no event time, nothing is evicted.
#[derive(Clone, Copy, Debug)]
pub struct TimeEvictor {
    keep_ms: i64,
    when: When,
}

impl TimeEvictor {
    /// Keeps what is less than `keep_ms` older than the latest record, before the window function.
    #[must_use]
    pub const fn before(keep_ms: i64) -> Self {
        Self { keep_ms, when: When::Before }
    }

    /// Keeps what is less than `keep_ms` older than the latest record, after the window function.
    #[must_use]
    pub const fn after(keep_ms: i64) -> Self {
        Self { keep_ms, when: When::After }
    }
}

impl<T> Evictor<T> for TimeEvictor {
    fn evict(&self, when: When, records: &mut Vec<Stamped<T>>) {
        let has_time = records.first().is_some_and(|first| first.timestamp != Timestamp::MIN);
        if when == self.when && has_time {
            let latest = records.iter().map(|record| record.timestamp).max();
            let cutoff = latest.unwrap_or(Timestamp::MIN).minus(self.keep_ms);
            records.retain(|record| record.timestamp > cutoff);
        }
    }
}

/// Removes the records whose distance from the last one reaches a threshold.
#[derive(Clone, Copy, Debug)]
pub struct DeltaEvictor<F> {
    threshold: f64,
    delta: F,
    when: When,
}

impl<F> DeltaEvictor<F> {
    /// Removes where `delta(record, last)` is `threshold` or more, before the window function.
    pub const fn before(threshold: f64, delta: F) -> Self {
        Self { threshold, delta, when: When::Before }
    }

    /// Removes where `delta(record, last)` is `threshold` or more, after the window function.
    pub const fn after(threshold: f64, delta: F) -> Self {
        Self { threshold, delta, when: When::After }
    }
}

impl<T, F: Fn(&T, &T) -> f64 + Send + Sync + 'static> Evictor<T> for DeltaEvictor<F> {
    fn evict(&self, when: When, records: &mut Vec<Stamped<T>>) {
        let Some(last) = records.last().filter(|_| when == self.when) else { return };
        let far = |record: &Stamped<T>| (self.delta)(&record.value, &last.value) >= self.threshold;
        let mut evicted = records.iter().map(far).collect::<Vec<bool>>().into_iter();
        records.retain(|_| !evicted.next().unwrap_or(false));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(evictor: &dyn Evictor<i64>, records: &[(i64, i64)], before: &[i64], after: &[i64]) {
        let stamped = |&(value, at): &(i64, i64)| Stamped { value, timestamp: Timestamp(at) };
        let values = |records: &[Stamped<i64>]| records.iter().map(|r| r.value).collect::<Vec<_>>();
        let mut records: Vec<_> = records.iter().map(stamped).collect();
        evictor.evict(When::Before, &mut records);
        assert_eq!(values(&records), before);
        evictor.evict(When::After, &mut records);
        assert_eq!(values(&records), after);
    }

    #[test]
    fn each_evictor_removes_before_or_after_the_function() {
        let records = [(1, 10), (5, 30), (2, 12), (4, 29)];
        check(&CountEvictor::before(3), &records, &[5, 2, 4], &[5, 2, 4]);
        check(&CountEvictor::after(1), &records, &[1, 5, 2, 4], &[4]);
        check(&CountEvictor::after(9), &records, &[1, 5, 2, 4], &[1, 5, 2, 4]);
        check(&TimeEvictor::before(18), &records, &[5, 4], &[5, 4]);
        check(&TimeEvictor::after(19), &records, &[1, 5, 2, 4], &[5, 2, 4]);
        let newer = |old: &i64, last: &i64| (last - old) as f64;
        check(&DeltaEvictor::before(2.0, newer), &records, &[5, 4], &[5, 4]);
        check(&DeltaEvictor::after(3.0, newer), &records, &[1, 5, 2, 4], &[5, 2, 4]);
        check(&DeltaEvictor::after(0.0, newer), &[], &[], &[]);
    }

    #[test]
    fn records_without_event_time_are_not_old() {
        let none = i64::MIN;
        check(&TimeEvictor::before(1), &[(1, none), (2, 10)], &[1, 2], &[1, 2]);
    }
}
