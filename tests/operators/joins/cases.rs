//! Joins, case by case.

use tidegate_core::element::{Batch, Record};
use tidegate_core::key::Key;
use tidegate_core::operator::{CoOperator, Context, Operator, OutputTag, Progress};
use tidegate_core::time::Timestamp;
use tidegate_operators::join::{
    Interval, IntervalJoin, IntervalJoinOperator, JoinKind, OuterJoin, OuterJoinOperator, Pairing,
};
use tidegate_tests::harness::{TwoInputStep, TwoInputStep::*, TwoInputs};

type In = (u8, char);

fn key(record: &In) -> u8 {
    record.0
}

fn interval(interval: Interval, kind: JoinKind) -> TwoInputs<IntervalJoinOperator<u8, In, In>> {
    let make =
        move || IntervalJoin::new(interval).expect("valid").kind(kind).into_operator(key, key);
    TwoInputs::new(make, key, key)
}

fn outer(join: &OuterJoin<In, In>) -> TwoInputs<OuterJoinOperator<u8, In, In>> {
    let join = join.clone();
    TwoInputs::new(move || join.clone().into_operator(key, key), key, key)
}

#[test]
fn bounds_are_to_the_millisecond_and_can_be_left_out() {
    let steps: [TwoInputStep<In, In>; 5] = [
        First((1, 'l'), 10),
        Second((1, 'a'), 8),
        Second((1, 'b'), 11),
        Second((2, 'c'), 10),
        Watermark(50),
    ];
    let both = Interval::between(-2, 1);
    let (early, late) = ("Both((1, 'l'), (1, 'a')) @10", "Both((1, 'l'), (1, 'b')) @11");
    interval(both, JoinKind::Inner).check(&steps, &[early, late, "W 50"]);
    let exclusive = both.lower_bound_exclusive();
    interval(exclusive, JoinKind::Inner).check(&steps, &[late, "W 50"]);
    let exclusive = both.upper_bound_exclusive();
    interval(exclusive, JoinKind::Inner).check(&steps, &[early, "W 50"]);
}

#[test]
fn an_interval_without_a_pair_is_refused_in_words() {
    let empty = Interval::between(3, 3).upper_bound_exclusive();
    let error = IntervalJoin::<u8, u8>::new(empty).expect_err("there is no pair");
    assert_eq!(
        error.to_string(),
        "a join between 3 ms and 2 ms, both included, has no pairs: the lower bound must not be \
         above the upper one"
    );
}

#[test]
fn a_record_without_a_timestamp_is_an_error_on_either_side() {
    let harness = interval(Interval::between(0, 1), JoinKind::Inner);
    for step in [First((1, 'l'), i64::MIN), Second((1, 'r'), i64::MIN)] {
        assert!(harness.failure(&[step]).contains("assign timestamps at the source"));
    }
}

#[test]
fn what_stays_alone_comes_when_that_is_certain_and_no_sooner() {
    let steps: [TwoInputStep<In, In>; 7] = [
        First((1, 'l'), 10),
        Second((2, 'r'), 10),
        Watermark(11),
        Watermark(12),
        FirstWatermark(20),
        SecondWatermark(14),
        SecondWatermark(15),
    ];
    let harness = interval(Interval::between(-2, 5), JoinKind::Full);
    let expected = ["W 11", "Right((2, 'r')) @12", "W 12", "W 14", "Left((1, 'l')) @15", "W 15"];
    harness.check(&steps, &expected);
    let left = interval(Interval::between(-2, 5), JoinKind::Left);
    left.check(&steps, &["W 11", "W 12", "W 14", "Left((1, 'l')) @15", "W 15"]);
}

#[test]
fn late_records_without_a_side_output_are_counted_as_dropped() {
    let harness = interval(Interval::between(0, 9), JoinKind::Full);
    let outcome = harness.run(&[Watermark(10), First((1, 'l'), 10), Second((1, 'r'), 9)]);
    assert_eq!(outcome.lines, ["W 10"]);
    assert_eq!((outcome.totals.late, outcome.totals.dropped), (2, 2));
}

