//! A topology beside its typed twin: filter, project, and a tumbling count by key, over the same made-up clicks.
//!
//! Both run on the engine with exactly-once checkpoints to sled every second, in turn; their results are held
//! against each other. One line of JSON.

use clap::Parser;
use std::process::ExitCode;
use std::time::Instant;
use tidegate::core::graph::Graph;
use tidegate::prelude::*;
use tidegate::runtime::Stats;
use tidegate_deploy::{Flow, Outputs, Registry, deploy};
use tidegate_generator::{Behavior, ClickGenerator};
use tidegate_rows::{Row, Value};
use tidegate_tests::bench::{engine, median, total::Total};
use tidegate_topology::diagnostic::Paint;
use tidegate_topology::kinds::Traits;
use tidegate_topology::tree::Variables;
use tidegate_topology::{Source, load};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A topology beside its typed twin.
#[derive(Parser)]
struct Args {
    /// Clicks per run
    #[arg(long, default_value_t = 20_000_000)]
    clicks: u64,
    /// Subtasks of each operator
    #[arg(long, default_value_t = 2)]
    parallelism: u32,
    /// Milliseconds between checkpoints
    #[arg(long, default_value_t = 1000)]
    checkpoint_ms: i64,
    /// Runs of each
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

const EVENTS_PER_SECOND: u64 = 10_000;
const MINUTE_MS: i64 = 60_000;

/// The options of the kind `total`: none.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Nothing {}

fn main() -> ExitCode {
    match measure(&Args::parse()) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(args: &Args) -> Result<serde_json::Value, BoxError> {
    let (mut yaml, mut typed, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..args.rounds {
        let total = Total::default();
        let of_rows = run(args, topology(args, &total)?)?;
        let twin_total = Total::default();
        let of_records = run(args, twin(args, &twin_total)?)?;
        assert_eq!(
            (total.rows(), total.sum()),
            (twin_total.rows(), twin_total.sum()),
            "the topology and its twin come to the same"
        );
        yaml.push(of_rows);
        typed.push(of_records);
        ratios.push(of_rows / of_records);
    }
    Ok(serde_json::json!({
        "bench": "topology",
        "clicks": args.clicks,
        "parallelism": args.parallelism,
        "rounds": args.rounds,
        "topology_clicks_per_second": median(&mut yaml).map(f64::round),
        "typed_clicks_per_second": median(&mut typed).map(f64::round),
        "ratio": median(&mut ratios),
    }))
}

/// Clicks per second.
fn run(args: &Args, graph: Graph) -> Result<f64, BoxError> {
    let (stats, started) = (Stats::default(), Instant::now());
    engine::run(graph, args.parallelism, args.checkpoint_ms, &stats)?;
    if stats.job.audit_broken.get() != 0 {
        return Err("the audit is broken".into());
    }
    Ok(args.clicks as f64 / started.elapsed().as_secs_f64())
}

fn topology(args: &Args, total: &Total) -> Result<Graph, BoxError> {
    let text = format!(
        "job: {{ name: topology }}
sources:
  clicks:
    generator: {{ clicks: {{ seed: 7, events: {}, events_per_second: {EVENTS_PER_SECOND} }} }}
    event_time: {{ watermark: monotonous }}
operators:
  views: {{ inputs: clicks, filter: behavior = 'pv' }}
  items: {{ inputs: views, project: {{ item: item_id }} }}
  count:
    inputs: items
    window: {{ key_by: item, tumbling: {{ size: 1m }}, aggregates: {{ views: count() }} }}
sinks:
  total: {{ inputs: count, total: {{}} }}
",
        args.clicks
    );
    let mut registry = Registry::default();
    let sum = total.clone();
    registry.sink("total", Traits::inputs(1), move |_: &Nothing, wiring| {
        if let Flow::Rows(rows) = wiring.input(0) {
            let counts = rows.map(|row: Row| {
                let window = TimeWindow { start: time(&row[1]), end: time(&row[2]) };
                Windowed { key: 0, window, value: number(&row[3]).cast_unsigned() }
            });
            counts.uid("counts").sink("total", sum.clone());
        }
        Ok(Outputs::none())
    })?;
    let loaded = load(Source::new("bench.yaml", text), &Variables::default(), registry.kinds());
    if loaded.diagnostics.has_errors() {
        return Err(loaded.render(Paint::Plain).into());
    }
    Ok(deploy(&loaded, &registry)?.into_graph()?)
}

fn number(value: &Value) -> i64 {
    match value {
        Value::Int64(number) | Value::Timestamp(number) => *number,
        _ => 0,
    }
}

fn time(value: &Value) -> Timestamp {
    Timestamp(number(value))
}

fn twin(args: &Args, total: &Total) -> Result<Graph, BoxError> {
    let job = Job::new("twin");
    let clicks = ClickGenerator::new(7).events(args.clicks).events_per_second(EVENTS_PER_SECOND);
    job.source("clicks", clicks, WatermarkStrategy::monotonous())
        .filter(|click| click.behavior == Behavior::Pv)
        .map(|click| click.item_id)
        .key_by(|item| *item)
        .window(Window::tumbling(MINUTE_MS))
        .aggregate(Count::new())
        .map(|count| Windowed { key: 0, window: count.window, value: count.value })
        .sink("total", total.clone());
    Ok(job.into_graph()?)
}
