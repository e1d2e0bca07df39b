//! Deduplication against its definitions.

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use tidegate_core::element::{Batch, Record};
use tidegate_core::key::Key;
use tidegate_core::operator::{Context, Operator};
use tidegate_core::process::KeyedProcessOperator;
use tidegate_core::time::Timestamp;
use tidegate_operators::Retain;
use tidegate_operators::dedup::{BitmapFirst, BloomFirst, FirstRow, FirstRowByTime, LastRow};
use tidegate_tests::harness::{Harness, Step, Step::*};

/// A row: key and name.
type Row = (u8, u32);

fn key(row: &Row) -> u8 {
    row.0
}

/// How long keys are remembered, in milliseconds.
const KEPT: i64 = 10;

#[derive(Clone, Copy, Debug)]
enum Event {
    Row { key: u8, offset: i64 },
    Time { by: i64 },
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let row = (0..3u8, -4..30i64).prop_map(|(key, offset)| Event::Row { key, offset });
    let time = (1..8i64).prop_map(|by| Event::Time { by });
    proptest::collection::vec(prop_oneof![4 => row, 1 => time], 1..60)
}

/// Rows at the event time given by the events, and either clock.
fn steps(events: &[Event], time: fn(i64) -> Step<Row>) -> Vec<Step<Row>> {
    let (mut now, mut steps) = (0, Vec::new());
    for (number, event) in (0..).zip(events) {
        steps.push(match *event {
            Event::Row { key, offset } => Record((key, number), now + offset),
            Event::Time { by } => {
                now += by;
                time(now)
            }
        });
    }
    steps
}

/// The rows that come first by the wall clock.
fn first_by_arrival(steps: &[Step<Row>], refreshed: bool, kept: Option<i64>) -> Vec<String> {
    let (mut now, mut seen, mut lines) = (0, BTreeMap::<u8, i64>::new(), Vec::new());
    for step in steps {
        match *step {
            ProcessingTime(at) => {
                now = at;
                lines.push(format!("P {at}"));
            }
            Record(row, at) => {
                let known =
                    seen.get(&row.0).is_some_and(|seen| kept.is_none_or(|kept| seen + kept > now));
                if !known {
                    lines.push(format!("{row:?} @{at}"));
                }
                if !known || refreshed {
                    seen.insert(row.0, now);
                }
            }
            _ => unreachable!("rows and the clock are all there is"),
        }
    }
    lines
}

