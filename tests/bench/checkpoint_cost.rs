//! What checkpoints cost in throughput: the same work with one every 10 s, 1 s and 100 ms, and without.
//!
//! Nexmark q5 and q8 and a keyed count of a million keys, each run in a process of its own; the
//! intervals take turns, so that a machine that drifts is the same for all of them. A line of JSON per
//! workload and interval: medians. The programs `bench-nexmark` and `bench-keyed-count` must lie
//! beside this one.

use clap::Parser;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;
use tidegate_tests::bench::{child, median};

/// Milliseconds between checkpoints; the longest is longer than any run.
const INTERVALS: [(&str, u64); 4] =
    [("none", 86_400_000), ("10 s", 10_000), ("1 s", 1_000), ("100 ms", 100)];

/// Records that tell how fast a workload is, before it is measured.
const PROBE: u64 = 5_000_000;

/// The name of the workload that is not a Nexmark query.
const COUNT: &str = "count";

/// What checkpoints cost in throughput.
#[derive(Parser)]
struct Args {
    /// Nexmark queries, and `count`
    #[arg(long, value_delimiter = ',', default_values_t = ["q5".to_owned(), "q8".to_owned(), COUNT.to_owned()])]
    workloads: Vec<String>,
    /// How long a run lasts: longer than the longest interval
    #[arg(long, default_value_t = 25.0)]
    seconds: f64,
    /// Runs of each interval
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Distinct keys of the keyed count
    #[arg(long, default_value_t = 1_000_000)]
    keys: u64,
}

/// One run.
struct Run {
    per_second: f64,
    cpu_ns: f64,
    line: Value,
}

fn program(name: &str) -> Result<PathBuf, String> {
    let me = std::env::current_exe().map_err(|error| error.to_string())?;
    Ok(me.with_file_name(name))
}

fn number(line: &Value, field: &str) -> Result<f64, String> {
    line[field].as_f64().ok_or_else(|| format!("no number {field} in {line}"))
}

fn run(workload: &str, records: u64, interval_ms: u64, keys: u64) -> Result<Run, String> {
    let (records, every) = (records.to_string(), interval_ms.to_string());
    if workload == COUNT {
        let keys = keys.to_string();
        let args = [
            ["--records", &records],
            ["--keys", &keys],
            ["--checkpoint-ms", &every],
            ["--rounds", "1"],
        ];
        let args = [&args.concat()[..], &["--engine-only"]].concat();
        let line = child::line(&program("bench-keyed-count")?, &args)?;
        let per_second = number(&line, "engine_records_per_second")?;
        return Ok(Run { per_second, cpu_ns: number(&line, "engine_cpu_ns_per_record")?, line });
    }
    let every = format!("{every}ms");
    let args = [
        ["engine", workload],
        ["--events", &records],
        ["--parallelism", "2"],
        ["--checkpoint-interval", &every],
        ["--metrics-addr", "none"],
    ];
    let line = child::line(&program("bench-nexmark")?, &args.concat())?;
    let cpu_ns = number(&line, "cpu_seconds")? * 1e9 / number(&line, "events")?;
    Ok(Run { per_second: number(&line, "events_per_second")?, cpu_ns, line })
}

fn measure(args: &Args, workload: &str) -> Result<(), String> {
    let probe = run(workload, PROBE, INTERVALS[0].1, args.keys)?;
    // A table that is still growing is not what a long run looks like.
    let records = ((probe.per_second * args.seconds) as u64).max(PROBE);
    let mut runs: Vec<Vec<Run>> = INTERVALS.iter().map(|_| Vec::new()).collect();
    for _ in 0..args.rounds {
        for (runs, (_, interval_ms)) in runs.iter_mut().zip(INTERVALS) {
            runs.push(run(workload, records, interval_ms, args.keys)?);
        }
    }
    let mut without = None;
    for ((name, interval_ms), runs) in INTERVALS.iter().zip(&runs) {
        let of = |get: fn(&Run) -> f64| median(&mut runs.iter().map(get).collect::<Vec<_>>());
        let per_second = of(|run| run.per_second);
        without = without.or(per_second);
        let last = runs.last().map_or(&Value::Null, |run| &run.line);
        let line = json!({
            "bench": "checkpoint-cost",
            "workload": workload,
            "interval": name,
            "interval_ms": interval_ms,
            "records": records,
            "records_per_second": per_second.map(f64::round),
            "of_without": per_second.zip(without).map(|(with, without)| with / without),
            "cpu_ns_per_record": of(|run| run.cpu_ns),
            "checkpoints": last["checkpoints"],
            "checkpoint_bytes": last["checkpoint_bytes"],
            "audit": last["audit"],
        });
        println!("{line}");
    }
    Ok(())
}

fn main() -> ExitCode {
    let args = Args::parse();
    for workload in &args.workloads {
        if let Err(error) = measure(&args, workload) {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
