//! The harness for operators with a second input: each input is a channel of its own, with its own event
//! time.
//!
//! Apart from the one for one input because a step here says on which input it happens.

use super::rig::{Act, Rig, Script};
use super::{KeyHash, Outcome, Recording, Side, edges, side};
use std::fmt::Debug;
use tidegate_core::element::{Batch, Data, Element, Mark, Record};
use tidegate_core::key::Key;
use tidegate_core::operator::{CoOperator, OutputTag};
use tidegate_core::stage::{OperatorStage, SECOND, Stage};
use tidegate_core::time::Timestamp;

/// One thing that happens to an operator with two inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TwoInputStep<A, B> {
    /// A record on the first input, and its event time.
    First(A, i64),
    /// A record on the second input, and its event time.
    Second(B, i64),
    /// Event time advances on the first input.
    FirstWatermark(i64),
    /// Event time advances on the second input.
    SecondWatermark(i64),
    /// Event time advances on both, on the first one first.
    Watermark(i64),
    /// The wall clock advances.
    ProcessingTime(i64),
    /// The second input ends; it is told again to every new instance.
    SecondEnd,
    /// Both inputs end.
    End,
}

/// An operator with two inputs under test.
pub struct TwoInputs<O: CoOperator> {
    make: Box<dyn Fn() -> O>,
    show: fn(&O::Out) -> String,
    first_hash: KeyHash<O::In>,
    /// `None` when the second input is broadcast.
    second_hash: Option<KeyHash<O::Second>>,
    sides: Vec<Side<O::Out>>,
    unordered: bool,
    own_time: bool,
}

impl<O: CoOperator> TwoInputs<O>
where
    O::Out: Debug,
{
    /// Tests what `make` makes, over streams keyed by `first_key` and `second_key`; its records are shown
    /// as `Debug` does.
    pub fn new<K: Key>(
        make: impl Fn() -> O + 'static,
        first_key: impl Fn(&O::In) -> K + 'static,
        second_key: impl Fn(&O::Second) -> K + 'static,
    ) -> Self {
        let second_hash: KeyHash<O::Second> =
            Box::new(move |value| second_key(value).stable_hash());
        Self::of(make, first_key, Some(second_hash))
    }

    /// The same over data keyed by `key`, and a second input that all subtasks get.
    pub fn broadcast<K: Key>(
        make: impl Fn() -> O + 'static,
        key: impl Fn(&O::In) -> K + 'static,
    ) -> Self {
        Self::of(make, key, None)
    }

    fn of<K: Key>(
        make: impl Fn() -> O + 'static,
        first_key: impl Fn(&O::In) -> K + 'static,
        second_hash: Option<KeyHash<O::Second>>,
    ) -> Self {
        Self {
            make: Box::new(make),
            show: |out| format!("{out:?}"),
            first_hash: Box::new(move |value| first_key(value).stable_hash()),
            second_hash,
            sides: Vec::new(),
            unordered: false,
            own_time: false,
        }
    }
}

impl<O: CoOperator> TwoInputs<O> {
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

    /// Each subtask has event time of its own: where there are several, only rows are compared.
    #[must_use]
    pub fn own_time(mut self) -> Self {
        self.own_time = true;
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
    pub fn run(&self, steps: &[TwoInputStep<O::In, O::Second>]) -> Outcome {
        self.agreed(steps).unwrap_or_else(|error| panic!("the operator fails: {error}"))
    }

    /// Runs the steps in every mode and returns the error that all of them end in.
    ///
    /// # Panics
    /// When two modes disagree, or the operator does not fail.
    #[must_use]
    pub fn failure(&self, steps: &[TwoInputStep<O::In, O::Second>]) -> String {
        self.agreed(steps).expect_err("the operator fails")
    }

    /// Runs the steps in every mode and expects these lines of each.
    ///
    /// # Panics
    /// When something else came out.
    pub fn check(&self, steps: &[TwoInputStep<O::In, O::Second>], expected: &[&str]) {
        assert_eq!(self.run(steps).lines, expected);
    }

    fn agreed(&self, steps: &[TwoInputStep<O::In, O::Second>]) -> Result<Outcome, String> {
        let stage = |capacity: Option<usize>| -> Box<dyn Stage> {
            let connect = |ctx: &mut _| self.sides.iter().for_each(|side| (side.connect)(ctx));
            let stage = match capacity {
                Some(capacity) => OperatorStage::with_capacity(capacity, (self.make)(), connect),
                None => OperatorStage::new((self.make)(), connect),
            };
            Box::new(stage.with_second_input())
        };
        let edges = |recording: &Recording| edges(recording, self.show, &self.sides);
        let rig = Rig {
            stage: &stage,
            edges: &edges,
            inputs: &[0, SECOND],
            keyed: true,
            unordered: self.unordered,
            own_time: self.own_time,
            broadcasts: self.second_hash.is_none(),
        };
        let (first_hash, second_hash) = (&self.first_hash, self.second_hash.as_ref());
        rig.agreed(&Steps { steps, first_hash, second_hash })
    }
}

struct Steps<'a, A, B> {
    steps: &'a [TwoInputStep<A, B>],
    first_hash: &'a KeyHash<A>,
    second_hash: Option<&'a KeyHash<B>>,
}

