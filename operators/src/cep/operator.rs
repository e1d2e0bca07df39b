//! `cep`: the matches of a pattern in a keyed stream.
//!
//! By event time, events wait until the watermark has come to them, and are then matched in the order of
//! their times, equal ones as [`Cep::order_ties_by`] says, else as they arrived; so the same matches come
//! out in whatever order events of different times arrive and however far the watermark lags behind. An
//! event at or below the watermark is late: it goes to a side output, and is counted as dropped where none
//! is connected. By processing time, events are matched as they arrive.
//!
//! A match has the event time at which it was certain: that of the event that completed it; a later one
//! where it ends with an absence, or where an after-match strategy lets it wait for a partial match that
//! began before it. By processing time it has none. A partial match that runs out of time can go to a side
//! output, with the time at which it did.
//!
//! ```
//! use tidegate_core::{element::{Batch, Record}, key::Key};
//! use tidegate_core::operator::{BoxError, Context, Operator};
//! use tidegate_core::time::Timestamp;
//! use tidegate_operators::cep::{Cep, Pattern};
//!
//! // A user and whether the login failed.
//! type Login = (u64, bool);
//!
//! let twice = Pattern::begin("fail").is(|login: &Login| !login.1).times(2).consecutive().within(2_000);
//! let mut cep = Cep::new(&twice)?.into_operator(|login| login.0, |user: &u64, _| *user);
//!
//! let record = |login: Login, at| Record {
//!     value: login,
//!     timestamp: Timestamp(at),
//!     key_hash: login.0.stable_hash(),
//! };
//! let logins = vec![record((7, false), 900), record((8, true), 500), record((7, false), 100)];
//! let mut ctx = Context::new(16);
//! cep.process(&mut Batch::new(logins, vec![]), &mut ctx)?;
//! cep.on_watermark(Timestamp(1_000), &mut ctx)?;
//! let rows: Vec<_> = ctx.take().iter().map(|row| (row.value, row.timestamp.millis())).collect();
//! assert_eq!(rows, [(7, 900)]);
//! # Ok::<(), BoxError>(())
//! ```

use crate::agenda::Agenda;
use crate::cep::key_state::{Due, KeyState, Ties};
use crate::cep::malformed::MalformedPattern;
use crate::cep::matched::Matched;
use crate::cep::nfa::{CepError, Nfa, Outcome};
use crate::cep::pattern::Pattern;
use crate::join::Clock;
use std::cmp::Ordering;
use std::sync::Arc;
use tidegate_core::element::{Batch, Data};
use tidegate_core::key::Key;
use tidegate_core::limits::BATCH_RECORDS;
use tidegate_core::operator::{BoxError, Context, Operator, OutputTag, Progress};
use tidegate_core::state::handles::ValueState;
use tidegate_core::state::{Keyed, StateVisitor, Value};
use tidegate_core::time::Timestamp;

/// A record that was given no event time.
const NO_TIMESTAMP: &str = "a record without a timestamp cannot be matched by event time: assign \
    timestamps before, or match by processing time";

/// How far ahead appointments lie, about: they are kept in lists that span a part of it.
const AGENDA_MS: i64 = 60_000;

