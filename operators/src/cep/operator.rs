//! `cep`: the matches of a pattern in a keyed stream.
//!
//! By event time, events that can have a part in a match wait until the watermark has come to them, and are
//! then matched in the order of their times, equal ones as [`Cep::order_ties_by`] says, else as they
//! arrived; so the same matches come out in whatever order events of different times arrive and however far
//! the watermark lags behind. An event at or below the watermark is late: it goes to a side output, and is
//! counted as dropped where none is connected. By processing time, events are matched as they arrive.
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
use crate::cep::malformed::MalformedPattern;
use crate::cep::matched::Matched;
use crate::cep::nfa::{CepError, Nfa, Outcome};
use crate::cep::partial::PartialMatches;
use crate::cep::pattern::Pattern;
use crate::cep::waiting::{Ripe, Ties, Waiting};
use crate::fetch::{TOGETHER, fetch};
use crate::join::Clock;
use std::cmp::Ordering;
use std::sync::Arc;
use thiserror::Error;
use tidegate_core::element::{Batch, Data, Record};
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

/// So many appointments per key that has partial matches are too many: those of matches that were found in
/// time have nobody to keep them.
const SPARE_APPOINTMENTS: usize = 4;

/// Which key could not be matched, and why.
#[derive(Debug, Error)]
#[error("the pattern cannot be matched under key {key}: {source}")]
struct KeyError {
    key: String,
    source: CepError,
}

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

    /// Says which of two events comes first when their event times are equal; where it does not, the one
    /// that arrived first.
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

    /// An event for which a condition has no answer does not meet it, and is counted as dropped, once; else it fails
    /// the job. See [`Pattern::try_is`].
    #[must_use]
    pub fn skip_unanswered(mut self) -> Self {
        self.nfa = self.nfa.skip_unanswered();
        self
    }

    /// The operator, for a stream that is keyed by `key`: it emits what `select` makes of each match of a
    /// key.
    pub fn into_operator(
        mut self,
        key: impl Fn(&T) -> K + Send + 'static,
        select: impl Fn(&K, &Matched<'_, T>) -> Out + Send + 'static,
    ) -> CepOperator<K, T, Out> {
        if self.timed_out.is_none() {
            self.nfa = self.nfa.without_time_outs();
        }
        CepOperator {
            matching: Matching { cep: self, select: Box::new(select) },
            key: Box::new(key),
            waiting: Waiting::default(),
            matches: ValueState::default(),
            agenda: Agenda::new(AGENDA_MS),
        }
    }
}

/// What happens under a key, apart from where its state is.
struct Matching<K, T, Out> {
    cep: Cep<K, T, Out>,
    select: Select<K, T, Out>,
}

impl<K: Key, T: Data + Value, Out: Data> Matching<K, T, Out> {
    /// Time passes to `at` under a key, and brings an event or not.
    fn pass(
        &mut self,
        key: &K,
        matches: &mut PartialMatches<T>,
        (at, event): (Timestamp, Option<T>),
        ctx: &mut Context<Out>,
    ) -> Result<(), KeyError> {
        let Self { cep: Cep { nfa, timed_out, clock, .. }, select } = self;
        let timestamp = clock.timer_timestamp(at);
        let mut emit = |outcome: Outcome<'_, T>| match (outcome, &timed_out) {
            (Outcome::Matched(matched), _) => ctx.emit(select(key, &matched), timestamp),
            (Outcome::TimedOut { partial, at }, Some(tell)) => {
                tell(key, &partial, Ends { at, timestamp: clock.timer_timestamp(at) }, ctx);
            }
            (Outcome::TimedOut { .. }, None) => {}
        };
        let passed = nfa.advance_time(matches, at, &mut emit);
        let passed = passed.and_then(|()| match event {
            Some(event) => nfa.process(matches, event, at, &mut emit),
            None => Ok(()),
        });
        for _ in 0..nfa.take_unanswered() {
            ctx.count_dropped();
        }
        passed.map_err(|source| KeyError { key: format!("{key:?}"), source })
    }
}

/// [`Cep`] as an operator.
pub struct CepOperator<K, T, Out> {
    matching: Matching<K, T, Out>,
    key: Box<dyn Fn(&T) -> K + Send>,
    waiting: Waiting<T>,
    matches: ValueState<K, PartialMatches<T>>,
    /// When the first partial match of which key runs out of time.
    agenda: Agenda,
}

impl<K: Key, T: Data + Value, Out: Data> CepOperator<K, T, Out> {
    /// Matches an event.
    fn event(&mut self, ripe: Ripe<T>, ctx: &mut Context<Out>) -> Result<(), BoxError> {
        let Ripe { at, key_hash, event } = ripe;
        let (matching, key) = (&mut self.matching, (self.key)(&event));
        let keyed = Keyed { key: &key, hash: key_hash };
        let (deadline, now) = match self.matches.get_mut(keyed) {
            Some(matches) => {
                let deadline = matching.cep.nfa.deadline(matches);
                matching.pass(&key, matches, (at, Some(event)), ctx)?;
                let now = matching.cep.nfa.deadline(matches);
                if matches.is_empty() {
                    self.matches.remove(keyed);
                }
                (deadline, now)
            }
            None => {
                let mut matches = PartialMatches::default();
                matching.pass(&key, &mut matches, (at, Some(event)), ctx)?;
                let now = matching.cep.nfa.deadline(&matches);
                if !matches.is_empty() {
                    self.matches.set(keyed, matches);
                }
                (None, now)
            }
        };
        if let Some(now) = now.filter(|now| Some(*now) != deadline) {
            self.agenda.add(now, key_hash);
            if self.agenda.len() > SPARE_APPOINTMENTS * (self.matches.len() + BATCH_RECORDS) {
                self.draw_up_agenda();
            }
        }
        Ok(())
    }

