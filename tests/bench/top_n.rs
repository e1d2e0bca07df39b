//! The continuous TopN beside its floor: records per second and core through the operator alone.
//!
//! Keys are drawn uniformly, scores too: at first most records get into the ranking of their key, later few do. The
//! *floor* is what one would write by hand: a hash table with a sorted list per key, without snapshots.
//! Both emit all changes; these are compared by count and sum.

use clap::Parser;
use hashbrown::hash_table::{Entry, HashTable};
use std::time::{Duration, Instant};
use tidegate_core::changelog::Change;
use tidegate_core::element::{AnyBatch, Batch, Record};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, Context, Operator};
use tidegate_core::time::Timestamp;
use tidegate_operators::continuous_top_n::ContinuousTopN;
use tidegate_tests::bench::beside::{Ran, Rows, beside};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Records of a batch, as in a job.
const BATCH: u64 = 1024;

/// Continuous rankings, records per second and core.
#[derive(Parser)]
struct Args {
    /// Records per run
    #[arg(long, default_value_t = 10_000_000)]
    records: u64,
    /// Distinct keys
    #[arg(long, default_value_t = 1_000_000)]
    keys: u64,
    /// Rows of a ranking
    #[arg(long, default_value_t = 3)]
    n: usize,
    /// Runs of each
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// A record: its key and its score.
type In = (u64, u64);

impl Args {
    fn batch(&self, from: u64) -> Vec<Record<In>> {
        let record = |number: u64| {
            let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let (key, score) = (((mixed >> 32) * self.keys) >> 32, (mixed & 0xffff_ffff) ^ number);
            Record { value: (key, score), timestamp: Timestamp(1), key_hash: key.stable_hash() }
        };
        (from..from + BATCH).map(record).collect()
    }

    fn per_second(&self, busy: Duration) -> f64 {
        self.records.next_multiple_of(BATCH) as f64 / busy.as_secs_f64()
    }
}

/// What a change adds to the sum.
fn content<T>(change: &Change<T>, rank: u32, row: &In) -> u64 {
    let content = row.1.wrapping_mul(31).wrapping_add(rank.into());
    content.rotate_left(if change.is_addition() { 1 } else { 3 })
}

fn engine<O: Operator<In = In>>(
    args: &Args,
    mut top: O,
    sum: fn(&O::Out) -> u64,
) -> Result<Ran, BoxError> {
    let (mut ctx, mut rows) = (Context::new(BATCH as usize), Rows::default());
    let mut busy = Duration::ZERO;
    for from in (0..args.records).step_by(BATCH as usize) {
        let mut batch = Batch::new(args.batch(from), Vec::new());
        let started = Instant::now();
        while batch.open_records() > 0 {
            top.process(&mut batch, &mut ctx)?;
            ctx.take().iter().for_each(|row| rows.add(sum(&row.value)));
        }
        busy += started.elapsed();
    }
    Ok((args.per_second(busy), rows))
}

/// The rankings by hand: changes with their ranks, 0 where none are told.
struct Floor {
    n: usize,
    with_ranks: bool,
    table: HashTable<(u64, Vec<In>)>,
    out: Vec<(Change<()>, u32, In)>,
}

impl Floor {
    fn record(&mut self, record: &Record<In>) {
        let (key, score) = record.value;
        let rehash = |rows: &(u64, Vec<In>)| rows.0.stable_hash();
        let rows = match self.table.entry(record.key_hash, |rows| rows.0 == key, rehash) {
            Entry::Occupied(there) => &mut there.into_mut().1,
            Entry::Vacant(free) => &mut free.insert((key, Vec::new())).into_mut().1,
        };
        if rows.len() >= self.n && rows.last().is_some_and(|last| last.1 >= score) {
            return;
        }
        let place = rows.partition_point(|other| other.1 >= score);
        rows.insert(place, record.value);
        if self.with_ranks {
            for rank in place..rows.len().min(self.n) {
                let number = rank as u32 + 1;
                if let Some(before) = rows.get(rank + 1) {
                    self.out.push((Change::update_before(()), number, *before));
                    self.out.push((Change::update_after(()), number, rows[rank]));
                } else {
                    self.out.push((Change::insert(()), number, rows[rank]));
                }
            }
        } else {
            if let Some(pushed_out) = rows.get(self.n) {
                self.out.push((Change::delete(()), 0, *pushed_out));
            }
            self.out.push((Change::insert(()), 0, record.value));
        }
        rows.truncate(self.n);
    }
}

fn floor(args: &Args, with_ranks: bool) -> Ran {
    let (table, out) = (HashTable::new(), Vec::new());
    let mut floor = Floor { n: args.n, with_ranks, table, out };
    let (mut rows, mut busy) = (Rows::default(), Duration::ZERO);
    for from in (0..args.records).step_by(BATCH as usize) {
        let batch = args.batch(from);
        let started = Instant::now();
        batch.iter().for_each(|record| floor.record(record));
        floor.out.drain(..).for_each(|(change, rank, row)| rows.add(content(&change, rank, &row)));
        busy += started.elapsed();
    }
    (args.per_second(busy), rows)
}

fn main() -> Result<(), BoxError> {
    let args = Args::parse();
    let about = serde_json::json!({ "records": args.records, "keys": args.keys, "n": args.n });
    let top = || ContinuousTopN::largest(args.n, |row: &In| row.1);
    let ranks = || {
        engine(&args, top().ranked_rows(|row: &In| row.0), |change| {
            content(change, change.row.rank, &change.row.row)
        })
    };
    beside("top-n-with-ranks", args.rounds, &about, ranks, || floor(&args, true))?;
    let rows =
        || engine(&args, top().rows(|row: &In| row.0), |change| content(change, 0, &change.row));
    beside("top-n-without-ranks", args.rounds, &about, rows, || floor(&args, false))
}