type Select<K, T, Out> = Box<dyn Fn(&K, &Matched<'_, T>) -> Out + Send>;
type TimedOut<K, T, Out> = Arc<dyn Fn(&K, &Matched<'_, T>, Ends, &mut Context<Out>) + Send + Sync>;

/// When a partial match has run out of time.
#[derive(Clone, Copy)]
struct Ends {
    at: Timestamp,
    /// The same as event time.
    timestamp: Timestamp,
}

/// What to look for, in which order, and what becomes of what does not match.
pub struct Cep<K, T, Out> {
    nfa: Nfa<T>,
    timed_out: Option<TimedOut<K, T, Out>>,
    late: Option<OutputTag<T>>,
    ties: Option<Ties<T>>,
    clock: Clock,
}

impl<K, T, Out> Clone for Cep<K, T, Out> {
    fn clone(&self) -> Self {
        Self {
            nfa: self.nfa.clone(),
            timed_out: self.timed_out.clone(),
            late: self.late.clone(),
            ties: self.ties.clone(),
            clock: self.clock,
        }
    }
}

impl<K: Key, T: Data + Value, Out: Data> Cep<K, T, Out> {
    /// Looks for a pattern, by event time.
    ///
    /// # Errors
    /// When the pattern makes no sense.
    pub fn new(pattern: &Pattern<T>) -> Result<Self, MalformedPattern> {
        let nfa = pattern.build()?;
        Ok(Self { nfa, timed_out: None, late: None, ties: None, clock: Clock::EventTime })
    }

    /// Says which of two events of a key comes first when their event times are equal; where it does not,
    /// the one that arrived first.
    #[must_use]
    pub fn order_ties_by(
        mut self,
        compare: impl Fn(&T, &T) -> Ordering + Send + Sync + 'static,
    ) -> Self {
        self.ties = Some(Arc::new(compare));
        self
    }

    /// Matches events as they arrive; times of the pattern are measured by the wall clock.
    #[must_use]
    pub fn processing_time(mut self) -> Self {
        self.clock = Clock::ProcessingTime;
        self
    }

    /// Sends late events to `tag`.
    #[must_use]
    pub fn side_output_late(mut self, tag: OutputTag<T>) -> Self {
        self.late = Some(tag);
        self
    }

    /// Sends what `select` makes of each partial match that runs out of time, and of when it did, to
    /// `tag`.
    #[must_use]
    pub fn side_output_timed_out<S: Data>(
        mut self,
        tag: OutputTag<S>,
        select: impl Fn(&K, &Matched<'_, T>, Timestamp) -> S + Send + Sync + 'static,
    ) -> Self {
        self.timed_out = Some(Arc::new(move |key, partial, Ends { at, timestamp }, ctx| {
            ctx.emit_side(&tag, select(key, partial, at), timestamp);
        }));
        self
    }

    /// How many partial matches, and entries of the match buffer, a key may have before the job fails.
    #[must_use]
    pub fn limits(mut self, partial_matches: usize, entries: usize) -> Self {
        self.nfa = self.nfa.limits(partial_matches, entries);
        self
    }

    /// The operator, for a stream that is keyed by `key`: it emits what `select` makes of each match of a
    /// key.
    pub fn into_operator(
        self,
        key: impl Fn(&T) -> K + Send + 'static,
        select: impl Fn(&K, &Matched<'_, T>) -> Out + Send + 'static,
    ) -> CepOperator<K, T, Out> {
        CepOperator {
            matching: Matching { cep: self, select: Box::new(select) },
            key: Box::new(key),
            states: ValueState::default(),
            agenda: Agenda::new(AGENDA_MS),
        }
    }
}

/// [`Cep`] as an operator.
pub struct CepOperator<K, T, Out> {
    matching: Matching<K, T, Out>,
    key: Box<dyn Fn(&T) -> K + Send>,
    states: ValueState<K, KeyState<T>>,
    /// When to look at which key: whenever an event is ripe or a partial match runs out of time.
    agenda: Agenda,
}

/// What happens under a key, apart from where its state is.
struct Matching<K, T, Out> {
    cep: Cep<K, T, Out>,
    select: Select<K, T, Out>,
}

impl<K: Key, T: Data + Value, Out: Data> CepOperator<K, T, Out> {
    /// Does something to the state in a slot, and sees to it that what follows from it is not missed.
    fn change(
        &mut self,
        slot: usize,
        change: impl FnOnce(&mut Matching<K, T, Out>, &K, &mut KeyState<T>) -> Result<(), CepError>,
    ) -> Result<(), BoxError> {
        let Some(mut state) = self.states.slot_mut(slot).map(std::mem::take) else { return Ok(()) };
        let (key, _) = self.states.slot(slot).expect("its state was there");
        let before = state.deadline;
        change(&mut self.matching, key, &mut state)?;
        if let Some(deadline) = state.deadline.filter(|_| state.deadline != before) {
            self.agenda.add(deadline, key.stable_hash());
        }
        if state.is_empty() {
            self.states.remove_slot(slot);
        } else if let Some(place) = self.states.slot_mut(slot) {
            *place = state;
        }
        Ok(())
    }

    fn fire(&mut self, until: Timestamp, ctx: &mut Context<Out>) -> Result<Progress, BoxError> {
        let mut steps = 0;
        while let Some((at, hash)) = self.agenda.next(until) {
            let is_due = |state: &KeyState<T>| state.due().is_some_and(|due| due <= at);
            while let Some(slot) = self.states.slot_of(hash, is_due) {
                if ctx.is_full() || steps >= BATCH_RECORDS {
                    return Ok(Progress::More);
                }
                steps += 1;
                self.change(slot, |matching, key, state| match state.next(at) {
                    None => Ok(()),
                    Some(Due::Deadline(at)) => matching.pass(key, state, at, None, ctx),
                    Some(Due::Event(at, event)) => matching.pass(key, state, at, Some(event), ctx),
                })?;
            }
            self.agenda.pop();
        }
        Ok(Progress::Done)
    }
}

impl<K: Key, T: Data + Value, Out: Data> Matching<K, T, Out> {
    /// Time passes to `at` under a key, and brings an event or not.
    fn pass(
        &mut self,
        key: &K,
        state: &mut KeyState<T>,
        at: Timestamp,
        event: Option<T>,
        ctx: &mut Context<Out>,
    ) -> Result<(), CepError> {
        let Self { cep: Cep { nfa, timed_out, clock, .. }, select } = self;
        let timestamp = clock.timer_timestamp(at);
        let mut emit = |outcome: Outcome<'_, T>| match (outcome, &timed_out) {
            (Outcome::Matched(matched), _) => ctx.emit(select(key, &matched), timestamp),
            (Outcome::TimedOut { partial, at }, Some(tell)) => {
                tell(key, &partial, Ends { at, timestamp: clock.timer_timestamp(at) }, ctx);
            }
            (Outcome::TimedOut { .. }, None) => {}
        };
        nfa.advance_time(&mut state.matches, at, &mut emit)?;
        if let Some(event) = event {
            nfa.process(&mut state.matches, event, at, &mut emit)?;
        }
        state.deadline = nfa.deadline(&state.matches);
        Ok(())
    }
}

impl<K: Key, T: Data + Value, Out: Data> Operator for CepOperator<K, T, Out> {
    type In = T;
    type Out = Out;

    fn open(&mut self, _: Timestamp) {
        self.agenda.clear();
        for (key, state) in self.states.iter() {
            let hash = key.stable_hash();
            state.times().for_each(|at| self.agenda.add(at, hash));
        }
    }

    fn process(&mut self, input: &mut Batch<T>, ctx: &mut Context<Out>) -> Result<(), BoxError> {
        while !ctx.is_full() {
            let Some(record) = input.take() else { break };
            let Cep { clock, late, ties, .. } = &self.matching.cep;
            let at = match clock {
                Clock::EventTime => record.timestamp,
                Clock::ProcessingTime => ctx.processing_time(),
            };
            if *clock == Clock::EventTime && at <= ctx.watermark() {
                if at == Timestamp::MIN {
                    return Err(NO_TIMESTAMP.into());
                }
                ctx.late(late.as_ref(), record.value, at);
                continue;
            }
            let key = (self.key)(&record.value);
            let keyed = Keyed { key: &key, hash: record.key_hash };
            let slot = self.states.slot_or_insert_with(keyed, KeyState::default);
            match clock {
                Clock::EventTime => {
                    let state = self.states.slot_mut(slot).expect("it was found or made");
                    state.wait(at, record.value, ties.as_ref());
                    self.agenda.add(at, record.key_hash);
                }
                Clock::ProcessingTime => self.change(slot, |matching, key, state| {
                    matching.pass(key, state, at, Some(record.value), ctx)
                })?,
            }
        }
        Ok(())
    }

    fn on_watermark(
        &mut self,
        watermark: Timestamp,
        ctx: &mut Context<Out>,
    ) -> Result<Progress, BoxError> {
        match self.matching.cep.clock {
            Clock::EventTime => self.fire(watermark, ctx),
            Clock::ProcessingTime => Ok(Progress::Done),
        }
    }

    fn on_processing_time(
        &mut self,
        now: Timestamp,
        ctx: &mut Context<Out>,
    ) -> Result<Progress, BoxError> {
        match self.matching.cep.clock {
            Clock::EventTime => Ok(Progress::Done),
            Clock::ProcessingTime => self.fire(now, ctx),
        }
    }

    fn next_processing_timer(&self) -> Option<Timestamp> {
        match self.matching.cep.clock {
            Clock::EventTime => None,
            Clock::ProcessingTime => self.agenda.not_before(),
        }
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("cep", &mut self.states);
    }
}
