//! Operators and sinks behind type erasure: what a chain is made of.
//!
//! Apart from the chain because this is where types end: a stage knows the records of its operator, a
//! chain only moves batches.

use crate::element::{AnyBatch, Barrier, Batch, Record, Status, downcast};
use crate::gate::Port;
use crate::gate::valve::TimeEvent;
use crate::limits;
use crate::operator::{BoxError, CoOperator, Context, Operator, Progress};
use crate::sink::{Prepare, Sink};
use crate::state::StateVisitor;
use crate::time::Timestamp;
use std::task::Waker;

/// The port of an operator's second input.
pub const SECOND: Port = 1;

/// What a step may know of the outside.
#[derive(Clone, Copy)]
pub struct StepTime<'a> {
    /// The wall clock.
    pub now: Timestamp,
    /// Wakes the task.
    pub waker: &'a Waker,
}

/// A control event on its way through the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Event time has advanced.
    Watermark(Timestamp),
    /// The wall clock has reached a timer.
    ProcessingTime(Timestamp),
    /// The chain's input of this port has ended; for its first operator only.
    EndOfInput(Port),
    /// All inputs fell idle, or one woke up; for an operator that makes event time only.
    Status(Status),
    /// All input has ended.
    End,
}

impl Control {
    /// Whether it is for the first operator of a chain only.
    #[must_use]
    pub const fn is_for_first(self) -> bool {
        matches!(self, Self::EndOfInput(_) | Self::Status(_))
    }
}

/// An operator or sink behind type erasure: the boundary at which the chain is dynamic.
pub trait Stage: Send {
    /// Called once before anything else, with all states in place.
    fn open(&mut self, watermark: Timestamp) {
        let _ = watermark;
    }

    /// Takes open records off `input`.
    ///
    /// # Errors
    /// The operator's.
    fn process(
        &mut self,
        port: Port,
        input: &mut dyn AnyBatch,
        time: StepTime<'_>,
    ) -> Result<(), BoxError>;