    /// Draws up the agenda of what is kept.
    fn draw_up_agenda(&mut self) {
        self.agenda.clear();
        for (key, matches) in self.matches.iter() {
            let deadline = self.matching.cep.nfa.deadline(matches);
            deadline.into_iter().for_each(|at| self.agenda.add(at, key.stable_hash()));
        }
    }

    /// Ends the partial matches in a slot whose time is over at `at`.
    fn end(&mut self, slot: usize, at: Timestamp, ctx: &mut Context<Out>) -> Result<(), BoxError> {
        let Some(mut matches) = self.matches.slot_mut(slot).map(std::mem::take) else {
            return Ok(());
        };
        let (key, _) = self.matches.slot(slot).expect("its matches were there");
        self.matching.pass(key, &mut matches, (at, None), ctx)?;
        if let Some(deadline) = self.matching.cep.nfa.deadline(&matches) {
            self.agenda.add(deadline, key.stable_hash());
        }
        if matches.is_empty() {
            self.matches.remove_slot(slot);
        } else if let Some(place) = self.matches.slot_mut(slot) {
            *place = matches;
        }
        Ok(())
    }

    /// Ends the partial matches whose time is over at `until`, in the order of time, as far as there
    /// is room.
    fn end_until(
        &mut self,
        until: Timestamp,
        steps: &mut usize,
        ctx: &mut Context<Out>,
    ) -> Result<Progress, BoxError> {
        while let Some((at, hash)) = self.agenda.next(until) {
            let nfa = &self.matching.cep.nfa;
            let is_due = |matches: &PartialMatches<T>| {
                nfa.deadline(matches).is_some_and(|deadline| deadline <= at)
            };
            match self.matches.slot_of(hash, is_due) {
                None => self.agenda.pop(),
                Some(_) if ctx.is_full() || *steps == 0 => return Ok(Progress::More),
                Some(slot) => self.end(slot, at, ctx)?,
            }
            *steps = steps.saturating_sub(1);
        }
        Ok(Progress::Done)
    }

    /// Matches the events that are ripe at `until`; time comes before the event that brings it.
    fn fire(&mut self, until: Timestamp, ctx: &mut Context<Out>) -> Result<Progress, BoxError> {
        let (mut steps, mut ordered) = (BATCH_RECORDS, None);
        while let Some(at) = self.waiting.first().filter(|at| *at <= until) {
            if let Some(ties) = self.matching.cep.ties.as_ref().filter(|_| ordered != Some(at)) {
                // No more events of this time can come.
                self.waiting.order_first(ties);
                ordered = Some(at);
            }
            if self.end_until(at, &mut steps, ctx)? == Progress::More || ctx.is_full() || steps == 0
            {
                return Ok(Progress::More);
            }
            if steps.is_multiple_of(TOGETHER) {
                fetch(&self.matches, self.waiting.upcoming(), PartialMatches::ends);
            }
            steps -= 1;
            if let Some(ripe) = self.waiting.pop() {
                self.event(ripe, ctx)?;
            }
        }
        self.end_until(until, &mut steps, ctx)
    }
}

impl<K: Key, T: Data + Value, Out: Data> Operator for CepOperator<K, T, Out> {
    type In = T;
    type Out = Out;

    fn open(&mut self, _: Timestamp) {
        self.waiting.open();
        self.draw_up_agenda();
    }

    fn process(&mut self, input: &mut Batch<T>, ctx: &mut Context<Out>) -> Result<(), BoxError> {
        while !ctx.is_full() {
            let Some(Record { value, timestamp, key_hash }) = input.take() else { break };
            if self.matching.cep.clock == Clock::ProcessingTime {
                let at = ctx.processing_time();
                self.event(Ripe { at, key_hash, event: value }, ctx)?;
            } else if timestamp > ctx.watermark() {
                if !self.matching.cep.nfa.passes_over(&value) {
                    self.waiting.push(timestamp, key_hash, value);
                }
            } else if timestamp == Timestamp::MIN {
                return Err(NO_TIMESTAMP.into());
            } else {
                ctx.late(self.matching.cep.late.as_ref(), value, timestamp);
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
            Clock::ProcessingTime => self.end_until(now, &mut BATCH_RECORDS.clone(), ctx),
        }
    }

    fn next_processing_timer(&self) -> Option<Timestamp> {
        match self.matching.cep.clock {
            Clock::EventTime => None,
            Clock::ProcessingTime => self.agenda.not_before(),
        }
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("waiting", &mut self.waiting);
        visitor.keyed("matches", &mut self.matches);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_that_were_found_leave_no_appointments_behind() {
        let pattern = Pattern::begin("even").is(|number: &u64| number.is_multiple_of(2));
        let pattern = pattern.next("odd").within(i64::MAX);
        let cep = Cep::new(&pattern).expect("a pattern");
        let mut cep = cep.into_operator(|_| 1, |_: &u64, _| ());
        let mut ctx = Context::new(16);
        for number in 0..20_000u64 {
            let timestamp = Timestamp(i64::try_from(number).expect("small"));
            let record = Record { value: number, timestamp, key_hash: 1u64.stable_hash() };
            cep.process(&mut Batch::new(vec![record], Vec::new()), &mut ctx).expect("it waits");
            cep.on_watermark(timestamp, &mut ctx).expect("few");
            ctx.take();
        }
        let most = SPARE_APPOINTMENTS * (1 + BATCH_RECORDS);
        assert!(cep.agenda.len() <= most, "{} appointments", cep.agenda.len());
    }
}
