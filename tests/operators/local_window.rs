//! Local pre-aggregation: what it holds and lets go, and that nobody behind the exchange can tell.

use proptest::prelude::*;
use tidegate_core::element::{Batch, Record as Element};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, Context, Operator, OutputTag, Progress};
use tidegate_core::snapshot::Redistribution;
use tidegate_core::state::{KeyedState, OperatorState, StateVisitor};
use tidegate_core::time::Timestamp;
use tidegate_operators::aggregate::{Max, Sum};
use tidegate_operators::window::{
    CombinedWindow, LocalWindow, Partial, SlicedWindow, Window, Windowed,
};
use tidegate_tests::harness::{Harness, Outcome, Step};

use crate::sliced_window_model::{steps, windows};

const LATE: OutputTag<(u8, u32)> = OutputTag::new("late");

type Amount = fn(&(u8, u32)) -> u32;
type KeyOf = fn(&(u8, u32)) -> u8;
type Sums = Sum<(u8, u32), Amount>;
type Out = Windowed<u8, u32>;

fn sums() -> Sums {
    Sum::of(|record| record.1)
}

/// A local window and the window behind it, as one operator: the exchange between them is a list.
struct Both {
    local: LocalWindow<u8, Sums, KeyOf>,
    merging: CombinedWindow<u8, Sums, KeyOf>,
    between: Context<Partial<u8, Sums>>,
    arrived: Batch<Partial<u8, Sums>>,
    /// Up to which watermark the local window has come.
    passed: Timestamp,
}

impl Both {
    fn new(window: Window) -> Self {
        let key: KeyOf = |record| record.0;
        Self {
            local: LocalWindow::new(window, sums(), key).expect("valid"),
            merging: CombinedWindow::new(window, sums(), key)
                .expect("valid")
                .side_output_late(LATE),
            between: Context::new(2),
            arrived: Batch::new(Vec::new(), Vec::new()),
            passed: Timestamp::MIN,
        }
    }

    /// Lets the window take what the local window has emitted; false when it is full.
    fn exchange(&mut self, ctx: &mut Context<Out>) -> Result<bool, BoxError> {
        loop {
            self.merging.process(&mut self.arrived, ctx)?;
            if self.arrived.open() > 0 {
                return Ok(false);
            }
            let keyed = self.between.take().into_iter().map(|record| {
                let key_hash = record.value.key(|record| record.0).stable_hash();
                Element { key_hash, ..record }
            });
            self.arrived = Batch::new(keyed.collect(), Vec::new());
            if self.arrived.open() == 0 {
                return Ok(true);
            }
        }
    }
}

impl Operator for Both {
    type In = (u8, u32);
    type Out = Out;

    fn open(&mut self, watermark: Timestamp) {
        self.local.open(watermark);
        self.merging.open(watermark);
        self.passed = watermark;
    }

    fn process(
        &mut self,
        input: &mut Batch<(u8, u32)>,
        ctx: &mut Context<Out>,
    ) -> Result<(), BoxError> {
        self.between.set_time(ctx.watermark(), ctx.processing_time());
        while self.exchange(ctx)? && !ctx.is_full() && input.open() > 0 {
            self.local.process(input, &mut self.between)?;
        }
        self.exchange(ctx).map(|_| ())
    }

    fn on_watermark(
        &mut self,
        watermark: Timestamp,
        ctx: &mut Context<Out>,
    ) -> Result<Progress, BoxError> {
        while self.passed < watermark {
            if !self.exchange(ctx)? {
                return Ok(Progress::More);
            }
            if self.local.on_watermark(watermark, &mut self.between)? == Progress::Done {
                self.passed = watermark;
            }
        }
        if !self.exchange(ctx)? {
            return Ok(Progress::More);
        }
        self.merging.on_watermark(watermark, ctx)
    }

    fn on_processing_time(
        &mut self,
        now: Timestamp,
        ctx: &mut Context<Out>,
    ) -> Result<Progress, BoxError> {
        while self.local.on_processing_time(now, &mut self.between)? == Progress::More {
            if !self.exchange(ctx)? {
                return Ok(Progress::More);
            }
        }
        Ok(if self.exchange(ctx)? { Progress::Done } else { Progress::More })
    }

    fn next_processing_timer(&self) -> Option<Timestamp> {
        self.local.next_processing_timer()
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        self.local.states(visitor);
        self.merging.states(visitor);
    }
}

fn show(row: &Out) -> String {
    format!("{} {} {}", row.key, row.window, row.value)
}

/// What comes out with the local window. The stream between the two is not keyed in the harness, so
/// this runs at one parallelism.
fn with(window: Window, steps: &[Step<(u8, u32)>]) -> Outcome {
    Harness::new(move || Both::new(window)).side(LATE).show(show).unordered().run(steps)
}

fn without(window: Window, steps: &[Step<(u8, u32)>]) -> Outcome {
    let make = move || {
        let key: KeyOf = |record| record.0;
        SlicedWindow::new(window, sums(), key).expect("valid").side_output_late(LATE)
    };
    let harness = Harness::new(make).keyed_by(|record| record.0);
    harness.side(LATE).show(show).unordered().run(steps)
}

proptest! {
    #[test]
    fn results_are_the_same_with_and_without(window in windows(), steps in steps()) {
        prop_assert_eq!(with(window, &steps), without(window, &steps));
    }
}

