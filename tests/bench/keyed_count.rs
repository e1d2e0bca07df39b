//! Keyed count beside its floor: how much of the machine the engine leaves to the work.
//!
//! The work: keys from a generator, dealt out by hash to two counters, a count per key in a hash
//! table, a result per record to a sink that drops it. The *floor* does it with plain threads, bare
//! hash maps and batched channels; the engine does it with actors, event time and checkpoints to sled
//! every second. Both run in turn, several times; what counts is the median of the ratios. With `--peers`, the
//! program of `tests/bench/peers`, other engines run in the same rounds.

use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use tidegate_tests::bench::aside::{Aside, PEERS};
use tidegate_tests::bench::{engine, floor, median};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Keyed count beside its floor.
#[derive(Parser)]
struct Args {
    /// Records per run
    #[arg(long, default_value_t = 50_000_000)]
    records: u64,
    /// Distinct keys
    #[arg(long, default_value_t = 1_000_000)]
    keys: u64,
    /// Sources and counters
    #[arg(long, default_value_t = 2)]
    parallelism: u32,
    /// Milliseconds between checkpoints
    #[arg(long, default_value_t = 1000)]
    checkpoint_ms: i64,
    /// Pairs of runs
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Only the engine, for a profiler
    #[arg(long)]
    engine_only: bool,
    /// The program with the other engines [default: without them]
    #[arg(long)]
    peers: Option<PathBuf>,
}

impl Args {
    /// Runs the other engines once.
    fn run_peers(&self, peers: &mut [Aside], checksum: u64) -> Result<(), String> {
        let Some(program) = &self.peers else { return Ok(()) };
        let Self { records, keys, parallelism, .. } = self;
        let args = format!("count --events {records} --keys {keys} --parallelism {parallelism}");
        let args: Vec<String> = args.split(' ').map(str::to_owned).collect();
        for peer in peers {
            peer.run(program, &args)?;
            assert_eq!(peer.last["checksum"], checksum, "{} counts alike", peer.name);
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let Args { records, keys, parallelism, checkpoint_ms, rounds, engine_only, .. } = args;
    let mut peers: Vec<Aside> = args.peers.iter().flat_map(|_| PEERS.map(Aside::new)).collect();
    let (mut floors, mut engines, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let (mut floor_cpu, mut engine_cpu) = (Vec::new(), Vec::new());
    let mut last = None;
    for _ in 0..rounds {
        let count = engine::Count { records, keys, parallelism, checkpoint_ms };
        let run = match engine::keyed_count(&count) {
            Ok(run) => run,
            Err(error) => {
                eprintln!("error: {error}");
                return ExitCode::FAILURE;
            }
        };
        engines.push(run.records_per_second);
        engine_cpu.push(run.cpu_ns);
        if !engine_only {
            let floor = floor::keyed_count(records, keys, parallelism as usize);
            assert_eq!(floor.checksum, run.checksum, "the engine and its floor count alike");
            floors.push(floor.records_per_second);
            floor_cpu.push(floor.cpu_ns);
            ratios.push(run.records_per_second / floor.records_per_second);
        }
        if let Err(error) = args.run_peers(&mut peers, run.checksum) {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
        last = Some(run);
    }
    let Some(last) = last else { return ExitCode::SUCCESS };
    let mut json = serde_json::json!({
        "bench": "keyed-count",
        "records": records,
        "keys": keys,
        "parallelism": parallelism,
        "engine_records_per_second": median(&mut engines),
        "floor_records_per_second": median(&mut floors),
        "ratio": median(&mut ratios),
        "engine_cpu_ns_per_record": median(&mut engine_cpu),
        "floor_cpu_ns_per_record": median(&mut floor_cpu),
        "checkpoints": last.checkpoints,
        "checkpoint_bytes": last.checkpoint_bytes,
        "checkpoint_ms": last.checkpoint_ms,
        "audit": last.audit,
        "peak_rss_bytes": last.peak_rss_bytes,
    });
    if let Some(line) = json.as_object_mut() {
        peers.iter_mut().for_each(|peer| peer.tell(line));
    }
    println!("{json}");
    ExitCode::SUCCESS
}
