//! `map`, `filter` and `flat_map`: what they emit, and that they keep event time and order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use tidegate_core::element::{Batch, Record};
use tidegate_core::operator::{Context, Operator};
use tidegate_core::time::Timestamp;
use tidegate_operators::{filter::Filter, flat_map::FlatMap, map::Map};
use tidegate_tests::harness::{Harness, Step, Step::*};

const STEPS: [Step<u64>; 7] = [
    Record(3, 1),
    Record(0, 2),
    Watermark(2),
    Record(2, i64::MIN),
    ProcessingTime(50),
    Record(1, 1),
    End,
];

fn min() -> String {
    format!("2 @{}", i64::MIN)
}

#[test]
fn map_emits_one_record_for_each_with_its_event_time() {
    let without_time = min();
    Harness::new(|| Map::new(|n: u64| n))
        .check(&STEPS, &["3 @1", "0 @2", "W 2", &without_time, "P 50", "1 @1", "End"]);
}

#[test]
fn filter_keeps_what_the_predicate_accepts() {
    let harness = Harness::new(|| Filter::new(|n: &u64| n % 2 == 1));
    harness.check(&STEPS, &["3 @1", "W 2", "P 50", "1 @1", "End"]);
}

#[test]
fn filter_asks_once_for_each_record_whatever_stretches_they_come_in_and_however_little_room_there_is()
 {
    for pattern in 0..1_u32 << 8 {
        for room in 1..=9 {
            let asked = Arc::new(AtomicU32::new(0));
            let asking = Arc::clone(&asked);
            let is_kept = move |n: &u32| pattern & (1 << n) != 0;
            let mut filter = Filter::new(move |n: &u32| {
                asking.fetch_add(1, Relaxed);
                is_kept(n)
            });
            let records = (0..8).map(|n| Record::new(n, Timestamp(7))).collect();
            let mut batch = Batch::new(records, vec![]);
            let (mut seen, mut ctx) = (Vec::new(), Context::new(room));
            while batch.open() > 0 {
                filter.process(&mut batch, &mut ctx).expect("it does not fail");
                let taken = ctx.take();
                assert!(taken.len() <= room);
                seen.extend(taken.into_iter().map(|record| record.value));
            }
            assert!(seen.into_iter().eq((0..8).filter(is_kept)), "{pattern:08b}, room {room}");
            assert_eq!(asked.load(Relaxed), 8, "{pattern:08b}, room {room}");
        }
    }
}

#[test]
fn flat_map_emits_all_rows_of_a_record_before_what_follows_it() {
    let without_time = format!("0 @{0}, 1 @{0}", i64::MIN);
    let (first, second) = without_time.split_once(", ").expect("two rows");
    Harness::new(|| FlatMap::new(|n: u64| 0..n))
        .check(&STEPS, &["0 @1", "1 @1", "2 @1", "W 2", first, second, "P 50", "0 @1", "End"]);
}

#[test]
fn flat_map_stays_within_the_output_however_many_rows_a_record_has() {
    let outcome = Harness::new(|| FlatMap::new(|n: u64| (0..n).filter(|n| n % 1_000 == 7))).run(&[
        Record(100_000, 5),
        Record(0, 5),
        Record(1_000, 5),
        End,
    ]);
    assert_eq!((outcome.lines.len(), outcome.totals.records_out), (102, 101));
    assert_eq!(outcome.totals.records_in, 3);
}
