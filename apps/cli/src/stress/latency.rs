//! Latencies at a rate, against the schedule of the records, not against when they were read.
//!
//! What can be followed through any job is event time: a watermark goes through every operator behind all records before
//! it. Each watermark of the sources is timed from when the record that it follows was *due* (now, less how late the
//! sources read) until all last operators have passed it. Where event time is made behind the sources, watermarks are
//! timed from there: the way before is short, and the report says that it is left out. A stall of the job makes all records late that were due
//! meanwhile, and counts as often: there is no coordinated omission. What is seen is seen once a millisecond.

use std::collections::VecDeque;
use std::time::Duration;
use tidegate::core::time::Timestamp;

/// Watermarks that are followed at once: one per look, and few looks last longer than a minute.
const FOLLOWED_MAX: usize = 100_000;

/// Watermarks under way and latencies so far.
#[derive(Debug, Default)]
pub(super) struct Latencies {
    under_way: VecDeque<(Timestamp, Duration)>,
    last: Option<Timestamp>,
    samples: Vec<Duration>,
}

/// Latencies by how rare they are.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Percentiles {
    sorted: Vec<Duration>,
}

impl Latencies {
    /// At `now` (since any beginning) the sources have given this watermark, have read so late, and the last operators
    /// have all passed that one.
    pub(super) fn look(
        &mut self,
        now: Duration,
        source: Timestamp,
        late: Duration,
        passed: Timestamp,
    ) {
        let is_new = source > Timestamp::MIN && source < Timestamp::MAX;
        // The first one may have been given long before anybody looked.
        match self.last {
            Some(last) if is_new && source > last && self.under_way.len() < FOLLOWED_MAX => {
                self.under_way.push_back((source, now.saturating_sub(late)));
                self.last = Some(source);
            }
            None if is_new => self.last = Some(source),
            _ => {}
        }
        while let Some((watermark, due)) = self.under_way.front()
            && *watermark <= passed
        {
            self.samples.push(now.saturating_sub(*due));
            self.under_way.pop_front();
        }
    }

    /// The latencies; those under way at `now` count as if they arrived then, as they are no shorter.
    pub(super) fn end(mut self, now: Duration) -> Percentiles {
        let open = self.under_way.iter().map(|(_, due)| now.saturating_sub(*due));
        self.samples.extend(open);
        self.samples.sort_unstable();
        Percentiles { sorted: self.samples }
    }
}

impl Percentiles {
    /// How many there are.
    pub(super) const fn count(&self) -> usize {
        self.sorted.len()
    }

    /// The latency that `percent` of all do not exceed, in milliseconds; `None` when there are none.
    pub(super) fn at(&self, percent: f64) -> Option<f64> {
        let last = self.sorted.len().checked_sub(1)?;
        // A hair less, so that no rounding makes a rank one too high.
        let rank = (percent / 100.0 * self.sorted.len() as f64 - 1e-6).ceil() as usize;
        Some(self.sorted[rank.saturating_sub(1).min(last)].as_secs_f64() * 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn told(latencies: Latencies, now: u64) -> Vec<u128> {
        latencies.end(ms(now)).sorted.iter().map(Duration::as_millis).collect()
    }

    #[test]
    fn a_watermark_is_timed_from_when_it_was_due_until_all_have_passed_it() {
        let mut latencies = Latencies::default();
        let none = Timestamp::MIN;
        latencies.look(ms(0), none, ms(0), none);
        latencies.look(ms(1), Timestamp(10), ms(0), none);
        latencies.look(ms(2), Timestamp(20), ms(0), Timestamp(10));
        latencies.look(ms(3), Timestamp(20), ms(0), Timestamp(10));
        // The sources were kept from reading: what they read now was due long ago.
        latencies.look(ms(103), Timestamp(30), ms(50), Timestamp(20));
        latencies.look(ms(105), Timestamp(30), ms(0), Timestamp(30));
        assert_eq!(told(latencies, 200), [52, 101]);
    }

    #[test]
    fn what_has_not_arrived_counts_as_long_as_it_has_waited() {
        let mut latencies = Latencies::default();
        latencies.look(ms(0), Timestamp(1), ms(0), Timestamp::MIN);
        latencies.look(ms(1), Timestamp(2), ms(0), Timestamp::MIN);
        assert_eq!(told(latencies, 31), [30]);
    }

    #[test]
    fn the_end_of_event_time_is_no_watermark() {
        let mut latencies = Latencies::default();
        latencies.look(ms(0), Timestamp(1), ms(0), Timestamp(1));
        latencies.look(ms(1), Timestamp::MAX, ms(0), Timestamp::MAX);
        assert_eq!(latencies.end(ms(2)).at(50.0), None);
    }

    #[test]
    fn percentiles_are_of_nearest_rank() {
        let sorted = (1..=1000).map(ms).collect();
        let percentiles = Percentiles { sorted };
        let at = [50.0, 99.0, 99.9, 100.0].map(|percent| percentiles.at(percent));
        assert_eq!(at, [Some(500.0), Some(990.0), Some(999.0), Some(1000.0)]);
        assert_eq!(percentiles.count(), 1000);
    }
}
