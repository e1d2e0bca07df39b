//! Restart strategies: whether, and when, a failed region is started again. A pure machine; time and
//! chance are passed in.
//!
//! A job has a strategy, and a node of it may have one of its own: then failures of that node are counted
//! apart from all others, and decided by the node's. Whoever decides, the region restarts as a whole.

use crate::graph::{Node, NodeRestart};
use crate::time::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::str::FromStr;

/// When a failed region is started again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RestartStrategy {
    /// Never.
    None,
    /// So many times in all, each after the same delay.
    FixedDelay {
        /// Restarts in all.
        attempts: u32,
        /// Milliseconds before each.
        delay_ms: i64,
    },
    /// Without end; the first restart is immediate, then the delay grows with every failure and
    /// falls back when the region has run long enough.
    ExponentialDelay {
        /// The first delay.
        initial_ms: i64,
        /// The longest delay.
        max_ms: i64,
        /// What each delay is to the one before.
        multiplier: f64,
        /// A region that has run so long starts over with an immediate restart.
        reset_after_ms: i64,
        /// The delay is changed at random by up to this share, so that regions do not restart in step.
        jitter: f64,
    },
    /// As long as there are at most so many failures within an interval.
    FailureRate {
        /// Failures allowed within the interval.
        failures: u32,
        /// The interval.
        interval_ms: i64,
        /// Milliseconds before each restart.
        delay_ms: i64,
    },
}

impl RestartStrategy {
    /// Flink's values, with an immediate first restart.
    pub const DEFAULT: Self = Self::ExponentialDelay {
        initial_ms: 1_000,
        max_ms: 60_000,
        multiplier: 1.5,
        reset_after_ms: 3_600_000,
        jitter: 0.1,
    };
}

impl FromStr for RestartStrategy {
    type Err = String;

    /// `none`, `fixed-delay:ATTEMPTS:DELAY_MS`, `exponential-delay`, or
    /// `failure-rate:FAILURES:INTERVAL_MS:DELAY_MS`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is no restart strategy: expected none, fixed-delay:ATTEMPTS:DELAY_MS, \
                 exponential-delay or failure-rate:FAILURES:INTERVAL_MS:DELAY_MS"
            )
        };
        let parts: Vec<&str> = text.split(':').collect();
        let number = |part: &str| part.parse::<u32>().map_err(|_| wrong());
        match parts.as_slice() {
            ["none"] => Ok(Self::None),
            ["exponential-delay"] => Ok(Self::DEFAULT),
            ["fixed-delay", attempts, delay] => Ok(Self::FixedDelay {
                attempts: number(attempts)?,
                delay_ms: number(delay)?.into(),
            }),
            ["failure-rate", failures, interval, delay] => Ok(Self::FailureRate {
                failures: number(failures)?,
                interval_ms: number(interval)?.into(),
                delay_ms: number(delay)?.into(),
            }),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for RestartStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::FixedDelay { attempts, delay_ms } => {
                write!(f, "fixed-delay:{attempts}:{delay_ms}")
            }
            Self::ExponentialDelay { .. } => f.write_str("exponential-delay"),
            Self::FailureRate { failures, interval_ms, delay_ms } => {
                write!(f, "failure-rate:{failures}:{interval_ms}:{delay_ms}")
            }
        }
    }
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Start again at this time.
    RestartAt(Timestamp),
    /// Give up.
    GiveUp,
}

/// The strategies of a job: its own, and those of its nodes that have one.
#[derive(Clone, Debug)]
pub struct RestartStrategies {
    job: RestartStrategy,
    /// By uid: whose failures they are counted with, and the strategy.
    nodes: BTreeMap<String, (usize, RestartStrategy)>,
}

impl RestartStrategies {
    /// The strategy `job`, and what `nodes` say.
    #[must_use]
    pub fn new(job: RestartStrategy, nodes: &[Node]) -> Self {
        let own = |(at, node): (usize, &Node)| {
            let NodeRestart { strategy, with } = node.restart?;
            Some((node.uid.clone(), (with.unwrap_or(at), strategy)))
        };
        Self { job, nodes: nodes.iter().enumerate().filter_map(own).collect() }
    }
}

/// The failures of one region so far, counted by whose strategy decides about them.
#[derive(Clone, Debug, Default)]
pub struct RestartCounts {
    job: RestartState,
    nodes: BTreeMap<usize, RestartState>,
}

