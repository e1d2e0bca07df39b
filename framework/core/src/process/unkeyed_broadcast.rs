//! Functions over data without keys beside a broadcast stream.
//!
//! Apart from [`super::broadcast`], which has keys; as everywhere, without keys there are no timers.

use super::broadcast::{BroadcastOperator, DataSide};
use super::hold::{Held, Place};
use super::unkeyed::ProcessContext;
use crate::element::{Batch, Data, Record};
use crate::operator::{BoxError, Context, Progress};
use crate::state::list::OperatorList;
use crate::state::rules::{BroadcastRules, RulesVisitor};
use crate::state::{StateVisitor, Value};
use crate::time::Timestamp;
use crate::timer::TimeDomain;

/// A function over data without keys and a broadcast stream.
///
/// ```
/// use tidegate_core::operator::BoxError;
/// use tidegate_core::process::{BroadcastProcess, ProcessContext};
/// use tidegate_core::state::broadcast::BroadcastState;
///
/// /// Lets through what no rule forbids.
/// struct Allowed;
///
/// impl BroadcastProcess for Allowed {
///     type In = u64;
///     type Broadcast = u64;
///     type Rules = BroadcastState<u64, ()>;
///     type Out = u64;
///
///     fn process(
///         &mut self,
///         value: u64,
///         forbidden: &Self::Rules,
///         ctx: &mut ProcessContext<'_, u64>,
///     ) -> Result<(), BoxError> {
///         if forbidden.get(&value).is_none() {
///             ctx.emit(value);
///         }
///         Ok(())
///     }
///
///     fn process_broadcast(
///         &mut self,
///         value: u64,
///         forbidden: &mut Self::Rules,
///         _: &mut ProcessContext<'_, u64>,
///     ) -> Result<(), BoxError> {
///         forbidden.insert(value, ());
///         Ok(())
///     }
/// }
/// ```
pub trait BroadcastProcess: Send + 'static {
    /// The data.
    type In: Data + Value;
    /// What it takes on the broadcast input.
    type Broadcast: Data;
    /// What it keeps of the broadcast input.
    type Rules: BroadcastRules;
    /// What it emits on its main output.
    type Out: Data;

    /// A record, and the rules to read.
    ///
    /// # Errors
    /// An error fails the subtask.
    fn process(
        &mut self,
        value: Self::In,
        rules: &Self::Rules,
        ctx: &mut ProcessContext<'_, Self::Out>,
    ) -> Result<(), BoxError>;

    /// A broadcast record: every subtask gets it and must do the same to the rules.
    ///
    /// # Errors
    /// An error fails the subtask.
    fn process_broadcast(
        &mut self,
        value: Self::Broadcast,
        rules: &mut Self::Rules,
        ctx: &mut ProcessContext<'_, Self::Out>,
    ) -> Result<(), BoxError>;

    /// Shows every state but the rules to `visitor`, always the same ones; a function without keys has
    /// operator state only.
    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        let _ = visitor;
    }
}

/// A [`BroadcastProcess`] with its rules.
pub struct UnkeyedData<P: BroadcastProcess> {
    function: P,
    rules: P::Rules,
}

impl<P: BroadcastProcess> DataSide for UnkeyedData<P> {
    type In = P::In;
    type Broadcast = P::Broadcast;
    type Rules = P::Rules;
    type Out = P::Out;
    type Waiting = OperatorList<Held<P::In>>;

    fn process(
        &mut self,
        input: &mut Batch<P::In>,
        ctx: &mut Context<P::Out>,
    ) -> Result<(), BoxError> {
        while !ctx.is_full() {
            let Some(record) = input.take() else { break };
            let mut ctx = ProcessContext::at(record.timestamp, ctx);
            self.function.process(record.value, &self.rules, &mut ctx)?;
        }
        Ok(())
    }

    fn process_broadcast(
        &mut self,
        record: Record<P::Broadcast>,
        ctx: &mut Context<P::Out>,
    ) -> Result<(), BoxError> {
        let mut ctx = ProcessContext::at(record.timestamp, ctx);
        self.function.process_broadcast(record.value, &mut self.rules, &mut ctx)
    }

    fn fire(
        &mut self,
        _: TimeDomain,
        _: Timestamp,
        _: &mut Context<P::Out>,
    ) -> Result<Progress, BoxError> {
        Ok(Progress::Done)
    }

    fn next_processing_timer(&self) -> Option<Timestamp> {
        None
    }

    fn wait(&self, record: Record<P::In>, waiting: &mut Self::Waiting, place: Place) {
        waiting.elements.push(place.held(record));
    }

    fn rules(&self) -> &P::Rules {
        &self.rules
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        self.rules.states(&mut RulesVisitor::new(visitor));
        self.function.states(visitor);
    }
}

impl<P: BroadcastProcess> BroadcastOperator<UnkeyedData<P>> {
    /// Runs `function` over data without keys.
    pub fn unkeyed(function: P) -> Self {
        Self::over(UnkeyedData { function, rules: P::Rules::default() })
    }
}
