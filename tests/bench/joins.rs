//! Joins beside their floor: records per second and core through the operator alone.
//!
//! Records of both sides come in turn, keys drawn uniformly, event time in order; each record waits for so
//! long that about one is waiting per key and side, and windows are as long as that. The *floor* is what
//! one would write by hand for just this stream: one hash table with a list per side, and a queue of keys
//! in the order of time, for a stream that is never out of order and needs no snapshot; for a window join
//! the table of the window alone. Both emit all their rows; the rows are compared by count and sum.

use clap::Parser;
use hashbrown::hash_table::{Entry, HashTable};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use tidegate_core::element::{AnyBatch, Batch, Record};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, CoOperator, Context, Progress};
use tidegate_core::time::Timestamp;
use tidegate_operators::join::{Interval, IntervalJoin, JoinKind, Joined, OuterJoin, WindowJoin};
use tidegate_operators::window::Window;
use tidegate_tests::bench::median;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Records of a batch, as in a job.
const BATCH: u64 = 1024;

/// Records per millisecond of event time, both sides together.
const PER_MS: u64 = 100;

/// How many windows overlap in a sliding window join.
const SLICES: i64 = 10;

/// Joins, records per second and core.
#[derive(Parser)]
struct Args {
    /// Records per run, both sides together
    #[arg(long, default_value_t = 20_000_000)]
    records: u64,
    /// Distinct keys
    #[arg(long, default_value_t = 1_000_000)]
    keys: u64,
    /// Runs of each join
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// One join, by its name
    #[arg(long)]
    only: Option<String>,
}

/// A record: its key and its number.
type In = (u64, u64);

impl Args {
    /// How long each side waits: until about one record per key and side does.
    const fn waits_ms(&self) -> i64 {
        (self.keys * 2 / PER_MS) as i64
    }

    fn record(&self, number: u64) -> Record<In> {
        let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let key = (((mixed >> 32) * self.keys) >> 32).min(self.keys - 1);
        let timestamp = Timestamp((number / PER_MS) as i64);
        Record { value: (key, number), timestamp, key_hash: key.stable_hash() }
    }

    /// A batch of each side, and the watermark behind them.
    fn batches(&self, from: u64) -> ([Vec<Record<In>>; 2], Timestamp) {
        let side = |side: u64| (0..BATCH).map(move |n| self.record(from + 2 * n + side)).collect();
        let watermark = Timestamp(((from + 2 * BATCH) / PER_MS) as i64 - 1);
        ([side(0), side(1)], watermark)
    }
}

/// What came out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rows {
    count: u64,
    sum: u64,
}

impl Rows {
    fn add(&mut self, row: &Joined<In, In>) {
        let number = |side: Option<&In>| side.map_or(0, |(_, number)| *number + 1);
        self.count += 1;
        let sum = number(row.left()).wrapping_mul(3).wrapping_add(number(row.right()));
        self.sum = self.sum.wrapping_add(sum);
    }
}

/// Records per second, and the rows.
type Ran = (f64, Rows);

fn engine<O>(args: &Args, mut join: O) -> Result<Ran, BoxError>
where
    O: CoOperator<In = In, Second = In, Out = Joined<In, In>>,
{
    let (mut ctx, mut rows, mut busy) =
        (Context::new(BATCH as usize), Rows::default(), Duration::ZERO);
    let take = |ctx: &mut Context<_>, rows: &mut Rows| {
        ctx.take().iter().for_each(|row| rows.add(&row.value));
    };
    for from in (0..args.records).step_by(2 * BATCH as usize) {
        let ([left, right], watermark) = args.batches(from);
        let started = Instant::now();
        let (mut left, mut right) = (Batch::new(left, Vec::new()), Batch::new(right, Vec::new()));
        while left.open_records() > 0 {
            join.process(&mut left, &mut ctx)?;
            take(&mut ctx, &mut rows);
        }
        while right.open_records() > 0 {
            join.process_second(&mut right, &mut ctx)?;
            take(&mut ctx, &mut rows);
        }
        ctx.set_time(watermark, Timestamp::MIN);
        while join.on_watermark(watermark, &mut ctx)? == Progress::More {
            take(&mut ctx, &mut rows);
        }
        take(&mut ctx, &mut rows);
        busy += started.elapsed();
    }
    Ok((args.records as f64 / busy.as_secs_f64(), rows))
}

