//! Every Nexmark query beside its floor, each in a process of its own.
//!
//! The engine keeps exactly-once checkpoints in sled every second; the floor is a loop over the same
//! generator, on as many threads, that keeps nothing and brings nothing together
//! (`tests/bench/nexmark_floor`). Both run in turn; what counts is the median of each.

use clap::{Args, Parser, Subcommand};
use serde_json::{Value, json};
use std::process::{Command, ExitCode};
use std::time::Instant;
use tidegate::cpu_seconds;
use tidegate_tests::bench::median;
use tidegate_tests::bench::nexmark_floor::{self, Share};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Events that tell how fast a query is, before it is measured.
const PROBE: u64 = 3_000_000;

/// Nexmark queries beside their floors
#[derive(Parser)]
struct Bench {
    #[command(subcommand)]
    side: Option<Side>,
    #[command(flatten)]
    args: Pairs,
}

#[derive(Args)]
struct Pairs {
    /// Queries, separated by commas [default: all that have a floor]
    #[arg(long, value_delimiter = ',')]
    queries: Vec<String>,
    /// How long the engine runs
    #[arg(long, default_value_t = 15.0)]
    seconds: f64,
    /// How long the floor runs
    #[arg(long, default_value_t = 5.0)]
    floor_seconds: f64,
    /// Pairs of runs of each query
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Subtasks, and threads of the floor
    #[arg(long, default_value_t = 2)]
    parallelism: u64,
}

/// One side, in this process.
#[derive(Subcommand)]
enum Side {
    /// The engine, as the `nexmark` program runs it
    Engine(Box<nexmark::Command>),
    /// The floor
    Floor(FloorRun),
}

#[derive(Args)]
struct FloorRun {
    query: String,
    #[arg(long)]
    events: u64,
    #[arg(long, default_value_t = 2)]
    parallelism: u64,
    #[arg(long, default_value_t = 10_000)]
    events_per_second: u64,
}

fn main() -> ExitCode {
    let Bench { side, args } = Bench::parse();
    let result = match side {
        Some(Side::Engine(command)) => return command.run(),
        Some(Side::Floor(run)) => floor(&run),
        None => pairs(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn floor(run: &FloorRun) -> Result<(), String> {
    let FloorRun { query, events, parallelism, events_per_second } = run;
    let share =
        Share { events: *events, threads: *parallelism, events_per_second: *events_per_second };
    let started = Instant::now();
    let rows = nexmark_floor::run(query, share).ok_or(format!("{query} has no floor"))?;
    let seconds = started.elapsed().as_secs_f64();
    let report = json!({
        "query": query,
        "engine": "floor",
        "events": events,
        "rows": rows,
        "seconds": seconds,
        "events_per_second": (*events as f64 / seconds).round(),
        "cpu_seconds": cpu_seconds(),
    });
    println!("{report}");
    Ok(())
}

/// Runs a side in a process of its own, and returns what it says of itself.
fn side(side: &str, query: &str, events: u64, parallelism: u64) -> Result<Value, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.args([side, query, "--events", &events.to_string()]);
    command.args(["--parallelism", &parallelism.to_string()]);
    if side == "engine" {
        command.args(["--checkpoint-interval", "1s", "--metrics-addr", "none"]);
    }
    let ended = command.output().map_err(|error| error.to_string())?;
    if !ended.status.success() {
        return Err(String::from_utf8_lossy(&ended.stderr).into_owned());
    }
    serde_json::from_slice(&ended.stdout).map_err(|error| format!("{side} {query}: {error}"))
}

/// Events per second of a run.
fn rate(report: &Value) -> f64 {
    report["events_per_second"].as_f64().unwrap_or(0.0)
}

/// CPU nanoseconds per event of a run.
fn cpu_ns(report: &Value) -> f64 {
    let number = |field: &str| report[field].as_f64().unwrap_or(0.0);
    number("cpu_seconds") * 1e9 / number("events")
}

fn pairs(args: &Pairs) -> Result<(), String> {
    let all = nexmark::QUERIES.iter().map(|query| query.name.to_owned());
    let all: Vec<String> = all.filter(|query| nexmark_floor::has(query)).collect();
    let queries = if args.queries.is_empty() { &all } else { &args.queries };
    for query in queries {
        let events = |name: &str, seconds: f64| {
            let probe = rate(&side(name, query, PROBE, args.parallelism)?);
            Ok::<u64, String>((probe * seconds) as u64)
        };
        let (ours, floors) =
            (events("engine", args.seconds)?, events("floor", args.floor_seconds)?);
        let (mut engine_rates, mut floor_rates) = (Vec::new(), Vec::new());
        let (mut engine_cpu, mut floor_cpu) = (Vec::new(), Vec::new());
        let mut last = Value::Null;
        for _ in 0..args.rounds {
            last = side("engine", query, ours, args.parallelism)?;
            engine_rates.push(rate(&last));
            engine_cpu.push(cpu_ns(&last));
            let floor = side("floor", query, floors, args.parallelism)?;
            floor_rates.push(rate(&floor));
            floor_cpu.push(cpu_ns(&floor));
        }
        let (engine, floor) = (median(&mut engine_rates), median(&mut floor_rates));
        let line = json!({
            "query": query,
            "events": ours,
            "seconds": last["seconds"],
            "events_per_second": engine,
            "floor_events_per_second": floor,
            "ratio": engine.zip(floor).map(|(engine, floor)| engine / floor),
            "cpu_ns_per_event": median(&mut engine_cpu).map(f64::round),
            "floor_cpu_ns_per_event": median(&mut floor_cpu).map(f64::round),
            "checkpoints": last["checkpoints"],
            "checkpoint_bytes": last["checkpoint_bytes"],
            "peak_rss_bytes": last["peak_rss_bytes"],
            "audit": last["audit"],
        });
        println!("{line}");
    }
    Ok(())
}
