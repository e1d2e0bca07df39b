//! Patterns beside their floor: records per second and core through the operator alone.
//!
//! Keys are drawn uniformly, a quarter of the records each is an `a`, a `b`, a `c` or none of them; event
//! time is in order. `followed-by` looks for `a followed by b`, `one-or-more` for `a b+ c` with as many `b`
//! as there are and matches that do not overlap, both within ten seconds, in which a million records
//! come. The *floor* is what one would write by hand for just this pattern: one hash table of the open
//! `a`, and a queue of keys in the order of time, for a stream that is never out of order and needs no
//! snapshot. Both emit all their rows; the rows are compared by count and sum.

use clap::Parser;
use hashbrown::hash_table::{Entry, HashTable};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use tidegate_core::element::{Batch, Record};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, Context, Operator, Progress};
use tidegate_core::time::Timestamp;
use tidegate_operators::cep::{AfterMatchSkip, Cep, Matched, Pattern};
use tidegate_tests::bench::median;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Records of a batch, as in a job.
const BATCH: u64 = 1024;

/// Batches between two watermarks.
const BATCHES: u64 = 2;

/// Records per millisecond of event time.
const PER_MS: u64 = 100;

/// How long a match may take.
const WITHIN_MS: i64 = 10_000;

/// Patterns, records per second and core.
#[derive(Parser)]
struct Args {
    /// Records per run
    #[arg(long, default_value_t = 20_000_000)]
    records: u64,
    /// Distinct keys
    #[arg(long, default_value_t = 1_000_000)]
    keys: u64,
    /// Runs of each pattern
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// One pattern, by its name
    #[arg(long)]
    only: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    A,
    B,
    C,
    Other,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Event {
    key: u64,
    number: u64,
    kind: Kind,
}

impl Args {
    fn record(&self, number: u64) -> Record<Event> {
        let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let key = (((mixed >> 32) * self.keys) >> 32).min(self.keys - 1);
        let kind = [Kind::A, Kind::B, Kind::C, Kind::Other][(mixed & 3) as usize];
        let timestamp = Timestamp((number / PER_MS) as i64);
        Record { value: Event { key, number, kind }, timestamp, key_hash: key.stable_hash() }
    }

    /// Batches, and the watermark behind them; behind the last ones the end of time.
    fn batches(&self, from: u64) -> ([Vec<Record<Event>>; BATCHES as usize], Timestamp) {
        let batches = std::array::from_fn(|batch| {
            let from = from + batch as u64 * BATCH;
            (from..from + BATCH).map(|number| self.record(number)).collect()
        });
        let behind = from + BATCHES * BATCH;
        let is_last = behind >= self.records;
        (batches, if is_last { Timestamp::MAX } else { Timestamp((behind / PER_MS) as i64 - 1) })
    }
}

/// The number of the `a`, the sum of those between, and the number of the last.
type Row = [u64; 3];

/// What came out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rows {
    count: u64,
    sum: u64,
}

impl Rows {
    fn add(&mut self, row: &Row) {
        let number = |so_far: u64, number: &u64| so_far.wrapping_mul(3).wrapping_add(*number);
        self.count += 1;
        self.sum = self.sum.wrapping_add(row.iter().fold(0, number));
    }
}

/// Records per second, and the rows.
type Ran = (f64, Rows);

fn engine(args: &Args, pattern: &Pattern<Event>) -> Result<Ran, BoxError> {
    let row = |_: &u64, matched: &Matched<'_, Event>| -> Row {
        let mut numbers = matched.iter().map(|(_, event)| event.number);
        let (first, last) = (numbers.next(), numbers.next_back());
        [first.unwrap_or(0), numbers.sum(), last.unwrap_or(0)]
    };
    let mut cep = Cep::new(pattern)?.into_operator(|event| event.key, row);
    let (mut ctx, mut rows) = (Context::new(BATCH as usize), Rows::default());
    let take = |ctx: &mut Context<_>, rows: &mut Rows| {
        ctx.take().iter().for_each(|row| rows.add(&row.value));
    };
    let mut busy = Duration::ZERO;
    for from in (0..args.records).step_by((BATCHES * BATCH) as usize) {
        let (batches, watermark) = args.batches(from);
        let started = Instant::now();
        for records in batches {
            let mut batch = Batch::new(records, Vec::new());
            cep.process(&mut batch, &mut ctx)?;
        }
        ctx.set_time(watermark, Timestamp::MIN);
        while cep.on_watermark(watermark, &mut ctx)? == Progress::More {
            take(&mut ctx, &mut rows);
        }
        take(&mut ctx, &mut rows);
        busy += started.elapsed();
    }
    Ok((args.records as f64 / busy.as_secs_f64(), rows))
}