/// What waits under one key: `(time, number, matched)`, by side.
struct Waiting {
    key: u64,
    sides: [Vec<(i64, u64, bool)>; 2],
}

/// The floor's state.
struct Floor {
    waits_ms: i64,
    /// One to one, and what stays alone comes out.
    outer: bool,
    table: HashTable<Waiting>,
    /// When to look at which key, by side.
    queues: [VecDeque<(i64, u64, u64)>; 2],
    out: Vec<Joined<In, In>>,
}

impl Floor {
    fn record(&mut self, side: usize, record: &Record<In>) {
        let ((key, number), at) = (record.value, record.timestamp.millis());
        let hash = |waiting: &Waiting| waiting.key.stable_hash();
        let waiting = match self.table.entry(record.key_hash, |waiting| waiting.key == key, hash) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(free) => {
                free.insert(Waiting { key, sides: [Vec::new(), Vec::new()] }).into_mut()
            }
        };
        let pair = |other: u64| match side {
            0 => Joined::Both((key, number), (key, other)),
            _ => Joined::Both((key, other), (key, number)),
        };
        let other = &mut waiting.sides[1 - side];
        let partner = |other: &(i64, u64, bool)| at - other.0 <= self.waits_ms;
        if self.outer
            && let Some(first) = other.iter().position(partner)
        {
            self.out.push(pair(other.remove(first).1));
            return;
        }
        let mut matched = false;
        for other in other.iter_mut().filter(|other| partner(other)) {
            other.2 = true;
            matched = true;
            self.out.push(pair(other.1));
        }
        waiting.sides[side].push((at, number, matched));
        self.queues[side].push_back((at + self.waits_ms, record.key_hash, key));
    }

    fn expire(&mut self, watermark: i64) {
        for side in 0..2 {
            while let Some(&(due, hash, key)) = self.queues[side].front()
                && due <= watermark
            {
                self.queues[side].pop_front();
                let Ok(mut there) = self.table.find_entry(hash, |waiting| waiting.key == key)
                else {
                    continue;
                };
                let records = &mut there.get_mut().sides[side];
                if records.first().is_some_and(|(at, ..)| at + self.waits_ms <= watermark) {
                    let (_, number, matched) = records.remove(0);
                    if self.outer && !matched {
                        let alone = (key, number);
                        let row = [Joined::Left(alone), Joined::Right(alone)][side];
                        self.out.push(row);
                    }
                }
                if there.get().sides.iter().all(Vec::is_empty) {
                    there.remove();
                }
            }
        }
    }
}

fn floor(args: &Args, outer: bool) -> Ran {
    let (table, queues) = (HashTable::new(), [VecDeque::new(), VecDeque::new()]);
    let out = Vec::new();
    let mut floor = Floor { waits_ms: args.waits_ms(), outer, table, queues, out };
    let (mut rows, mut busy) = (Rows::default(), Duration::ZERO);
    for from in (0..args.records).step_by(2 * BATCH as usize) {
        let (sides, watermark) = args.batches(from);
        let started = Instant::now();
        for (side, records) in sides.iter().enumerate() {
            records.iter().for_each(|record| floor.record(side, record));
        }
        floor.expire(watermark.millis());
        floor.out.drain(..).for_each(|row| rows.add(&row));
        busy += started.elapsed();
    }
    (args.records as f64 / busy.as_secs_f64(), rows)
}

/// The window join by hand: the records of the open window, by key.
fn window_floor(args: &Args) -> Ran {
    let mut table: HashTable<(u64, [Vec<In>; 2])> = HashTable::new();
    let (mut rows, mut busy, mut end) = (Rows::default(), Duration::ZERO, args.waits_ms());
    let mut out = Vec::new();
    for from in (0..args.records).step_by(2 * BATCH as usize) {
        let (sides, watermark) = args.batches(from);
        let started = Instant::now();
        // A batch may lie in two windows.
        let border = end;
        for is_next in [false, true] {
            for (side, records) in sides.iter().enumerate() {
                for record in records.iter().filter(|r| (r.timestamp.millis() >= border) == is_next)
                {
                    let key = record.value.0;
                    let hash = |(key, _): &(u64, [Vec<In>; 2])| key.stable_hash();
                    let there = table.entry(record.key_hash, |(other, _)| *other == key, hash);
                    let sides = there.or_insert_with(|| (key, [Vec::new(), Vec::new()]));
                    sides.into_mut().1[side].push(record.value);
                }
            }
            if !is_next && watermark.millis() >= end - 1 {
                end += args.waits_ms();
                for (_, [left, right]) in table.drain() {
                    for one in &left {
                        out.extend(right.iter().map(|other| Joined::Both(*one, *other)));
                    }
                }
            }
        }
        out.drain(..).for_each(|row| rows.add(&row));
        busy += started.elapsed();
    }
    (args.records as f64 / busy.as_secs_f64(), rows)
}

