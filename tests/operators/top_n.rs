//! TopN: rankings on time, ties, late results.

use tidegate_core::time::Timestamp;
use tidegate_operators::top_n::TopN;
use tidegate_operators::window::{TimeWindow, Windowed};
use tidegate_tests::harness::{Harness, Step, Step::*};

type Row = Windowed<u64, u64>;

/// The count of an item in the window of 10 ms that ends at `end`.
fn counted(key: u64, value: u64, end: i64) -> Step<Row> {
    let window = TimeWindow { start: Timestamp(end - 10), end: Timestamp(end) };
    Record(Windowed { key, window, value }, end - 1)
}

/// Rows are `window #rank key value`.
fn check(n: usize, lateness: i64, steps: &[Step<Row>], expected: &[&str]) {
    let by_text = |item: &u64| item.to_string();
    let make = move || TopN::new(n, by_text).allowed_lateness(lateness).into_operator();
    let outcome = Harness::new(make)
        .keyed_by(|row| row.window)
        .show(|row| format!("{} #{} {} {}", row.window, row.rank, row.key, row.value))
        .run(steps);
    assert_eq!(outcome.lines, expected);
    assert_eq!(outcome.entries, 0, "closed rankings leave nothing");
}

#[test]
fn a_ranking_comes_when_all_results_of_the_window_are_in() {
    check(
        2,
        0,
        &[
            counted(1, 5, 10),
            counted(2, 9, 20),
            counted(3, 6, 10),
            Watermark(8),
            counted(4, 7, 10),
            Watermark(9),
            End,
        ],
        &["W 8", "[0, 10) #1 4 7 @9", "[0, 10) #2 3 6 @9", "W 9", "[10, 20) #1 2 9 @19", "End"],
    );
}

#[test]
fn equal_values_are_ordered_by_the_key_as_the_user_asked() {
    check(
        3,
        0,
        &[counted(9, 5, 10), counted(10, 5, 10), counted(8, 5, 10), counted(70, 6, 10), End],
        &["[0, 10) #1 70 6 @9", "[0, 10) #2 10 5 @9", "[0, 10) #3 8 5 @9", "End"],
    );
}

#[test]
fn an_updated_result_replaces_the_row_of_its_key() {
    check(
        2,
        0,
        &[counted(1, 5, 10), counted(2, 6, 10), counted(1, 7, 10), counted(3, 1, 10), End],
        &["[0, 10) #1 1 7 @9", "[0, 10) #2 2 6 @9", "End"],
    );
}

#[test]
fn once_the_ranking_is_out_an_update_emits_the_ranks_that_changed() {
    check(
        3,
        20,
        &[
            counted(1, 9, 10),
            counted(2, 6, 10),
            counted(3, 5, 10),
            Watermark(9),
            counted(3, 7, 10),
            counted(4, 1, 10),
            counted(3, 7, 10),
            Watermark(28),
            counted(5, 10, 10),
            Watermark(29),
            counted(6, 11, 10),
            End,
        ],
        &[
            "[0, 10) #1 1 9 @9",
            "[0, 10) #2 2 6 @9",
            "[0, 10) #3 3 5 @9",
            "W 9",
            "[0, 10) #2 3 7 @9",
            "[0, 10) #3 2 6 @9",
            "W 28",
            "[0, 10) #1 5 10 @9",
            "[0, 10) #2 1 9 @9",
            "[0, 10) #3 3 7 @9",
            "W 29",
            "End",
        ],
    );
}

#[test]
fn a_result_without_its_ranking_is_counted_as_late() {
    let harness = Harness::new(|| TopN::new(3, |item: &u64| *item).into_operator());
    let outcome = harness.keyed_by(|row: &Row| row.window).run(&[Watermark(9), counted(1, 9, 10)]);
    assert_eq!((outcome.totals.late, outcome.totals.dropped), (1, 1));
}

#[test]
fn none_of_the_results_may_be_asked_for() {
    check(0, 0, &[counted(1, 9, 10), End], &["End"]);
}
