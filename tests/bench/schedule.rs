//! A source whose records are due on a schedule that does not wait for the engine.
//!
//! Apart from the bench that uses it because this is where coordinated omission is ruled out: record n
//! is due n / rate seconds after the start, its event time *is* that moment, and whoever measures
//! compares with it, never with the moment at which the engine got round to reading the record.

use super::sleeper::Sleeper;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};
use tidegate::core::sink::SubtaskIdentity;
use tidegate::core::source::{Source, SourceFactory, SourceOutput, SourceStatus};
use tidegate::prelude::*;
use tidegate_generator::Sequence;

/// How often a waiting source looks at its schedule: as long may a record be read too late. A shorter
/// pause costs CPU that the engine then lacks.
pub const PACE: Duration = Duration::from_micros(200);

const MS: u64 = 1_000_000;

/// Keys, of which the nth is due n / rate seconds after the start.
#[derive(Clone)]
pub struct Schedule {
    started: Instant,
    rate: u64,
    records: u64,
    keys: Sequence,
    parallelism: u64,
    window_ms: u64,
    late: Arc<Mutex<BTreeMap<u64, u64>>>,
}

impl Schedule {
    /// A schedule that begins now: `rate` records a second for so many seconds, of so many keys, dealt
    /// out in turn to `parallelism` subtasks; what is observed of it goes by windows of `window_ms`.
    #[must_use]
    pub fn new(rate: u64, seconds: u64, keys: u64, parallelism: u64, window_ms: u64) -> Self {
        let records = rate * seconds;
        Self {
            started: Instant::now(),
            rate,
            records,
            keys: Sequence::new(records).keys(keys),
            parallelism,
            window_ms,
            late: Arc::default(),
        }
    }

    /// How many records there are.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.records
    }

    /// Nanoseconds since the schedule began.
    #[must_use]
    pub fn nanos(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// When record `n` is due, in nanoseconds since the schedule began.
    const fn due_at(&self, n: u64) -> u64 {
        n * 1_000_000_000 / self.rate
    }

    /// When the window that ends at `end_ms` can be complete at the earliest: the moment at which the
    /// slowest subtask's first record behind it is due, in nanoseconds since the schedule began.
    /// `None` when no such record comes, so that the end of the input completes the window.
    #[must_use]
    pub const fn closed_at(&self, end_ms: u64) -> Option<u64> {
        let first = (end_ms * MS * self.rate).div_ceil(1_000_000_000);
        let slowest = first + self.parallelism - 1;
        if slowest < self.records { Some(self.due_at(slowest)) } else { None }
    }

    /// For the end of each window (ms): by how much (ns) the record that closes it was read too late.
    #[must_use]
    pub fn late(&self) -> BTreeMap<u64, u64> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Every `stride`th record of a schedule.
pub struct Paced {
    schedule: Schedule,
    first: u64,
    next: u64,
    stride: u64,
    /// The end of the window that the last record fell into, in milliseconds.
    window_end: u64,
    sleeper: Sleeper,
}

impl Paced {
    /// Notes by how much the first record behind a window is late.
    fn close(&mut self, due: u64, now: u64) {
        let window = self.schedule.window_ms;
        let closed = due / MS / window * window;
        self.window_end = closed + window;
        let mut late = self.schedule.late.lock().unwrap_or_else(PoisonError::into_inner);
        let of_window = late.entry(closed).or_default();
        *of_window = (*of_window).max(now - due);
    }
}

impl Source for Paced {
    type Out = u64;
    type Split = (u64, u64, u64);

    fn poll(
        &mut self,
        out: &mut SourceOutput<u64>,
        budget: usize,
        waker: &Waker,
    ) -> Result<SourceStatus, BoxError> {
        if self.sleeper.is_awaited() {
            // One look per nap, whoever else steps the task: else a slow schedule would be followed
            // record by record, in batches of one.
            self.sleeper.wake_soon(waker);
            return Ok(SourceStatus::Pending);
        }
        let now = self.schedule.nanos();
        while self.next < self.schedule.records {
            let due = self.schedule.due_at(self.next);
            if due > now {
                self.sleeper.wake_soon(waker);
                return Ok(SourceStatus::Pending);
            }
            if out.len() >= budget {
                return Ok(SourceStatus::Ready);
            }
            if due / MS >= self.window_end {
                self.close(due, now);
            }
            out.emit(0, self.schedule.keys.key(self.next), Timestamp((due / MS) as i64));
            self.next += self.stride;
        }
        Ok(SourceStatus::Ended)
    }

    fn splits(&self) -> Vec<(u64, u64, u64)> {
        vec![(self.first, self.next, self.stride)]
    }
}

impl SourceFactory for Schedule {
    type Out = u64;
    type Split = (u64, u64, u64);
    type Source = Paced;

    fn kind(&self) -> &'static str {
        "schedule"
    }

    fn enumerate(&self, _: u32) -> Result<Vec<(u64, u64, u64)>, BoxError> {
        Ok((0..self.parallelism).map(|first| (first, first, self.parallelism)).collect())
    }

    fn create(&self, _: &SubtaskIdentity, splits: Vec<(u64, u64, u64)>) -> Result<Paced, BoxError> {
        let [(first, next, stride)] = splits[..] else {
            return Err("each subtask has one share of the schedule".into());
        };
        let (schedule, sleeper) = (self.clone(), Sleeper::start(PACE));
        Ok(Paced { window_end: schedule.window_ms, schedule, first, next, stride, sleeper })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_closed_by_the_first_record_behind_it_of_the_slowest_subtask() {
        let schedule = Schedule::new(1000, 1, 10, 2, 10);
        // Records 10 and 11 are due at 10 and 11 ms; the second subtask has the odd ones.
        assert_eq!(schedule.closed_at(10), Some(11 * MS));
        assert_eq!(schedule.closed_at(998), Some(999 * MS));
        assert_eq!(schedule.closed_at(999), None, "only one subtask has a record there");
        let uneven = Schedule::new(300, 1, 10, 1, 10);
        // Record 3 is due at 10 ms sharp, record 4 at 13.3 ms.
        assert_eq!(uneven.closed_at(10), Some(10 * MS));
        assert_eq!(uneven.closed_at(11), Some(13_333_333));
    }
}
