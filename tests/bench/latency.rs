//! Latency at a given rate: from the moment a record is due to the moment its result is at the sink.
//!
//! Records are due on a schedule that does not wait for the engine (no coordinated omission): one that
//! is emitted late has been late since it was due. Each passes a keyed count behind an exchange, with
//! checkpoints every second.

use clap::Parser;
use hdrhistogram::Histogram;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};
use tidegate::core::element::{Barrier, Batch};
use tidegate::core::sink::{NothingToPrepare, Prepare, Sink, SinkFactory, SubtaskIdentity};
use tidegate::core::source::{Source, SourceFactory, SourceOutput, SourceStatus};
use tidegate::prelude::*;
use tidegate::runtime::Stats;
use tidegate_tests::bench::engine;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How often a waiting source looks at its schedule.
const PACE: Duration = Duration::from_micros(200);

/// Latency at a given rate.
#[derive(Parser)]
struct Args {
    /// Records per second
    #[arg(long, default_value_t = 100_000)]
    rate: u64,
    /// Seconds that are measured
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Seconds before that
    #[arg(long, default_value_t = 2)]
    warm_up: u64,
    /// Distinct keys
    #[arg(long, default_value_t = 1_000)]
    keys: u64,
}

/// Emits record n when n / rate seconds have passed.
#[derive(Clone)]
struct Schedule {
    started: Instant,
    rate: u64,
    records: u64,
    keys: u64,
}

impl Schedule {
    fn nanos(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn due_at(&self, n: u64) -> u64 {
        n * 1_000_000_000 / self.rate
    }
}

/// A key, and when it was due.
type Due = (u64, u64);

/// Every `stride`th record of the schedule.
struct Paced {
    schedule: Schedule,
    first: u64,
    next: u64,
    stride: u64,
    waker: Arc<Mutex<Option<Waker>>>,
    stop: Arc<AtomicBool>,
}

impl Source for Paced {
    type Out = Due;
    type Split = (u64, u64, u64);

    fn poll(
        &mut self,
        out: &mut SourceOutput<Due>,
        budget: usize,
        waker: &Waker,
    ) -> Result<SourceStatus, BoxError> {
        let now = self.schedule.nanos();
        while self.next < self.schedule.records {
            let due = self.schedule.due_at(self.next);
            if due > now {
                let mut kept = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
                *kept = Some(waker.clone());
                return Ok(SourceStatus::Pending);
            }
            if out.len() >= budget {
                return Ok(SourceStatus::Ready);
            }
            let key = self.next.wrapping_mul(0x9e37_79b9_7f4a_7c15) % self.schedule.keys;
            out.emit(0, (key, due), Timestamp((due / 1_000_000) as i64));
            self.next += self.stride;
        }
        Ok(SourceStatus::Ended)
    }

    fn splits(&self) -> Vec<(u64, u64, u64)> {
        vec![(self.first, self.next, self.stride)]
    }
}

impl Drop for Paced {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl SourceFactory for Schedule {
    type Out = Due;
    type Split = (u64, u64, u64);
    type Source = Paced;

    fn kind(&self) -> &'static str {
        "schedule"
    }

    fn enumerate(&self, parallelism: u32) -> Result<Vec<(u64, u64, u64)>, BoxError> {
        let stride = u64::from(parallelism);
        Ok((0..stride).map(|first| (first, first, stride)).collect())
    }

    fn create(&self, _: &SubtaskIdentity, splits: Vec<(u64, u64, u64)>) -> Result<Paced, BoxError> {
        let [(first, next, stride)] = splits[..] else {
            return Err("each subtask has one share of the schedule".into());
        };
        let (waker, stop) =
            (Arc::<Mutex<Option<Waker>>>::default(), Arc::new(AtomicBool::new(false)));
        let (wake, ended) = (Arc::clone(&waker), Arc::clone(&stop));
        std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                std::thread::sleep(PACE);
                let waiting = wake.lock().unwrap_or_else(PoisonError::into_inner).take();
                waiting.into_iter().for_each(Waker::wake);
            }
        });
        Ok(Paced { schedule: self.clone(), first, next, stride, waker, stop })
    }
}

/// Counts per key and passes on when the record was due.
#[derive(Default)]
struct Count {
    counts: ValueState<u64, u64>,
}

impl KeyedProcess for Count {
    type Key = u64;
    type In = Due;
    type Out = u64;

    fn process(
        &mut self,
        key: Keyed<'_, u64>,
        (_, due): Due,
        ctx: &mut KeyedContext<'_, u64, u64>,
    ) -> Result<(), BoxError> {
        *self.counts.get_or_insert_with(key, || 0) += 1;
        ctx.emit(due);
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("counts", &mut self.counts);
    }
}

/// Records how long each result took, once the warm-up is over.
#[derive(Clone)]
struct Latencies {
    schedule: Schedule,
    from: u64,
    histogram: Arc<Mutex<Histogram<u64>>>,
}

impl Sink for Latencies {
    type In = u64;

    fn write(&mut self, input: &mut Batch<u64>, _: &Waker) -> Result<(), BoxError> {
        let now = self.schedule.nanos();
        let mut histogram = self.histogram.lock().unwrap_or_else(PoisonError::into_inner);
        for due in input.take_open().map(|record| record.value) {
            if due >= self.from {
                histogram.record(now.saturating_sub(due) / 1000)?;
            }
        }
        Ok(())
    }

    fn freeze(&mut self, _: Barrier) -> Result<Box<dyn Prepare>, BoxError> {
        Ok(Box::new(NothingToPrepare))
    }
}

impl SinkFactory for Latencies {
    type In = u64;
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

fn run(args: &Args) -> Result<serde_json::Value, BoxError> {
    let Args { rate, seconds, warm_up, keys } = *args;
    let records = rate * (warm_up + seconds);
    let schedule = Schedule { started: Instant::now(), rate, records, keys };
    let histogram = Arc::new(Mutex::new(Histogram::<u64>::new(3)?));
    let latencies = Latencies {
        schedule: schedule.clone(),
        from: warm_up * 1_000_000_000,
        histogram: Arc::clone(&histogram),
    };
    let stats = Stats::default();
    let job = Job::new("latency");
    job.source("schedule", schedule, WatermarkStrategy::monotonous())
        .key_by(|(key, _)| *key)
        .process(Count::default)
        .uid("count")
        .sink("latencies", latencies);
    engine::run(job.into_graph()?, 2, 1000, &stats)?;
    let histogram = histogram.lock().unwrap_or_else(PoisonError::into_inner);
    let ms = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 1000.0;
    Ok(serde_json::json!({
        "bench": "latency", "rate": rate, "results": histogram.len(),
        "p50_ms": ms(0.5), "p90_ms": ms(0.9), "p99_ms": ms(0.99), "p99.9_ms": ms(0.999),
        "p99.99_ms": ms(0.9999), "max_ms": histogram.max() as f64 / 1000.0,
        "checkpoints": stats.job.checkpoints.get(),
    }))
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(json) => {
            println!("{json}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
