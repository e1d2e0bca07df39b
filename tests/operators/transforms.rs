//! `map`, `filter` and `flat_map`: what they emit, and that they keep event time and order.

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
