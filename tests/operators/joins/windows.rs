//! Window joins and co-groups: against their definition over disordered streams, in every way of running,
//! and some cases by hand.

use super::model::{In, Step, sorted};
use super::properties::{LATE_LEFT, LATE_RIGHT, events, key, kinds, steps};
use super::window_model::{Cut, WindowModel, both_sides, pairs};
use proptest::prelude::*;
use tidegate_core::element::{Batch, Record};
use tidegate_core::key::Key;
use tidegate_core::operator::{CoOperator, Context, Progress};
use tidegate_core::time::Timestamp;
use tidegate_operators::join::{CoGroup, JoinKind, Joined, Tagged, WindowJoin};
use tidegate_operators::window::{Session, Window, WindowAssigner};
use tidegate_tests::harness::{Outcome, TwoInputStep::*, TwoInputs};

fn join<W: WindowAssigner<Tagged<In, In>>>(
    windows: W,
    lateness: i64,
    kind: JoinKind,
) -> TwoInputs<impl CoOperator<In = In, Second = In, Out = String>> {
    let make = move || {
        let join = WindowJoin::new(windows.clone()).kind(kind).allowed_lateness(lateness);
        let join = join.side_output_late_left(LATE_LEFT).side_output_late_right(LATE_RIGHT);
        let row = |window: &tidegate_operators::window::WindowContext<'_, u8>,
                   row: Joined<&In, &In>| format!("({} {row:?})", window.window);
        join.into_operator(key, key, row).expect("valid")
    };
    // Within a window rows come in the order of a hash table.
    TwoInputs::new(make, key, key).show(String::clone).unordered().side(LATE_LEFT).side(LATE_RIGHT)
}

fn group<W: WindowAssigner<Tagged<In, In>>>(
    windows: W,
    lateness: i64,
) -> TwoInputs<impl CoOperator<In = In, Second = In, Out = String>> {
    let make = move || {
        let group = CoGroup::new(windows.clone()).allowed_lateness(lateness);
        let group = group.side_output_late_left(LATE_LEFT).side_output_late_right(LATE_RIGHT);
        let both = group.into_operator(key, key, |window, left, right, out| {
            let left: Vec<In> = left.iter().copied().collect();
            let right: Vec<In> = right.iter().copied().collect();
            for row in both_sides(JoinKind::Full, &left, &right) {
                out.emit(format!("({} {row})", window.window));
            }
        });
        both.expect("valid")
    };
    TwoInputs::new(make, key, key).show(String::clone).unordered().side(LATE_LEFT).side(LATE_RIGHT)
}

fn run_join((cut, lateness, kind): (Cut, i64, JoinKind), steps: &[Step]) -> Outcome {
    match cut {
        Cut::Sliding { size, slide, offset } => {
            join(Window::sliding(size, slide).offset(offset), lateness, kind).run(steps)
        }
        Cut::Cumulating { size, step } => {
            join(Window::cumulating(size, step), lateness, kind).run(steps)
        }
        Cut::Session { gap } => join(Session::with_gap(gap), lateness, kind).run(steps),
    }
}

fn run_group(cut: Cut, lateness: i64, steps: &[Step]) -> Outcome {
    match cut {
        Cut::Sliding { size, slide, offset } => {
            group(Window::sliding(size, slide).offset(offset), lateness).run(steps)
        }
        Cut::Cumulating { size, step } => {
            group(Window::cumulating(size, step), lateness).run(steps)
        }
        Cut::Session { gap } => group(Session::with_gap(gap), lateness).run(steps),
    }
}

fn cuts() -> impl Strategy<Value = Cut> {
    let offset = -7..7i64;
    prop_oneof![
        (1..15i64, offset.clone()).prop_map(|(size, offset)| Cut::Sliding {
            size,
            slide: size,
            offset
        }),
        (1..20i64, 1..8i64, offset).prop_map(|(size, slide, offset)| Cut::Sliding {
            size,
            slide,
            offset
        }),
        (1..5i64, 1..5i64).prop_map(|(steps, step)| Cut::Cumulating { size: steps * step, step }),
        (1..10i64).prop_map(|gap| Cut::Session { gap }),
    ]
}

fn latenesses() -> impl Strategy<Value = i64> {
    prop_oneof![2 => Just(0), 2 => 1..15i64]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn a_window_join_emits_what_its_definition_says(
        cut in cuts(),
        lateness in latenesses(),
        kind in kinds(),
        events in events(),
    ) {
        let steps = steps(&events, false);
        let outcome = run_join((cut, lateness, kind), &steps);
        let (lines, late, dropped) = WindowModel::run((cut, lateness, kind), pairs, &steps);
        prop_assert_eq!(sorted(&outcome.lines), lines);
        prop_assert_eq!((outcome.totals.late, outcome.totals.dropped), (late, dropped));
        prop_assert_eq!(outcome.entries, 0);
    }

    #[test]
    fn a_co_group_gives_both_sides_of_each_window_to_the_function(
        cut in cuts(),
        lateness in latenesses(),
        events in events(),
    ) {
        let steps = steps(&events, false);
        let outcome = run_group(cut, lateness, &steps);
        let spec = (cut, lateness, JoinKind::Full);
        let (lines, late, dropped) = WindowModel::run(spec, both_sides, &steps);
        prop_assert_eq!(sorted(&outcome.lines), lines);
        prop_assert_eq!((outcome.totals.late, outcome.totals.dropped), (late, dropped));
        prop_assert_eq!(outcome.entries, 0);
    }
}

