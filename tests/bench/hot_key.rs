//! One hot key, with and without local pre-aggregation before the exchange.
//!
//! All visits are of one page, counted over windows of 10 s: without, every record crosses to the one
//! subtask that owns the key; with, each source sends one count per window. The same with a million
//! pages, where combining is of no use and must cost little. One line of JSON each.

use clap::Parser;
use std::process::ExitCode;
use std::time::Instant;
use tidegate::prelude::*;
use tidegate::runtime::Stats;
use tidegate_operators::aggregate::Count;
use tidegate_operators::window::{CombinedWindow, LocalWindow, Partial, SlicedWindow, Window};
use tidegate_tests::bench::sale::{Sale, Visit};
use tidegate_tests::bench::total::Total;
use tidegate_tests::bench::{cpu_seconds, engine};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One hot key, with and without local pre-aggregation.
#[derive(Parser)]
struct Args {
    /// Visits per run
    #[arg(long, default_value_t = 50_000_000)]
    visits: u64,
    /// Sources and windows
    #[arg(long, default_value_t = 2)]
    parallelism: u32,
}

fn main() -> ExitCode {
    let args = Args::parse();
    for pages in [1, 1_000_000] {
        for local in [false, true] {
            match measure(&args, pages, local) {
                Ok(line) => println!("{line}"),
                Err(error) => {
                    eprintln!("error: {error}");
                    return ExitCode::FAILURE;
                }
            }
        }
    }
    ExitCode::SUCCESS
}

fn measure(args: &Args, pages: u32, local: bool) -> Result<serde_json::Value, BoxError> {
    let Args { visits, parallelism } = *args;
    let (total, stats) = (Total::default(), Stats::default());
    let window = Window::tumbling(10_000);
    window.validate()?;
    let count = Count::<Visit>::new;
    let page = |visit: &Visit| visit.page;
    let job = Job::new("hot-key");
    let sale = Sale { visits, users: 1, pages };
    let visited = job.source("visits", sale, WatermarkStrategy::monotonous());
    let counts = if local {
        visited
            .operator("local-window", move || {
                LocalWindow::new(window, count(), page).expect("valid")
            })
            .uid("combine")
            .key_by(move |partial: &Partial<u32, Count<Visit>>| partial.key(page))
            .operator("window", move || CombinedWindow::new(window, count(), page).expect("valid"))
    } else {
        visited
            .key_by(page)
            .operator("window", move || SlicedWindow::new(window, count(), page).expect("valid"))
    };
    counts.uid("count").sink("total", total.clone());
    let (started, cpu) = (Instant::now(), cpu_seconds());
    engine::run(job.into_graph()?, parallelism, 1_000, &stats)?;
    let seconds = started.elapsed().as_secs_f64();
    assert_eq!(total.sum(), visits, "every visit is counted once");
    Ok(serde_json::json!({
        "bench": "hot-key",
        "pages": pages,
        "local": local,
        "visits": visits,
        "visits_per_second": visits as f64 / seconds,
        "cpu_ns_per_visit": (cpu_seconds() - cpu) * 1e9 / visits as f64,
        "rows": total.rows(),
        "checkpoints": stats.job.checkpoints.get(),
        "audit": if stats.job.audit_broken.get() == 0 { "clean" } else { "broken" },
    }))
}
