//! Latency of windows at a given rate: from the moment a window can be complete to the moment its
//! results are at the sink.
//!
//! Records are due on a schedule that does not wait for the engine (no coordinated omission); their
//! event time is when they are due. They are counted per key in windows of 10 ms of event time, with
//! exactly-once checkpoints to sled every second. A window can be complete when the first record
//! behind it is due, in the slowest subtask of the source; the latency of its results counts from then,
//! so it holds the pace of the source too, which is reported by itself as well. Before and after each
//! run a thread that only reads the clock shows the hiccups of the machine itself.

use clap::Parser;
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::time::Duration;
use tidegate::core::element::{Barrier, Batch};
use tidegate::core::sink::{NothingToPrepare, Prepare, Sink, SinkFactory, SubtaskIdentity};
use tidegate::prelude::*;
use tidegate::runtime::Stats;
use tidegate_tests::bench::schedule::{PACE, Schedule};
use tidegate_tests::bench::{cpu_seconds, engine, percentiles};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Sources and windows.
const PARALLELISM: u32 = 2;

/// The slowest windows that are told one by one.
const WORST: usize = 8;

/// Latency of windows at a given rate.
#[derive(Parser)]
struct Args {
    /// Records per second; a line for each
    #[arg(long, value_delimiter = ',', default_values_t = [100_000, 500_000, 1_000_000])]
    rates: Vec<u64>,
    /// Seconds that are measured
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Seconds before that
    #[arg(long, default_value_t = 10)]
    warm_up: u64,
    /// Distinct keys
    #[arg(long, default_value_t = 1_000)]
    keys: u64,
    /// Milliseconds of event time in a window
    #[arg(long, default_value_t = 10)]
    window_ms: u64,
    /// Milliseconds between checkpoints
    #[arg(long, default_value_t = 1000)]
    checkpoint_ms: i64,
    /// Seconds for which a thread reads the clock, before and after
    #[arg(long, default_value_t = 5)]
    spin_seconds: u64,
}

/// What the sinks see.
#[derive(Default)]
struct Seen {
    /// Records, counted back from the results.
    records: u64,
    /// Microseconds per result.
    latency: Option<Histogram<u64>>,
    /// The end of each window (ms) and its latency (us).
    windows: BTreeMap<u64, u64>,
}

/// Records how long each result took, once the warm-up is over.
#[derive(Clone)]
struct Latencies {
    schedule: Schedule,
    warm_up_ms: u64,
    seen: Arc<Mutex<Seen>>,
}

impl Sink for Latencies {
    type In = Windowed<u64, u64>;

    fn write(&mut self, input: &mut Batch<Self::In>, _: &Waker) -> Result<(), BoxError> {
        let now = self.schedule.nanos();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = &mut *seen;
        for Windowed { window, value, .. } in input.take_open().map(|record| record.value) {
            seen.records += value;
            let end = window.end.millis().unsigned_abs();
            let Some(closed) = self.schedule.closed_at(end).filter(|_| end >= self.warm_up_ms)
            else {
                continue;
            };
            let latency = now.saturating_sub(closed) / 1000;
            if let Some(histogram) = &mut seen.latency {
                histogram.record(latency)?;
            }
            let slowest = seen.windows.entry(end).or_default();
            *slowest = (*slowest).max(latency);
        }
        Ok(())
    }

    fn freeze(&mut self, _: Barrier) -> Result<Box<dyn Prepare>, BoxError> {
        Ok(Box::new(NothingToPrepare))
    }
}

impl SinkFactory for Latencies {
    type In = Windowed<u64, u64>;
    type Sink = Self;

    fn kind(&self) -> &'static str {
        "latencies"
    }

    fn is_transactional(&self) -> bool {
        false
    }

    fn create(&self, _: &SubtaskIdentity) -> Result<Self, BoxError> {
        Ok(self.clone())
    }
}

/// One rate, as a line of JSON.
fn measure(args: &Args, rate: u64) -> Result<Value, BoxError> {
    let Args { seconds, warm_up, keys, window_ms, .. } = *args;
    let spin = Duration::from_secs(args.spin_seconds);
    let before = percentiles::jitter(spin)?;
    let (stats, seen) = (Stats::default(), Arc::<Mutex<Seen>>::default());
    seen.lock().unwrap_or_else(PoisonError::into_inner).latency = Some(Histogram::new(3)?);
    let cpu = cpu_seconds();
    let schedule = Schedule::new(rate, warm_up + seconds, keys, u64::from(PARALLELISM), window_ms);
    let job = Job::new("latency");
    let latencies = Latencies {
        schedule: schedule.clone(),
        warm_up_ms: warm_up * 1000,
        seen: Arc::clone(&seen),
    };
    job.source("schedule", schedule.clone(), WatermarkStrategy::monotonous().each_record())
        .key_by(|key| *key)
        .window(Window::tumbling(window_ms as i64))
        .aggregate(Count::new())
        .uid("count")
        .sink("latencies", latencies);
    engine::run(job.into_graph()?, PARALLELISM, args.checkpoint_ms, &stats)?;
    let cores = (cpu_seconds() - cpu) * 1e9 / schedule.nanos() as f64;
    let after = percentiles::jitter(spin)?;
    let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    let (records, scheduled) = (seen.records, schedule.records());
    if records != scheduled {
        return Err(format!("the windows hold {records} records of {scheduled}").into());
    }
    let latency = seen.latency.ok_or("no latencies")?;
    let (source, worst) = beside(&schedule, &seen.windows)?;
    Ok(json!({
        "bench": "latency",
        "rate": rate,
        "seconds": seconds,
        "window_ms": window_ms,
        "keys": keys,
        "checkpoint_ms": args.checkpoint_ms,
        "latency": percentiles::figures(&latency),
        "source_late": source,
        "pace_ms": PACE.as_secs_f64() * 1000.0,
        "worst_windows": worst,
        "cores_used": cores,
        "checkpoints": stats.job.checkpoints.get(),
        "jitter_before": before,
        "jitter_after": after,
        "audit": if stats.job.audit_broken.get() == 0 { "clean" } else { "broken" },
        "curve": percentiles::curve(&latency),
    }))
}

/// How late the source was, and the slowest windows with its part in them.
fn beside(
    schedule: &Schedule,
    windows: &BTreeMap<u64, u64>,
) -> Result<(Value, Vec<Value>), BoxError> {
    let mut source = Histogram::<u64>::new(3)?;
    let late = schedule.late();
    let late_us = |end: &u64| late.get(end).map_or(0, |ns| ns / 1000);
    for end in windows.keys() {
        source.record(late_us(end))?;
    }
    let mut slowest: Vec<(&u64, &u64)> = windows.iter().collect();
    slowest.sort_by_key(|(end, latency)| (std::cmp::Reverse(**latency), **end));
    let told = slowest.iter().take(WORST).map(|(end, latency)| {
        json!({
            "at_seconds": **end as f64 / 1000.0,
            "latency_ms": **latency as f64 / 1000.0,
            "source_late_ms": late_us(end) as f64 / 1000.0,
        })
    });
    Ok((percentiles::figures(&source), told.collect()))
}

fn main() -> ExitCode {
    let args = Args::parse();
    for rate in &args.rates {
        match measure(&args, *rate) {
            Ok(json) => println!("{json}"),
            Err(error) => {
                eprintln!("error: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
