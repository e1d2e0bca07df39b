//! The shared queries in timely and renoir, each run in a process of its own and told as a line of JSON.
//!
//! Apart from the workspace, so that only who compares has to build these engines. Same generators, same allocator
//! and same profile as the engine's side; what the queries remember is written once, in `windows` and `sellers`,
//! and both engines drive it. No engine here takes checkpoints.

mod input;
mod on_renoir;
mod on_timely;
mod query;
mod rows;
mod sellers;
#[cfg(test)]
mod tests;
#[path = "../../../../framework/src/usage.rs"]
#[expect(unreachable_pub, reason = "the framework's own measure, which is public there")]
mod usage;
mod windows;

use clap::{Parser, ValueEnum};
use input::Share;
use query::Query;
use serde_json::json;
use std::process::ExitCode;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A query in another engine
#[derive(Parser)]
struct Args {
    engine: Engine,
    query: Query,
    /// Events in all
    #[arg(long)]
    events: u64,
    /// Workers
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=64))]
    parallelism: u64,
    /// Events per second of event time
    #[arg(long, default_value_t = 10_000)]
    events_per_second: u64,
    /// Distinct keys of the count
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    keys: u64,
}

/// An engine.
#[derive(Clone, Copy, ValueEnum)]
enum Engine {
    Timely,
    Renoir,
}

fn main() -> ExitCode {
    let Args { engine, query, events, parallelism, events_per_second, keys } = Args::parse();
    let share = match Share::new(events, parallelism, events_per_second, keys) {
        Ok(share) => share,
        Err(refusal) => {
            eprintln!("error: {refusal}");
            return ExitCode::from(2);
        }
    };
    let started = Instant::now();
    let (name, ran) = match engine {
        Engine::Timely => ("timely", on_timely::run(query, share)),
        Engine::Renoir => ("renoir", on_renoir::run(query, share)),
    };
    let rows = match ran {
        Ok(rows) => rows,
        Err(error) => {
            eprintln!("error: {name}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let seconds = started.elapsed().as_secs_f64();
    let report = json!({
        "query": query.to_possible_value().map(|value| value.get_name().to_owned()),
        "engine": name,
        "events": events,
        "rows": rows.count,
        "checksum": rows.sum,
        "seconds": seconds,
        "events_per_second": (events as f64 / seconds).round(),
        "cpu_seconds": usage::cpu_seconds(),
        "peak_rss_bytes": usage::peak_rss_bytes(),
    });
    println!("{report}");
    ExitCode::SUCCESS
}
