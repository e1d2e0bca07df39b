//! UV of a big sale beside its floor: distinct users over windows of an hour, however many overlap.
//!
//! A thousand visits per second of event time, users drawn out of a million, 16 pages; windows of 1 h
//! that slide by 1 h, 100 s and 10 s, so that 1, 36 and 360 of them overlap; counted exactly and by
//! HyperLogLog. The engine runs with exactly-once checkpoints to sled every second. One line of JSON
//! each, every line measured in a process of its own, whose peak of memory it then is.

use clap::{Parser, ValueEnum};
use std::process::{Command, ExitCode};
use std::time::Instant;
use tidegate::prelude::*;
use tidegate::runtime::Stats;
use tidegate_operators::aggregate::{Distinct, HyperLogLog};
use tidegate_operators::window::Window;
use tidegate_tests::bench::sale::{Sale, Visit};
use tidegate_tests::bench::total::Total;
use tidegate_tests::bench::{cpu_seconds, engine, peak_rss_bytes, uv_floor};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// UV of a big sale beside its floor.
#[derive(Clone, Parser)]
struct Args {
    /// How users are counted; every way in turn if not given
    #[arg(long)]
    by: Option<By>,
    /// How many windows of 1 h overlap; 1, 36 and 360 in turn if not given
    #[arg(long)]
    overlap: Option<u64>,
    /// Visits per run
    #[arg(long, default_value_t = 50_000_000)]
    visits: u64,
    /// Different users
    #[arg(long, default_value_t = 1_000_000)]
    users: u32,
    /// Different pages, by which the stream is keyed
    #[arg(long, default_value_t = 16)]
    pages: u32,
    /// Sources and windows
    #[arg(long, default_value_t = 2)]
    parallelism: u32,
    /// Milliseconds between checkpoints
    #[arg(long, default_value_t = 1000)]
    checkpoint_ms: i64,
    /// Only the engine, for a profiler
    #[arg(long)]
    engine_only: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// Exactly, by bitmaps and counts
    Exact,
    /// By a sketch of 2^14 registers
    HyperLogLog,
}

impl By {
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

const SIZE_MS: u64 = 3_600_000;

/// A watermark at least every 10 s of event time.
const WATERMARK_MS: u64 = 10_000;

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match (args.by, args.overlap) {
        (Some(by), Some(overlap)) => measure(&args, by, overlap).map(|line| println!("{line}")),
        _ => each_in_a_process(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs this program once for each way and overlap that is asked for.
fn each_in_a_process(args: &Args) -> Result<(), BoxError> {
    let program = std::env::current_exe()?;
    let ways = args.by.map_or(vec![By::Exact, By::HyperLogLog], |by| vec![by]);
    let overlaps = args.overlap.map_or(vec![1, 36, 360], |overlap| vec![overlap]);
    for by in ways {
        for overlap in &overlaps {
            let mut run = Command::new(&program);
            run.args(std::env::args_os().skip(1)).args(["--by", &by.name()]);
            let status = run.args(["--overlap", &overlap.to_string()]).status()?;
            if !status.success() {
                return Err(format!("{} with {overlap} windows failed", by.name()).into());
            }
        }
    }
    Ok(())
}

fn measure(args: &Args, by: By, overlap: u64) -> Result<serde_json::Value, BoxError> {
    let Args { visits, users, pages, parallelism, checkpoint_ms, .. } = *args;
    let sale = Sale { visits, users, pages };
    let slide = SIZE_MS / overlap.max(1);
    let (total, stats) = (Total::default(), Stats::default());
    let job = Job::new("uv");
    let watermarks =
        WatermarkStrategy::monotonous().every_event_time_ms(slide.min(WATERMARK_MS) as i64);
    let visits_by_page = job.source("visits", sale, watermarks).key_by(|visit: &Visit| visit.page);
    let windows = visits_by_page.window(Window::sliding(SIZE_MS as i64, slide as i64));
    let counted = match by {
        By::Exact => windows.aggregate(Distinct::of(|visit: &Visit| visit.user)),
        By::HyperLogLog => windows.aggregate(HyperLogLog::of(|visit: &Visit| visit.user)),
    };
    counted.uid("uv").sink("total", total.clone());
    let (started, cpu) = (Instant::now(), cpu_seconds());
    engine::run(job.into_graph()?, parallelism, checkpoint_ms, &stats)?;
    let seconds = started.elapsed().as_secs_f64();
    let (rows, sum) = (total.rows(), total.sum());
    let mut line = serde_json::json!({
        "bench": "uv",
        "by": by.name(),
        "overlap": overlap,
        "visits": visits,
        "rows": rows,
        "mean_result": sum as f64 / rows as f64,
        "engine_visits_per_second": visits as f64 / seconds,
        "engine_cpu_ns_per_visit": (cpu_seconds() - cpu) * 1e9 / visits as f64,
        "peak_rss_bytes": peak_rss_bytes(),
        "checkpoints": stats.job.checkpoints.get(),
        "checkpoint_bytes": stats.job.last_bytes.get(),
        "checkpoint_ms": stats.job.last_duration_ms.get(),
        "audit": if stats.job.audit_broken.get() == 0 { "clean" } else { "broken" },
    });
    if !args.engine_only {
        let floor = uv_floor::distinct(sale, by == By::Exact, SIZE_MS, slide, parallelism);
        assert_eq!(floor.rows, rows, "the engine and its floor fire the same windows");
        let off = floor.sum.abs_diff(sum) as f64 / sum as f64;
        let bound = if by == By::Exact { 0.0 } else { 0.02 };
        assert!(off <= bound, "the engine counts {sum}, its floor {}", floor.sum);
        line["floor_visits_per_second"] = floor.visits_per_second.into();
        line["floor_cpu_ns_per_visit"] = floor.cpu_ns.into();
        line["ratio"] = (visits as f64 / seconds / floor.visits_per_second).into();
    }
    Ok(line)
}
