//! The contract of an operator: a pure state machine that takes records and event time, and emits.
//!
//! An operator never sees a channel, a barrier or a clock. It is stepped *resumably*: while its output
//! is full it takes nothing, and the runner calls it again later with the rest.

use crate::append::append;
use crate::element::{Batch, Data, Mark, Record, Status};
use crate::gate::Port;
use crate::gate::valve::TimeEvent;
use crate::state::StateVisitor;
use crate::time::Timestamp;
use std::any::Any;
use std::borrow::Cow;
use std::marker::PhantomData;
use std::task::Waker;

/// Why an operator, a source or a sink gave up. The runner adds who, where and in which phase.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Whether a call has done all there was to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// All of it.
    Done,
    /// The output is full; call again when it has been taken.
    More,
    /// Something outside must come first: call again when it has woken the task, or when the clock has
    /// come to the next processing-time timer. Only from an operator that is
    /// [polled](Operator::is_polled).
    Waiting,
}

/// One operator: one subtask's instance of it.
///
/// The runner calls `process` with records up to the next watermark, `on_watermark` when event time
/// advances, `on_processing_time` when a processing-time timer is due, and `on_end` once after the
/// final watermark. After `on_end` nothing may be emitted any more.
pub trait Operator: Send + 'static {
    /// What it takes.
    type In: Data;
    /// What it emits on its main output.
    type Out: Data;

    /// Called once before anything else, with all states in place: event time has already come as
    /// far as `watermark`, which after a restore is where it stood at the snapshot.
    fn open(&mut self, watermark: Timestamp) {
        let _ = watermark;
    }

    /// Takes records off `input` until it is used up or `ctx` is full.
    ///
    /// # Errors
    /// An error fails the subtask; a bad record is data and belongs into a side output.
    fn process(
        &mut self,
        input: &mut Batch<Self::In>,
        ctx: &mut Context<Self::Out>,
    ) -> Result<(), BoxError>;

    /// Event time has advanced to `watermark`; called again with the same one while it says `More`.
    ///
    /// # Errors
    /// As [`Operator::process`].
    fn on_watermark(
        &mut self,
        watermark: Timestamp,
        ctx: &mut Context<Self::Out>,
    ) -> Result<Progress, BoxError> {
        let _ = (watermark, ctx);
        Ok(Progress::Done)
    }

    /// The wall clock has reached [`Operator::next_processing_timer`].
    ///
    /// # Errors
    /// As [`Operator::process`].
    fn on_processing_time(
        &mut self,
        now: Timestamp,
        ctx: &mut Context<Self::Out>,
    ) -> Result<Progress, BoxError> {
        let _ = (now, ctx);
        Ok(Progress::Done)
    }

    /// When the wall clock matters next.
    fn next_processing_timer(&self) -> Option<Timestamp> {
        None
    }

    /// One of its inputs has ended, by its port: nothing comes there any more. Told after the event time
    /// that follows from it, and told again after a restore.
    ///
    /// # Errors
    /// As [`Operator::process`].
    fn on_end_of_input(
        &mut self,
        input: Port,
        ctx: &mut Context<Self::Out>,
    ) -> Result<Progress, BoxError> {
        let _ = (input, ctx);
        Ok(Progress::Done)
    }

    /// All inputs fell idle, or one woke up; told to an operator that
    /// [makes event time](Operator::makes_event_time) only, also after a restore.
    fn on_status(&mut self, status: Status, ctx: &mut Context<Self::Out>) {
        let _ = (status, ctx);
    }

    /// All input has ended.
    ///
    /// # Errors
    /// As [`Operator::process`].
    fn on_end(&mut self, ctx: &mut Context<Self::Out>) -> Result<Progress, BoxError> {
        let _ = ctx;
        Ok(Progress::Done)
    }

    /// Looks after what goes on outside the task, such as calls to a service: takes up what has come
    /// in, until `ctx` is full, and leaves `waker` with whoever is still busy.
    ///
    /// Called before anything else in each step, and only when it [is polled](Operator::is_polled).
    ///
    /// # Errors
    /// As [`Operator::process`].
    fn poll(&mut self, waker: &Waker, ctx: &mut Context<Self::Out>) -> Result<(), BoxError> {
        let _ = (waker, ctx);
        Ok(())
    }

    /// Whether [`Operator::poll`] is to be called. Such an operator stands alone in its chain.
    fn is_polled(&self) -> bool {
        false
    }

    /// Whether it makes event time anew: watermarks and statuses that reach it go no further, those
    /// that it emits do ([`Context::emit_watermark`]). The end of the data always passes. Such an
    /// operator stands alone in its chain.
    fn makes_event_time(&self) -> bool {
        false
    }

    /// Shows figures of its own, by name: they are exported as metrics, and stand in the summary of a run
    /// as sums over all subtasks.
    fn gauges(&self, each: &mut dyn FnMut(&'static str, u64)) {
        let _ = each;
    }

    /// Shows every state to `visitor`, always the same ones in the same order.
    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        let _ = visitor;
    }
}