impl RestartCounts {
    /// Decides about a failure of the node with the uid `node` at `now`, or of nobody that is known;
    /// `chance` is a random number in `0..1`.
    pub fn on_failure(
        &mut self,
        strategies: &RestartStrategies,
        node: Option<&str>,
        now: Timestamp,
        chance: f64,
    ) -> Decision {
        match node.and_then(|uid| strategies.nodes.get(uid)) {
            Some((at, strategy)) => {
                self.nodes.entry(*at).or_default().on_failure(strategy, now, chance)
            }
            None => self.job.on_failure(&strategies.job, now, chance),
        }
    }
}

/// The failures of one region so far that one strategy decides about.
#[derive(Clone, Debug, Default)]
pub struct RestartState {
    restarts: u32,
    /// Consecutive failures, for the exponential delay.
    streak: u32,
    last: Option<Timestamp>,
    recent: VecDeque<Timestamp>,
}

impl RestartState {
    /// Decides about a failure at `now`; `chance` is a random number in `0..1`.
    pub fn on_failure(
        &mut self,
        strategy: &RestartStrategy,
        now: Timestamp,
        chance: f64,
    ) -> Decision {
        let delay_ms = match *strategy {
            RestartStrategy::None => return Decision::GiveUp,
            RestartStrategy::FixedDelay { attempts, delay_ms } => {
                if self.restarts >= attempts {
                    return Decision::GiveUp;
                }
                delay_ms
            }
            RestartStrategy::ExponentialDelay {
                initial_ms,
                max_ms,
                multiplier,
                reset_after_ms,
                jitter,
            } => {
                if self.last.is_some_and(|last| now.since(last) >= reset_after_ms) {
                    self.streak = 0;
                }
                self.streak += 1;
                match self.streak {
                    1 => 0,
                    streak => {
                        let exponent = i32::try_from(streak - 2).unwrap_or(i32::MAX);
                        let delay = initial_ms as f64 * multiplier.powi(exponent);
                        let swing = 1.0 + jitter * (2.0 * chance - 1.0);
                        (delay.min(max_ms as f64) * swing) as i64
                    }
                }
            }
            RestartStrategy::FailureRate { failures, interval_ms, delay_ms } => {
                self.recent.push_back(now);
                while self.recent.front().is_some_and(|first| now.since(*first) > interval_ms) {
                    self.recent.pop_front();
                }
                if self.recent.len() > failures as usize {
                    return Decision::GiveUp;
                }
                delay_ms
            }
        };
        self.restarts += 1;
        self.last = Some(now);
        Decision::RestartAt(now.plus(delay_ms))
    }

    /// Restarts so far.
    #[must_use]
    pub const fn restarts(&self) -> u32 {
        self.restarts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(strategy: RestartStrategy, failures: &[i64]) -> Vec<Option<i64>> {
        let mut state = RestartState::default();
        let decide = |&at: &i64| match state.on_failure(&strategy, Timestamp(at), 0.5) {
            Decision::RestartAt(time) => Some(time.millis() - at),
            Decision::GiveUp => None,
        };
        failures.iter().map(decide).collect()
    }

    #[test]
    fn each_strategy_keeps_its_word() {
        assert_eq!(delays(RestartStrategy::None, &[0]), [None]);
        let fixed = RestartStrategy::FixedDelay { attempts: 2, delay_ms: 7 };
        assert_eq!(delays(fixed, &[0, 1, 2]), [Some(7), Some(7), None]);
        let rate = RestartStrategy::FailureRate { failures: 2, interval_ms: 100, delay_ms: 1 };
        assert_eq!(delays(rate, &[0, 50, 120, 130]), [Some(1), Some(1), Some(1), None]);
        let hours = 3_600_000;
        assert_eq!(
            delays(RestartStrategy::DEFAULT, &[0, 1, 2, 3, 4 + hours]),
            [Some(0), Some(1000), Some(1500), Some(2250), Some(0)]
        );
    }

    #[test]
    fn strategies_are_read_as_they_are_written() {
        for text in ["none", "exponential-delay", "fixed-delay:3:100", "failure-rate:5:60000:10"] {
            assert_eq!(text.parse::<RestartStrategy>().map(|s| s.to_string()), Ok(text.into()));
        }
        assert!("fixed-delay".parse::<RestartStrategy>().is_err_and(|e| e.contains("expected")));
    }
}
