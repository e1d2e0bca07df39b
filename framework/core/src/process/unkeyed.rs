//! Process functions over streams without keys: any number of records out, side outputs, time.
//!
//! Apart from the keyed ones because they have no timers: a timer belongs to a key.

use crate::element::{Batch, Data};
use crate::operator::{BoxError, Context, Operator, OutputTag};
use crate::state::StateVisitor;
use crate::time::Timestamp;

/// A function over a stream without keys.
///
/// ```
/// use tidegate_core::operator::{BoxError, OutputTag};
/// use tidegate_core::process::{Process, ProcessContext};
///
/// const ODD: OutputTag<u64> = OutputTag::new("odd");
///
/// /// Halves even numbers, and puts odd ones aside.
/// struct Halve;
///
/// impl Process for Halve {
///     type In = u64;
///     type Out = u64;
///
///     fn process(&mut self, value: u64, ctx: &mut ProcessContext<'_, u64>) -> Result<(), BoxError> {
///         if value % 2 == 0 {
///             ctx.emit(value / 2);
///         } else {
///             ctx.emit_side(&ODD, value);
///         }
///         Ok(())
///     }
/// }
/// ```
pub trait Process: Send + 'static {
    /// What it takes.
    type In: Data;
    /// What it emits on its main output.
    type Out: Data;

    /// A record.
    ///
    /// # Errors
    /// An error fails the subtask.
    fn process(
        &mut self,
        value: Self::In,
        ctx: &mut ProcessContext<'_, Self::Out>,
    ) -> Result<(), BoxError>;

    /// Shows every state to `visitor`, always the same ones; a function without keys has operator
    /// state only.
    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        let _ = visitor;
    }
}

/// What a process function emits into, and what it may know of time.
pub struct ProcessContext<'a, Out> {
    inner: &'a mut Context<Out>,
    timestamp: Timestamp,
}

impl<'a, Out: Data> ProcessContext<'a, Out> {
    /// For a record with event time `timestamp`.
    pub(super) const fn at(timestamp: Timestamp, inner: &'a mut Context<Out>) -> Self {
        Self { inner, timestamp }
    }

    /// Emits with the timestamp of the record at hand.
    #[inline]
    pub fn emit(&mut self, value: Out) {
        self.inner.emit(value, self.timestamp);
    }

    /// Emits with a timestamp of its own.
    #[inline]
    pub fn emit_at(&mut self, value: Out, timestamp: Timestamp) {
        self.inner.emit(value, timestamp);
    }

    /// Emits to a side output.
    pub fn emit_side<T: Data>(&mut self, tag: &OutputTag<T>, value: T) {
        self.inner.emit_side(tag, value, self.timestamp);
    }

    /// Event time of the record at hand; [`Timestamp::MIN`] when it has none.
    #[must_use]
    pub const fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// Event time of the operator.
    #[must_use]
    pub const fn watermark(&self) -> Timestamp {
        self.inner.watermark()
    }

    /// The wall clock.
    #[must_use]
    pub const fn processing_time(&self) -> Timestamp {
        self.inner.processing_time()
    }

    /// A late record: to `tag` when something is connected there, else dropped; counted either way.
    pub fn late<T: Data>(&mut self, tag: Option<&OutputTag<T>>, value: T) {
        self.inner.late(tag, value, self.timestamp);
    }
}

/// A [`Process`] as an operator.
pub struct ProcessOperator<P>(P);

impl<P: Process> ProcessOperator<P> {
    /// Runs `function`.
    pub const fn new(function: P) -> Self {
        Self(function)
    }
}

impl<P: Process> Operator for ProcessOperator<P> {
    type In = P::In;
    type Out = P::Out;

    fn process(
        &mut self,
        input: &mut Batch<P::In>,
        ctx: &mut Context<P::Out>,
    ) -> Result<(), BoxError> {
        while !ctx.is_full() {
            let Some(record) = input.take() else { break };
            self.0.process(record.value, &mut ProcessContext::at(record.timestamp, ctx))?;
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        self.0.states(visitor);
    }
}
