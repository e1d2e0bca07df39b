//! What checkpoints cost: bytes against changed entries, and the disk after many of them.
//!
//! A keyed count over a table of a given size, of whose keys only a share is touched again once all
//! have been seen; then a thousand small checkpoints in a row, with the size of the state folder.

use clap::Parser;
use std::process::ExitCode;
use std::sync::Arc;
use tidegate::prelude::*;
use tidegate::runtime::Stats;
use tidegate_generator::Sequence;
use tidegate_tests::bench::engine::{self, Checksum, KeyedCount};
use tidegate_tests::bench::peak_rss_bytes;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What checkpoints cost.
#[derive(Parser)]
struct Args {
    /// Distinct keys
    #[arg(long, default_value_t = 1_000_000)]
    keys: u64,
    /// Checkpoints of the long run
    #[arg(long, default_value_t = 1000)]
    checkpoints: u64,
}

fn main() -> ExitCode {
    let Args { keys, checkpoints } = Args::parse();
    match shares(keys).and_then(|shares| Ok((shares, long_run(checkpoints)?))) {
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

/// Bytes and duration of a checkpoint by the share of the table that has changed.
fn shares(keys: u64) -> Result<Vec<serde_json::Value>, BoxError> {
    let mut found = Vec::new();
    for per_mille in [1, 10, 100, 1000] {
        let stats = Stats::default();
        let job = Job::new("shares");
        let touched = (keys * per_mille / 1000).max(1);
        let all = Sequence::new(8 * keys).keys(keys);
        // The second source comes slowly, so that many checkpoints see only its keys.
        let hot = Sequence::new(40_000_000).keys(touched);
        let slow = job.source("hot", hot, WatermarkStrategy::none());
        job.source("all", all, WatermarkStrategy::none())
            .union(&slow)
            .key_by(|key| *key)
            .process(KeyedCount::default)
            .uid("count")
            .sink("checksum", Checksum::default());
        engine::run(job.into_graph()?, 2, 200, &stats)?;
        let entries: u64 = stats.subtasks().values().map(|s| s.checkpoint_entries.get()).sum();
        found.push(serde_json::json!({
            "touched_per_mille": per_mille,
            "entries": entries,
            "bytes": stats.job.last_bytes.get(),
            "duration_ms": stats.job.last_duration_ms.get(),
        }));
    }
    Ok(found)
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
