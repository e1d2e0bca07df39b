//! Process functions over keyed streams: records, timers and state of one key at a time.
//!
//! Timers of the wall clock have no event time: what they emit has none either, unless the function
//! gives it one.

use crate::element::{Batch, Data, Record};
use crate::key::Key;
use crate::operator::{BoxError, Context, Operator, OutputTag, Progress};
use crate::state::look_ahead::look_ahead;
use crate::state::{Keyed, StateVisitor};
use crate::time::Timestamp;
use crate::timer::{TimeDomain, Timers};

/// A function over a keyed stream.
///
/// ```
/// use tidegate_core::{operator::BoxError, process::{KeyedProcess, KeyedContext}};
/// use tidegate_core::state::{Keyed, StateVisitor, handles::ValueState};
///
/// /// Emits every second record of a key.
/// #[derive(Default)]
/// struct EverySecond { seen: ValueState<u64, bool> }
///
/// impl KeyedProcess for EverySecond {
///     type Key = u64;
///     type In = u64;
///     type Out = u64;
///
///     fn process(&mut self, key: Keyed<'_, u64>, value: u64, ctx: &mut KeyedContext<'_, u64, u64>)
///         -> Result<(), BoxError>
///     {
///         let seen = self.seen.get_or_insert_with(key, || false);
///         if std::mem::replace(seen, !*seen) {
///             ctx.emit(value);
///         }
///         Ok(())
///     }
///
///     fn states(&mut self, visitor: &mut dyn StateVisitor) {
///         visitor.keyed("seen", &mut self.seen);
///     }
/// }
/// ```
pub trait KeyedProcess: Send + 'static {
    /// The key.
    type Key: Key;
    /// What it takes.
    type In: Data;
    /// What it emits on its main output.
    type Out: Data;

    /// A record of `key`.
    ///
    /// # Errors
    /// An error fails the subtask.
    fn process(
        &mut self,
        key: Keyed<'_, Self::Key>,
        value: Self::In,
        ctx: &mut KeyedContext<'_, Self::Key, Self::Out>,
    ) -> Result<(), BoxError>;

    /// A timer of `key` fires.
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

/// A timer that fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    /// The time it was registered for.
    pub at: Timestamp,
    /// The clock it went by.
    pub domain: TimeDomain,
}

/// What a process function emits into, and its timers.
pub struct KeyedContext<'a, K: Key, Out> {
    inner: &'a mut Context<Out>,
    timers: &'a mut Timers<K>,
    key: &'a K,
    timestamp: Timestamp,
}

impl<K: Key, Out: Data> KeyedContext<'_, K, Out> {
    /// Emits with the timestamp of the record or timer at hand.
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

    /// Event time of the record or timer at hand; [`Timestamp::MIN`] when it has none, as a timer of
    /// the wall clock.
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

    /// Registers a timer for this key; registering it twice fires it once.
    pub fn register_timer(&mut self, domain: TimeDomain, at: Timestamp) {
        let key = self.key;
        self.queue(domain).register(at, key);
    }

    /// Deletes a timer of this key, if there is one.
    pub fn delete_timer(&mut self, domain: TimeDomain, at: Timestamp) {
        let key = self.key;
        self.queue(domain).delete(at, key);
    }

    fn queue(&mut self, domain: TimeDomain) -> &mut crate::timer::TimerQueue<K> {
        match domain {
            TimeDomain::Event => &mut self.timers.event,
            TimeDomain::Processing => &mut self.timers.processing,
        }
    }

    /// A late record: to `tag` when something is connected there, else dropped; counted either way.
    pub fn late<T: Data>(&mut self, tag: Option<&OutputTag<T>>, value: T) {
        self.inner.late(tag, value, self.timestamp);
    }
}

/// A [`KeyedProcess`] as an operator.
pub struct KeyedProcessOperator<P: KeyedProcess, F> {
    function: P,
    key: F,
    timers: Timers<P::Key>,
}

impl<P: KeyedProcess, F> KeyedProcessOperator<P, F> {
    /// Runs `function` over a stream keyed by `key`.
    pub fn new(function: P, key: F) -> Self {
        Self { function, key, timers: Timers::default() }
    }
}

/// Fires the timers that are due at `until`, as far as `ctx` has room.
pub(super) fn fire<K: Key, Out: Data>(
    timers: &mut Timers<K>,
    domain: TimeDomain,
    until: Timestamp,
    ctx: &mut Context<Out>,
    mut on_timer: impl FnMut(Keyed<'_, K>, Timer, &mut KeyedContext<'_, K, Out>) -> Result<(), BoxError>,
) -> Result<Progress, BoxError> {
    while !ctx.is_full() {
        let queue = match domain {
            TimeDomain::Event => &mut timers.event,
            TimeDomain::Processing => &mut timers.processing,
        };
        let Some((at, key)) = queue.pop_due(until) else { return Ok(Progress::Done) };
        let timestamp = match domain {
            TimeDomain::Event => at,
            TimeDomain::Processing => Timestamp::MIN,
        };
        let mut keyed = KeyedContext { inner: ctx, timers, key: &key, timestamp };
        on_timer(Keyed::new(&key), Timer { at, domain }, &mut keyed)?;
    }
    Ok(Progress::More)
}

/// Hands the records of `input` to `process`, one at a time, as far as `ctx` has room. Of the records that come
/// next the `states` of the function are told ahead.
pub(super) fn each<P, K: Key, In: Data, Out: Data>(
    (function, states): (&mut P, impl Fn(&mut P, &mut dyn StateVisitor)),
    input: &mut Batch<In>,
    key_of: impl Fn(&In) -> K,
    timers: &mut Timers<K>,
    ctx: &mut Context<Out>,
    mut process: impl FnMut(
        &mut P,
        Keyed<'_, K>,
        In,
        &mut KeyedContext<'_, K, Out>,
    ) -> Result<(), BoxError>,
) -> Result<(), BoxError> {
    let mut known = 0;
    while !ctx.is_full() {
        if known == 0 {
            let hash = |record: &Record<In>| record.key_hash;
            known = look_ahead(input.upcoming(), hash, |visitor| states(function, visitor));
        }
        // The key is read where the record lies, so that the value is moved as a whole and only once.
        let Some(next) = input.upcoming().first() else { break };
        let (key, hash, timestamp) = (key_of(&next.value), next.key_hash, next.timestamp);
        let Some(record) = input.take() else { break };
        known -= 1;
        let mut keyed = KeyedContext { inner: ctx, timers, key: &key, timestamp };
        process(function, Keyed { key: &key, hash }, record.value, &mut keyed)?;
    }
    Ok(())
}

impl<P, F> Operator for KeyedProcessOperator<P, F>
where
    P: KeyedProcess,
    F: Fn(&P::In) -> P::Key + Send + 'static,
{
    type In = P::In;
    type Out = P::Out;

    fn process(
        &mut self,
        input: &mut Batch<P::In>,
        ctx: &mut Context<P::Out>,
    ) -> Result<(), BoxError> {
        let Self { function, key, timers } = self;
        each((function, P::states), input, &*key, timers, ctx, P::process)
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
