//! The unbounded join beside its floor: records per second and core through the operator alone.
//!
//! The stream is that of Nexmark's third query: of four records one is a person, each with an id of its
//! own, and three are auctions, whose sellers are drawn from all persons there are or, one in eight, are
//! still to come. The *floor* is what one would write by hand for just this stream: two hash tables, a list of auctions per
//! seller and one person per id, without snapshots. Both keep everything and emit all pairs; the pairs are compared by
//! count and sum.

use clap::Parser;
use hashbrown::hash_table::{Entry, HashTable};
use std::time::{Duration, Instant};
use tidegate_core::changelog::Change;
use tidegate_core::element::{AnyBatch, Batch, Record};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, CoOperator, Context};
use tidegate_core::time::Timestamp;
use tidegate_operators::Retain;
use tidegate_operators::join::{JoinKind, UnboundedJoin};
use tidegate_tests::bench::beside::{Ran, Rows, beside};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Auctions of a batch.
const AUCTIONS: u64 = 1024;

/// Persons that come with them.
const PERSONS: u64 = AUCTIONS / 3;

/// Unbounded joins, records per second and core.
#[derive(Parser)]
struct Args {
    /// Records per run, both sides together
    #[arg(long, default_value_t = 6_000_000)]
    records: u64,
    /// Runs of each join
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// A record: its key and its number.
type In = (u64, u64);

fn mixed(number: u64) -> u64 {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32
}

fn record((key, number): In) -> Record<In> {
    let timestamp = Timestamp((number / 100) as i64);
    Record { value: (key, number), timestamp, key_hash: key.stable_hash() }
}

/// The auctions and persons of a round.
fn round(round: u64) -> [Vec<Record<In>>; 2] {
    let persons = (round * PERSONS..(round + 1) * PERSONS).map(|id| record((id, id)));
    let range = (round + 1) * PERSONS * 8 / 7;
    let auctions = (round * AUCTIONS..(round + 1) * AUCTIONS)
        .map(|number| record(((mixed(number) * range) >> 32, number)));
    [auctions.collect(), persons.collect()]
}

const fn pair(auction: &In, person: &In) -> u64 {
    auction.1.wrapping_mul(3).wrapping_add(person.1)
}

fn rounds(args: &Args) -> std::ops::Range<u64> {
    0..args.records / (AUCTIONS + PERSONS)
}

fn per_second(args: &Args, busy: Duration) -> f64 {
    (rounds(args).end * (AUCTIONS + PERSONS)) as f64 / busy.as_secs_f64()
}

fn engine<O: CoOperator>(
    args: &Args,
    mut join: O,
    auction: fn(In) -> O::In,
    person: fn(In) -> O::Second,
    sum: fn(&O::Out) -> u64,
) -> Result<Ran, BoxError> {
    let (mut ctx, mut rows) = (Context::new(AUCTIONS as usize), Rows::default());
    let mut busy = Duration::ZERO;
    let take = |ctx: &mut Context<_>, rows: &mut Rows| {
        ctx.take().iter().for_each(|row| rows.add(sum(&row.value)));
    };
    for number in rounds(args) {
        let [auctions, persons] = round(number);
        let mut auctions = wrapped(auctions, auction);
        let mut persons = wrapped(persons, person);
        let started = Instant::now();
        while auctions.open_records() > 0 {
            join.process(&mut auctions, &mut ctx)?;
            take(&mut ctx, &mut rows);
        }
        while persons.open_records() > 0 {
            join.process_second(&mut persons, &mut ctx)?;
            take(&mut ctx, &mut rows);
        }
        busy += started.elapsed();
    }
    Ok((per_second(args, busy), rows))
}

fn wrapped<T>(records: Vec<Record<In>>, wrap: fn(In) -> T) -> Batch<T> {
    let wrapped = records.into_iter().map(|Record { value, timestamp, key_hash }| Record {
        value: wrap(value),
        timestamp,
        key_hash,
    });
    Batch::new(wrapped.collect(), Vec::new())
}

/// The auctions of a seller, and the persons of an id.
#[derive(Default)]
struct Floor {
    auctions: HashTable<(u64, Vec<In>)>,
    persons: HashTable<In>,
    out: Vec<(In, In)>,
}

impl Floor {
    fn auction(&mut self, record: &Record<In>) {
        let (seller, hash) = (record.value.0, record.key_hash);
        if let Some(person) = self.persons.find(hash, |person| person.0 == seller) {
            self.out.push((record.value, *person));
        }
        let rehash = |auctions: &(u64, Vec<In>)| auctions.0.stable_hash();
        match self.auctions.entry(hash, |auctions| auctions.0 == seller, rehash) {
            Entry::Occupied(mut there) => there.get_mut().1.push(record.value),
            Entry::Vacant(free) => drop(free.insert((seller, vec![record.value]))),
        }
    }

    fn person(&mut self, record: &Record<In>) {
        let (id, hash) = (record.value.0, record.key_hash);
        if let Some((_, auctions)) = self.auctions.find(hash, |auctions| auctions.0 == id) {
            self.out.extend(auctions.iter().map(|auction| (*auction, record.value)));
        }
        self.persons.insert_unique(hash, record.value, |person| person.0.stable_hash());
    }
}

fn floor(args: &Args) -> Ran {
    let (mut floor, mut rows, mut busy) = (Floor::default(), Rows::default(), Duration::ZERO);
    for number in rounds(args) {
        let [auctions, persons] = round(number);
        let started = Instant::now();
        auctions.iter().for_each(|auction| floor.auction(auction));
        persons.iter().for_each(|person| floor.person(person));
        floor.out.drain(..).for_each(|(auction, person)| rows.add(pair(&auction, &person)));
        busy += started.elapsed();
    }
    (per_second(args, busy), rows)
}

fn main() -> Result<(), BoxError> {
    let args = Args::parse();
    let about = serde_json::json!({ "records": args.records });
    let key = |record: &In| record.0;
    let records = || {
        let join = UnboundedJoin::inner(Retain::Forever, key, key);
        engine(&args, join, |record| record, |record| record, |(left, right)| pair(left, right))
    };
    beside("unbounded-join", args.rounds, &about, records, || floor(&args))?;
    let changes = || {
        let join = UnboundedJoin::new(JoinKind::Inner, Retain::Forever).of_changelogs(key, key);
        engine(&args, join, Change::insert, Change::insert, |change| {
            let (left, right) = (change.row.left(), change.row.right());
            left.zip(right).map_or(0, |(left, right)| pair(left, right))
        })
    };
    beside("unbounded-join-of-changelogs", args.rounds, &about, changes, || floor(&args))
}