/// Runs a local window of maxima per 10 ms and shows what it emits.
fn emitted(run: impl FnOnce(&mut dyn FnMut(Call) -> Vec<String>)) {
    let max: Max<(u8, u32), Amount> = Max::of(|record| record.1);
    let key: KeyOf = |record| record.0;
    let mut local = LocalWindow::new(Window::tumbling(10), max, key).expect("valid");
    let mut ctx = Context::new(4096);
    run(&mut |call| {
        match call {
            Records(records) => {
                let element = |(value, at)| Element::new(value, Timestamp(at));
                let records = records.into_iter().map(element).collect();
                local.process(&mut Batch::new(records, Vec::new()), &mut ctx).expect("takes all");
            }
            Watermark(at) => {
                let progress = local.on_watermark(Timestamp(at), &mut ctx).expect("cannot fail");
                assert_eq!(progress, Progress::Done);
            }
            Clock(now) => {
                let due = local.next_processing_timer().is_some_and(|at| at <= Timestamp(now));
                if due {
                    local.on_processing_time(Timestamp(now), &mut ctx).expect("cannot fail");
                }
                ctx.set_time(Timestamp::MIN, Timestamp(now));
            }
        }
        let shown = ctx.take().into_iter().map(|record| match record.value {
            Partial::Record(value) => format!("{value:?} @{}", record.timestamp.millis()),
            Partial::Combined(part) => {
                let max = part.accumulator.expect("of one record or more");
                format!("{}: {max} of {} in {}", part.key, part.records, part.slice_end.millis())
            }
        });
        shown.collect()
    });
}

enum Call {
    Records(Vec<((u8, u32), i64)>),
    Watermark(i64),
    Clock(i64),
}
use Call::{Clock, Records, Watermark};

#[test]
fn what_is_combined_leaves_with_the_watermark_that_fires_its_slice() {
    emitted(|run| {
        let records = Records(vec![((1, 5), 3), ((1, 9), 4), ((2, 7), 12), ((1, 1), 9)]);
        assert!(run(records).is_empty());
        assert!(run(Watermark(8)).is_empty());
        assert_eq!(run(Watermark(9)), ["1: 9 of 3 in 10"]);
        assert_eq!(run(Records(vec![((1, 2), 9)])), ["(1, 2) @9"], "late or not: not decided here");
        assert_eq!(run(Watermark(100)), ["2: 7 of 1 in 20"]);
    });
}

/// Takes the elements of the only list out of an operator, or puts some into it.
struct List {
    elements: Vec<Vec<u8>>,
    restore: bool,
}

impl StateVisitor for List {
    fn keyed(&mut self, name: &str, _: &mut dyn KeyedState) {
        panic!("nothing is keyed before the exchange, but `{name}` is");
    }

    fn list(&mut self, _: &str, state: &mut dyn OperatorState) {
        assert_eq!(state.redistribution(), Redistribution::Split);
        if self.restore {
            state.restore(&self.elements).expect("what was stored can be read");
        } else {
            self.elements = state.snapshot();
        }
    }
}

#[test]
fn what_is_held_at_a_checkpoint_is_shared_out_and_sent_once() {
    let make = || {
        let key: KeyOf = |record| record.0;
        LocalWindow::new(Window::sliding(20, 10), sums(), key).expect("valid")
    };
    let mut ctx = Context::new(1024);
    let records = (0..30u8).map(|n| Element::new((n % 3, u32::from(n)), Timestamp(n.into())));
    let mut local = make();
    local.process(&mut Batch::new(records.collect(), Vec::new()), &mut ctx).expect("takes all");
    assert!(ctx.take().is_empty(), "all of it is held");
    let mut held = List { elements: Vec::new(), restore: false };
    local.states(&mut held);
    assert_eq!(held.elements.len(), 9, "three keys in three slices");
    let mut sent = Vec::new();
    for share in held.elements.chunks(5) {
        let mut local = make();
        local.states(&mut List { elements: share.to_vec(), restore: true });
        local.open(Timestamp::MIN);
        local.on_watermark(Timestamp::MAX, &mut ctx).expect("cannot fail");
        sent.extend(ctx.take().into_iter().map(|record| match record.value {
            Partial::Combined(part) => (part.key, part.slice_end.millis(), part.records),
            Partial::Record(_) => panic!("only what was combined is held"),
        }));
    }
    sent.sort_unstable();
    let expected = (0..3u8).flat_map(|key| [10, 20, 30].map(|end| (key, end)));
    let records = |(key, end): (u8, i64)| {
        (end - 10..end).filter(|at| at % 3 == i64::from(key)).count() as u64
    };
    let expected: Vec<_> = expected.map(|(key, end)| (key, end, records((key, end)))).collect();
    assert_eq!(sent, expected);
}

#[test]
fn nothing_is_held_for_long_by_the_clock() {
    emitted(|run| {
        assert!(run(Clock(1_000)).is_empty());
        assert!(run(Records(vec![((1, 5), 3), ((1, 9), 4)])).is_empty());
        assert!(run(Clock(1_199)).is_empty());
        assert_eq!(run(Clock(1_200)), ["1: 9 of 2 in 10"]);
    });
}

#[test]
fn what_does_not_combine_passes_after_a_sample() {
    emitted(|run| {
        let once = |from: i64| Records((from..from + 4096).map(|n| ((1, 0), n * 10)).collect());
        assert!(run(once(0)).is_empty(), "the sample is combined, for nothing");
        for round in 1..=16 {
            assert_eq!(run(once(round * 4096)).len(), 4096, "passes as it is: {round}");
        }
        assert!(run(once(17 * 4096)).is_empty(), "looks again");
    });
}