/// An operator with a second input: [`Operator::process`] takes the first.
///
/// Event time is the minimum of both; between the inputs there is no order.
pub trait CoOperator: Operator {
    /// What it takes on its second input.
    type Second: Data;

    /// Takes records off the second input until it is used up or `ctx` is full.
    ///
    /// # Errors
    /// As [`Operator::process`].
    fn process_second(
        &mut self,
        input: &mut Batch<Self::Second>,
        ctx: &mut Context<Self::Out>,
    ) -> Result<(), BoxError>;
}

/// The name and type of a side output.
///
/// ```
/// use tidegate_core::operator::OutputTag;
/// const LATE: OutputTag<u64> = OutputTag::new("late");
/// assert_eq!(LATE.name(), "late");
/// ```
#[derive(Debug)]
pub struct OutputTag<T> {
    name: Cow<'static, str>,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for OutputTag<T> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), of: PhantomData }
    }
}

impl<T> OutputTag<T> {
    /// A tag; its name is unique within an operator.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), of: PhantomData }
    }

    /// The same with a name that is made while the program runs.
    #[must_use]
    pub const fn named(name: String) -> Self {
        Self { name: Cow::Owned(name), of: PhantomData }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Records emitted to one side output.
struct Side {
    name: String,
    records: Box<dyn SideRecords>,
}

trait SideRecords: Send {
    fn as_any_mut(&mut self) -> &mut dyn Any;
    fn drain(&mut self) -> Option<Box<dyn crate::element::AnyBatch>>;
}

impl<T: Data> SideRecords for Vec<Record<T>> {
    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn drain(&mut self) -> Option<Box<dyn crate::element::AnyBatch>> {
        let records = std::mem::take(self);
        (!records.is_empty()).then(|| Box::new(Batch::new(records, Vec::new())) as _)
    }
}

/// What an operator emits into, and what it may know of time.
pub struct Context<Out> {
    records: Vec<Record<Out>>,
    /// How many records were taken last: room for as many is made at the first one.
    last_len: usize,
    capacity: usize,
    sides: Vec<Side>,
    /// Event time that was made here, each behind so many of `records`.
    times: Vec<(usize, TimeEvent)>,
    watermark: Timestamp,
    processing_time: Timestamp,
    late: u64,
    dropped: u64,
}

impl<Out: Data> Context<Out> {
    /// A context whose main output is full at `capacity` records.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            records: Vec::new(),
            last_len: 0,
            capacity,
            sides: Vec::new(),
            times: Vec::new(),
            watermark: Timestamp::MIN,
            processing_time: Timestamp::MIN,
            late: 0,
            dropped: 0,
        }
    }

    /// Emits `value` with event time `timestamp`.
    #[inline]
    pub fn emit(&mut self, value: Out, timestamp: Timestamp) {
        append(&mut self.records, (value, timestamp, 0), || self.last_len.max(16));
    }

    /// Emits all of `records`.
    #[inline]
    pub fn extend(&mut self, records: impl Iterator<Item = Record<Out>>) {
        self.records.extend(records);
    }

    /// Emits all of `records`, in the memory they lie in if nothing else waits to be taken.
    pub fn emit_all(&mut self, records: Vec<Record<Out>>) {
        if self.records.is_empty() {
            self.records = records;
        } else {
            self.records.extend(records);
        }
    }

    /// Whether no more should be taken in before the output has been taken.
    #[inline]
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.records.len() >= self.capacity
    }

    /// Makes room for `additional` records.
    pub fn reserve(&mut self, additional: usize) {
        self.records.reserve(additional);
    }

    /// How many more records fit.
    #[must_use]
    pub const fn room(&self) -> usize {
        self.capacity.saturating_sub(self.records.len())
    }

    /// Event time: no record at or below it is expected any more.
    #[inline]
    #[must_use]
    pub const fn watermark(&self) -> Timestamp {
        self.watermark
    }

    /// The wall clock as of this step.
    #[inline]
    #[must_use]
    pub const fn processing_time(&self) -> Timestamp {
        self.processing_time
    }

    /// Emits to a side output; false when nothing is connected to it.
    ///
    /// # Panics
    /// When the output of that name carries another type.
    pub fn emit_side<T: Data>(
        &mut self,
        tag: &OutputTag<T>,
        value: T,
        timestamp: Timestamp,
    ) -> bool {
        let Some(side) = self.sides.iter_mut().find(|side| side.name == tag.name()) else {
            return false;
        };
        let records = side.records.as_any_mut().downcast_mut::<Vec<Record<T>>>();
        let records = records.expect("a side output has one type");
        append(records, (value, timestamp, 0), || 16);
        true
    }

    /// Event time of what comes next has advanced to `watermark`; only for an operator that
    /// [makes event time](Operator::makes_event_time). The final watermark is not its to give: it
    /// follows from the end of the data.
    pub fn emit_watermark(&mut self, watermark: Timestamp) {
        self.times.push((self.records.len(), TimeEvent::Watermark(watermark)));
    }

    /// Nothing is coming for the time being, or records come again; only for an operator that
    /// [makes event time](Operator::makes_event_time).
    pub fn emit_status(&mut self, status: Status) {
        self.times.push((self.records.len(), TimeEvent::Status(status)));
    }

    /// A late record: it goes to `tag` if something is connected there, else it is dropped; either
    /// way it is counted.
    pub fn late<T: Data>(&mut self, tag: Option<&OutputTag<T>>, value: T, timestamp: Timestamp) {
        self.late += 1;
        if !tag.is_some_and(|tag| self.emit_side(tag, value, timestamp)) {
            self.dropped += 1;
        }
    }

    /// Counts a record that is left out by policy.
    pub const fn count_dropped(&mut self) {
        self.dropped += 1;
    }

    /// Connects a side output; without it what is emitted there vanishes.
    pub fn connect<T: Data>(&mut self, tag: &OutputTag<T>) {
        let records: Vec<Record<T>> = Vec::new();
        self.sides.push(Side { name: tag.name().into(), records: Box::new(records) });
    }

    /// Sets what the operator may know of time; the runner's part, and that of an operator that makes
    /// event time for the functions behind it.
    pub const fn set_time(&mut self, watermark: Timestamp, processing_time: Timestamp) {
        self.watermark = watermark;
        self.processing_time = processing_time;
    }

    /// Takes what was emitted on the main output; the runner's part.
    pub fn take(&mut self) -> Vec<Record<Out>> {
        if !self.records.is_empty() {
            self.last_len = self.records.len();
        }
        std::mem::take(&mut self.records)
    }

    /// Where event time stands between the records emitted: a mark for each [`TimeEvent`].
    #[must_use]
    pub fn marks(&self) -> Vec<Mark> {
        let mark = |&(position, _): &(usize, _)| Mark { position, watermark: Timestamp::MIN };
        self.times.iter().map(mark).collect()
    }

    /// Takes the event time that was made here, in order.
    pub fn take_times(&mut self) -> Vec<TimeEvent> {
        self.times.drain(..).map(|(_, event)| event).collect()
    }

    /// Takes what was emitted on the side outputs, by index in the order of their connection.
    pub fn take_sides(
        &mut self,
    ) -> impl Iterator<Item = (usize, Box<dyn crate::element::AnyBatch>)> + '_ {
        let drain = |(index, side): (usize, &mut Side)| Some((index, side.records.drain()?));
        self.sides.iter_mut().enumerate().filter_map(drain)
    }

    /// Takes the counts of late and dropped records since the last call.
    pub fn take_counts(&mut self) -> (u64, u64) {
        (std::mem::take(&mut self.late), std::mem::take(&mut self.dropped))
    }
}