/// What a sliding window join does by hand that keeps each record in every window it belongs to.
fn sliding_floor(args: &Args) -> Ran {
    let slide = args.waits_ms() / SLICES;
    let mut windows: VecDeque<HashTable<(u64, [Vec<In>; 2])>> = VecDeque::new();
    windows.resize_with(SLICES as usize, HashTable::new);
    let (mut rows, mut busy, mut end) = (Rows::default(), Duration::ZERO, slide);
    let mut out = Vec::new();
    for from in (0..args.records).step_by(2 * BATCH as usize) {
        let (sides, watermark) = args.batches(from);
        let started = Instant::now();
        let border = end;
        for is_next in [false, true] {
            for (side, records) in sides.iter().enumerate() {
                for record in records.iter().filter(|r| (r.timestamp.millis() >= border) == is_next)
                {
                    let key = record.value.0;
                    for table in &mut windows {
                        let hash = |(key, _): &(u64, [Vec<In>; 2])| key.stable_hash();
                        let there = table.entry(record.key_hash, |(other, _)| *other == key, hash);
                        let sides = there.or_insert_with(|| (key, [Vec::new(), Vec::new()]));
                        sides.into_mut().1[side].push(record.value);
                    }
                }
            }
            if !is_next && watermark.millis() >= end - 1 {
                end += slide;
                let mut table = windows.pop_front().unwrap_or_default();
                for (_, [left, right]) in table.drain() {
                    for one in &left {
                        out.extend(right.iter().map(|other| Joined::Both(*one, *other)));
                    }
                }
                windows.push_back(table);
            }
        }
        out.drain(..).for_each(|row| rows.add(&row));
        busy += started.elapsed();
    }
    (args.records as f64 / busy.as_secs_f64(), rows)
}

/// Runs a join once, and its floor.
fn run(args: &Args, name: &str) -> Result<[Ran; 2], BoxError> {
    let waits = args.waits_ms();
    let key = |record: &In| record.0;
    Ok(match name {
        "window-join" => {
            let join = WindowJoin::new(Window::tumbling(waits));
            let join = join.into_operator(key, key, |_, pair| pair.cloned())?;
            [engine(args, join)?, window_floor(args)]
        }
        "sliding-window-join" => {
            let join = WindowJoin::new(Window::sliding(waits, waits / SLICES));
            let join = join.into_operator(key, key, |_, pair| pair.cloned())?;
            [engine(args, join)?, sliding_floor(args)]
        }
        "full-outer-join" => {
            let join = OuterJoin::waiting(waits, waits).kind(JoinKind::Full);
            [engine(args, join.into_operator(key, key))?, floor(args, true)]
        }
        _ => {
            let join = IntervalJoin::new(Interval::between(-waits, waits))?;
            [engine(args, join.into_operator(key, key))?, floor(args, false)]
        }
    })
}

fn main() -> Result<(), BoxError> {
    let args = Args::parse();
    for name in ["interval-join", "full-outer-join", "window-join", "sliding-window-join"] {
        if args.only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let (mut engines, mut floors, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let mut rows = Rows::default();
        for _ in 0..args.rounds {
            let [ran, by_hand] = run(&args, name)?;
            assert_eq!(ran.1, by_hand.1, "the engine and its floor join alike");
            rows = ran.1;
            engines.push(ran.0);
            floors.push(by_hand.0);
            ratios.push(ran.0 / by_hand.0);
        }
        let json = serde_json::json!({
            "bench": name,
            "records": args.records,
            "keys": args.keys,
            "rows": rows.count,
            "records_per_second_and_core": median(&mut engines).map(f64::round),
            "floor_records_per_second_and_core": median(&mut floors).map(f64::round),
            "ratio": median(&mut ratios),
        });
        println!("{json}");
    }
    Ok(())
}
