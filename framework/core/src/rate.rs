//! A rate limit for sources: a token bucket that is told the time, and the rate itself, which may be changed meanwhile.

use crate::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The longest that a limiter waits before it looks at its rate again, in milliseconds.
const LOOK_AGAIN_MS: f64 = 100.0;

/// Records per second, as those who share it see it; whoever has a copy may change it while sources run.
#[derive(Clone, Debug)]
pub struct Rate {
    /// The bits of the whole.
    per_second: Arc<AtomicU64>,
    /// Among how many it is shared out.
    shares: f64,
    /// Whether what could not come in time is owed.
    is_owed: bool,
}

impl Rate {
    /// So many records per second; 0 lets nothing through.
    #[must_use]
    pub fn new(per_second: f64) -> Self {
        let per_second = Arc::new(AtomicU64::new(per_second.to_bits()));
        Self { per_second, shares: 1.0, is_owed: false }
    }

    /// As [`Rate::new`], but a schedule that does not wait for who follows it: records that could not come in time come
    /// as soon as they can. What is owed is forgiven when the rate changes.
    #[must_use]
    pub fn schedule(per_second: f64) -> Self {
        Self { is_owed: true, ..Self::new(per_second) }
    }

    /// Changes the whole, for all who share it.
    pub fn set(&self, per_second: f64) {
        self.per_second.store(per_second.to_bits(), Ordering::Relaxed);
    }

    /// Records per second of this share.
    #[must_use]
    pub fn get(&self) -> f64 {
        f64::from_bits(self.per_second.load(Ordering::Relaxed)) / self.shares
    }

    /// One of `shares` equal parts of this share.
    #[must_use]
    pub fn share(&self, shares: u32) -> Self {
        let shares = self.shares * f64::from(shares.max(1));
        Self { per_second: Arc::clone(&self.per_second), shares, ..*self }
    }
}

/// Lets so many records per second through, in bursts of at most a tenth of a second unless the rate is a schedule.
#[derive(Clone, Debug)]
pub struct RateLimiter {
    rate: Rate,
    /// The rate by which the tokens were counted.
    per_second: f64,
    tokens: f64,
    last: Timestamp,
}

impl RateLimiter {
    /// A limiter for this many records, however the rate changes.
    #[must_use]
    pub const fn new(rate: Rate) -> Self {
        Self { rate, per_second: 0.0, tokens: 0.0, last: Timestamp::MIN }
    }

    /// How many records may come at `now`.
    pub fn allowed(&mut self, now: Timestamp) -> usize {
        if self.last == Timestamp::MIN {
            self.last = now;
        }
        let seconds = now.since(self.last).max(0) as f64 / 1000.0;
        self.last = self.last.max(now);
        let per_second = self.rate.get();
        // Forgiven with the rate that they were counted by.
        let (owed, is_changed) =
            (self.rate.is_owed, per_second.to_bits() != self.per_second.to_bits());
        let burst = if owed && !is_changed { f64::INFINITY } else { (per_second / 10.0).max(1.0) };
        self.per_second = per_second;
        self.tokens = (self.tokens + seconds * per_second).min(burst);
        self.tokens as usize
    }

    /// Takes note of `records` that have come.
    pub const fn spend(&mut self, records: u64) {
        self.tokens -= records as f64;
    }

    /// When at least one record may come again, or the rate may have changed.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Timestamp {
        let wait_ms = ((1.0 - self.tokens).max(0.0) / self.rate.get() * 1000.0).ceil();
        // At a rate of 0 this is no number, or one without end: then it is looked at again, too.
        now.plus((wait_ms.min(LOOK_AGAIN_MS) as i64).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_time_exactly_the_rate_comes_through() {
        let mut limiter = RateLimiter::new(Rate::new(50.0));
        let (mut now, mut come) = (Timestamp(0), 0);
        while now < Timestamp(10_000) {
            let allowed = limiter.allowed(now) as u64;
            limiter.spend(allowed);
            come += allowed;
            now = if allowed > 0 { now.plus(1) } else { limiter.next(now) };
        }
        assert!((495..=500).contains(&come), "{come} records in 10 s at 50/s");
    }

    #[test]
    fn a_pause_does_not_build_up_a_flood() {
        let mut limiter = RateLimiter::new(Rate::new(1000.0));
        limiter.allowed(Timestamp(0));
        assert_eq!(limiter.allowed(Timestamp(3_600_000)), 100);
    }

    #[test]
    fn a_schedule_owes_what_could_not_come_until_the_rate_changes() {
        let rate = Rate::schedule(1000.0);
        let mut limiter = RateLimiter::new(rate.clone());
        limiter.allowed(Timestamp(0));
        assert_eq!(limiter.allowed(Timestamp(3_600_000)), 3_600_000);
        rate.set(500.0);
        assert_eq!(limiter.allowed(Timestamp(3_600_000)), 50);
    }

    #[test]
    fn a_rate_that_is_changed_holds_for_all_who_share_it() {
        let whole = Rate::new(0.0);
        let mut limiters = [RateLimiter::new(whole.share(2)), RateLimiter::new(whole.share(2))];
        for limiter in &mut limiters {
            limiter.allowed(Timestamp(0));
            assert_eq!(limiter.allowed(Timestamp(60_000)), 0, "nothing comes through");
            assert_eq!(limiter.next(Timestamp(60_000)), Timestamp(60_100), "it looks again");
        }
        whole.set(2_000.0);
        for limiter in &mut limiters {
            assert_eq!(limiter.allowed(Timestamp(60_010)), 10);
            assert_eq!(limiter.next(Timestamp(60_010)), Timestamp(60_011));
        }
    }
}