fn record<T: Data>(value: &T, at: i64, hash: &KeyHash<T>) -> Record<T> {
    Record { value: value.clone(), timestamp: Timestamp(at), key_hash: hash(value) }
}

fn arrives<T: Data>(channel: usize, record: Record<T>) -> Act {
    let key_hash = record.key_hash;
    let element = Element::Batch(Box::new(Batch::new(vec![record], Vec::new())));
    Act::Record { channel, key_hash, element }
}

/// What one input gets in one batch.
struct Part<T> {
    records: Vec<Record<T>>,
    marks: Vec<Mark>,
}

impl<T: Data> Part<T> {
    const fn new() -> Self {
        Self { records: Vec::new(), marks: Vec::new() }
    }

    fn mark(&mut self, at: i64) {
        let position = self.records.len();
        self.marks.push(Mark { position, watermark: Timestamp(at) });
    }

    fn batch(self, channel: usize) -> Option<(usize, Element, usize)> {
        let steps = self.records.len() + self.marks.len();
        let batch = || Element::Batch(Box::new(Batch::new(self.records, self.marks)));
        (steps > 0).then(|| (channel, batch(), steps))
    }
}

impl<A: Data, B: Data> Script for Steps<'_, A, B> {
    fn steps(&self) -> usize {
        self.steps.len()
    }

    fn act(&self, at: usize) -> Act {
        match &self.steps[at] {
            TwoInputStep::First(value, at) => arrives(0, record(value, *at, self.first_hash)),
            TwoInputStep::Second(value, at) => match self.second_hash {
                Some(hash) => arrives(1, record(value, *at, hash)),
                None => {
                    let record = Record::new(value.clone(), Timestamp(*at));
                    let batch = move || Batch::new(vec![record.clone()], Vec::new());
                    Act::Broadcast(1, Box::new(move || Element::Batch(Box::new(batch()))))
                }
            },
            TwoInputStep::FirstWatermark(at) => Act::Watermark(vec![0], Timestamp(*at)),
            TwoInputStep::SecondWatermark(at) => Act::Watermark(vec![1], Timestamp(*at)),
            TwoInputStep::Watermark(at) => Act::Watermark(vec![0, 1], Timestamp(*at)),
            TwoInputStep::ProcessingTime(at) => Act::Clock(Timestamp(*at)),
            TwoInputStep::SecondEnd => Act::End(vec![1]),
            TwoInputStep::End => {
                let ended = |step: &TwoInputStep<A, B>| matches!(step, TwoInputStep::SecondEnd);
                let second_ended = self.steps[..at].iter().any(ended);
                Act::End(if second_ended { vec![0] } else { vec![0, 1] })
            }
        }
    }

    fn batch(&self, at: usize) -> Option<(usize, Element, usize)> {
        let (mut first, mut second) = (Part::new(), Part::new());
        for step in &self.steps[at..] {
            match step {
                TwoInputStep::First(value, at) => {
                    first.records.push(record(value, *at, self.first_hash));
                }
                TwoInputStep::FirstWatermark(at) => first.mark(*at),
                _ => break,
            }
        }
        for step in &self.steps[at..] {
            match step {
                TwoInputStep::Second(value, at) => {
                    second.records.push(match self.second_hash {
                        Some(hash) => record(value, *at, hash),
                        None => Record::new(value.clone(), Timestamp(*at)),
                    });
                }
                TwoInputStep::SecondWatermark(at) => second.mark(*at),
                _ => break,
            }
        }
        first.batch(0).or_else(|| second.batch(1))
    }
}
