//! General windows against their definition, over disordered streams, in every way of running.

use super::model::{In, Kind, Model, Spec, When};
use proptest::prelude::*;
use tidegate_core::operator::{Operator, OutputTag};
use tidegate_operators::aggregate::Fold;
use tidegate_operators::window::{
    ContinuousEventTimeTrigger, ContinuousProcessingTimeTrigger, CountTrigger, GlobalWindows,
    MergingWindows, ProcessingTime, PurgingTrigger, Session, Stamped, Trigger, Window,
    WindowAssigner, WindowContext, WindowOutput, Windowing,
};
use tidegate_tests::harness::{Harness, Outcome, Step, Step::*};

const LATE: OutputTag<In> = OutputTag::new("late");

/// What windows emit: as text, so that all have the same type.
type Row = String;

fn told(window: &WindowContext<'_, u8>, mut values: Vec<u32>, out: &mut WindowOutput<'_, Row>) {
    values.sort_unstable();
    let window_text = match window.window {
        tidegate_operators::window::TimeWindow::GLOBAL => format!("[{}, {})", i64::MIN, i64::MAX),
        window => window.to_string(),
    };
    out.emit(format!("{} {window_text} {values:?}", window.key));
}

/// Runs windows both ways: with the records kept, and with an accumulator.
fn run<W: WindowAssigner<In>>(spec: Spec, assigner: W, steps: &[Step<In>]) -> Outcome {
    match (spec.when, spec.processing) {
        (When::Default, _) => {
            let trigger = assigner.default_trigger();
            triggered(spec, assigner, trigger, steps)
        }
        (When::Count(n), _) => triggered(spec, assigner, CountTrigger(n), steps),
        (When::Continuous(ms), false) => {
            triggered(spec, assigner, ContinuousEventTimeTrigger::every(ms), steps)
        }
        (When::Continuous(ms), true) => {
            triggered(spec, assigner, ContinuousProcessingTimeTrigger::every(ms), steps)
        }
    }
}

fn triggered<W, G>(spec: Spec, assigner: W, trigger: G, steps: &[Step<In>]) -> Outcome
where
    W: WindowAssigner<In>,
    G: Trigger<In>,
{
    let windows = Windowing::new(assigner).allowed_lateness(spec.lateness).late_output(&LATE);
    if spec.purging {
        both(&windows.trigger(PurgingTrigger(trigger)), steps)
    } else {
        both(&windows.trigger(trigger), steps)
    }
}

fn both<W, G>(windows: &Windowing<In, W, G>, steps: &[Step<In>]) -> Outcome
where
    W: WindowAssigner<In>,
    G: Trigger<In>,
{
    let listed = windows.clone();
    let of_list = |window: &WindowContext<'_, u8>,
                   records: &[Stamped<In>],
                   out: &mut WindowOutput<'_, Row>| {
        told(window, records.iter().map(|record| record.value.1).collect(), out);
    };
    let listed = outcome(
        move || listed.clone().process(of_list, |record: &In| record.0).expect("valid"),
        steps,
    );
    let folded = windows.clone();
    let fold = || {
        Fold::new(
            Vec::new(),
            |list: &mut Vec<u32>, record: &In| list.push(record.1),
            |list, other| list.extend(other),
        )
    };
    let folded = outcome(
        move || folded.clone().aggregate_then(fold(), told, |record: &In| record.0).expect("valid"),
        steps,
    );
    assert_eq!(listed, folded, "records kept (left) and folded (right)");
    listed
}

fn outcome<O: Operator<In = In, Out = Row>>(
    make: impl Fn() -> O + 'static,
    steps: &[Step<In>],
) -> Outcome {
    Harness::new(make)
        .keyed_by(|record: &In| record.0)
        .side(LATE)
        .show(Row::clone)
        .unordered()
        .run(steps)
}

