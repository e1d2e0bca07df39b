//! The operator harness: runs one operator over a list of steps in every way a runner may, and
//! expects the same of each.
//!
//! 1. record by record;
//! 2. in batches as large as they can be, with the watermarks as marks between the records;
//! 3. into an output that is full after every row and has to be emptied before anything goes on;
//! 4. with a snapshot after every step, restored into a new instance; bases and deltas alternate;
//! 5. the same, each time at another parallelism (for keyed operators).
//!
//! [`TwoInputs`] does the same with an operator that has a second input; [`Outside`] runs one that waits for
//! answers.
//!
//! What runs is the real task with its gate and chain; snapshots take the real way through frames.
//! What comes out is compared as text: rows, then rows of side outputs, up to each watermark (`W 5`),
//! change of status (`Idle`, `Active`), each advance of the wall clock (`P 5`) and the end (`End`).
//!
//! ```
//! use tidegate_core::process::{KeyedContext, KeyedProcess, KeyedProcessOperator};
//! use tidegate_core::{operator::BoxError, state::{Keyed, StateVisitor, handles::ValueState}};
//! use tidegate_tests::harness::{Harness, Step::*};
//!
//! #[derive(Default)]
//! struct Running { count: ValueState<u64, u64> }
//! impl KeyedProcess for Running {
//!     type Key = u64;
//!     type In = u64;
//!     type Out = (u64, u64);
//!     fn process(&mut self, at: Keyed<'_, u64>, n: u64, ctx: &mut KeyedContext<'_, u64, (u64, u64)>)
//!         -> Result<(), BoxError>
//!     {
//!         let count = self.count.get_or_insert_with(at, || 0);
//!         *count += 1;
//!         ctx.emit((n, *count));
//!         Ok(())
//!     }
//!     fn states(&mut self, visitor: &mut dyn StateVisitor) {
//!         visitor.keyed("count", &mut self.count);
//!     }
//! }
//!
//! Harness::new(|| KeyedProcessOperator::new(Running::default(), |n: &u64| *n))
//!     .keyed_by(|n| *n)
//!     .check(&[Record(7, 1), Watermark(5), Record(7, 6)], &["(7, 1) @1", "W 5", "(7, 2) @6"]);
//! ```

pub(crate) mod life;
mod log;
mod outside;
mod rig;
mod two_inputs;

use log::{Log, Recorder};
pub use outside::{Outside, Told};
use rig::{Act, Rig, Script};
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use tidegate_core::element::{Batch, Data, Element, Mark, Record, Status};
use tidegate_core::key::{Key, MaxParallelism};
use tidegate_core::operator::{Context, Operator, OutputTag};
use tidegate_core::output::OutputEdge;
use tidegate_core::snapshot::OperatorTotals;
use tidegate_core::stage::{OperatorStage, Stage};
use tidegate_core::time::Timestamp;
pub use two_inputs::{TwoInputStep, TwoInputs};

/// One thing that happens to the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// A record and its event time.
    Record(T, i64),
    /// Event time advances.
    Watermark(i64),
    /// The wall clock advances.
    ProcessingTime(i64),
    /// The input falls idle or wakes up.
    Status(Status),
    /// The input ends.
    End,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Rows, watermarks and the end, in order.
    pub lines: Vec<String>,
    /// What the operator counted.
    pub totals: OperatorTotals,
    /// Entries left in its keyed states.
    pub entries: u64,
}

impl Outcome {
    /// Forgets between which watermarks the rows came, and in which order.
    fn keep_rows(&mut self) {
        self.lines.retain(|line| line.contains(" @"));
        self.lines.sort();
    }
}

type KeyHash<T> = Box<dyn Fn(&T) -> u64>;
type Connect<Out> = Box<dyn Fn(&mut Context<Out>)>;
type MakeEdge = Box<dyn Fn(&Recording) -> Box<dyn OutputEdge>>;

/// One side output: how to connect it, and the edge that records it.
struct Side<Out> {
    connect: Connect<Out>,
    edge: MakeEdge,
}

