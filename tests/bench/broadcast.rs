//! The broadcast join beside its floor: records per second and core through the operator alone.
//!
//! Every record names one of twice as many attributes as there are rules, so half of them find their
//! rule; those come out with it. A rule changes with every batch of data. The *floor* is what one would
//! write by hand: a loop over the records and a hash map of the rules. Both emit all their rows; the rows
//! are compared by count and sum.

use clap::Parser;
use hashbrown::HashMap;
use std::time::{Duration, Instant};
use tidegate_core::element::{AnyBatch, Batch, Record};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, CoOperator, Context, Operator};
use tidegate_core::process::{
    BroadcastOperator, BroadcastProcess, DataSide, KeyedBroadcastProcess, KeyedContext,
    ProcessContext,
};
use tidegate_core::state::broadcast::BroadcastState;
use tidegate_core::state::{Keyed, StateVisitor};
use tidegate_core::time::Timestamp;
use tidegate_tests::bench::median;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Records of a batch, as in a job.
const BATCH: u64 = 1024;

/// Broadcast join, records per second and core.
#[derive(Parser)]
struct Args {
    /// Records of data per run
    #[arg(long, default_value_t = 50_000_000)]
    records: u64,
    /// Rules
    #[arg(long, default_value_t = 1_000)]
    rules: u64,
    /// Distinct keys of the data, where it has keys
    #[arg(long, default_value_t = 1_000_000)]
    keys: u64,
    /// Runs
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// A record: key, attribute, number.
type In = (u64, u64, u64);

/// A rule: attribute, and what follows from it.
type Rule = (u64, u64);

/// A record's number with what its rule says.
type Row = (u64, u64);

impl Args {
    fn batch(&self, from: u64) -> Vec<Record<In>> {
        let record = |number: u64| {
            let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let below = |bits: u64, limit: u64| ((bits & 0xffff_ffff) * limit) >> 32;
            let (key, attribute) = (below(mixed >> 32, self.keys), below(mixed, 2 * self.rules));
            let timestamp = Timestamp(number as i64);
            Record { value: (key, attribute, number), timestamp, key_hash: key.stable_hash() }
        };
        (from..from + BATCH).map(record).collect()
    }

    /// All rules, before the first batch.
    fn first_rules(&self) -> impl Iterator<Item = Rule> {
        (0..self.rules).map(|rule| (2 * rule, rule))
    }

    /// The rule that changes with the batch that begins at `from`.
    const fn change(&self, from: u64) -> Rule {
        (2 * (from / BATCH % self.rules), from)
    }
}

/// Finds the rule of each record.
struct Lookup;

impl BroadcastProcess for Lookup {
    type In = In;
    type Broadcast = Rule;
    type Rules = BroadcastState<u64, u64>;
    type Out = Row;

    fn process(
        &mut self,
        (_, attribute, number): In,
        rules: &Self::Rules,
        ctx: &mut ProcessContext<'_, Row>,
    ) -> Result<(), BoxError> {
        if let Some(rule) = rules.get(&attribute) {
            ctx.emit((number, *rule));
        }
        Ok(())
    }

    fn process_broadcast(
        &mut self,
        (attribute, rule): Rule,
        rules: &mut Self::Rules,
        _: &mut ProcessContext<'_, Row>,
    ) -> Result<(), BoxError> {
        rules.insert(attribute, rule);
        Ok(())
    }
}

impl KeyedBroadcastProcess for Lookup {
    type Key = u64;
    type In = In;
    type Broadcast = Rule;
    type Rules = BroadcastState<u64, u64>;
    type Out = Row;

    fn process(
        &mut self,
        _: Keyed<'_, u64>,
        (_, attribute, number): In,
        rules: &Self::Rules,
        ctx: &mut KeyedContext<'_, u64, Row>,
    ) -> Result<(), BoxError> {
        if let Some(rule) = rules.get(&attribute) {
            ctx.emit((number, *rule));
        }
        Ok(())
    }

    fn process_broadcast(
        &mut self,
        (attribute, rule): Rule,
        rules: &mut Self::Rules,
        _: &mut ProcessContext<'_, Row>,
    ) -> Result<(), BoxError> {
        rules.insert(attribute, rule);
        Ok(())
    }

    fn states(&mut self, _: &mut dyn StateVisitor) {}
}

/// What came out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rows {
    count: u64,
    sum: u64,
}

impl Rows {
    fn add(&mut self, (number, rule): Row) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(number.wrapping_mul(3).wrapping_add(rule));
    }
}

/// Records per second, and the rows.
type Ran = (f64, Rows);

fn engine<D>(args: &Args, mut join: BroadcastOperator<D>) -> Result<Ran, BoxError>
where
    D: DataSide<In = In, Broadcast = Rule, Out = Row>,
{
    let (mut ctx, mut rows) = (Context::new(BATCH as usize), Rows::default());
    let rule = |rule: Rule| Record::new(rule, Timestamp::MIN);
    let first = args.first_rules().map(rule).collect();
    join.process_second(&mut Batch::new(first, Vec::new()), &mut ctx)?;
    let mut busy = Duration::ZERO;
    for from in (0..args.records).step_by(BATCH as usize) {
        let data = args.batch(from);
        let started = Instant::now();
        let mut change = Batch::new(vec![rule(args.change(from))], Vec::new());
        join.process_second(&mut change, &mut ctx)?;
        let mut data = Batch::new(data, Vec::new());
        while data.open_records() > 0 {
            join.process(&mut data, &mut ctx)?;
            ctx.take().into_iter().for_each(|row| rows.add(row.value));
        }
        busy += started.elapsed();
    }
    Ok((args.records as f64 / busy.as_secs_f64(), rows))
}

fn floor(args: &Args) -> Ran {
    let mut rules: HashMap<u64, u64> = args.first_rules().collect();
    let (mut rows, mut busy) = (Rows::default(), Duration::ZERO);
    let mut out: Vec<(Row, Timestamp)> = Vec::new();
    for from in (0..args.records).step_by(BATCH as usize) {
        let data = args.batch(from);
        let started = Instant::now();
        let (attribute, rule) = args.change(from);
        rules.insert(attribute, rule);
        for Record { value: (_, attribute, number), timestamp, .. } in data {
            if let Some(rule) = rules.get(&attribute) {
                out.push(((number, *rule), timestamp));
            }
        }
        out.drain(..).for_each(|(row, _)| rows.add(row));
        busy += started.elapsed();
    }
    (args.records as f64 / busy.as_secs_f64(), rows)
}

fn main() -> Result<(), BoxError> {
    let args = Args::parse();
    for name in ["broadcast-join", "keyed-broadcast-join"] {
        let (mut engines, mut floors, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..args.rounds {
            let ran = if name == "broadcast-join" {
                engine(&args, BroadcastOperator::unkeyed(Lookup))?
            } else {
                engine(&args, BroadcastOperator::keyed(Lookup, |record: &In| record.0))?
            };
            let by_hand = floor(&args);
            assert_eq!(ran.1, by_hand.1, "the engine and its floor find the same rules");
            engines.push(ran.0);
            floors.push(by_hand.0);
            ratios.push(ran.0 / by_hand.0);
        }
        let json = serde_json::json!({
            "bench": name,
            "records": args.records,
            "rules": args.rules,
            "records_per_second_and_core": median(&mut engines).map(f64::round),
            "floor_records_per_second_and_core": median(&mut floors).map(f64::round),
            "ratio": median(&mut ratios),
        });
        println!("{json}");
    }
    Ok(())
}