/// The rows that come first by event time, those of one watermark in order, and how many were late.
fn first_by_time(steps: &[Step<Row>], kept: Option<i64>) -> (Vec<String>, u64) {
    let mut in_time: Vec<(i64, u32, u8)> = Vec::new();
    let (mut watermark, mut arrived) = (i64::MIN, Vec::new());
    for step in steps {
        match *step {
            Watermark(at) => watermark = at,
            Record(row, at) => {
                arrived.push((row, at, watermark));
                if at > watermark {
                    in_time.push((at, row.1, row.0));
                }
            }
            _ => unreachable!("rows and watermarks are all there is"),
        }
    }
    in_time.sort();
    let mut firsts: BTreeMap<u8, Vec<(i64, u32)>> = BTreeMap::new();
    for (at, number, key) in in_time {
        let firsts = firsts.entry(key).or_default();
        let last = firsts.last().map(|(last, _)| *last);
        if last.is_none_or(|last| kept.is_some_and(|kept| at >= last + kept)) {
            firsts.push((at, number));
        }
    }
    // What comes at or below the watermark is late unless it repeats what is remembered.
    let late = arrived.iter().filter(|(row, at, watermark)| {
        let firsts = firsts.get(&row.0).map_or(&[][..], Vec::as_slice);
        let remembered =
            firsts.iter().rev().map(|(first, _)| *first).find(|first| first <= watermark);
        let within = |first: i64, at: i64| kept.is_none_or(|kept| at < first + kept);
        let repeats = |first: i64| first <= *at && within(first, *at) && within(first, *watermark);
        at <= watermark && !remembered.is_some_and(repeats)
    });
    let late = late.count() as u64;
    let mut rows: Vec<(i64, u8, u32)> = Vec::new();
    for (key, firsts) in firsts {
        rows.extend(firsts.into_iter().map(|(at, number)| (at, key, number)));
    }
    rows.sort();
    (rows.into_iter().map(|(at, key, number)| format!("{:?} @{at}", (key, number))).collect(), late)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_first_row_of_a_key_passes_and_another_when_it_is_forgotten(
        events in events(),
        refreshed in any::<bool>(),
        kept in prop_oneof![Just(None), Just(Some(KEPT))],
    ) {
        let mut steps = steps(&events, ProcessingTime);
        // At last all that can expire does, and enough rows come that it is met.
        steps.push(ProcessingTime(1_000));
        steps.extend((0..20).map(|number| Record((100 + number as u8 % 10, number), 5)));
        let retain = kept.map_or(Retain::Forever, Retain::For);
        let make = move || {
            let first = FirstRow::new(retain);
            let first = if refreshed { first.refreshed_by_duplicates() } else { first };
            KeyedProcessOperator::new(first, key)
        };
        let outcome = Harness::new(make).keyed_by(key).run(&steps);
        prop_assert_eq!(outcome.lines, first_by_arrival(&steps, refreshed, kept));
        if kept.is_some() {
            prop_assert_eq!(outcome.entries, 10);
        }
    }

    #[test]
    fn by_event_time_the_earliest_row_passes_in_whatever_order_they_arrive(
        events in events(),
        kept in prop_oneof![Just(None), Just(Some(KEPT))],
    ) {
        let mut steps = steps(&events, Watermark);
        let (expected, late) = first_by_time(&steps, kept);
        steps.push(End);
        let retain = kept.map_or(Retain::Forever, Retain::For);
        let make = move || KeyedProcessOperator::new(FirstRowByTime::new(retain), key);
        let outcome = Harness::new(make).keyed_by(key).run(&steps);
        let rows: Vec<String> = outcome.lines.into_iter().filter(|line| line.contains(" @")).collect();
        prop_assert_eq!(rows, expected);
        prop_assert_eq!((outcome.totals.late, outcome.totals.dropped), (late, late));
        if kept.is_some() {
            prop_assert_eq!(outcome.entries, 0, "what is over leaves nothing");
        }
    }

    #[test]
    fn the_last_row_of_each_key_is_the_result(events in events(), by_event_time in any::<bool>()) {
        let mut last = BTreeMap::<u8, (i64, Row)>::new();
        let (mut expected, mut steps_in) = (Vec::new(), steps(&events, Watermark));
        steps_in.retain(|step| matches!(step, Record(..)));
        for step in &mut steps_in {
            let Record(row, at) = step else { continue };
            row.1 /= 4;
            let (row, at) = (*row, *at);
            match last.get(&row.0) {
                Some((newer, _)) if by_event_time && *newer > at => continue,
                Some((_, before)) if *before == row => {}
                Some((_, before)) => {
                    expected.push(format!("-U {} @{at}", before.1));
                    expected.push(format!("+U {} @{at}", row.1));
                }
                None => expected.push(format!("+I {} @{at}", row.1)),
            }
            last.insert(row.0, (at, row));
        }
        let make = move || {
            let last = LastRow::new(Retain::Forever);
            KeyedProcessOperator::new(if by_event_time { last.by_event_time() } else { last }, key)
        };
        let show = |change: &tidegate_core::changelog::Change<Row>| format!("{} {}", change.kind, change.row.1);
        prop_assert_eq!(Harness::new(make).keyed_by(key).show(show).run(&steps_in).lines, expected);
    }

    #[test]
    fn by_bitmap_each_id_passes_once(ids in proptest::collection::vec(0..20_000u64, 1..200)) {
        let mut seen = BTreeSet::new();
        let first: Vec<String> =
            ids.iter().filter(|id| seen.insert(**id)).map(|id| format!("{id} @5")).collect();
        let steps: Vec<Step<u64>> = ids.into_iter().map(|id| Record(id, 5)).collect();
        let harness = Harness::new(|| BitmapFirst::by(|id: &u64| *id));
        let outcome = harness.keyed_by(|id| BitmapFirst::page_of(*id)).run(&steps);
        prop_assert_eq!(outcome.lines, first);
    }
}

