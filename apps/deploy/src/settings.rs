//! How a topology says that it is run: its section `job` as settings.
//!
//! Apart from building the job, which does not depend on it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use tidegate::core::config::{CheckpointConfig, JobConfig};
use tidegate::core::gate::alignment::Guarantee;
use tidegate::core::key::MaxParallelism;
use tidegate::core::restart::RestartStrategy;
use tidegate::{CheckpointStorageChoice, MetricsAddress, Settings, StateBackend};
use tidegate_topology::document::{self, Checkpoint, CheckpointMode, Job, Metrics, Restart};

/// The settings of a job whose section was checked. What it does not say is as for any job.
#[must_use]
pub fn settings(job: &Job) -> Settings {
    let default = Settings::default();
    let checkpoint = &job.checkpoint;
    let max_parallelism = job
        .max_parallelism
        .as_ref()
        .and_then(|number| u16::try_from(number.value).ok().and_then(MaxParallelism::new));
    let storage = checkpoint.storage.as_ref().and_then(|storage| storage.value.parse().ok());
    Settings {
        config: JobConfig {
            parallelism: job.parallelism.as_ref().map_or(1, |number| number.value),
            max_parallelism: max_parallelism.unwrap_or(MaxParallelism::DEFAULT),
            checkpoint: intervals(checkpoint),
            restart: job.restart.as_ref().map_or(RestartStrategy::DEFAULT, restart),
            guarantee: match checkpoint.mode {
                CheckpointMode::ExactlyOnce => Guarantee::ExactlyOnce,
                CheckpointMode::AtLeastOnce => Guarantee::AtLeastOnce,
            },
            rate: job.rate.as_ref().map(|rate| rate.value),
            ..default.config
        },
        slots: job.slots.map(|slots| count(slots.0)),
        state_dir: job.state.directory.as_ref().map(|path| PathBuf::from(&path.value)),
        state_backend: match job.state.backend {
            document::StateBackend::Sled => StateBackend::Sled,
            document::StateBackend::Memory => StateBackend::Memory,
        },
        checkpoint_storage: storage.unwrap_or(CheckpointStorageChoice::Sled),
        metrics: metrics(&job.metrics),
    }
}

fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn intervals(said: &Checkpoint) -> CheckpointConfig {
    let default = CheckpointConfig::default();
    let millis =
        |time: Option<document::Duration>, other: i64| time.map_or(other, |time| time.millis());
    CheckpointConfig {
        interval_ms: millis(said.interval.as_ref().map(|time| time.value), default.interval_ms),
        min_pause_ms: millis(said.min_pause, default.min_pause_ms),
        timeout_ms: millis(said.timeout.as_ref().map(|time| time.value), default.timeout_ms),
        tolerable_failures: said.tolerable_failures.unwrap_or(default.tolerable_failures),
        retained: said.retained.map_or(default.retained, |number| count(number.0)),
    }
}

/// The strategy that is said, with what it leaves open as for any job.
pub(crate) fn restart(said: &Restart) -> RestartStrategy {
    match said {
        Restart::None => RestartStrategy::None,
        Restart::FixedDelay(fixed) => {
            RestartStrategy::FixedDelay { attempts: fixed.attempts, delay_ms: fixed.delay.millis() }
        }
        Restart::FailureRate(rate) => RestartStrategy::FailureRate {
            failures: rate.failures,
            interval_ms: rate.interval.millis(),
            delay_ms: rate.delay.millis(),
        },
        Restart::ExponentialDelay(said) => match RestartStrategy::DEFAULT {
            RestartStrategy::ExponentialDelay {
                initial_ms,
                max_ms,
                multiplier,
                reset_after_ms,
                jitter,
            } => RestartStrategy::ExponentialDelay {
                initial_ms: said.initial.map_or(initial_ms, document::Duration::millis),
                max_ms: said.max.map_or(max_ms, document::Duration::millis),
                multiplier: said.multiplier.as_ref().map_or(multiplier, |one| one.value),
                reset_after_ms: said.reset_after.map_or(reset_after_ms, document::Duration::millis),
                jitter: said.jitter.as_ref().map_or(jitter, |one| one.value),
            },
            other => other,
        },
    }
}

