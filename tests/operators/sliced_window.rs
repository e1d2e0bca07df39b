//! Sliced windows: when they fire, what is late, what fires again, what is dropped.

use tidegate_core::operator::OutputTag;
use tidegate_operators::aggregate::Sum;
use tidegate_operators::window::{SlicedWindow, Window};
use tidegate_tests::harness::{Harness, Outcome, Step, Step::*};

const LATE: OutputTag<(u64, u64)> = OutputTag::new("late");

/// Records are (key, amount); rows are `key [start, end) sum`.
fn run(window: Window, late_output: bool, steps: &[Step<(u64, u64)>]) -> Outcome {
    let make = move || {
        let sum = Sum::of(|record: &(u64, u64)| record.1);
        let key = |record: &(u64, u64)| record.0;
        SlicedWindow::new(window, sum, key).expect("valid").side_output_late(LATE)
    };
    let harness = Harness::new(make)
        .keyed_by(|record| record.0)
        .show(|row| format!("{} {} {}", row.key, row.window, row.value));
    if late_output { harness.side(LATE).run(steps) } else { harness.run(steps) }
}

fn check(window: Window, steps: &[Step<(u64, u64)>], expected: &[&str]) {
    let outcome = run(window, true, steps);
    assert_eq!(outcome.lines, expected, "{window:?}");
    assert!(steps.last() != Some(&End) || outcome.entries == 0, "closed windows leave nothing");
}

/// An amount of 1 for key 7.
const fn one(at: i64) -> Step<(u64, u64)> {
    Record((7, 1), at)
}

#[test]
fn a_tumbling_window_fires_when_the_watermark_reaches_its_last_millisecond() {
    let other_key = Record((8, 5), 13);
    check(
        Window::tumbling(10),
        &[one(0), one(9), one(10), Watermark(8), Watermark(9), other_key, Watermark(18), End],
        &[
            "W 8",
            "7 [0, 10) 2 @9",
            "W 9",
            "W 18",
            // Rows of a window come in the order of the table.
            "8 [10, 20) 5 @19",
            "7 [10, 20) 1 @19",
            "End",
        ],
    );
}

#[test]
fn windows_start_at_the_offset_also_before_the_epoch() {
    check(
        Window::tumbling(10).offset(3),
        &[one(-8), one(-7), one(2), one(3), End],
        &["7 [-17, -7) 1 @-8", "7 [-7, 3) 2 @2", "7 [3, 13) 1 @12", "End"],
    );
}

#[test]
fn a_record_counts_in_every_window_that_slides_over_it() {
    check(
        Window::sliding(10, 5),
        &[one(4), one(7), Watermark(9), one(12), Watermark(14), End],
        &[
            "7 [-5, 5) 1 @4",
            "7 [0, 10) 2 @9",
            "W 9",
            "7 [5, 15) 2 @14",
            "W 14",
            "7 [10, 20) 1 @19",
            "End",
        ],
    );
}

#[test]
fn a_slide_that_does_not_divide_the_size_cuts_two_slices_a_period() {
    check(
        Window::sliding(10, 4),
        &[one(1), one(2), one(3), End],
        &["7 [-8, 2) 1 @1", "7 [-4, 6) 3 @5", "7 [0, 10) 3 @9", "End"],
    );
}

#[test]
fn one_watermark_fires_windows_in_the_order_of_their_ends_and_skips_empty_ones() {
    check(
        Window::sliding(20, 10),
        &[one(5), one(1_000_005), Watermark(500), one(2_000), End],
        &[
            "7 [-10, 10) 1 @9",
            "7 [0, 20) 1 @19",
            "W 500",
            "7 [1990, 2010) 1 @2009",
            "7 [2000, 2020) 1 @2019",
            "7 [999990, 1000010) 1 @1000009",
            "7 [1000000, 1000020) 1 @1000019",
            "End",
        ],
    );
}

#[test]
fn a_late_record_goes_to_the_side_output_once_its_last_window_is_closed() {
    check(
        Window::sliding(10, 5),
        &[one(7), Watermark(9), Record((7, 5), 3), Record((7, 9), 6), Watermark(14), one(6), End],
        &[
            "7 [0, 10) 1 @9",
            "W 9",
            "7 [5, 15) 10 @14",
            "late: (7, 5) @3",
            "W 14",
            "late: (7, 1) @6",
            "End",
        ],
    );
}

