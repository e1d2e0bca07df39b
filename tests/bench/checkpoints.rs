//! What checkpoints cost: bytes against changed entries, and the disk after many of them.
//!
//! A keyed count over a table of a given size, of whose keys only a share is touched again once all
//! have been seen; then a thousand small checkpoints in a row, with the size of the state folder.

use clap::Parser;
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tidegate::prelude::*;
use tidegate::runtime::Stats;
use tidegate_generator::Sequence;
use tidegate_tests::bench::engine::{self, Checksum, KeyedCount};
use tidegate_tests::bench::{median, peak_rss_bytes};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What checkpoints cost.
#[derive(Parser)]
struct Args {
    /// Distinct keys
    #[arg(long, default_value_t = 1_000_000)]
    keys: u64,
    /// Records of the keys that are touched again: some seconds of them
    #[arg(long, default_value_t = 200_000_000)]
    records: u64,
    /// Checkpoints of the long run
    #[arg(long, default_value_t = 1000)]
    checkpoints: u64,
}

fn main() -> ExitCode {
    let Args { keys, records, checkpoints } = Args::parse();
    match shares(keys, records).and_then(|shares| Ok((shares, long_run(checkpoints)?))) {
        Ok((shares, long)) => {
            let json =
                serde_json::json!({ "bench": "checkpoints", "shares": shares, "long_run": long });
            println!("{json}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Of a thousand keys, how many are touched again.
const SHARES_PER_MILLE: [u64; 7] = [1, 3, 10, 30, 100, 300, 1000];

/// Milliseconds between checkpoints: enough for each of the touched keys to come.
const EVERY_MS: i64 = 250;

/// Bytes and duration of a checkpoint by the share of the table that has changed: medians over those
/// that were taken when all keys had been seen.
fn shares(keys: u64, records: u64) -> Result<Vec<serde_json::Value>, BoxError> {
    let mut found = Vec::new();
    for per_mille in SHARES_PER_MILLE {
        let stats = Stats::default();
        let job = Job::new("shares");
        let touched = (keys * per_mille / 1000).max(1);
        let all = Sequence::new(8 * keys).keys(keys);
        let hot = Sequence::new(records).keys(touched);
        let hot = job.source("hot", hot, WatermarkStrategy::none());
        job.source("all", all, WatermarkStrategy::none())
            .union(&hot)
            .key_by(|key| *key)
            .process(KeyedCount::default)
            .uid("count")
            .sink("checksum", Checksum::default());
        let watched = watch(&stats);
        engine::run(job.into_graph()?, 2, EVERY_MS, &stats)?;
        let mut taken = watched.stop();
        // The first ones hold all keys, the last one what was left.
        taken.pop();
        let taken = taken.split_off(taken.len() / 2);
        let of = |get: fn(&Taken) -> u64| {
            median(&mut taken.iter().map(|taken| get(taken) as f64).collect::<Vec<_>>())
        };
        found.push(serde_json::json!({
            "touched_per_mille": per_mille,
            "checkpoints": taken.len(),
            "entries": of(|taken| taken.entries),
            "bytes": of(|taken| taken.bytes),
            "duration_ms": of(|taken| taken.duration_ms),
        }));
    }
    Ok(found)
}

/// A checkpoint that was completed.
struct Taken {
    entries: u64,
    bytes: u64,
    duration_ms: u64,
}

/// A thread that notes every checkpoint.
struct Watch {
    stop: mpsc::Sender<()>,
    taken: std::thread::JoinHandle<Vec<Taken>>,
}

impl Watch {
    fn stop(self) -> Vec<Taken> {
        drop(self.stop);
        self.taken.join().expect("it does not panic")
    }
}

/// Notes what `stats` tell of each checkpoint, until it is stopped.
fn watch(stats: &Stats) -> Watch {
    let (stop, stopped) = mpsc::channel();
    let stats = stats.clone();
    let taken = std::thread::spawn(move || {
        let (mut taken, mut seen) = (Vec::new(), 0);
        let pause = Duration::from_millis(2);
        while stopped.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Timeout) {
            // Looked at a pause later than counted: by then all figures are of the same checkpoint.
            if taken.len() < seen {
                let subtasks = stats.subtasks();
                taken.push(Taken {
                    entries: subtasks.values().map(|s| s.checkpoint_entries.get()).sum(),
                    bytes: stats.job.last_bytes.get(),
                    duration_ms: stats.job.last_duration_ms.get(),
                });
            }
            seen = stats.job.checkpoints.get() as usize;
        }
        taken
    });
    Watch { stop, taken }
}

/// The disk and the memory after many checkpoints of a small, ever changing table.
fn long_run(checkpoints: u64) -> Result<serde_json::Value, BoxError> {
    let stats = Stats::default();
    let job = Job::new("long-run");
    let records = checkpoints * 40_000;
    let disk = Arc::new(engine::DiskWatch::default());
    job.source("keys", Sequence::new(records).keys(20_000), WatermarkStrategy::none())
        .key_by(|key| *key)
        .process(KeyedCount::default)
        .uid("count")
        .sink("checksum", Checksum::default());
    engine::run_watched(job.into_graph()?, 1, 10, &stats, &disk, Some(4_000_000.0))?;
    Ok(serde_json::json!({
        "checkpoints": stats.job.checkpoints.get(),
        "last_checkpoint_bytes": stats.job.last_bytes.get(),
        "disk_bytes_peak": disk.peak(),
        "disk_bytes_last": disk.last(),
        "peak_rss_bytes": peak_rss_bytes(),
    }))
}