/// An operator under test.
pub struct Harness<O: Operator> {
    make: Box<dyn Fn() -> O>,
    show: fn(&O::Out) -> String,
    key_hash: Option<KeyHash<O::In>>,
    sides: Vec<Side<O::Out>>,
    unordered: bool,
}

/// A way to run the steps.
#[derive(Clone, Copy, Debug)]
struct Mode {
    name: &'static str,
    batched: bool,
    /// Whether the output is full after every row.
    full: bool,
    /// The parallelism of each life; a new one begins after every step. One life if empty.
    lives: &'static [u32],
}

const RECORD_BY_RECORD: Mode =
    Mode { name: "record by record", batched: false, full: false, lives: &[] };
const OTHERS: [Mode; 4] = [
    Mode { name: "batched", batched: true, ..RECORD_BY_RECORD },
    Mode { name: "output full", full: true, ..RECORD_BY_RECORD },
    Mode { name: "restored", lives: &[1], ..RECORD_BY_RECORD },
    RESCALED,
];
const RESCALED: Mode = Mode { name: "rescaled", lives: &[1, 3, 2, 2, 4], ..RECORD_BY_RECORD };

/// Key groups of the jobs that the harness plays.
pub(crate) const GROUPS: MaxParallelism = MaxParallelism::DEFAULT;

/// Where a life's outputs go.
struct Recording {
    log: Arc<Mutex<Log>>,
    subtask: usize,
    fills_up: bool,
}

impl<O: Operator> Harness<O>
where
    O::Out: Debug,
{
    /// Tests what `make` makes; its records are shown as `Debug` does.
    pub fn new(make: impl Fn() -> O + 'static) -> Self {
        Self {
            make: Box::new(make),
            show: |out| format!("{out:?}"),
            key_hash: None,
            sides: Vec::new(),
            unordered: false,
        }
    }
}

impl<O: Operator> Harness<O> {
    /// The stream is keyed.
    #[must_use]
    pub fn keyed_by<K: Key>(mut self, key: impl Fn(&O::In) -> K + 'static) -> Self {
        self.key_hash = Some(Box::new(move |value| key(value).stable_hash()));
        self
    }

    /// Shows an emitted record by `show`.
    #[must_use]
    pub fn show(mut self, show: fn(&O::Out) -> String) -> Self {
        self.show = show;
        self
    }

    /// The order of rows between two watermarks does not matter.
    #[must_use]
    pub fn unordered(mut self) -> Self {
        self.unordered = true;
        self
    }

    /// Connects the side output `tag`; its rows are shown behind its name.
    #[must_use]
    pub fn side<T: Data + Debug>(mut self, tag: OutputTag<T>) -> Self {
        self.sides.push(side(tag));
        self
    }

    /// Runs the steps in every mode and returns what they agree on.
    ///
    /// # Panics
    /// When two modes disagree, or the operator fails.
    #[must_use]
    pub fn run(&self, steps: &[Step<O::In>]) -> Outcome {
        self.agreed(steps).unwrap_or_else(|error| panic!("the operator fails: {error}"))
    }

    /// Runs the steps in every mode and returns the error that all of them end in.
    ///
    /// # Panics
    /// When two modes disagree, or the operator does not fail.
    #[must_use]
    pub fn failure(&self, steps: &[Step<O::In>]) -> String {
        self.agreed(steps).expect_err("the operator fails")
    }

    /// Runs the steps in every mode and expects these lines of each.
    ///
    /// # Panics
    /// When something else came out.
    pub fn check(&self, steps: &[Step<O::In>], expected: &[&str]) {
        assert_eq!(self.run(steps).lines, expected);
    }

    fn agreed(&self, steps: &[Step<O::In>]) -> Result<Outcome, String> {
        self.with_rig(|rig| rig.agreed(&self.script(steps)))
    }

    /// Runs the steps record by record; after `before` the operator is thrown away, and a new one goes
    /// on from a snapshot when the wall clock shows `clock` and the first of `after` has arrived.
    ///
    /// # Panics
    /// When the operator fails.
    #[must_use]
    pub fn run_restarted(
        &self,
        before: &[Step<O::In>],
        clock: i64,
        after: &[Step<O::In>],
    ) -> Outcome {
        let (before, after) = (self.script(before), self.script(after));
        self.with_rig(|rig| rig.restarted(&before, clock, &after))
            .unwrap_or_else(|error| panic!("the operator fails: {error}"))
    }