#[test]
fn after_a_time_without_rows_the_next_accesses_clear_what_has_expired() {
    let mut steps: Vec<Step<Row>> = (0..50).map(|key| Record((key, 0), 1)).collect();
    steps.push(ProcessingTime(KEPT));
    // Every record looks at a few of the table's slots.
    steps.extend((0..50).map(|number| Record((200, number), 2)));
    let make = || KeyedProcessOperator::new(FirstRow::new(Retain::For(KEPT)), key);
    let outcome = Harness::new(make).keyed_by(key).run(&steps);
    assert_eq!((outcome.lines.len(), outcome.entries), (52, 1));
}

#[test]
fn a_row_without_a_timestamp_is_not_first_by_time() {
    let make = || KeyedProcessOperator::new(FirstRowByTime::new(Retain::Forever), key);
    let error = Harness::new(make).keyed_by(key).failure(&[Record((1, 1), i64::MIN)]);
    assert!(error.contains("assign timestamps at the source"), "{error}");
}

#[test]
fn a_page_of_many_ids_is_a_bitmap_and_knows_them_all() {
    let record = |id: u64| Record {
        key_hash: BitmapFirst::page_of(id).stable_hash(),
        ..Record::new(id, Timestamp(5))
    };
    let mut first = BitmapFirst::by(|id: &u64| *id);
    let mut ctx = Context::new(usize::MAX);
    for (ids, new) in [(0..10_000, 10_000), (0..10_000, 0), (9_000..11_000, 1_000)] {
        // In an order of no kind: 7 has no divisor in common with any length.
        let count = ids.end - ids.start;
        let mixed = (0..count).map(|n| record(ids.start + n * 7 % count)).collect();
        first.process(&mut Batch::new(mixed, Vec::new()), &mut ctx).expect("it works");
        assert_eq!(ctx.take().len(), new);
    }
}

/// Keys that a filter is made for.
const EXPECTED: u64 = 100_000;

#[test]
fn a_filter_never_lets_a_duplicate_pass_and_drops_few_new_rows() {
    for rate in [0.01, 0.001] {
        let size = BloomFirst::sized(EXPECTED as usize, rate);
        let record = |id: u64| Record {
            key_hash: size.page_of(&id).stable_hash(),
            ..Record::new(id, Timestamp(5))
        };
        let mut first = size.into_operator(|id: &u64| *id);
        let mut ctx = Context::new(usize::MAX);
        let mut passed = |ids: std::ops::Range<u64>| {
            let batch = ids.map(record).collect();
            first.process(&mut Batch::new(batch, Vec::new()), &mut ctx).expect("it works");
            ctx.take().len() as u64
        };
        let dropped = EXPECTED - passed(0..EXPECTED);
        assert!(dropped as f64 <= EXPECTED as f64 * rate, "{dropped} while it fills at {rate}");
        assert_eq!(passed(0..EXPECTED), 0);
        // It is as full as it was made for.
        let tried = EXPECTED / 10;
        let share = (tried - passed(EXPECTED..EXPECTED + tried)) as f64 / tried as f64;
        assert!(share <= rate * 1.5, "{share} at {rate}");
        assert!(size.bytes() < EXPECTED * 4);
    }
}

#[test]
fn pages_of_a_filter_follow_their_keys_to_other_subtasks() {
    let size = BloomFirst::sized(1_000, 0.01);
    let ids = [5, 9, 5, 7, 9, 5, 8, 7, 1, 5];
    let steps: Vec<Step<u64>> = ids.into_iter().map(|id| Record(id, 5)).collect();
    let harness = Harness::new(move || size.into_operator(|id: &u64| *id));
    let harness = harness.keyed_by(move |id| size.page_of(id));
    harness.check(&steps, &["5 @5", "9 @5", "7 @5", "8 @5", "1 @5"]);
}
