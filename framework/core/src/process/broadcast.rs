//! Functions over data beside a broadcast stream: every subtask sees all of the broadcast records and
//! keeps the same *rules* of them, by which it judges its share of the data.
//!
//! Data reads the rules, the broadcast input writes them; the types allow nothing else. Broadcast
//! records come to all subtasks in one order when they come from one subtask (the plan sees to that), and
//! a function that does the same to the rules everywhere keeps them the same everywhere. Between data and
//! broadcast records there is no order: a record is judged by the rules that its subtask has by then,
//! unless it is made to wait ([`BroadcastOperator::hold_until_rules`]) or waits for event time by a timer.

use super::hold::{Hold, Waiting};
use super::keyed::{KeyedContext, Timer, each, fire};
use super::unkeyed::ProcessContext;
use crate::element::{Batch, Data, Record, Status};
use crate::gate::Port;
use crate::key::Key;
use crate::operator::{BoxError, CoOperator, Context, Operator, Progress};
use crate::stage::SECOND;
use crate::state::handles::ListState;
use crate::state::rules::{BroadcastRules, RulesVisitor};
use crate::state::{Keyed, StateVisitor, Value};
use crate::time::Timestamp;
use crate::timer::{TimeDomain, Timers};

/// A function over keyed data and a broadcast stream.
///
/// ```
/// use tidegate_core::operator::BoxError;
/// use tidegate_core::process::{KeyedBroadcastProcess, KeyedContext, ProcessContext};
/// use tidegate_core::state::{Keyed, StateVisitor, broadcast::BroadcastState, handles::ValueState};
///
/// /// Emits a user's purchase when it brings the sum up to the limit of its country.
/// #[derive(Default)]
/// struct Limits { spent: ValueState<u64, u32> }
///
/// #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// struct Purchase { user: u64, country: String, price: u32 }
///
/// impl KeyedBroadcastProcess for Limits {
///     type Key = u64;
///     type In = Purchase;
///     type Broadcast = (String, u32);
///     type Rules = BroadcastState<String, u32>;
///     type Out = Purchase;
///
///     fn process(
///         &mut self,
///         user: Keyed<'_, u64>,
///         purchase: Purchase,
///         limits: &BroadcastState<String, u32>,
///         ctx: &mut KeyedContext<'_, u64, Purchase>,
///     ) -> Result<(), BoxError> {
///         let spent = self.spent.get_or_insert_with(user, || 0);
///         *spent += purchase.price;
///         if limits.get(&purchase.country).is_some_and(|limit| *spent >= *limit) {
///             ctx.emit(purchase);
///         }
///         Ok(())
///     }
///
///     fn process_broadcast(
///         &mut self,
///         (country, limit): (String, u32),
///         limits: &mut BroadcastState<String, u32>,
///         _: &mut ProcessContext<'_, Purchase>,
///     ) -> Result<(), BoxError> {
///         limits.insert(country, limit);
///         // With a new limit everybody begins anew.
///         self.spent.retain(|_, _| false);
///         Ok(())
///     }
///
///     fn states(&mut self, visitor: &mut dyn StateVisitor) {
///         visitor.keyed("spent", &mut self.spent);
///     }
/// }
/// ```
pub trait KeyedBroadcastProcess: Send + 'static {
    /// The key of the data.
    type Key: Key;
    /// The data.
    type In: Data + Value;
    /// What it takes on the broadcast input.
    type Broadcast: Data;
    /// What it keeps of the broadcast input.
    type Rules: BroadcastRules;
    /// What it emits on its main output.
    type Out: Data;

    /// A record of `key`, and the rules to read.
    ///
    /// # Errors
    /// An error fails the subtask.
    fn process(
        &mut self,
        key: Keyed<'_, Self::Key>,
        value: Self::In,
        rules: &Self::Rules,
        ctx: &mut KeyedContext<'_, Self::Key, Self::Out>,
    ) -> Result<(), BoxError>;

    /// A broadcast record: every subtask gets it and must do the same to the rules. It can reach the
    /// states of all keys of its subtask ([`crate::state::handles::ValueState::retain`]), in no
    /// particular order, and sets no timers: a timer belongs to a key.
    ///
    /// # Errors
    /// An error fails the subtask.
    fn process_broadcast(
        &mut self,
        value: Self::Broadcast,
        rules: &mut Self::Rules,
        ctx: &mut ProcessContext<'_, Self::Out>,
    ) -> Result<(), BoxError>;

    /// A timer of `key` fires.
    ///
    /// # Errors
    /// An error fails the subtask.
    fn on_timer(
        &mut self,
        key: Keyed<'_, Self::Key>,
        timer: Timer,
        rules: &Self::Rules,
        ctx: &mut KeyedContext<'_, Self::Key, Self::Out>,
    ) -> Result<(), BoxError> {
        let _ = (key, timer, rules, ctx);
        Ok(())
    }

    /// Shows every state but the rules to `visitor`, always the same ones.
    fn states(&mut self, visitor: &mut dyn StateVisitor);
}

