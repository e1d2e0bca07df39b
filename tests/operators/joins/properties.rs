//! Joins against their definitions, over two disordered streams with late records, in every way of
//! running; and what must be true of any order of arrival.

use super::model::{In, Model, Spec, Step, decisions, most_pairs, reconciled, sorted};
use proptest::prelude::*;
use tidegate_core::operator::OutputTag;
use tidegate_operators::join::{
    Interval, IntervalJoin, JoinKind, OuterJoin, Pairing, Reconciliation, Unmatched,
};
use tidegate_tests::harness::{Outcome, TwoInputStep, TwoInputs};

pub(super) const LATE_LEFT: OutputTag<In> = OutputTag::new("late-left");
pub(super) const LATE_RIGHT: OutputTag<In> = OutputTag::new("late-right");
const ALONE_LEFT: OutputTag<Unmatched<In>> = OutputTag::new("alone-left");
const ALONE_RIGHT: OutputTag<Unmatched<In>> = OutputTag::new("alone-right");

pub(super) fn key(record: &In) -> u8 {
    record.0
}

fn run_interval(spec: Spec, steps: &[Step]) -> Outcome {
    let make = move || {
        let join = IntervalJoin::new(spec.interval).expect("valid").kind(spec.kind);
        let join = join.side_output_late_left(LATE_LEFT).side_output_late_right(LATE_RIGHT);
        join.into_operator(key, key)
    };
    TwoInputs::new(make, key, key).side(LATE_LEFT).side(LATE_RIGHT).run(steps)
}

fn run_outer(spec: Spec, steps: &[Step]) -> Outcome {
    let make = move || {
        let join = OuterJoin::waiting(spec.interval.upper_ms, -spec.interval.lower_ms);
        let join = join.kind(spec.kind).pairing(spec.pairing);
        let join = if spec.processing { join.processing_time() } else { join };
        let join = join.side_output_late_left(LATE_LEFT).side_output_late_right(LATE_RIGHT);
        join.into_operator(key, key)
    };
    TwoInputs::new(make, key, key).side(LATE_LEFT).side(LATE_RIGHT).run(steps)
}

fn run_reconciliation(interval: Interval, steps: &[Step]) -> Outcome {
    let make = move || {
        let reconciliation = Reconciliation::within(interval).expect("valid");
        let reconciliation = reconciliation.unmatched_left(ALONE_LEFT);
        reconciliation.unmatched_right(ALONE_RIGHT).into_operator(key, key)
    };
    // Between two side outputs there is no order.
    TwoInputs::new(make, key, key).side(ALONE_LEFT).side(ALONE_RIGHT).unordered().run(steps)
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    Record { side: bool, key: u8, offset: i64 },
    Watermark { side: bool, by: i64 },
    Clock { by: i64 },
}

pub(super) fn events() -> impl Strategy<Value = Vec<Event>> {
    let record = (any::<bool>(), 0..3u8, -6..20i64).prop_map(|(side, key, offset)| Event::Record {
        side,
        key,
        offset,
    });
    let watermark = (any::<bool>(), 1..12i64).prop_map(|(side, by)| Event::Watermark { side, by });
    let clock = (0..5i64).prop_map(|by| Event::Clock { by });
    proptest::collection::vec(prop_oneof![6 => record, 2 => watermark, 1 => clock], 1..50)
}

/// Steps that end: event times around the watermark of their input.
pub(super) fn steps(events: &[Event], with_clock: bool) -> Vec<Step> {
    let (mut watermarks, mut clock, mut steps) = ([100; 2], 0, Vec::new());
    for (number, event) in (0..).zip(events) {
        match *event {
            Event::Record { side: false, key, offset } => {
                steps.push(TwoInputStep::First((key, number), watermarks[0] + offset));
            }
            Event::Record { side: true, key, offset } => {
                steps.push(TwoInputStep::Second((key, number), watermarks[1] + offset));
            }
            Event::Watermark { side, by } => {
                let watermark = &mut watermarks[usize::from(side)];
                *watermark += by;
                steps.push(match side {
                    false => TwoInputStep::FirstWatermark(*watermark),
                    true => TwoInputStep::SecondWatermark(*watermark),
                });
            }
            Event::Clock { by } if with_clock => {
                clock += by;
                steps.push(TwoInputStep::ProcessingTime(clock));
            }
            Event::Clock { .. } => {}
        }
    }
    steps.push(TwoInputStep::End);
    steps
}

pub(super) fn kinds() -> impl Strategy<Value = JoinKind> {
    prop_oneof![
        Just(JoinKind::Inner),
        Just(JoinKind::Left),
        Just(JoinKind::Right),
        Just(JoinKind::Full)
    ]
}

fn pairings() -> impl Strategy<Value = Pairing> {
    prop_oneof![
        Just(Pairing::OneToOne),
        Just(Pairing::OneToMany),
        Just(Pairing::ManyToOne),
        Just(Pairing::ManyToMany)
    ]
}

fn intervals() -> impl Strategy<Value = Interval> {
    (-12..12i64, 0..15i64).prop_map(|(lower, width)| Interval::between(lower, lower + width))
}

