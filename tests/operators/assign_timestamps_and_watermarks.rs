//! Event time made in mid-stream: by record position, past restores, whatever came in.

use tidegate_core::element::Status;
use tidegate_core::time::Timestamp;
use tidegate_core::watermark::WatermarkStrategy;
use tidegate_operators::assign_timestamps_and_watermarks::TimestampsAndWatermarks;
use tidegate_tests::harness::{Harness, Step, Step::*};

/// Records without event time of their own; watermarks and statuses that are to end here.
const STEPS: [Step<i64>; 9] = [
    Record(10, i64::MIN),
    Watermark(1_000),
    Record(14, i64::MIN),
    Record(13, i64::MIN),
    Status(Status::Idle),
    Status(Status::Active),
    Record(20, i64::MIN),
    Record(15, i64::MIN),
    End,
];

fn check(strategy: WatermarkStrategy, expected: &[&str]) {
    let make = move || TimestampsAndWatermarks::by(strategy, |n: &i64, _| Timestamp(*n));
    Harness::new(make).check(&STEPS, expected);
}

#[test]
fn a_watermark_stands_behind_the_record_that_it_follows_from() {
    let strategy = WatermarkStrategy::bounded_out_of_orderness(2).each_record();
    let expected = ["10 @10", "W 7", "14 @14", "W 11", "13 @13", "20 @20", "W 17", "15 @15", "End"];
    check(strategy, &expected);
}

#[test]
fn what_is_emitted_at_every_nth_record_goes_on_after_a_restore() {
    let strategy = WatermarkStrategy::monotonous().every_records(2);
    let expected = ["10 @10", "14 @14", "W 13", "13 @13", "20 @20", "W 19", "15 @15", "End"];
    check(strategy, &expected);
}

#[test]
fn without_a_strategy_only_the_end_is_told() {
    let expected = ["10 @10", "14 @14", "13 @13", "20 @20", "15 @15", "End"];
    check(WatermarkStrategy::none(), &expected);
}