#[test]
fn a_record_has_as_many_partners_as_the_pairing_says() {
    let steps: [TwoInputStep<In, In>; 5] = [
        First((1, 'a'), 10),
        First((1, 'b'), 11),
        Second((1, 'x'), 12),
        Second((1, 'y'), 13),
        Watermark(99),
    ];
    let pair = |l: char, r: char, at: i64| format!("Both((1, '{l}'), (1, '{r}')) @{at}");
    let (ax, bx, by) = (pair('a', 'x', 12), pair('b', 'x', 12), pair('b', 'y', 13));
    let ay = pair('a', 'y', 13);
    let end = "W 99".to_owned();
    for (pairing, expected) in [
        (Pairing::OneToOne, vec![&ax, &by, &end]),
        (Pairing::OneToMany, vec![&ax, &ay, &"Left((1, 'b')) @21".to_owned(), &end]),
        (Pairing::ManyToOne, vec![&ax, &bx, &"Right((1, 'y')) @23".to_owned(), &end]),
        (Pairing::ManyToMany, vec![&ax, &bx, &ay, &by, &end]),
    ] {
        let expected: Vec<&str> = expected.into_iter().map(String::as_str).collect();
        outer(&OuterJoin::waiting(10, 10).pairing(pairing)).check(&steps, &expected);
    }
}

#[test]
fn by_the_wall_clock_a_record_waits_from_its_arrival() {
    let none = i64::MIN;
    let steps: [TwoInputStep<In, In>; 8] = [
        First((1, 'a'), none),
        Second((2, 'x'), 500),
        ProcessingTime(3),
        ProcessingTime(5),
        First((2, 'b'), 400),
        Second((1, 'y'), none),
        ProcessingTime(7),
        End,
    ];
    let alone = format!("Right((2, 'x')) @{none}");
    let matched = format!("Both((1, 'a'), (1, 'y')) @{none}");
    let rest = format!("Left((2, 'b')) @{none}");
    let expected = ["P 3", &alone, "P 5", &matched, "P 7", &rest, "End"];
    outer(&OuterJoin::waiting(6, 4).processing_time()).check(&steps, &expected);
}

/// Few enough for a test, many times what an output holds.
const MANY: u64 = 100_000;

fn record(value: u64, at: i64) -> Record<u64> {
    Record { value, timestamp: Timestamp(at), key_hash: ().stable_hash() }
}

#[test]
fn a_record_with_very_many_partners_fills_the_output_again_and_again() {
    let join = IntervalJoin::new(Interval::between(0, 10)).expect("valid").kind(JoinKind::Full);
    let mut join = join.into_operator(|_: &u64| (), |_: &u64| ());
    let mut ctx = Context::new(1024);
    let left = (0..MANY).map(|n| record(n, 100 + n as i64 % 10)).collect();
    join.process(&mut Batch::new(left, Vec::new()), &mut ctx).expect("it works");
    assert!(ctx.take().is_empty());
    let mut right = Batch::new(vec![record(7, 110), record(8, 200)], Vec::new());
    let mut pairs = 0;
    while right.open() > 0 || pairs < MANY {
        join.process_second(&mut right, &mut ctx).expect("it works");
        let taken = ctx.take().len();
        assert!(taken <= 1024);
        pairs += taken as u64;
    }
    assert_eq!(pairs, MANY);
    // One record is alone.
    let (mut rows, mut calls) = (0, 0);
    while join.on_watermark(Timestamp(300), &mut ctx).expect("it works") == Progress::More {
        rows += ctx.take().len();
        calls += 1;
    }
    assert_eq!(rows + ctx.take().len(), 1);
    assert!(calls >= MANY / 2048, "a step lets go of a bounded number of records");
}

const LATE: OutputTag<In> = OutputTag::new("late");

#[test]
fn late_records_of_each_side_have_their_own_output() {
    let make = || {
        let join = OuterJoin::waiting(5, 5).side_output_late_right(LATE);
        join.into_operator(key, key)
    };
    let harness = TwoInputs::new(make, key, key).side(LATE);
    let outcome = harness.run(&[Watermark(10), First((1, 'l'), 10), Second((1, 'r'), 9)]);
    assert_eq!(outcome.lines, ["W 10", "late: (1, 'r') @9"]);
    assert_eq!((outcome.totals.late, outcome.totals.dropped), (2, 1));
}
