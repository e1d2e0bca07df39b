//! How cost grows: throughput and CPU per record against what a job has more of.
//!
//! More keys, more windows that overlap, more subtasks, more operators in a chain, more jobs in the
//! process. Each point is measured in processes of its own, with exactly-once checkpoints to sled every
//! second; a line of JSON per point, with medians.

use clap::{Parser, ValueEnum};
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::Instant;
use tidegate::core::graph::Graph;
use tidegate::prelude::*;
use tidegate::runtime::Stats;
use tidegate_generator::Sequence;
use tidegate_tests::bench::engine::{self, Checksum, KeyedCount};
use tidegate_tests::bench::sale::{Sale, Visit};
use tidegate_tests::bench::total::Total;
use tidegate_tests::bench::{child, cpu_seconds, median, peak_rss_bytes};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Keys where it is not their number that grows.
const KEYS: u64 = 1_000_000;

/// Keys of the windows, and their size: an hour, at a thousand records a second of event time.
const WINDOW_KEYS: u32 = 100;
const WINDOW_MS: u64 = 3_600_000;

/// A watermark at least every 10 s of event time.
const WATERMARK_MS: u64 = 10_000;

const CHECKPOINT_MS: i64 = 1000;

/// Records that tell how fast a point is, before it is measured.
const PROBE: u64 = 10_000_000;

/// How cost grows.
#[derive(Parser)]
struct Args {
    /// What grows; everything in turn if not given
    #[arg(long)]
    axis: Option<Axis>,
    /// How much of it there is, for one run in this process
    #[arg(long, requires = "axis")]
    point: Option<u64>,
    /// Records of that run
    #[arg(long, default_value_t = 50_000_000)]
    records: u64,
    /// How long a run lasts
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Runs of each point
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// What a job has more of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Axis {
    /// Distinct keys of a count
    Keys,
    /// Windows that a record belongs to
    Overlap,
    /// Subtasks of a keyed count
    Parallelism,
    /// Maps in a chain
    Chain,
    /// Keyed counts that run side by side in one process
    Jobs,
}

impl Axis {
    const ALL: [Self; 5] = [Self::Keys, Self::Overlap, Self::Parallelism, Self::Chain, Self::Jobs];

    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    const fn points(self) -> &'static [u64] {
        match self {
            Self::Keys => &[100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000],
            Self::Overlap => &[1, 10, 60, 360, 3_600],
            Self::Parallelism => &[1, 2, 4],
            Self::Chain => &[1, 2, 4, 8, 16, 32],
            Self::Jobs => &[1, 2, 4, 8, 16],
        }
    }

    /// The fewest records at which a point means something: the table must have stopped growing long
    /// before the end, and a few of the longest windows must have closed.
    const fn least(self, point: u64) -> u64 {
        match self {
            Self::Keys => 20 * point,
            Self::Overlap => 3 * WINDOW_MS,
            Self::Chain => 0,
            Self::Parallelism | Self::Jobs => 20 * KEYS,
        }
    }
}

fn keyed_count(records: u64, keys: u64) -> Result<Graph, BoxError> {
    let job = Job::new("growth");
    job.source("keys", Sequence::new(records).keys(keys), WatermarkStrategy::monotonous())
        .key_by(|key| *key)
        .process(KeyedCount::default)
        .uid("count")
        .sink("checksum", Checksum::default());
    Ok(job.into_graph()?)
}

fn windows(records: u64, overlap: u64) -> Result<Graph, BoxError> {
    let slide = WINDOW_MS / overlap.max(1);
    let watermarks =
        WatermarkStrategy::monotonous().every_event_time_ms(slide.min(WATERMARK_MS) as i64);
    let sale = Sale { visits: records, users: 1_000_000, pages: WINDOW_KEYS };
    let job = Job::new("growth");
    job.source("visits", sale, watermarks)
        .key_by(|visit: &Visit| visit.page)
        .window(Window::sliding(WINDOW_MS as i64, slide as i64))
        .aggregate(Count::new())
        .uid("windows")
        .sink("total", Total::default());
    Ok(job.into_graph()?)
}

fn chain(records: u64, maps: u64) -> Result<Graph, BoxError> {
    let job = Job::new("growth");
    let keys = Sequence::new(records).keys(KEYS);
    let mut stream = job.source("keys", keys, WatermarkStrategy::monotonous()).map(|key| (key, 1));
    for _ in 1..maps {
        stream = stream.map(|(key, count)| (key.rotate_left(1), count + 1));
    }
    stream.sink("checksum", Checksum::default());
    Ok(job.into_graph()?)
}