#[test]
fn a_record_is_kept_once_however_many_windows_overlap_there() {
    let steps =
        [First((1, 0), 5_000), First((1, 1), 5_000), Second((1, 2), 5_001), Watermark(4_999)];
    let outcome = join(Window::sliding(1_000, 1), 0, JoinKind::Inner).run(&steps);
    // One entry for each of the two slices.
    assert_eq!((outcome.lines, outcome.entries), (vec!["W 4999".to_owned()], 2));
}

#[test]
fn sessions_merge_over_both_streams() {
    let steps: [Step; 5] =
        [First((1, 0), 0), First((1, 1), 16), Second((1, 2), 8), Second((1, 3), 40), End];
    let rows = [
        "([0, 26) Both((1, 0), (1, 2))) @25",
        "([0, 26) Both((1, 1), (1, 2))) @25",
        "([40, 50) Right((1, 3))) @49",
        "End",
    ];
    join(Session::with_gap(10), 0, JoinKind::Full).check(&steps, &rows);
}

#[test]
fn a_record_without_a_timestamp_is_an_error_in_a_window_join_too() {
    for step in [First((1, 0), i64::MIN), Second((1, 0), i64::MIN)] {
        let tumbling = join(Window::tumbling(5), 0, JoinKind::Inner).failure(&[step]);
        let session = join(Session::with_gap(5), 0, JoinKind::Inner).failure(&[step]);
        for failure in [tumbling, session] {
            assert!(failure.contains("assign timestamps at the source"), "{failure}");
        }
    }
}

/// The pairs of one window are the square of this: very many times what an output holds.
const MANY: u64 = 2_000;

/// Runs `MANY` records on each side through `join`, and a late one where `late` is a time.
fn square<O>(mut join: O, until: i64, late: Option<i64>) -> u64
where
    O: CoOperator<In = u64, Second = u64, Out = u64>,
{
    let record = |value, at| Record { value, timestamp: Timestamp(at), key_hash: ().stable_hash() };
    let records = |at| (0..MANY).map(|n| record(n, at)).collect();
    let mut ctx = Context::new(1024);
    join.process(&mut Batch::new(records(3), Vec::new()), &mut ctx).expect("it works");
    join.process_second(&mut Batch::new(records(4), Vec::new()), &mut ctx).expect("it works");
    assert!(ctx.take().is_empty());
    let mut pairs = 0;
    ctx.set_time(Timestamp(until), Timestamp::MIN);
    let mut progress = Progress::More;
    while progress == Progress::More {
        progress = join.on_watermark(Timestamp(until), &mut ctx).expect("it works");
        let taken = ctx.take().len();
        assert!(taken <= 1024);
        pairs += taken as u64;
    }
    let mut input = Batch::new(late.map(|at| record(0, at)).into_iter().collect(), Vec::new());
    while tidegate_core::element::AnyBatch::open_records(&input) > 0 {
        join.process(&mut input, &mut ctx).expect("it works");
        let taken = ctx.take().len();
        assert!(taken <= 1024);
        pairs += taken as u64;
    }
    pairs
}

#[test]
fn however_many_pairs_a_window_has_the_output_fills_again_and_again() {
    fn joined<W: WindowAssigner<Tagged<u64, u64>>>(
        windows: W,
        lateness: i64,
    ) -> impl CoOperator<In = u64, Second = u64, Out = u64> {
        let join = WindowJoin::new(windows).allowed_lateness(lateness);
        let sum = |row: Joined<&u64, &u64>| row.left().map_or(0, |left| **left);
        join.into_operator(|_: &u64| (), |_: &u64| (), move |_, row| sum(row)).expect("valid")
    }
    assert_eq!(square(joined(Window::tumbling(10), 0), 100, None), MANY * MANY);
    // Both sides in two slices, and two windows that contain both.
    assert_eq!(square(joined(Window::sliding(3, 1), 0), 100, None), 2 * MANY * MANY);
    assert_eq!(square(joined(Session::with_gap(10), 0), 100, None), MANY * MANY);
    // A late record makes its window fire again.
    let again = MANY * MANY + (MANY + 1) * MANY;
    assert_eq!(square(joined(Window::tumbling(10), 50), 20, Some(5)), again);
    assert_eq!(square(joined(Session::with_gap(10), 50), 20, Some(5)), again);
}
