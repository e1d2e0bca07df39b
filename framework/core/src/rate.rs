//! A rate limit for sources: a token bucket that is told the time.

use crate::time::Timestamp;

/// Lets so many records per second through, in bursts of at most a tenth of a second.
#[derive(Clone, Copy, Debug)]
pub struct RateLimiter {
    per_second: f64,
    tokens: f64,
    last: Timestamp,
}

impl RateLimiter {
    /// A limiter for `per_second` records.
    #[must_use]
    pub const fn new(per_second: f64) -> Self {
        Self { per_second, tokens: 0.0, last: Timestamp::MIN }
    }

    /// How many records may come at `now`.
    pub fn allowed(&mut self, now: Timestamp) -> usize {
        if self.last == Timestamp::MIN {
            self.last = now;
        }
        let seconds = now.since(self.last).max(0) as f64 / 1000.0;
        self.last = self.last.max(now);
        let burst = (self.per_second / 10.0).max(1.0);
        self.tokens = (self.tokens + seconds * self.per_second).min(burst);
        self.tokens as usize
    }

    /// Takes note of `records` that have come.
    pub const fn spend(&mut self, records: u64) {
        self.tokens -= records as f64;
    }

    /// When at least one record may come again.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Timestamp {
        let wait_ms = ((1.0 - self.tokens).max(0.0) / self.per_second * 1000.0).ceil();
        now.plus((wait_ms as i64).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_time_exactly_the_rate_comes_through() {
        let mut limiter = RateLimiter::new(50.0);
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
        let mut limiter = RateLimiter::new(1000.0);
        limiter.allowed(Timestamp(0));
        assert_eq!(limiter.allowed(Timestamp(3_600_000)), 100);
    }
}
