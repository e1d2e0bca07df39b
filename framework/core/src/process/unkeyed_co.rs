//! Process functions over two streams without keys.
//!
//! Apart from [`super::unkeyed`], which has one input; as there, no timers: a timer belongs to a key.

use super::unkeyed::ProcessContext;
use crate::element::{Batch, Data};
use crate::operator::{BoxError, CoOperator, Context, Operator};
use crate::state::StateVisitor;

/// A function over two streams without keys.
///
/// ```
/// use tidegate_core::operator::BoxError;
/// use tidegate_core::process::{CoProcess, ProcessContext};
///
/// /// Orders and complaints, as lines of one report.
/// struct Report;
///
/// impl CoProcess for Report {
///     type First = u64;
///     type Second = String;
///     type Out = String;
///
///     fn process_first(&mut self, order: u64, ctx: &mut ProcessContext<'_, String>)
///         -> Result<(), BoxError>
///     {
///         ctx.emit(format!("order {order}"));
///         Ok(())
///     }
///
///     fn process_second(&mut self, complaint: String, ctx: &mut ProcessContext<'_, String>)
///         -> Result<(), BoxError>
///     {
///         ctx.emit(complaint);
///         Ok(())
///     }
/// }
/// ```
pub trait CoProcess: Send + 'static {
    /// What it takes on its first input.
    type First: Data;
    /// What it takes on its second input.
    type Second: Data;
    /// What it emits on its main output.
    type Out: Data;

    /// A record of the first input.
    ///
    /// # Errors
    /// An error fails the subtask.
    fn process_first(
        &mut self,
        value: Self::First,
        ctx: &mut ProcessContext<'_, Self::Out>,
    ) -> Result<(), BoxError>;

    /// A record of the second input.
    ///
    /// # Errors
    /// An error fails the subtask.
    fn process_second(
        &mut self,
        value: Self::Second,
        ctx: &mut ProcessContext<'_, Self::Out>,
    ) -> Result<(), BoxError>;

    /// Shows every state to `visitor`, always the same ones; a function without keys has operator
    /// state only.
    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        let _ = visitor;
    }
}

/// A [`CoProcess`] as an operator.
pub struct CoProcessOperator<P>(P);

impl<P: CoProcess> CoProcessOperator<P> {
    /// Runs `function`.
    pub const fn new(function: P) -> Self {
        Self(function)
    }
}

impl<P: CoProcess> Operator for CoProcessOperator<P> {
    type In = P::First;
    type Out = P::Out;

    fn process(
        &mut self,
        input: &mut Batch<P::First>,
        ctx: &mut Context<P::Out>,
    ) -> Result<(), BoxError> {
        while !ctx.is_full() {
            let Some(record) = input.take() else { break };
            self.0.process_first(record.value, &mut ProcessContext::at(record.timestamp, ctx))?;
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        self.0.states(visitor);
    }
}

impl<P: CoProcess> CoOperator for CoProcessOperator<P> {
    type Second = P::Second;

    fn process_second(
        &mut self,
        input: &mut Batch<P::Second>,
        ctx: &mut Context<P::Out>,
    ) -> Result<(), BoxError> {
        while !ctx.is_full() {
            let Some(record) = input.take() else { break };
            self.0.process_second(record.value, &mut ProcessContext::at(record.timestamp, ctx))?;
        }
        Ok(())
    }
}