/// What is open under one key.
#[derive(Default)]
struct Open {
    key: u64,
    /// The time and number of each `a` that is not over.
    starts: VecDeque<(i64, u64)>,
    /// The numbers of the `b` behind the first of them.
    between: Vec<u64>,
}

impl Open {
    fn expire(&mut self, now: i64) {
        while self.starts.pop_front_if(|start| start.0 + WITHIN_MS <= now).is_some() {}
        let first = self.starts.front().map_or(u64::MAX, |start| start.1);
        if self.between.first().is_some_and(|number| *number < first) {
            self.between.retain(|number| *number > first);
        }
    }
}

/// The floor's state.
#[derive(Default)]
struct Floor {
    /// Whether `b` may repeat and a `c` must come.
    loops: bool,
    table: HashTable<Open>,
    /// When which key's first `a` is over.
    queue: VecDeque<(i64, u64, u64)>,
    out: Vec<Row>,
}

impl Floor {
    fn record(&mut self, Record { value, timestamp, key_hash }: &Record<Event>) {
        let (Event { key, number, kind }, at) = (*value, timestamp.millis());
        match (kind, self.loops) {
            (Kind::A, _) => {
                let open = match self.entry(*key_hash, key) {
                    Entry::Occupied(there) => there.into_mut(),
                    Entry::Vacant(free) => free.insert(Open { key, ..Open::default() }).into_mut(),
                };
                open.starts.push_back((at, number));
                self.queue.push_back((at + WITHIN_MS, *key_hash, key));
            }
            (Kind::B, true) => {
                if let Some(open) = self.table.find_mut(*key_hash, |open| open.key == key) {
                    open.between.push(number);
                }
            }
            (Kind::B, false) | (Kind::C, true) => self.end(*key_hash, key, at, number),
            (Kind::C, false) | (Kind::Other, _) => {}
        }
    }

    fn entry(&mut self, hash: u64, key: u64) -> Entry<'_, Open> {
        self.table.entry(hash, |open| open.key == key, |open| open.key.stable_hash())
    }

    /// Emits what ends with this record.
    fn end(&mut self, hash: u64, key: u64, at: i64, number: u64) {
        let Ok(mut there) = self.table.find_entry(hash, |open| open.key == key) else { return };
        let open = there.get_mut();
        open.expire(at);
        if self.loops {
            let Some((_, first)) = open.starts.front() else { return };
            if open.between.is_empty() {
                return;
            }
            self.out.push([*first, open.between.iter().sum(), number]);
        } else {
            self.out.extend(open.starts.iter().map(|(_, first)| [*first, 0, number]));
        }
        there.remove();
    }

    fn expire(&mut self, watermark: i64) {
        while let Some((_, hash, key)) = self.queue.pop_front_if(|next| next.0 <= watermark) {
            let Ok(mut there) = self.table.find_entry(hash, |open| open.key == key) else {
                continue;
            };
            there.get_mut().expire(watermark);
            if there.get().starts.is_empty() {
                there.remove();
            }
        }
    }
}

fn floor(args: &Args, loops: bool) -> Ran {
    let mut floor = Floor { loops, ..Floor::default() };
    let (mut rows, mut busy) = (Rows::default(), Duration::ZERO);
    for from in (0..args.records).step_by((BATCHES * BATCH) as usize) {
        let (batches, watermark) = args.batches(from);
        let started = Instant::now();
        batches.iter().flatten().for_each(|record| floor.record(record));
        floor.expire(watermark.millis());
        floor.out.drain(..).for_each(|row| rows.add(&row));
        busy += started.elapsed();
    }
    (args.records as f64 / busy.as_secs_f64(), rows)
}

/// The pattern of this name.
fn pattern(name: &str) -> Pattern<Event> {
    let kind = |pattern: Pattern<Event>, kind| pattern.is(move |event| event.kind == kind);
    let ab = kind(kind(Pattern::begin("a"), Kind::A).followed_by("b"), Kind::B);
    let pattern = match name {
        "one-or-more" => kind(ab.one_or_more().greedy().followed_by("c"), Kind::C)
            .after_match(AfterMatchSkip::past_last_event()),
        _ => ab,
    };
    pattern.within(WITHIN_MS)
}

fn main() -> Result<(), BoxError> {
    let args = Args::parse();
    for name in ["followed-by", "one-or-more"] {
        if args.only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let (mut engines, mut floors, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let mut rows = Rows::default();
        for _ in 0..args.rounds {
            let ran = engine(&args, &pattern(name))?;
            let by_hand = floor(&args, name == "one-or-more");
            assert_eq!(ran.1, by_hand.1, "the engine and its floor find the same");
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
