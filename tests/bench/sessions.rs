//! Session windows: records per second and core through the operator alone, without a job around it.
//!
//! Two loads over many keys: *hits*, where nearly every record extends the open session of its key,
//! and *visits*, where sessions have a few records each, so that windows open and close all the time.

use clap::Parser;
use std::time::Instant;
use tidegate_core::element::{Batch, Record};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, Context, Operator, Progress};
use tidegate_core::time::Timestamp;
use tidegate_operators::aggregate::Count;
use tidegate_operators::window::{Session, Windowing};
use tidegate_tests::bench::median;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Records of a batch, as in a job.
const BATCH: u64 = 1024;

/// Records per millisecond of event time.
const PER_MS: u64 = 100;

/// Session windows, records per second and core.
#[derive(Parser)]
struct Args {
    /// Records per run
    #[arg(long, default_value_t = 20_000_000)]
    records: u64,
    /// Distinct keys
    #[arg(long, default_value_t = 100_000)]
    keys: u64,
    /// The gap, in records of a key: what a key pauses is one more
    #[arg(long, default_value_t = 10)]
    gap: i64,
    /// Runs of each load
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// Runs the load; `rests` is how often a key pauses for longer than the gap: after so many records.
fn run(args: &Args, rests: u64) -> Result<(f64, u64), BoxError> {
    // A key comes round every `keys / PER_MS` milliseconds.
    let round_ms = (args.keys / PER_MS).max(1) as i64;
    let sessions = Windowing::new(Session::with_gap(args.gap * round_ms));
    let mut operator = sessions.aggregate(Count::new(), |key: &u64| *key)?;
    let (mut ctx, mut rows, mut sent) = (Context::new(BATCH as usize), 0, 0);
    let mut busy = std::time::Duration::ZERO;
    while sent < args.records {
        let record = |n: u64| {
            let (key, round) = (n % args.keys, n / args.keys);
            let paused = ((round + key % rests) / rests) as i64 * (args.gap + 1);
            let at = (round as i64 + paused) * round_ms + (n % args.keys / PER_MS) as i64;
            Record { value: key, timestamp: Timestamp(at), key_hash: key.stable_hash() }
        };
        let records: Vec<_> = (sent..sent + BATCH).map(record).collect();
        let watermark =
            records.iter().map(|r| r.timestamp).min().unwrap_or(Timestamp::MIN).minus(1);
        sent += BATCH;
        let started = Instant::now();
        let mut batch = Batch::new(records, Vec::new());
        operator.process(&mut batch, &mut ctx)?;
        while operator.on_watermark(watermark, &mut ctx)? == Progress::More {
            rows += ctx.take().len() as u64;
        }
        rows += ctx.take().len() as u64;
        busy += started.elapsed();
        ctx.set_time(watermark, Timestamp::MIN);
    }
    Ok((sent as f64 / busy.as_secs_f64(), rows))
}

fn main() -> Result<(), BoxError> {
    let args = Args::parse();
    for (load, rests) in [("hits", 1_000_000), ("visits", 4)] {
        let (mut rates, mut sessions) = (Vec::new(), 0);
        for _ in 0..args.rounds {
            let (rate, rows) = run(&args, rests)?;
            rates.push(rate);
            sessions = rows;
        }
        let json = serde_json::json!({
            "bench": "sessions",
            "load": load,
            "records": args.records,
            "keys": args.keys,
            "gap": args.gap,
            "sessions": sessions,
            "records_per_second_and_core": median(&mut rates).map(f64::round),
        });
        println!("{json}");
    }
    Ok(())
}