    fn script<'a>(&'a self, steps: &'a [Step<O::In>]) -> Steps<'a, O::In> {
        Steps { steps, key_hash: self.key_hash.as_ref() }
    }

    fn with_rig<T>(&self, run: impl FnOnce(&Rig<'_>) -> T) -> T {
        let stage = |capacity: Option<usize>| -> Box<dyn Stage> {
            let connect = |ctx: &mut _| self.sides.iter().for_each(|side| (side.connect)(ctx));
            let operator = (self.make)();
            Box::new(match capacity {
                Some(capacity) => OperatorStage::with_capacity(capacity, operator, connect),
                None => OperatorStage::new(operator, connect),
            })
        };
        let edges = |recording: &Recording| edges(recording, self.show, &self.sides);
        run(&Rig {
            stage: &stage,
            edges: &edges,
            inputs: &[0],
            keyed: self.key_hash.is_some(),
            unordered: self.unordered,
            own_time: false,
            broadcasts: false,
        })
    }
}

/// The main output, then the side outputs.
fn edges<Out: Data>(
    recording: &Recording,
    show: fn(&Out) -> String,
    sides: &[Side<Out>],
) -> Vec<Box<dyn OutputEdge>> {
    let mut edges: Vec<Box<dyn OutputEdge>> = vec![Box::new(Recorder::new(recording, false, show))];
    edges.extend(sides.iter().map(|side| (side.edge)(recording)));
    edges
}

/// The steps of an operator with one input.
struct Steps<'a, T> {
    steps: &'a [Step<T>],
    key_hash: Option<&'a KeyHash<T>>,
}

impl<T: Data> Steps<'_, T> {
    fn record(&self, value: &T, at: i64) -> Record<T> {
        let key_hash = self.key_hash.map_or(0, |hash| hash(value));
        Record { value: value.clone(), timestamp: Timestamp(at), key_hash }
    }
}

impl<T: Data> Script for Steps<'_, T> {
    fn steps(&self) -> usize {
        self.steps.len()
    }

    fn act(&self, at: usize) -> Act {
        match &self.steps[at] {
            Step::Record(value, at) => {
                let record = self.record(value, *at);
                let key_hash = record.key_hash;
                let element = Element::Batch(Box::new(Batch::new(vec![record], Vec::new())));
                Act::Record { channel: 0, key_hash, element }
            }
            Step::Watermark(at) => Act::Watermark(vec![0], Timestamp(*at)),
            Step::ProcessingTime(at) => Act::Clock(Timestamp(*at)),
            Step::Status(status) => Act::Status(vec![0], *status),
            Step::End => Act::End(vec![0]),
        }
    }

    fn batch(&self, at: usize) -> Option<(usize, Element, usize)> {
        let (mut records, mut marks, mut taken) = (Vec::new(), Vec::new(), 0);
        for step in &self.steps[at..] {
            match step {
                Step::Record(value, at) => records.push(self.record(value, *at)),
                Step::Watermark(at) => {
                    marks.push(Mark { position: records.len(), watermark: Timestamp(*at) });
                }
                Step::ProcessingTime(_) | Step::Status(_) | Step::End => break,
            }
            taken += 1;
        }
        let batch = || (0, Element::Batch(Box::new(Batch::new(records, marks))), taken);
        (taken > 0).then(batch)
    }
}

/// Connects the side output `tag` and writes its rows down behind its name.
fn side<Out: Data, T: Data + Debug>(tag: OutputTag<T>) -> Side<Out> {
    let name = tag.name().to_owned();
    Side {
        connect: Box::new(move |ctx| ctx.connect(&tag)),
        edge: Box::new(move |recording| {
            let name = name.clone();
            let show = move |value: &T| format!("{name}: {value:?}");
            Box::new(Recorder::new(recording, true, show))
        }),
    }
}