/// Records of both sides: `(side, key, timestamp)`.
pub(super) fn records() -> impl Strategy<Value = Vec<(bool, u8, i64)>> {
    proptest::collection::vec((any::<bool>(), 0..2u8, 0..40i64), 1..40)
}

type Stamped = Vec<(i64, In)>;

fn by_side(records: &[(bool, u8, i64)]) -> (Stamped, Stamped) {
    let of = |wanted: bool| {
        let numbered = (0..).zip(records).filter(move |(_, (side, ..))| *side == wanted);
        numbered.map(|(number, &(_, key, at))| (at, (key, number))).collect()
    };
    (of(false), of(true))
}

/// All of them in an order by `seed`, with watermarks that make none late and lag by `lag`.
pub(super) fn arriving(records: &[(bool, u8, i64)], seed: u64, lag: i64) -> Vec<Step> {
    let mut order: Vec<usize> = (0..records.len()).collect();
    let mixed = |n: usize| (n as u64 ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    // About in the order of time: each may be moved by some milliseconds.
    order.sort_by_key(|&n| records[n].2 + (mixed(n) % 16) as i64);
    let (mut steps, mut watermark) = (Vec::new(), i64::MIN);
    for (place, &n) in order.iter().enumerate() {
        let (side, key, at) = records[n];
        let record = (key, n as u32);
        steps.push(match side {
            false => TwoInputStep::First(record, at),
            true => TwoInputStep::Second(record, at),
        });
        let rest = order[place + 1..].iter().map(|&n| records[n].2).min();
        if let Some(next) = rest
            && next - 1 - lag > watermark
        {
            watermark = next - 1 - lag;
            steps.push(TwoInputStep::Watermark(watermark));
        }
    }
    steps.push(TwoInputStep::End);
    steps
}

/// The rows alone, in any order.
pub(super) fn rows(outcome: &Outcome) -> Vec<String> {
    let mut rows: Vec<String> =
        outcome.lines.iter().filter(|line| line.contains(" @")).cloned().collect();
    rows.sort();
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn an_interval_join_emits_what_its_definition_says(
        interval in intervals(),
        kind in kinds(),
        events in events(),
    ) {
        let spec = Spec { interval, kind, pairing: Pairing::ManyToMany, processing: false };
        let steps = steps(&events, false);
        let outcome = run_interval(spec, &steps);
        let (lines, late) = Model::run(spec, &steps);
        prop_assert_eq!(sorted(&outcome.lines), lines);
        prop_assert_eq!((outcome.totals.late, outcome.totals.dropped), (late, 0));
        prop_assert_eq!(outcome.entries, 0);
    }

    #[test]
    fn an_outer_join_emits_what_its_definition_says(
        waits in (0..15i64, 0..15i64),
        kind in kinds(),
        pairing in pairings(),
        processing in any::<bool>(),
        events in events(),
    ) {
        // What waits no time by the wall clock is gone with the first look at it.
        let least = i64::from(processing);
        let interval = Interval::between(-waits.1.max(least), waits.0.max(least));
        let spec = Spec { interval, kind, pairing, processing };
        let steps = steps(&events, processing);
        let outcome = run_outer(spec, &steps);
        let (lines, late) = Model::run(spec, &steps);
        prop_assert_eq!(sorted(&outcome.lines), lines);
        prop_assert_eq!((outcome.totals.late, outcome.totals.dropped), (late, 0));
        prop_assert_eq!(outcome.entries, 0);
    }

    #[test]
    fn a_reconciliation_decides_as_if_all_that_is_in_time_had_been_there(
        interval in intervals(),
        events in events(),
    ) {
        let steps = steps(&events, false);
        let outcome = run_reconciliation(interval, &steps);
        let (lines, late) = reconciled(interval, &steps);
        prop_assert_eq!(sorted(&outcome.lines), lines);
        prop_assert_eq!((outcome.totals.late, outcome.entries), (late, 0));
    }

    #[test]
    fn rows_depend_neither_on_the_order_of_arrival_nor_on_how_far_the_watermark_lags(
        interval in intervals(),
        kind in kinds(),
        records in records(),
        seed in any::<u64>(),
        lag in 0..30i64,
    ) {
        let spec = Spec { interval, kind, pairing: Pairing::ManyToMany, processing: false };
        let (one, other) = (arriving(&records, 0, 0), arriving(&records, seed, lag));
        prop_assert_eq!(rows(&run_interval(spec, &one)), rows(&run_interval(spec, &other)));
        let reconciled = [&one, &other].map(|steps| rows(&run_reconciliation(interval, steps)));
        prop_assert_eq!(&reconciled[0], &reconciled[1]);
        let (left, right) = by_side(&records);
        let mut expected: Vec<String> =
            decisions(interval, &left, &right).into_iter().map(|(_, row)| row).collect();
        expected.sort();
        prop_assert_eq!(&reconciled[0], &expected);
    }

    #[test]
    fn a_reconciliation_finds_as_many_pairs_as_there_can_be(
        interval in intervals(),
        records in records(),
    ) {
        let (left, right) = by_side(&records);
        let pairs = decisions(interval, &left, &right);
        let pairs = pairs.iter().filter(|(_, row)| row.starts_with("((")).count();
        prop_assert_eq!(pairs, most_pairs(interval, &left, &right));
    }
}
