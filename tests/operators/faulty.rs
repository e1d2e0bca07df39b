//! The harness itself: each way of running finds the fault that it is there to find.

use tidegate_core::element::Batch;
use tidegate_core::operator::{BoxError, Context, Operator, Progress};
use tidegate_core::state::list::OperatorList;
use tidegate_core::state::{Keyed, StateVisitor, handles::ValueState};
use tidegate_core::time::Timestamp;
use tidegate_tests::harness::{Harness, Step, Step::*};

/// What is wrong with a [`Counter`].
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    ReadsPastTheBatch,
    ForgetsTheRest,
    ForgetsItsState,
    CountsPerSubtask,
    ForgetsEventTime,
}

/// Counts records per key and emits each count; emits all keys at each watermark.
struct Counter {
    fault: Fault,
    counts: ValueState<u64, u64>,
    seen: OperatorList<u64>,
    watermark: Timestamp,
    firing: Option<Vec<String>>,
}

impl Counter {
    fn new(fault: Fault) -> Self {
        let (counts, seen) = (ValueState::default(), OperatorList::split());
        Self { fault, counts, seen, watermark: Timestamp::MIN, firing: None }
    }
}

impl Operator for Counter {
    type In = u64;
    type Out = String;

    fn open(&mut self, watermark: Timestamp) {
        if self.fault != Fault::ForgetsEventTime {
            self.watermark = watermark;
        }
    }

    fn process(
        &mut self,
        input: &mut Batch<u64>,
        ctx: &mut Context<String>,
    ) -> Result<(), BoxError> {
        let batch = input.open();
        while !ctx.is_full()
            && let Some(record) = input.take()
        {
            let count = self.counts.get_or_insert_with(Keyed::new(&record.value), || 0);
            *count += 1;
            self.seen.elements.push(record.value);
            let shown = match self.fault {
                Fault::ReadsPastTheBatch => batch as u64,
                Fault::CountsPerSubtask => self.seen.elements.len() as u64,
                _ => *count,
            };
            ctx.emit(format!("{}: {shown}", record.value), record.timestamp);
        }
        Ok(())
    }

    fn on_watermark(
        &mut self,
        watermark: Timestamp,
        ctx: &mut Context<String>,
    ) -> Result<Progress, BoxError> {
        let since = self.watermark;
        let all = || {
            let mut rows: Vec<_> = self.counts.iter().collect();
            rows.sort_unstable();
            rows.iter().map(|(key, n)| format!("{key} at {n} since {since}")).collect()
        };
        let rows: &mut Vec<String> = self.firing.get_or_insert_with(all);
        while !ctx.is_full() && !rows.is_empty() {
            ctx.emit(rows.remove(0), watermark);
        }
        if !rows.is_empty() && self.fault != Fault::ForgetsTheRest {
            return Ok(Progress::More);
        }
        self.firing = None;
        self.watermark = watermark;
        Ok(Progress::Done)
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        if self.fault != Fault::ForgetsItsState {
            visitor.keyed("counts", &mut self.counts);
        }
        visitor.list("seen", &mut self.seen);
    }
}

const STEPS: [Step<u64>; 8] = [
    Record(1, 1),
    Record(2, 2),
    Watermark(2),
    Record(1, 3),
    Record(3, 3),
    ProcessingTime(50),
    Record(1, 4),
    Watermark(5),
];

fn run(fault: Fault) {
    let _ = Harness::new(move || Counter::new(fault)).keyed_by(|n| *n).run(&STEPS);
}

#[test]
fn a_sound_operator_runs_alike_in_every_mode() {
    run(Fault::None);
}

#[test]
#[should_panic(expected = "batched (left) differs")]
fn batches_show_what_depends_on_where_a_batch_was_cut() {
    run(Fault::ReadsPastTheBatch);
}

#[test]
#[should_panic(expected = "output full (left) differs")]
fn a_full_output_shows_what_is_not_resumed() {
    run(Fault::ForgetsTheRest);
}

#[test]
#[should_panic(expected = "restored (left) differs")]
fn a_restore_shows_state_that_is_in_no_snapshot() {
    run(Fault::ForgetsItsState);
}

#[test]
#[should_panic(expected = "restored (left) differs")]
fn a_restore_shows_event_time_that_is_not_taken_over() {
    run(Fault::ForgetsEventTime);
}

#[test]
#[should_panic(expected = "rescaled (left) differs")]
fn another_parallelism_shows_state_that_is_not_bound_to_its_key() {
    run(Fault::CountsPerSubtask);
}