fn check(spec: Spec, steps: &[Step<In>]) -> Result<(), TestCaseError> {
    let outcome = match spec.kind {
        Kind::Sliding { size, slide, offset } => {
            let window = Window::sliding(size, slide).offset(offset);
            if spec.processing {
                run(spec, ProcessingTime(window), steps)
            } else {
                run(spec, window, steps)
            }
        }
        Kind::Session(even, odd) if even == odd => {
            if spec.processing {
                run(spec, ProcessingTime(Session::with_gap(even)), steps)
            } else {
                run(spec, Session::with_gap(even), steps)
            }
        }
        Kind::Session(even, odd) => {
            let gap = move |record: &In| if record.1.is_multiple_of(2) { even } else { odd };
            let sessions = MergingWindows::with_gap(gap);
            if spec.processing {
                run(spec, ProcessingTime(sessions), steps)
            } else {
                run(spec, sessions, steps)
            }
        }
        Kind::Global => run(spec, GlobalWindows, steps),
    };
    let model = Model::run(spec, steps);
    prop_assert_eq!(&outcome.lines, &model.lines, "{:?}", spec);
    prop_assert_eq!(outcome.totals.dropped, model.dropped);
    if !matches!(spec.kind, Kind::Global) {
        prop_assert_eq!(model.open(), 0);
        prop_assert_eq!(outcome.entries, 0, "a window that has ended leaves nothing");
    }
    Ok(())
}

/// Records up to 40 ms out of order on both sides of the watermark; both clocks advance now and then,
/// and at the end far beyond all windows.
fn steps() -> impl Strategy<Value = Vec<Step<In>>> {
    let step = (0..12u8, 0..3u8, -40..40i64, 1..30i64);
    prop::collection::vec(step, 1..40).prop_map(|drawn| {
        let (mut watermark, mut clock) = (-30, 0);
        let mut steps = Vec::new();
        for (value, (kind, key, distance, advance)) in drawn.into_iter().enumerate() {
            match kind {
                0..8 => steps.push(Record((key, value as u32), watermark + distance)),
                8..10 => {
                    watermark += advance;
                    steps.push(Watermark(watermark));
                }
                _ => {
                    clock += advance;
                    steps.push(Step::ProcessingTime(clock));
                }
            }
        }
        steps.push(Step::ProcessingTime(clock + 10_000));
        steps.push(End);
        steps
    })
}

fn whens() -> impl Strategy<Value = When> {
    prop_oneof![
        2 => Just(When::Default),
        1 => (1..5u64).prop_map(When::Count),
        1 => (1..20i64).prop_map(When::Continuous),
    ]
}

fn lateness() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0), 1..40i64]
}

prop_compose! {
    fn sliding(processing: bool)(
        size in 1..30i64, slide in 1..20i64, tumbling in any::<bool>(), offset in -30..30i64,
        when in whens(), purging in any::<bool>(), lateness in lateness(),
    ) -> Spec {
        let slide = if tumbling { size } else { slide };
        Spec { kind: Kind::Sliding { size, slide, offset }, processing, when, purging, lateness }
    }
}

prop_compose! {
    fn sessions(processing: bool)(
        even in 1..30i64, odd in prop_oneof![Just(None), (1..30i64).prop_map(Some)],
        when in whens(), purging in any::<bool>(), lateness in lateness(),
    ) -> Spec {
        let kind = Kind::Session(even, odd.unwrap_or(even));
        Spec { kind, processing, when, purging, lateness }
    }
}

proptest! {
    #[test]
    fn sessions_of_event_time_are_as_defined(spec in sessions(false), steps in steps()) {
        check(spec, &steps)?;
    }

    #[test]
    fn sessions_of_the_wall_clock_are_as_defined(spec in sessions(true), steps in steps()) {
        check(spec, &steps)?;
    }

    #[test]
    fn windows_of_event_time_are_as_defined(spec in sliding(false), steps in steps()) {
        check(spec, &steps)?;
    }

    #[test]
    fn windows_of_the_wall_clock_are_as_defined(spec in sliding(true), steps in steps()) {
        check(spec, &steps)?;
    }

    #[test]
    fn count_windows_are_as_defined(n in 1..6u64, purging in any::<bool>(), steps in steps()) {
        let when = When::Count(n);
        check(Spec { kind: Kind::Global, processing: true, when, purging, lateness: 0 }, &steps)?;
    }
}