/// A function and its rules, with or without keys, as a [`BroadcastOperator`] runs it.
///
/// There are two: [`KeyedData`] and [`super::UnkeyedData`].
pub trait DataSide: Send + 'static {
    /// The data.
    type In: Data + Value;
    /// What it takes on the broadcast input.
    type Broadcast: Data;
    /// The rules.
    type Rules: BroadcastRules;
    /// What it emits on its main output.
    type Out: Data;
    /// Where data waits for the first rules.
    type Waiting: Waiting<Self::In>;

    /// Takes data as far as `ctx` has room.
    ///
    /// # Errors
    /// The function's.
    fn process(
        &mut self,
        input: &mut Batch<Self::In>,
        ctx: &mut Context<Self::Out>,
    ) -> Result<(), BoxError>;

    /// Takes a broadcast record.
    ///
    /// # Errors
    /// The function's.
    fn process_broadcast(
        &mut self,
        record: Record<Self::Broadcast>,
        ctx: &mut Context<Self::Out>,
    ) -> Result<(), BoxError>;

    /// Fires timers that are due at `until`, as far as `ctx` has room.
    ///
    /// # Errors
    /// The function's.
    fn fire(
        &mut self,
        domain: TimeDomain,
        until: Timestamp,
        ctx: &mut Context<Self::Out>,
    ) -> Result<Progress, BoxError>;

    /// When the wall clock matters next.
    fn next_processing_timer(&self) -> Option<Timestamp>;

    /// Puts a record where it waits.
    fn wait(
        &self,
        record: Record<Self::In>,
        waiting: &mut Self::Waiting,
        place: super::hold::Place,
    );

    /// The rules.
    fn rules(&self) -> &Self::Rules;

    /// Shows every state.
    fn states(&mut self, visitor: &mut dyn StateVisitor);
}

/// A [`KeyedBroadcastProcess`] with its rules, timers and key.
pub struct KeyedData<P: KeyedBroadcastProcess, F> {
    function: P,
    rules: P::Rules,
    key: F,
    timers: Timers<P::Key>,
}

impl<P, F> DataSide for KeyedData<P, F>
where
    P: KeyedBroadcastProcess,
    F: Fn(&P::In) -> P::Key + Send + 'static,
{
    type In = P::In;
    type Broadcast = P::Broadcast;
    type Rules = P::Rules;
    type Out = P::Out;
    type Waiting = ListState<P::Key, super::hold::Held<P::In>>;

    fn process(
        &mut self,
        input: &mut Batch<P::In>,
        ctx: &mut Context<P::Out>,
    ) -> Result<(), BoxError> {
        let Self { function, rules, key, timers } = self;
        each((function, P::states), input, &*key, timers, ctx, |function, at, value, ctx| {
            function.process(at, value, rules, ctx)
        })
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
        domain: TimeDomain,
        until: Timestamp,
        ctx: &mut Context<P::Out>,
    ) -> Result<Progress, BoxError> {
        let Self { function, rules, timers, .. } = self;
        fire(timers, domain, until, ctx, |at, timer, ctx| function.on_timer(at, timer, rules, ctx))
    }

    fn next_processing_timer(&self) -> Option<Timestamp> {
        self.timers.processing.next_due()
    }

    fn wait(&self, record: Record<P::In>, waiting: &mut Self::Waiting, place: super::hold::Place) {
        let (key, hash) = ((self.key)(&record.value), record.key_hash);
        waiting.push(Keyed { key: &key, hash }, place.held(record));
    }

    fn rules(&self) -> &P::Rules {
        &self.rules
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        self.timers.states(visitor);
        self.rules.states(&mut RulesVisitor::new(visitor));
        self.function.states(visitor);
    }
}

