//! The operator harness: runs one operator over a list of steps in every way a runner may, and
//! expects the same of each.
//!
//! 1. record by record;
//! 2. in batches as large as they can be, with the watermarks as marks between the records;
//! 3. into an output that is full after every row and has to be emptied before anything goes on;
//! 4. with a snapshot after every step, restored into a new instance; bases and deltas alternate;
//! 5. the same, each time at another parallelism (for keyed operators).
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

use life::{Blueprint, Life, Saved};
use log::{Log, Recorder};
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use tidegate_core::element::{Batch, Data, Element, Mark, Record, Status};
use tidegate_core::key::{Key, MaxParallelism};
use tidegate_core::operator::{Context, Operator, OutputTag};
use tidegate_core::output::OutputEdge;
use tidegate_core::snapshot::OperatorTotals;
use tidegate_core::stage::{OperatorStage, Stage};
use tidegate_core::time::Timestamp;

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
        let name = tag.name().to_owned();
        self.sides.push(Side {
            connect: Box::new(move |ctx| ctx.connect(&tag)),
            edge: Box::new(move |recording| {
                let name = name.clone();
                let show = move |value: &T| format!("{name}: {value:?}");
                Box::new(Recorder::new(recording, true, show))
            }),
        });
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
        let first = self.run_in(RECORD_BY_RECORD, steps);
        for mode in OTHERS {
            if self.key_hash.is_none() && mode.lives.iter().any(|parallelism| *parallelism > 1) {
                continue;
            }
            let other = self.run_in(mode, steps);
            let by_row = self.unordered || mode.name == RESCALED.name;
            let (left, right) = (outcome(&other, by_row), outcome(&first, by_row));
            assert_eq!(left, right, "{} (left) differs from record by record", mode.name);
        }
        outcome(&first, self.unordered)
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
        let (log, mode) = (Arc::default(), RECORD_BY_RECORD);
        let run = || {
            let mut life = self.begin(mode, &log, &Saved::empty(Timestamp(0)), 1)?;
            before.iter().try_for_each(|step| self.step(step, &mut life, &log))?;
            let mut saved = life.snapshot()?;
            saved.clock = Timestamp(clock);
            let mut life = self.begin(mode, &log, &saved, 1)?;
            after.iter().try_for_each(|step| self.step(step, &mut life, &log))?;
            ran(&mut life, &log)
        };
        outcome(&run(), self.unordered)
            .unwrap_or_else(|error| panic!("the operator fails: {error}"))
    }

    fn run_in(&self, mode: Mode, steps: &[Step<O::In>]) -> Result<Ran, String> {
        let log = Arc::default();
        let mut lives = mode.lives.iter().copied().cycle();
        let begin = |saved: &Saved, parallelism| {
            let mut life = self.begin(mode, &log, saved, parallelism)?;
            life.wake().map(|()| life)
        };
        let mut life = begin(&Saved::empty(Timestamp(0)), lives.next().unwrap_or(1))?;
        let mut rest = steps;
        while let Some((step, behind)) = rest.split_first() {
            if mode.batched
                && let (Some(batch), length) = batch(rest, |value| self.hash(value))
            {
                life.feed(0, 0, batch)?;
                rest = &rest[length..];
                continue;
            }
            rest = behind;
            self.step(step, &mut life, &log)?;
            if !rest.is_empty()
                && let Some(parallelism) = lives.next()
            {
                life = begin(&life.snapshot()?, parallelism)?;
            }
        }
        ran(&mut life, &log)
    }

    /// A life that goes on from `saved`.
    fn begin(
        &self,
        mode: Mode,
        log: &Arc<Mutex<Log>>,
        saved: &Saved,
        parallelism: u32,
    ) -> Result<Life, String> {
        log.lock().expect("no thread has failed").begin(parallelism as usize);
        let stage = |capacity: Option<usize>| -> Box<dyn Stage> {
            let connect = |ctx: &mut _| self.sides.iter().for_each(|side| (side.connect)(ctx));
            let operator = (self.make)();
            Box::new(match capacity {
                Some(capacity) => OperatorStage::with_capacity(capacity, operator, connect),
                None => OperatorStage::new(operator, connect),
            })
        };
        let edges = |subtask| {
            let recording = Recording { log: Arc::clone(log), subtask, fills_up: mode.full };
            let main = Recorder::new(&recording, false, self.show);
            let mut edges: Vec<Box<dyn OutputEdge>> = vec![Box::new(main)];
            edges.extend(self.sides.iter().map(|side| (side.edge)(&recording)));
            edges
        };
        let blueprint = Blueprint { stage: &stage, edges: &edges, inputs: &[0], full: mode.full };
        Life::begin(&blueprint, saved, parallelism)
    }

    fn hash(&self, value: &O::In) -> u64 {
        self.key_hash.as_ref().map_or(0, |hash| hash(value))
    }

    fn step(&self, step: &Step<O::In>, life: &mut Life, log: &Mutex<Log>) -> Result<(), String> {
        match step {
            Step::Record(value, at) => {
                let key_hash = self.hash(value);
                let owner = GROUPS.owner(GROUPS.group_of(key_hash), life.parallelism());
                let record = Record { value: value.clone(), timestamp: Timestamp(*at), key_hash };
                let batch = Batch::new(vec![record], Vec::new());
                life.feed(owner as usize, 0, Element::Batch(Box::new(batch)))
            }
            Step::Watermark(at) => life.feed_all(0, || Element::Watermark(Timestamp(*at))),
            Step::ProcessingTime(at) => {
                life.advance_clock(Timestamp(*at))?;
                let mut log = log.lock().expect("no thread has failed");
                let with = format!("P {at}");
                (0..life.parallelism()).for_each(|task| log.end_group(task as usize, &with));
                Ok(())
            }
            Step::Status(status) => life.feed_all(0, || Element::Status(*status)),
            Step::End => life.feed_all(0, || Element::EndOfData),
        }
    }
}

/// What came of a run.
struct Ran {
    log: Log,
    totals: OperatorTotals,
    entries: u64,
}

fn ran(life: &mut Life, log: &Mutex<Log>) -> Result<Ran, String> {
    let (totals, entries) = (life.snapshot()?.totals, life.entries());
    let log = log.lock().expect("no thread has failed").clone();
    Ok(Ran { log, totals, entries })
}

fn outcome(ran: &Result<Ran, String>, by_row: bool) -> Result<Outcome, String> {
    let Ran { log, totals, entries } = ran.as_ref().map_err(Clone::clone)?;
    Ok(Outcome { lines: log.lines(by_row), totals: *totals, entries: *entries })
}

/// The records and watermarks at the head of `steps` as one batch, and how many steps that is.
fn batch<T: Data>(steps: &[Step<T>], hash: impl Fn(&T) -> u64) -> (Option<Element>, usize) {
    let (mut records, mut marks, mut taken) = (Vec::new(), Vec::new(), 0);
    for step in steps {
        match step {
            Step::Record(value, at) => {
                let (value, timestamp) = (value.clone(), Timestamp(*at));
                records.push(Record { key_hash: hash(&value), value, timestamp });
            }
            Step::Watermark(at) => {
                marks.push(Mark { position: records.len(), watermark: Timestamp(*at) });
            }
            Step::ProcessingTime(_) | Step::Status(_) | Step::End => break,
        }
        taken += 1;
    }
    let batch = || Element::Batch(Box::new(Batch::new(records, marks)));
    ((taken > 0).then(batch), taken)
}