#[test]
fn a_late_record_without_a_side_output_is_counted_as_dropped() {
    let steps = [one(7), Watermark(19), one(7), one(17), one(27), End];
    let totals = run(Window::tumbling(10), false, &steps).totals;
    assert_eq!((totals.late, totals.dropped, totals.records_in), (2, 2, 4));
    let totals = run(Window::tumbling(10), true, &steps).totals;
    assert_eq!((totals.late, totals.dropped), (2, 0));
}

#[test]
fn within_the_allowed_lateness_each_late_record_fires_its_fired_windows_again() {
    check(
        Window::sliding(10, 5).allowed_lateness(5),
        &[one(7), Watermark(14), one(6), one(8), Watermark(18), one(7), Watermark(19), one(7), End],
        &[
            "7 [0, 10) 1 @9",
            "7 [5, 15) 1 @14",
            "W 14",
            "7 [5, 15) 2 @14",
            "7 [5, 15) 3 @14",
            "W 18",
            "7 [5, 15) 4 @14",
            "W 19",
            "late: (7, 1) @7",
            "End",
        ],
    );
}

#[test]
fn a_late_record_fires_the_last_window_first_and_its_own_key_alone() {
    check(
        Window::sliding(10, 5).allowed_lateness(100),
        &[one(7), Watermark(50), Record((8, 1), 7), Record((8, 1), 2)],
        &[
            "7 [0, 10) 1 @9",
            "7 [5, 15) 1 @14",
            "W 50",
            "8 [5, 15) 1 @14",
            "8 [0, 10) 1 @9",
            "8 [0, 10) 2 @9",
            "8 [-5, 5) 1 @4",
        ],
    );
}

#[test]
fn a_record_in_a_gap_is_counted_and_late_only_when_it_is_old() {
    let steps = [one(12), one(15), Watermark(19), one(15), End];
    let outcome = run(Window::sliding(3, 10), false, &steps);
    assert_eq!(outcome.lines, ["7 [10, 13) 1 @12", "W 19", "End"]);
    assert_eq!((outcome.totals.late, outcome.totals.dropped), (1, 2));
}

#[test]
fn an_endless_lateness_closes_windows_only_at_the_end() {
    check(
        Window::tumbling(10).allowed_lateness(i64::MAX),
        &[Watermark(1_000), one(5), one(5), End],
        &["W 1000", "7 [0, 10) 1 @9", "7 [0, 10) 2 @9", "End"],
    );
}

#[test]
fn cumulating_windows_start_together_and_grow_by_the_step() {
    check(
        Window::cumulating(15, 5),
        &[one(2), one(7), Watermark(4), one(8), Watermark(14), one(16), Watermark(21), End],
        &[
            "7 [0, 5) 1 @4",
            "W 4",
            "7 [0, 10) 3 @9",
            "7 [0, 15) 3 @14",
            "W 14",
            "7 [15, 20) 1 @19",
            "W 21",
            "7 [15, 25) 1 @24",
            "7 [15, 30) 1 @29",
            "End",
        ],
    );
}

#[test]
fn a_late_record_fires_those_cumulating_windows_again_that_contain_it() {
    check(
        Window::cumulating(15, 5).allowed_lateness(6),
        &[
            one(2),
            Watermark(13),
            one(7),
            one(2),
            Watermark(14),
            one(2),
            Watermark(20),
            one(12),
            End,
        ],
        &[
            "7 [0, 5) 1 @4",
            "7 [0, 10) 1 @9",
            "W 13",
            "7 [0, 10) 2 @9",
            "7 [0, 10) 3 @9",
            "7 [0, 15) 3 @14",
            "W 14",
            "7 [0, 15) 4 @14",
            "7 [0, 10) 4 @9",
            "W 20",
            "late: (7, 1) @12",
            "End",
        ],
    );
}

#[test]
fn a_record_without_a_timestamp_is_an_error_that_says_what_to_do() {
    let make = || {
        SlicedWindow::new(Window::tumbling(10), Sum::of(|n: &u64| *n), |n: &u64| *n).expect("valid")
    };
    let error = Harness::new(make).keyed_by(|n| *n).failure(&[Record(1, i64::MIN)]);
    assert!(error.contains("assign timestamps at the source"), "{error}");
}

#[test]
fn slices_are_dropped_once_their_last_window_is_closed() {
    let window = Window::sliding(10, 5).allowed_lateness(10);
    let entries = |watermark| run(window, true, &[one(2), one(7), Watermark(watermark)]).entries;
    assert_eq!([18, 19, 23, 24].map(entries), [2, 1, 1, 0]);
}
