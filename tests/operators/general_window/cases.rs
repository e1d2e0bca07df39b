//! General windows, case by case: what the definition does not say.

use tidegate_core::operator::{Operator, OutputTag};
use tidegate_core::time::Timestamp;
use tidegate_operators::aggregate::{Count, Sum};
use tidegate_operators::window::{
    CalendarUnit, CalendarWindows, CountEvictor, DeltaTrigger, EndOfStreamTrigger,
    EvictingWindowing, GlobalWindows, MergingWindows, ProcessingTime, Reduce, Session, Stamped,
    TimeWindow, Window, WindowContext, WindowOutput, Windowed, Windowing,
};
use tidegate_tests::harness::{Harness, Outcome, Step, Step::*};

type In = (u64, i64);
const LATE: OutputTag<In> = OutputTag::new("late");
const EARLY: OutputTag<String> = OutputTag::new("early");

fn key(record: &In) -> u64 {
    record.0
}

fn sum() -> Sum<In, fn(&In) -> i64> {
    Sum::of(|record| record.1)
}

/// Rows are `key [start, end) value`.
fn rows<O, V>(make: impl Fn() -> O + 'static, steps: &[Step<In>]) -> Outcome
where
    V: std::fmt::Display + std::fmt::Debug + Clone + Send + Sync + 'static,
    O: Operator<In = In, Out = Windowed<u64, V>>,
{
    let harness = Harness::new(make)
        .keyed_by(key)
        .show(|row| format!("{} {} {}", row.key, row.window, row.value));
    harness.side(LATE).run(steps)
}

fn check<O, V>(make: impl Fn() -> O + 'static, steps: &[Step<In>], expected: &[&str])
where
    V: std::fmt::Display + std::fmt::Debug + Clone + Send + Sync + 'static,
    O: Operator<In = In, Out = Windowed<u64, V>>,
{
    assert_eq!(rows(make, steps).lines, expected);
}

#[test]
fn a_record_between_two_sessions_makes_them_one() {
    check(
        || Windowing::new(Session::with_gap(10)).aggregate(sum(), key).expect("valid"),
        &[Record((1, 1), 0), Record((1, 2), 20), Record((1, 4), 10), Watermark(29), End],
        &["1 [0, 30) 7 @29", "W 29", "End"],
    );
}

#[test]
fn a_late_record_joins_a_session_that_is_kept() {
    check(
        || {
            let sessions = Windowing::new(Session::with_gap(10)).allowed_lateness(20);
            sessions.late_output(&LATE).aggregate(sum(), key).expect("valid")
        },
        &[
            Record((1, 1), 0),
            Watermark(15),
            // It ends the session later: not yet.
            Record((1, 2), 8),
            Watermark(17),
            // Of itself it would be late, but the session is there.
            Record((1, 4), -10),
            Watermark(37),
            Record((1, 8), 7),
            End,
        ],
        &[
            "1 [0, 10) 1 @9",
            "W 15",
            "1 [0, 18) 3 @17",
            "W 17",
            "1 [-10, 18) 7 @17",
            "W 37",
            "late: (1, 8) @7",
            "End",
        ],
    );
}

#[test]
fn windows_without_length_join_what_they_touch() {
    let window = |record: &In, at: Timestamp| {
        let end = if record.1 == 0 { at } else { at.plus(10) };
        TimeWindow { start: at, end }
    };
    let outcome = rows(
        move || {
            let points = Windowing::new(MergingWindows::new(window)).late_output(&LATE);
            points.aggregate(Count::new(), key).expect("valid")
        },
        &[
            Record((1, 1), 0),
            Record((1, 0), 10),
            Record((1, 0), 11),
            Watermark(10),
            Record((1, 0), 11),
            End,
        ],
    );
    // The point at 11 is over when 10 is; the last record is dropped, but not late itself.
    assert_eq!(outcome.lines, ["1 [0, 10) 2 @9", "1 [11, 11) 1 @10", "W 10", "End"]);
    assert_eq!((outcome.totals.late, outcome.totals.dropped, outcome.entries), (0, 1, 0));
}

#[test]
fn a_window_function_sees_its_window_and_emits_as_it_likes() {
    let function = |window: &WindowContext<'_, u64>,
                    records: &[Stamped<In>],
                    out: &mut WindowOutput<'_, String>| {
        for Stamped { value, timestamp } in records {
            out.emit(format!("{} of {} at {}", value.1, window.key, timestamp.millis()));
        }
        let early = window.watermark < window.window.max_timestamp();
        let text = format!("{} after {}", window.window, window.watermark.millis());
        if early {
            out.emit_side(&EARLY, text);
        } else {
            out.emit(text);
        }
    };
    let make = move || {
        let windows = Windowing::new(Window::tumbling(10));
        let windows =
            windows.trigger(tidegate_operators::window::ContinuousEventTimeTrigger::every(4));
        windows.process(function, key).expect("valid")
    };
    Harness::new(make).keyed_by(key).show(String::clone).side(EARLY).check(
        &[Record((1, 7), 3), Record((1, 5), 1), Watermark(4), Record((1, 6), 9), Watermark(20)],
        &[
            "7 of 1 at 3 @9",
            "5 of 1 at 1 @9",
            "early: \"[0, 10) after 4\" @9",
            "W 4",
            // At 8 and at the end; the watermark has passed both.
            "7 of 1 at 3 @9",
            "5 of 1 at 1 @9",
            "6 of 1 at 9 @9",
            "[0, 10) after 20 @9",
            "7 of 1 at 3 @9",
            "5 of 1 at 1 @9",
            "6 of 1 at 9 @9",
            "[0, 10) after 20 @9",
            "W 20",
        ],
    );
}

#[test]
fn a_function_may_take_an_aggregate_instead_of_the_records() {
    let function =
        |window: &WindowContext<'_, u64>, sum: i64, out: &mut WindowOutput<'_, String>| {
            (0..sum).for_each(|n| out.emit(format!("{} {n}", window.window)));
        };
    let make = move || {
        Windowing::new(Window::tumbling(10)).aggregate_then(sum(), function, key).expect("ok")
    };
    Harness::new(make).keyed_by(key).show(String::clone).check(
        &[Record((1, 2), 3), Record((1, 1), 4), End],
        &["[0, 10) 0 @9", "[0, 10) 1 @9", "[0, 10) 2 @9", "End"],
    );
}

#[test]
fn count_windows_hold_so_many_records() {
    let records = [1, 2, 4, 8, 16].map(|n| Record((1, n), i64::MIN));
    let global = |value: &str| format!("1 {} {value} @{}", TimeWindow::GLOBAL, i64::MAX);
    let outcome = rows(|| Windowing::count(2).aggregate(sum(), key).expect("valid"), &records);
    assert_eq!(outcome.lines, [global("3"), global("12")]);
    assert_eq!(outcome.entries, 1, "one record waits for another");
    let sliding = || EvictingWindowing::sliding_count(3, 2).aggregate(sum(), key).expect("valid");
    assert_eq!(rows(sliding, &records).lines, [global("3"), global("14")]);
}

#[test]
fn a_count_window_that_is_full_leaves_nothing() {
    let records = [1, 2, 4, 8].map(|n| Record((1, n), i64::MIN));
    let outcome = rows(|| Windowing::count(2).aggregate(sum(), key).expect("valid"), &records);
    assert_eq!(outcome.entries, 0);
}

#[test]
fn the_global_window_may_fire_at_the_end_of_the_stream() {
    let make = || {
        let windows = Windowing::new(GlobalWindows).trigger(EndOfStreamTrigger);
        windows.aggregate(Reduce::new(|sum: In, next: &In| (sum.0, sum.1 + next.1)), key)
    };
    Harness::new(move || make().expect("valid"))
        .keyed_by(key)
        .show(|r| format!("{:?}", r.value))
        .check(
            &[Record((1, 1), 5), Watermark(1000), Record((1, 2), 2), End],
            &["W 1000", &format!("(1, 3) @{}", i64::MAX), "End"],
        );
}

#[test]
fn a_change_may_be_what_fires() {
    let far = |last: &In, now: &In| (now.1 - last.1).abs() as f64;
    let make = move || {
        let windows = Windowing::new(GlobalWindows).trigger(DeltaTrigger::new(5.0, far));
        windows.evictor(CountEvictor::before(1)).aggregate(sum(), key).expect("valid")
    };
    let records = [10, 14, 15, 16, 11, 10].map(|n| Record((1, n), 0));
    let row = |n: i64| format!("1 {} {n} @{}", TimeWindow::GLOBAL, i64::MAX);
    assert_eq!(rows(make, &records).lines, [row(16), row(10)]);
}

#[test]
fn a_window_of_the_wall_clock_ends_by_the_wall_clock() {
    check(
        || {
            let windows = ProcessingTime(Window::sliding(10, 5));
            Windowing::new(windows).aggregate(Count::new(), key).expect("valid")
        },
        &[
            Record((1, 0), i64::MIN),
            Step::ProcessingTime(6),
            Record((1, 0), 999),
            Watermark(500),
            Step::ProcessingTime(9),
            Record((1, 0), 0),
            Step::ProcessingTime(10),
            Step::ProcessingTime(30),
        ],
        &[
            "1 [-5, 5) 1 @4",
            "P 6",
            "W 500",
            "P 9",
            "1 [0, 10) 3 @9",
            "P 10",
            "1 [5, 15) 2 @14",
            "P 30",
        ],
    );
}

#[test]
fn a_day_is_one_of_its_time_zone() {
    let make = || {
        let days = CalendarWindows::new(CalendarUnit::Day, "Asia/Shanghai").expect("a zone");
        Windowing::new(days).aggregate(Count::new(), key).expect("valid")
    };
    const HOUR: i64 = 3_600_000;
    check(
        make,
        &[Record((1, 0), 0), Record((1, 0), 16 * HOUR - 1), Record((1, 0), 16 * HOUR), End],
        &[
            &format!("1 [{}, {}) 2 @{}", -8 * HOUR, 16 * HOUR, 16 * HOUR - 1),
            &format!("1 [{}, {}) 1 @{}", 16 * HOUR, 40 * HOUR, 40 * HOUR - 1),
            "End",
        ],
    );
}

#[test]
fn a_lateness_without_end_ends_with_event_time() {
    let outcome = rows(
        || {
            let windows = Windowing::new(Session::with_gap(10)).allowed_lateness(i64::MAX);
            windows.aggregate(sum(), key).expect("valid")
        },
        &[Record((1, 1), 0), Watermark(1_000_000), Record((1, 2), 3), End],
    );
    assert_eq!(outcome.lines, ["1 [0, 10) 1 @9", "W 1000000", "1 [0, 13) 3 @12", "End"]);
    assert_eq!(outcome.entries, 0);
}

#[test]
fn a_record_without_event_time_is_refused_by_event_time_windows() {
    let make = || Windowing::new(Session::with_gap(10)).aggregate(sum(), key).expect("valid");
    let harness = Harness::new(make).keyed_by(key).show(|row| row.window.to_string());
    let error = harness.failure(&[Record((1, 1), i64::MIN)]);
    assert!(error.contains("assign timestamps at the source"), "{error}");
}
