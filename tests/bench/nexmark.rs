//! Every Nexmark query beside its floor, each in a process of its own.
//!
//! The engine keeps exactly-once checkpoints in sled every second; the floor is a loop over the same
//! generator, on as many threads, that keeps nothing and brings nothing together
//! (`tests/bench/nexmark_floor`). Both run in turn; what counts is the median of each. With `--peers`, the
//! program of `tests/bench/peers`, other engines run in the same rounds where they have the query.

use clap::{Args, Parser, Subcommand};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use tidegate::cpu_seconds;
use tidegate_tests::bench::aside::{Aside, PEERS};
use tidegate_tests::bench::nexmark_floor::{self, Share};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Events that tell roughly how fast a query is, before it is measured.
const PROBE: u64 = 3_000_000;
/// How long a run takes that tells how fast it is once it is under way.
const PROBE_SECONDS: f64 = 3.0;
/// Queries that the other engines have too.
const SHARED: [&str; 6] = ["q1", "q2", "q3", "q5", "q7", "q8"];

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
    /// How long the engine runs, as guessed from a start: a run that must last 15 s needs a few more
    #[arg(long, default_value_t = 18.0)]
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
    /// The program with the other engines, which run as long as the engine [default: without them]
    #[arg(long)]
    peers: Option<PathBuf>,
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

/// A side with the program that runs it and the events it gets.
struct Entrant<'a> {
    aside: Aside,
    program: &'a Path,
    args: Vec<String>,
}

impl<'a> Entrant<'a> {
    /// Finds out how many events take it so many seconds.
    fn probe(
        name: &'static str,
        program: &'a Path,
        (query, seconds): (&str, f64),
        parallelism: u64,
    ) -> Result<Self, String> {
        let args = |events: u64| {
            let events = ["--events".to_owned(), events.to_string()];
            let parallelism = ["--parallelism".to_owned(), parallelism.to_string()];
            let own: &[&str] = match name {
                "engine" => &["--checkpoint-interval", "1s", "--metrics-addr", "none"],
                _ => &[],
            };
            let own = own.iter().map(|arg| (*arg).to_owned());
            [query.to_owned()].into_iter().chain(events).chain(parallelism).chain(own).collect()
        };
        let mut probe = Self { aside: Aside::new(name), program, args: args(PROBE) };
        for seconds in [PROBE_SECONDS.min(seconds), seconds] {
            let events = probe.run()? * seconds;
            probe.args = args(events as u64);
        }
        probe.aside.forget();
        Ok(probe)
    }

    fn run(&mut self) -> Result<f64, String> {
        self.aside.run(self.program, &self.args)
    }
}

fn pairs(args: &Pairs) -> Result<(), String> {
    let all = nexmark::QUERIES.iter().map(|query| query.name.to_owned());
    let all: Vec<String> = all.filter(|query| nexmark_floor::has(query)).collect();
    let queries = if args.queries.is_empty() { &all } else { &args.queries };
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    for query in queries {
        let entrant = |name, program, seconds| {
            Entrant::probe(name, program, (query, seconds), args.parallelism)
        };
        let mut engine = entrant("engine", own.as_path(), args.seconds)?;
        let mut floor = entrant("floor", own.as_path(), args.floor_seconds)?;
        let mut peers = Vec::new();
        if let Some(program) = args.peers.as_deref().filter(|_| SHARED.contains(&query.as_str())) {
            for name in PEERS {
                peers.push(entrant(name, program, args.seconds)?);
            }
        }
        for _ in 0..args.rounds {
            engine.run()?;
            floor.run()?;
            for peer in &mut peers {
                peer.run()?;
            }
        }
        println!("{}", line(query, engine.aside, floor.aside, peers));
    }
    Ok(())
}

/// What a query is told of.
fn line(query: &str, mut engine: Aside, mut floor: Aside, peers: Vec<Entrant<'_>>) -> Value {
    let (rate, floor_rate) = (engine.rate(), floor.rate());
    let cpu = engine.cpu_ns();
    let last = engine.last;
    let mut line = json!({
        "query": query,
        "events": last["events"],
        "seconds": last["seconds"],
        "events_per_second": rate,
        "ratio": rate.zip(floor_rate).map(|(engine, floor)| engine / floor),
        "cpu_ns_per_event": cpu,
        "checkpoints": last["checkpoints"],
        "checkpoint_bytes": last["checkpoint_bytes"],
        "peak_rss_bytes": last["peak_rss_bytes"],
        "audit": last["audit"],
    });
    if let Value::Object(line) = &mut line {
        floor.tell(line);
        peers.into_iter().for_each(|mut peer| peer.aside.tell(line));
    }
    line
}