/// A function over data and a broadcast stream, as an operator: data is its first input.
pub struct BroadcastOperator<D: DataSide> {
    data: D,
    hold: Option<Hold<D>>,
}

impl<P, F> BroadcastOperator<KeyedData<P, F>>
where
    P: KeyedBroadcastProcess,
    F: Fn(&P::In) -> P::Key + Send + 'static,
{
    /// Runs `function` over data keyed by `key`.
    pub fn keyed(function: P, key: F) -> Self {
        let (rules, timers) = (P::Rules::default(), Timers::default());
        Self::over(KeyedData { function, rules, key, timers })
    }
}

impl<D: DataSide> BroadcastOperator<D> {
    pub(super) const fn over(data: D) -> Self {
        Self { data, hold: None }
    }

    /// Lets data wait for the first rules, `most` records per subtask: until the rules
    /// [suffice](BroadcastRules::suffice), or the broadcast input has ended. What comes out is then what
    /// would have come out if the first rules had been there before all data: records keep their order,
    /// and event time stands still behind the operator until they are out, so none becomes late by
    /// waiting.
    ///
    /// Nothing is thrown away: a record too many fails the subtask. An operator that holds data makes
    /// event time and stands alone in its chain.
    #[must_use]
    pub fn hold_until_rules(mut self, most: usize) -> Self {
        self.hold = Some(Hold::new(most));
        self
    }
}

impl<D: DataSide> Operator for BroadcastOperator<D> {
    type In = D::In;
    type Out = D::Out;

    fn open(&mut self, watermark: Timestamp) {
        if let Some(hold) = &mut self.hold {
            hold.open(watermark);
        }
    }

    fn process(
        &mut self,
        input: &mut Batch<D::In>,
        ctx: &mut Context<D::Out>,
    ) -> Result<(), BoxError> {
        match &mut self.hold {
            Some(hold) if hold.is_closed() => hold.take(&self.data, input),
            _ => self.data.process(input, ctx),
        }
    }

    fn on_watermark(
        &mut self,
        watermark: Timestamp,
        ctx: &mut Context<D::Out>,
    ) -> Result<Progress, BoxError> {
        match &mut self.hold {
            Some(hold) => hold.on_watermark(watermark, &mut self.data, ctx),
            None => self.data.fire(TimeDomain::Event, watermark, ctx),
        }
    }

    fn on_processing_time(
        &mut self,
        now: Timestamp,
        ctx: &mut Context<D::Out>,
    ) -> Result<Progress, BoxError> {
        self.data.fire(TimeDomain::Processing, now, ctx)
    }

    fn next_processing_timer(&self) -> Option<Timestamp> {
        self.data.next_processing_timer()
    }

    fn on_end_of_input(
        &mut self,
        input: Port,
        ctx: &mut Context<D::Out>,
    ) -> Result<Progress, BoxError> {
        match &mut self.hold {
            Some(hold) if input == SECOND && hold.is_closed() => hold.release(&mut self.data, ctx),
            _ => Ok(Progress::Done),
        }
    }

    fn on_status(&mut self, status: Status, ctx: &mut Context<D::Out>) {
        if let Some(hold) = &mut self.hold {
            hold.on_status(status, ctx);
        }
    }

    fn makes_event_time(&self) -> bool {
        self.hold.is_some()
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        self.data.states(visitor);
        if let Some(hold) = &mut self.hold {
            hold.states(visitor);
        }
    }
}

impl<D: DataSide> CoOperator for BroadcastOperator<D> {
    type Second = D::Broadcast;

    fn process_second(
        &mut self,
        input: &mut Batch<D::Broadcast>,
        ctx: &mut Context<D::Out>,
    ) -> Result<(), BoxError> {
        let Self { data, hold } = self;
        loop {
            // The record that let the data go is not done before the data is out.
            if let Some(hold) = hold.as_mut().filter(|hold| hold.is_releasing()) {
                if hold.release(data, ctx)? == Progress::More {
                    return Ok(());
                }
                input.finish();
            }
            if ctx.is_full() {
                return Ok(());
            }
            let Some(record) = input.begin() else { return Ok(()) };
            let closed = hold.as_mut().filter(|hold| hold.is_closed());
            if let Some(hold) = &closed {
                hold.stop_time(ctx);
            }
            data.process_broadcast(record, ctx)?;
            match closed {
                Some(hold) if data.rules().suffice() => hold.begin_release(),
                _ => input.finish(),
            }
        }
    }
}