    /// Handles a control event.
    ///
    /// # Errors
    /// The operator's.
    fn control(&mut self, control: Control, time: StepTime<'_>) -> Result<Progress, BoxError>;

    /// Takes up what has come in from outside ([`Operator::poll`]).
    ///
    /// # Errors
    /// The operator's.
    fn poll(&mut self, time: StepTime<'_>) -> Result<(), BoxError> {
        let _ = time;
        Ok(())
    }

    /// Whether [`Stage::poll`] is to be called.
    fn is_polled(&self) -> bool {
        false
    }

    /// What was emitted on the main output since the last call, with a mark where each of
    /// [`Stage::take_times`] falls.
    fn take_output(&mut self) -> Option<Box<dyn AnyBatch>>;

    /// Event time that the operator itself has made since the last call.
    fn take_times(&mut self) -> Vec<TimeEvent> {
        Vec::new()
    }

    /// Whether event time that reaches it goes no further ([`Operator::makes_event_time`]).
    fn makes_event_time(&self) -> bool {
        false
    }

    /// What was emitted on side outputs since the last call.
    fn take_sides(&mut self, each: &mut dyn FnMut(usize, Box<dyn AnyBatch>));

    /// Late and dropped records since the last call.
    fn take_counts(&mut self) -> (u64, u64);

    /// Shows the operator's own figures ([`Operator::gauges`]).
    fn gauges(&self, each: &mut dyn FnMut(&'static str, u64)) {
        let _ = each;
    }

    /// The input has run dry.
    ///
    /// # Errors
    /// A sink's.
    fn flush(&mut self) -> Result<(), BoxError> {
        Ok(())
    }

    /// When the wall clock matters next.
    fn next_processing_timer(&self) -> Option<Timestamp> {
        None
    }

    /// A sink draws the line of an epoch; `None` for operators.
    ///
    /// # Errors
    /// A sink's.
    fn freeze(&mut self, barrier: Barrier) -> Result<Option<Box<dyn Prepare>>, BoxError> {
        let _ = barrier;
        Ok(None)
    }

    /// Shows every state.
    fn states(&mut self, visitor: &mut dyn StateVisitor);
}

/// An [`Operator`] as a stage.
///
/// Event time, as the operator sees it, is the last watermark that has come as far as this link; the
/// gate's may be ahead, while the links before this one still emit what precedes it.
pub struct OperatorStage<O: Operator> {
    operator: O,
    /// How it takes its second input, if it has one.
    second: Option<TakeSecond<O>>,
    context: Context<O::Out>,
}

type TakeSecond<O> =
    fn(&mut O, &mut dyn AnyBatch, &mut Context<<O as Operator>::Out>) -> Result<(), BoxError>;

impl<O: CoOperator> OperatorStage<O> {
    /// Lets the operator take what comes on its second input.
    #[must_use]
    pub fn with_second_input(mut self) -> Self {
        self.second = Some(|operator, input, ctx| operator.process_second(downcast(input), ctx));
        self
    }
}

impl<O: Operator> OperatorStage<O> {
    /// Erases `operator`; `connect` connects its side outputs.
    pub fn new(operator: O, connect: impl FnOnce(&mut Context<O::Out>)) -> Self {
        Self::with_capacity(limits::chain_records(size_of::<Record<O::Out>>()), operator, connect)
    }

    /// As [`OperatorStage::new`], with an output that is full at `capacity` records.
    pub fn with_capacity(
        capacity: usize,
        operator: O,
        connect: impl FnOnce(&mut Context<O::Out>),
    ) -> Self {
        let mut context = Context::new(capacity);
        connect(&mut context);
        Self { operator, second: None, context }
    }
}

impl<O: Operator> Stage for OperatorStage<O> {
    fn open(&mut self, watermark: Timestamp) {
        self.context.set_time(watermark, Timestamp::MIN);
        self.operator.open(watermark);
    }

    fn process(
        &mut self,
        port: Port,
        input: &mut dyn AnyBatch,
        time: StepTime<'_>,
    ) -> Result<(), BoxError> {
        self.context.set_time(self.context.watermark(), time.now);
        match (port, self.second) {
            (SECOND, Some(second)) => second(&mut self.operator, input, &mut self.context),
            _ => self.operator.process(downcast(input), &mut self.context),
        }
    }

    fn control(&mut self, control: Control, time: StepTime<'_>) -> Result<Progress, BoxError> {
        let watermark = match control {
            Control::Watermark(at) => at,
            _ => self.context.watermark(),
        };
        self.context.set_time(watermark, time.now);
        match control {
            Control::Watermark(at) => self.operator.on_watermark(at, &mut self.context),
            Control::ProcessingTime(at) => self.operator.on_processing_time(at, &mut self.context),
            Control::EndOfInput(port) => self.operator.on_end_of_input(port, &mut self.context),
            Control::Status(status) => {
                self.operator.on_status(status, &mut self.context);
                Ok(Progress::Done)
            }
            Control::End => self.operator.on_end(&mut self.context),
        }
    }

    fn poll(&mut self, time: StepTime<'_>) -> Result<(), BoxError> {
        self.context.set_time(self.context.watermark(), time.now);
        self.operator.poll(time.waker, &mut self.context)
    }

    fn is_polled(&self) -> bool {
        self.operator.is_polled()
    }

    fn take_output(&mut self) -> Option<Box<dyn AnyBatch>> {
        let (marks, records) = (self.context.marks(), self.context.take());
        (!records.is_empty()).then(|| Box::new(Batch::new(records, marks)) as _)
    }

    fn take_times(&mut self) -> Vec<TimeEvent> {
        self.context.take_times()
    }

    fn makes_event_time(&self) -> bool {
        self.operator.makes_event_time()
    }

    fn take_sides(&mut self, each: &mut dyn FnMut(usize, Box<dyn AnyBatch>)) {
        self.context.take_sides().for_each(|(index, batch)| each(index, batch));
    }

    fn take_counts(&mut self) -> (u64, u64) {
        self.context.take_counts()
    }

    fn gauges(&self, each: &mut dyn FnMut(&'static str, u64)) {
        self.operator.gauges(each);
    }

    fn next_processing_timer(&self) -> Option<Timestamp> {
        self.operator.next_processing_timer()
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        self.operator.states(visitor);
    }
}

/// A [`Sink`] as a stage.
pub struct SinkStage<S: Sink>(pub S);

impl<S: Sink> Stage for SinkStage<S> {
    fn process(
        &mut self,
        _port: Port,
        input: &mut dyn AnyBatch,
        time: StepTime<'_>,
    ) -> Result<(), BoxError> {
        self.0.write(downcast(input), time.waker)
    }

    fn control(&mut self, _control: Control, _time: StepTime<'_>) -> Result<Progress, BoxError> {
        Ok(Progress::Done)
    }

    fn take_output(&mut self) -> Option<Box<dyn AnyBatch>> {
        None
    }

    fn take_sides(&mut self, _each: &mut dyn FnMut(usize, Box<dyn AnyBatch>)) {}

    fn take_counts(&mut self) -> (u64, u64) {
        (0, 0)
    }

    fn flush(&mut self) -> Result<(), BoxError> {
        self.0.flush()
    }

    fn freeze(&mut self, barrier: Barrier) -> Result<Option<Box<dyn Prepare>>, BoxError> {
        self.0.freeze(barrier).map(Some)
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        self.0.states(visitor);
    }
}