fn metrics(said: &Metrics) -> Option<MetricsAddress> {
    if said.enabled == Some(false) {
        return Some(MetricsAddress::None);
    }
    let address = said.address.as_ref().and_then(|address| address.value.parse().ok());
    let local = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    address.or_else(|| said.port.map(local)).map(MetricsAddress::At)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_topology::kinds::Kinds;
    use tidegate_topology::tree::Variables;
    use tidegate_topology::{Source, load};

    fn of(job: &str) -> Settings {
        let text = format!(
            "job: {{ name: a, {job} }}\nsources: {{ a: {{ generator: {{ clicks: {{}} }} }} }}\nsinks: {{ b: {{ inputs: a, discard: {{}} }} }}\n"
        );
        let loaded = load(Source::new("a.yaml", text), &Variables::default(), &Kinds::default());
        let told = loaded.render(tidegate_topology::diagnostic::Paint::Plain);
        assert_eq!(told, "");
        settings(&loaded.document.and_then(|document| document.job).expect("a job"))
    }

    #[test]
    fn what_a_job_says_is_what_is_set() {
        let all = of("parallelism: 3, max_parallelism: 256, slots: 5, rate: 100, \
            checkpoint: { interval: 2s, min_pause: 1s, timeout: 3m, tolerable_failures: 7, retained: 2, mode: at-least-once, storage: 'file:///x' }, \
            state: { backend: memory, directory: y }, metrics: { port: 99 }");
        let config = all.config;
        let checkpoint = CheckpointConfig {
            interval_ms: 2_000,
            min_pause_ms: 1_000,
            timeout_ms: 180_000,
            tolerable_failures: 7,
            retained: 2,
        };
        assert_eq!(config.checkpoint, checkpoint);
        assert_eq!((config.parallelism, config.max_parallelism.get()), (3, 256));
        assert_eq!((config.guarantee, config.rate), (Guarantee::AtLeastOnce, Some(100.0)));
        assert_eq!((all.slots, all.state_dir), (Some(5), Some("y".into())));
        assert_eq!(all.state_backend, StateBackend::Memory);
        assert_eq!(all.checkpoint_storage, CheckpointStorageChoice::Folder("/x".into()));
        let local = "127.0.0.1:99".parse().expect("an address");
        assert_eq!(all.metrics, Some(MetricsAddress::At(local)));
    }

    #[test]
    fn what_a_job_does_not_say_is_as_for_any_job() {
        let (none, default) = (of("description: x"), Settings::default());
        assert_eq!(none.config, default.config);
        assert_eq!((none.slots, none.state_dir, none.metrics), (None, None, None));
        assert_eq!(of("metrics: { enabled: false }").metrics, Some(MetricsAddress::None));
        let address = "0.0.0.0:1".parse().expect("an address");
        let metrics = of("metrics: { address: '0.0.0.0:1' }").metrics;
        assert_eq!(metrics, Some(MetricsAddress::At(address)));
    }

    #[test]
    fn restarts_are_those_that_are_named() {
        let restart = |text: &str| of(&format!("restart: {text}")).config.restart;
        assert_eq!(restart("none"), RestartStrategy::None);
        let fixed = RestartStrategy::FixedDelay { attempts: 3, delay_ms: 2_000 };
        assert_eq!(restart("{ fixed-delay: { attempts: 3, delay: 2s } }"), fixed);
        let rate = RestartStrategy::FailureRate { failures: 2, interval_ms: 60_000, delay_ms: 5 };
        assert_eq!(restart("{ failure-rate: { failures: 2, interval: 1m, delay: 5ms } }"), rate);
        assert_eq!(restart("{ exponential-delay: {} }"), RestartStrategy::DEFAULT);
        let other = restart(
            "{ exponential-delay: { initial: 5s, max: 10s, multiplier: 2, reset_after: 1m, jitter: 0 } }",
        );
        let expected = RestartStrategy::ExponentialDelay {
            initial_ms: 5_000,
            max_ms: 10_000,
            multiplier: 2.0,
            reset_after_ms: 60_000,
            jitter: 0.0,
        };
        assert_eq!(other, expected);
    }
}
