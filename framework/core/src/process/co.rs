//! Process functions over two streams with the same key: they share state and timers.
//!
//! Apart from [`super::keyed`], which has one input.

use super::keyed::{KeyedContext, Timer, each, fire};
use crate::element::{Batch, Data};
use crate::key::Key;
use crate::operator::{BoxError, CoOperator, Context, Operator, Progress};
use crate::state::{Keyed, StateVisitor};
use crate::time::Timestamp;
use crate::timer::{TimeDomain, Timers};

/// A function over two keyed streams.
///
/// ```
/// use tidegate_core::{operator::BoxError, process::{KeyedContext, KeyedCoProcess}};
/// use tidegate_core::state::{Keyed, StateVisitor, handles::ValueState};
///
/// /// Pairs each order with its payment, whichever comes first.
/// #[derive(Default)]
/// struct Match { order: ValueState<u64, String>, payment: ValueState<u64, u32> }
///
/// impl KeyedCoProcess for Match {
///     type Key = u64;
///     type First = (u64, String);
///     type Second = (u64, u32);
///     type Out = (String, u32);
///
///     fn process_first(
///         &mut self,
///         key: Keyed<'_, u64>,
///         (_, order): (u64, String),
///         ctx: &mut KeyedContext<'_, u64, (String, u32)>,
///     ) -> Result<(), BoxError> {
///         match self.payment.remove(key) {
///             Some(paid) => ctx.emit((order, paid)),
///             None => self.order.set(key, order),
///         }
///         Ok(())
///     }
///
///     fn process_second(
///         &mut self,
///         key: Keyed<'_, u64>,
///         (_, paid): (u64, u32),
///         ctx: &mut KeyedContext<'_, u64, (String, u32)>,
///     ) -> Result<(), BoxError> {
///         match self.order.remove(key) {
///             Some(order) => ctx.emit((order, paid)),
///             None => self.payment.set(key, paid),
///         }
///         Ok(())
///     }
///
///     fn states(&mut self, visitor: &mut dyn StateVisitor) {
///         visitor.keyed("order", &mut self.order);
///         visitor.keyed("payment", &mut self.payment);
///     }
/// }
/// ```
pub trait KeyedCoProcess: Send + 'static {
    /// The key of both streams.
    type Key: Key;
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
        key: Keyed<'_, Self::Key>,
        value: Self::First,
        ctx: &mut KeyedContext<'_, Self::Key, Self::Out>,
    ) -> Result<(), BoxError>;

    /// A record of the second input.
    ///
    /// # Errors
    /// An error fails the subtask.
    fn process_second(
        &mut self,
        key: Keyed<'_, Self::Key>,
        value: Self::Second,
        ctx: &mut KeyedContext<'_, Self::Key, Self::Out>,
    ) -> Result<(), BoxError>;

    /// A timer of `key` fires, whichever input registered it.
    ///
    /// # Errors
    /// An error fails the subtask.
    fn on_timer(
        &mut self,
        key: Keyed<'_, Self::Key>,
        timer: Timer,
        ctx: &mut KeyedContext<'_, Self::Key, Self::Out>,
    ) -> Result<(), BoxError> {
        let _ = (key, timer, ctx);
        Ok(())
    }

    /// Shows every state to `visitor`, always the same ones.
    fn states(&mut self, visitor: &mut dyn StateVisitor);
}

/// A [`KeyedCoProcess`] as an operator.
pub struct KeyedCoProcessOperator<P: KeyedCoProcess, F, S> {
    function: P,
    first_key: F,
    second_key: S,
    timers: Timers<P::Key>,
}

impl<P: KeyedCoProcess, F, S> KeyedCoProcessOperator<P, F, S> {
    /// Runs `function` over streams keyed by `first_key` and `second_key`.
    pub fn new(function: P, first_key: F, second_key: S) -> Self {
        Self { function, first_key, second_key, timers: Timers::default() }
    }
}

impl<P, F, S> Operator for KeyedCoProcessOperator<P, F, S>
where
    P: KeyedCoProcess,
    F: Fn(&P::First) -> P::Key + Send + 'static,
    S: Fn(&P::Second) -> P::Key + Send + 'static,
{
    type In = P::First;
    type Out = P::Out;

    fn process(
        &mut self,
        input: &mut Batch<P::First>,
        ctx: &mut Context<P::Out>,
    ) -> Result<(), BoxError> {
        let Self { function, first_key, timers, .. } = self;
        each((function, P::states), input, &*first_key, timers, ctx, P::process_first)
    }

    fn on_watermark(
        &mut self,
        watermark: Timestamp,
        ctx: &mut Context<P::Out>,
    ) -> Result<Progress, BoxError> {
        let Self { function, timers, .. } = self;
        fire(timers, TimeDomain::Event, watermark, ctx, |at, timer, ctx| {
            function.on_timer(at, timer, ctx)
        })
    }

    fn on_processing_time(
        &mut self,
        now: Timestamp,
        ctx: &mut Context<P::Out>,
    ) -> Result<Progress, BoxError> {
        let Self { function, timers, .. } = self;
        fire(timers, TimeDomain::Processing, now, ctx, |at, timer, ctx| {
            function.on_timer(at, timer, ctx)
        })
    }

    fn next_processing_timer(&self) -> Option<Timestamp> {
        self.timers.processing.next_due()
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        self.timers.states(visitor);
        self.function.states(visitor);
    }
}

impl<P, F, S> CoOperator for KeyedCoProcessOperator<P, F, S>
where
    P: KeyedCoProcess,
    F: Fn(&P::First) -> P::Key + Send + 'static,
    S: Fn(&P::Second) -> P::Key + Send + 'static,
{
    type Second = P::Second;

    fn process_second(
        &mut self,
        input: &mut Batch<P::Second>,
        ctx: &mut Context<P::Out>,
    ) -> Result<(), BoxError> {
        let Self { function, second_key, timers, .. } = self;
        each((function, P::states), input, &*second_key, timers, ctx, P::process_second)
    }
}
