//! Joins without a window whose rows are kept for a time: who meets whom, and that nothing stays.

use super::applied::results;
use super::chance::{Row, rows};
use super::join::{Changes, key, kinds, run};
use proptest::prelude::*;
use std::collections::HashSet;
use tidegate_core::changelog::Change;
use tidegate_core::element::{Batch, Record};
use tidegate_core::key::Key;
use tidegate_core::operator::{CoOperator, Context};
use tidegate_core::time::Timestamp;
use tidegate_operators::Retain;
use tidegate_operators::join::{Joined, UnboundedJoin};
use tidegate_tests::harness::{TwoInputStep, TwoInputs};

/// How long rows are kept, in milliseconds.
const KEPT: i64 = 10;

#[derive(Clone, Copy, Debug)]
enum Event {
    Row { left: bool, row: Row },
    Retract { left: bool, row: Row },
    Clock { by: i64 },
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let row = || (any::<bool>(), rows());
    let event = prop_oneof![
        4 => row().prop_map(|(left, row)| Event::Row { left, row }),
        1 => row().prop_map(|(left, row)| Event::Retract { left, row }),
        2 => (1..6i64).prop_map(|by| Event::Clock { by }),
    ];
    proptest::collection::vec(event, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn records_meet_those_that_came_within_the_time(events in events()) {
        let (mut clock, mut steps, mut expected) = (0, Vec::new(), Vec::new());
        let mut came: Vec<(bool, Row, i64)> = Vec::new();
        for event in &events {
            match *event {
                Event::Clock { by } => {
                    clock += by;
                    steps.push(TwoInputStep::ProcessingTime(clock));
                    expected.push(format!("P {clock}"));
                }
                Event::Row { left, row } | Event::Retract { left, row } => {
                    let there = came.iter().filter(|(other_left, other, at)| {
                        *other_left != left && key(other) == key(&row) && at + KEPT > clock
                    });
                    let pair = |other: Row| if left { (row, other) } else { (other, row) };
                    expected.extend(there.map(|(_, other, _)| format!("{:?} @7", pair(*other))));
                    came.push((left, row, clock));
                    steps.push(if left { TwoInputStep::First(row, 7) } else { TwoInputStep::Second(row, 7) });
                }
            }
        }
        clock += KEPT;
        steps.push(TwoInputStep::ProcessingTime(clock));
        expected.push(format!("P {clock}"));
        let make = || UnboundedJoin::inner(Retain::For(KEPT), key, key);
        let outcome = TwoInputs::new(make, key, key).run(&steps);
        prop_assert_eq!(outcome.lines, expected);
        prop_assert_eq!((outcome.entries, outcome.totals.dropped), (0, came.len() as u64));
    }

    #[test]
    fn where_one_comes_once_the_many_wait_for_it_only(events in events(), kept in prop_oneof![Just(KEPT), Just(1_000)]) {
        let (mut clock, mut steps, mut expected) = (0, Vec::new(), Vec::new());
        let (mut waiting, mut ones) = (Vec::<(Row, i64)>::new(), Vec::<(Row, i64)>::new());
        let (mut dropped, mut paired) = (0, 0);
        for event in &events {
            match *event {
                Event::Clock { by } => {
                    clock += by;
                    steps.push(TwoInputStep::ProcessingTime(clock));
                    expected.push(format!("P {clock}"));
                    let there = waiting.len() + ones.len();
                    waiting.retain(|(_, at)| at + kept > clock);
                    ones.retain(|(_, at)| at + kept > clock);
                    dropped += there - waiting.len() - ones.len();
                }
                Event::Row { left: true, row } | Event::Retract { left: true, row } => {
                    steps.push(TwoInputStep::First(row, 7));
                    match ones.iter().find(|(one, _)| key(one) == key(&row)) {
                        Some((one, _)) => expected.push(format!("{:?} @7", (row, *one))),
                        None => waiting.push((row, clock)),
                    }
                }
                Event::Row { left: false, row } | Event::Retract { left: false, row } => {
                    steps.push(TwoInputStep::Second(row, 7));
                    if ones.iter().any(|(one, _)| key(one) == key(&row)) {
                        dropped += 1;
                        continue;
                    }
                    ones.push((row, clock));
                    let of_it = waiting.extract_if(.., |(many, _)| key(many) == key(&row));
                    let pairs = of_it.map(|(many, _)| format!("{:?} @7", (many, row)));
                    expected.extend(pairs.inspect(|_| paired += 1));
                }
            }
        }
        let make = move || UnboundedJoin::many_to_one(Retain::For(kept), key, key);
        let outcome = TwoInputs::new(make, key, key).run(&steps);
        prop_assert_eq!(outcome.lines, expected, "{} waited", paired);
        let keys: HashSet<u8> = waiting.iter().chain(&ones).map(|(row, _)| key(row)).collect();
        let keys = keys.len() as u64;
        prop_assert_eq!((outcome.entries, outcome.totals.dropped), (keys, dropped as u64));
    }

    #[test]
    fn what_was_never_said_is_never_taken_back_and_nothing_stays(kind in kinds(), events in events()) {
        let (mut clock, mut steps) = (0, Vec::<Changes>::new());
        for (at, event) in (1..).zip(&events) {
            steps.push(match *event {
                Event::Clock { by } => {
                    clock += by;
                    TwoInputStep::ProcessingTime(clock)
                }
                Event::Row { left: true, row } => TwoInputStep::First(Change::insert(row), at),
                Event::Row { left: false, row } => TwoInputStep::Second(Change::insert(row), at),
                Event::Retract { left: true, row } => TwoInputStep::First(Change::delete(row), at),
                Event::Retract { left: false, row } => TwoInputStep::Second(Change::delete(row), at),
            });
        }
        steps.push(TwoInputStep::ProcessingTime(clock + KEPT));
        let outcome = run(kind, Retain::For(KEPT), &steps);
        // Applying the changes fails on the first one that breaks the laws.
        results::<Joined<Row, Row>>(&outcome.lines);
        prop_assert_eq!(outcome.entries, 0);
    }
}

/// Few enough for a test, many times what an output holds.
const MANY: u64 = 50_000;

#[test]
fn a_row_with_very_many_partners_fills_the_output_again_and_again() {
    let key = |_: &u64| ();
    fills(UnboundedJoin::inner(Retain::For(KEPT), key, key));
    fills(UnboundedJoin::many_to_one(Retain::Forever, key, key));
}

fn fills(mut join: impl CoOperator<In = u64, Second = u64, Out = (u64, u64)>) {
    let record = |row: u64| Record { key_hash: ().stable_hash(), ..Record::new(row, Timestamp(1)) };
    let mut ctx = Context::new(1024);
    let mut left = Batch::new((0..MANY).map(record).collect(), Vec::new());
    join.process(&mut left, &mut ctx).expect("it works");
    assert!(ctx.take().is_empty());
    let (mut right, mut pairs) = (Batch::new(vec![record(7)], Vec::new()), Vec::new());
    while pairs.len() < MANY as usize {
        join.process_second(&mut right, &mut ctx).expect("it works");
        let taken = ctx.take();
        assert!(!taken.is_empty() && taken.len() <= 1024);
        pairs.extend(taken.into_iter().map(|pair| pair.value));
    }
    assert!(pairs.into_iter().eq((0..MANY).map(|row| (row, 7))));
}
