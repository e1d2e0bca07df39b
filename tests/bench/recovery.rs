//! From a fault to the first correct output behind it, in parts.
//!
//! A keyed count fills its table, two checkpoints complete, and one counter panics. The clock runs from
//! the panic to the first record that reaches the sink afterwards. That record is correct when its
//! count is at most one above what was counted of its key before the fault, and when at the end the
//! highest counts of all keys add up to the number of records: nothing was lost or counted twice.

use clap::Parser;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::Waker;
use tidegate::core::element::{Barrier, Batch};
use tidegate::core::sink::{NothingToPrepare, Prepare, Sink, SinkFactory, SubtaskIdentity};
use tidegate::prelude::*;
use tidegate::runtime::Stats;
use tidegate_generator::Sequence;
use tidegate_tests::bench::engine::{self, KeyedCount};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// From a fault to the first correct output behind it.
#[derive(Parser)]
struct Args {
    /// Distinct keys; a line for each number
    #[arg(long, value_delimiter = ',', default_values_t = [1_000_000, 10_000_000])]
    keys: Vec<u64>,
    /// Runs; each figure is a median
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// Panics, once, when a checkpoint holds enough keys.
#[derive(Clone)]
struct Bomb {
    stats: Stats,
    /// Checkpoints that must have completed.
    after: u64,
    /// When it went off; 0 before.
    struck_at: Arc<AtomicU64>,
}

impl Bomb {
    fn pass(&self, record: (u64, u64)) -> (u64, u64) {
        if self.struck_at.load(Ordering::Relaxed) == 0
            && self.stats.job.checkpoints.get() >= self.after
            && self.struck_at.swap(self.stats.nanos(), Ordering::Relaxed) == 0
        {
            panic!("a fault on purpose");
        }
        record
    }
}

/// Notes when the first record arrives after the region was built anew, and the counts of all.
#[derive(Clone)]
struct FirstOutput {
    stats: Stats,
    arrived_at: Arc<AtomicU64>,
    /// The count of the first record, and the one before the fault of the same key.
    first: Arc<[AtomicU64; 2]>,
    /// The highest count of each key.
    counts: Arc<[AtomicU32]>,
}

impl FirstOutput {
    fn new(stats: &Stats, keys: u64) -> Self {
        let counts = (0..keys).map(|_| AtomicU32::new(0)).collect();
        Self { stats: stats.clone(), arrived_at: Arc::default(), first: Arc::default(), counts }
    }

    /// Whether the first record, and all counts together, are what exactly-once promises.
    fn check(&self, records: u64) -> Result<(), BoxError> {
        let [first, before] = [0, 1].map(|at: usize| self.first[at].load(Ordering::Relaxed));
        if first > before + 1 {
            return Err(format!("the first count is {first}, before the fault {before}").into());
        }
        let all: u64 = self.counts.iter().map(|c| u64::from(c.load(Ordering::Relaxed))).sum();
        if all != records {
            return Err(format!("the counts add up to {all} of {records} records").into());
        }
        Ok(())
    }
}

impl Sink for FirstOutput {
    type In = (u64, u64);

    fn write(&mut self, input: &mut Batch<(u64, u64)>, _: &Waker) -> Result<(), BoxError> {
        let restarted = self.stats.job.restarts.get() > 0;
        for (key, count) in input.take_open().map(|record| record.value) {
            let before = self.counts[key as usize].fetch_max(count as u32, Ordering::Relaxed);
            if restarted && self.arrived_at.load(Ordering::Relaxed) == 0 {
                let now = self.stats.nanos();
                let order = (Ordering::Relaxed, Ordering::Relaxed);
                // Only the first one counts: whoever comes later finds it set.
                if self.arrived_at.compare_exchange(0, now, order.0, order.1).is_ok() {
                    self.first[0].store(count, Ordering::Relaxed);
                    self.first[1].store(before.into(), Ordering::Relaxed);
                }
            }
        }
        Ok(())
    }

    fn freeze(&mut self, _: Barrier) -> Result<Box<dyn Prepare>, BoxError> {
        Ok(Box::new(NothingToPrepare))
    }
}

impl SinkFactory for FirstOutput {
    type In = (u64, u64);
    type Sink = Self;

    fn kind(&self) -> &'static str {
        "first-output"
    }

    fn is_transactional(&self) -> bool {
        false
    }

    fn create(&self, _: &SubtaskIdentity) -> Result<Self, BoxError> {
        Ok(self.clone())
    }
}

/// Milliseconds: detect, stop, build (and in the slowest subtask: read, fill), first output, in all.
fn run(keys: u64) -> Result<[f64; 7], BoxError> {
    let stats = Stats::default();
    let bomb = Bomb { stats: stats.clone(), after: 2, struck_at: Arc::default() };
    let first = FirstOutput::new(&stats, keys);
    let job = Job::new("recovery");
    let (trigger, struck) = (bomb.clone(), Arc::clone(&bomb.struck_at));
    // Long enough for two checkpoints of the whole table and for what comes behind the fault.
    let records = 60 * keys.max(200_000);
    job.source("keys", Sequence::new(records).keys(keys), WatermarkStrategy::none())
        .key_by(|key| *key)
        .process(KeyedCount::default)
        .uid("count")
        .map(move |record| trigger.pass(record))
        .sink("first-output", first.clone());
    engine::run(job.into_graph()?, 2, 500, &stats)?;
    let (struck, arrived) =
        (struck.load(Ordering::Relaxed), first.arrived_at.load(Ordering::Relaxed));
    if struck == 0 || arrived == 0 {
        return Err("the job ended before the fault: use more keys".into());
    }
    first.check(records)?;
    let times = &stats.job.restart;
    let ms = |nanos: u64| nanos as f64 / 1e6;
    let (read, fill) = (ms(times.read_ns.get()), ms(times.fill_ns.get()));
    let detect = ms(times.told_at.get() - struck);
    let stop = ms(times.stopped_at.get() - times.told_at.get());
    let build = ms(times.built_at.get() - times.stopped_at.get());
    let first_output = ms(arrived - times.built_at.get());
    Ok([detect, stop, build, read, fill, first_output, ms(arrived - struck)])
}

/// The medians of some runs, as a line of JSON.
fn measure(keys: u64, rounds: usize) -> Result<serde_json::Value, BoxError> {
    let mut parts: [Vec<f64>; 7] = Default::default();
    for _ in 0..rounds {
        parts.iter_mut().zip(run(keys)?).for_each(|(part, time)| part.push(time));
    }
    let slowest = parts[6].iter().copied().fold(0.0, f64::max);
    let [detect, stop, build, read, fill, first_output, all] =
        parts.map(|mut part| tidegate_tests::bench::median(&mut part));
    Ok(serde_json::json!({
        "bench": "recovery", "keys": keys, "rounds": rounds,
        "detect_ms": detect, "stop_ms": stop, "build_ms": build,
        "slowest_read_ms": read, "slowest_decode_and_insert_ms": fill,
        "first_output_ms": first_output, "fault_to_first_output_ms": all,
        "slowest_fault_to_first_output_ms": slowest,
    }))
}

fn main() -> ExitCode {
    let Args { keys, rounds } = Args::parse();
    for keys in keys {
        match measure(keys, rounds) {
            Ok(json) => println!("{json}"),
            Err(error) => {
                eprintln!("error: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