/// Runs `jobs` keyed counts side by side, of as many records together.
fn side_by_side(records: u64, jobs: u64, stats: &Stats) -> Result<(), BoxError> {
    let each = records / jobs;
    std::thread::scope(|scope| {
        let run = || {
            let graph = keyed_count(each, KEYS / jobs).map_err(|error| error.to_string())?;
            let (own, checkpoints) = (Stats::default(), &stats.job.checkpoints);
            engine::run(graph, 1, CHECKPOINT_MS, &own).map_err(|error| error.to_string())?;
            checkpoints.add(own.job.checkpoints.get());
            Ok::<(), String>(())
        };
        let running: Vec<_> = (0..jobs).map(|_| scope.spawn(run)).collect();
        let ended = running.into_iter().map(|job| job.join().expect("a job does not panic"));
        ended.collect::<Result<(), String>>()
    })?;
    Ok(())
}

/// One run of a point in this process.
fn run(axis: Axis, point: u64, records: u64) -> Result<Value, BoxError> {
    let stats = Stats::default();
    let (started, cpu) = (Instant::now(), cpu_seconds());
    match axis {
        Axis::Keys => engine::run(keyed_count(records, point)?, 2, CHECKPOINT_MS, &stats)?,
        Axis::Overlap => engine::run(windows(records, point)?, 2, CHECKPOINT_MS, &stats)?,
        Axis::Parallelism => {
            let subtasks = u32::try_from(point)?;
            engine::run(keyed_count(records, KEYS)?, subtasks, CHECKPOINT_MS, &stats)?;
        }
        Axis::Chain => engine::run(chain(records, point)?, 2, CHECKPOINT_MS, &stats)?,
        Axis::Jobs => side_by_side(records, point, &stats)?,
    }
    Ok(json!({
        "records_per_second": records as f64 / started.elapsed().as_secs_f64(),
        "cpu_ns_per_record": (cpu_seconds() - cpu) * 1e9 / records as f64,
        "checkpoints": stats.job.checkpoints.get(),
        "peak_rss_bytes": peak_rss_bytes(),
        "audit": if stats.job.audit_broken.get() == 0 { "clean" } else { "broken" },
    }))
}

/// A run of a point in a process of its own.
fn elsewhere(axis: Axis, point: u64, records: u64) -> Result<Value, BoxError> {
    let (name, point, records) = (axis.name(), point.to_string(), records.to_string());
    let args = ["--axis", &name, "--point", &point, "--records", &records];
    Ok(child::line(&std::env::current_exe()?, &args)?)
}

/// The medians of some runs of a point.
fn measure(args: &Args, axis: Axis, point: u64) -> Result<Value, BoxError> {
    let number = |line: &Value, field: &str| line[field].as_f64().unwrap_or(f64::NAN);
    let probe = elsewhere(axis, point, PROBE.max(axis.least(point) / 2))?;
    let wanted = number(&probe, "records_per_second") * args.seconds;
    let records = (wanted as u64).max(axis.least(point));
    let (mut rates, mut cpu, mut last) = (Vec::new(), Vec::new(), Value::Null);
    for _ in 0..args.rounds {
        last = elsewhere(axis, point, records)?;
        rates.push(number(&last, "records_per_second"));
        cpu.push(number(&last, "cpu_ns_per_record"));
    }
    Ok(json!({
        "bench": "growth",
        "axis": axis.name(),
        "point": point,
        "records": records,
        "records_per_second": median(&mut rates).map(f64::round),
        "cpu_ns_per_record": median(&mut cpu),
        "checkpoints": last["checkpoints"],
        "peak_rss_bytes": last["peak_rss_bytes"],
        "audit": last["audit"],
    }))
}

fn all(args: &Args) -> Result<(), BoxError> {
    if let (Some(axis), Some(point)) = (args.axis, args.point) {
        println!("{}", run(axis, point, args.records)?);
        return Ok(());
    }
    for axis in Axis::ALL.into_iter().filter(|axis| args.axis.is_none_or(|only| only == *axis)) {
        for point in axis.points() {
            println!("{}", measure(args, axis, *point)?);
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    match all(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
