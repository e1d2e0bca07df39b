//! The matcher: what an event, or the passing of time, does to the partial matches of a key.

use crate::cep::automaton::{Action, Automaton, StateId, Taken};
use crate::cep::buffer::MatchBuffer;
use crate::cep::condition::{Answers, Condition, iterative};
use crate::cep::idle;
use crate::cep::matched::Matched;
use crate::cep::merge;
use crate::cep::partial::{Partial, PartialMatches};
use crate::cep::skip::AfterMatchSkip;
use std::sync::Arc;
use thiserror::Error;
use tidegate_core::time::Timestamp;

/// Partial matches of one key, at most, unless [`Nfa::limits`] says otherwise: far more than a pattern
/// with `within` has in practice, and little enough that following all of them takes an event a
/// millisecond.
pub const DEFAULT_MAX_PARTIAL_MATCHES: usize = 10_000;

/// Entries in the match buffer of one key, at most, unless [`Nfa::limits`] says otherwise: some 16 MB
/// beside the events.
pub const DEFAULT_MAX_ENTRIES: usize = 1_000_000;

/// Why matching cannot go on. What is kept of the key is not whole then.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CepError {
    /// A pattern that branches too often, or never ends.
    #[error(
        "a key has more than {limit} partial matches; narrow the pattern (`within`, `until`, no \
         `allow_combinations`, an after-match strategy) or raise the limit"
    )]
    TooManyPartialMatches {
        /// How many there may be.
        limit: usize,
    },
    /// Partial matches that are too long.
    #[error(
        "the partial matches of a key have more than {limit} entries; narrow the pattern (`within`, \
         `until`, an after-match strategy) or raise the limit"
    )]
    TooManyEntries {
        /// How many there may be.
        limit: usize,
    },
    /// The strategy names a stage that has taken nothing.
    #[error(
        "matching cannot go on at `{stage}`: it has taken no event in the match that was found"
    )]
    SkipMissed {
        /// The stage.
        stage: String,
    },
    /// The strategy leads to where the match has begun.
    #[error("matching cannot go on at `{stage}`: it has taken the first event of the match itself")]
    SkipToStart {
        /// The stage.
        stage: String,
    },
    /// A condition has no answer for an event.
    #[error("{reason}")]
    NoAnswer {
        /// Why not.
        reason: String,
    },
}

/// Something that was found.
#[derive(Debug)]
pub enum Outcome<'a, T> {
    /// A match.
    Matched(Matched<'a, T>),
    /// A partial match that has run out of time.
    TimedOut {
        /// What has matched.
        partial: Matched<'a, T>,
        /// When its time was over.
        at: Timestamp,
    },
}

/// Where matches go. They must be looked at there and then: afterwards their events may be gone.
pub type Emit<'e, T> = &'e mut dyn FnMut(Outcome<'_, T>);

/// A pattern as an automaton. It keeps nothing of any key: that is in [`PartialMatches`].
pub struct Nfa<T> {
    automaton: Arc<Automaton>,
    conditions: Arc<[Condition<T>]>,
    /// Those that look at the partial match, as bits.
    iterative: u64,
    skip: AfterMatchSkip,
    max_partial_matches: usize,
    max_entries: usize,
    /// Events for which a condition had no answer, if they do not fail; since they were last asked for.
    unanswered: Option<u64>,
    /// Room for one step.
    next: Vec<Partial>,
    found: Vec<Partial>,
    steps: Vec<Step>,
}

/// What an event does to one partial match.
struct Step {
    takes: Option<u16>,
    to: Option<StateId>,
    finishes: bool,
}

impl<T> Clone for Nfa<T> {
    fn clone(&self) -> Self {
        Self {
            automaton: Arc::clone(&self.automaton),
            conditions: Arc::clone(&self.conditions),
            skip: self.skip.clone(),
            next: Vec::new(),
            found: Vec::new(),
            steps: Vec::new(),
            ..*self
        }
    }
}

impl<T> Nfa<T> {
    pub(super) fn new(
        automaton: Automaton,
        conditions: Vec<Condition<T>>,
        skip: AfterMatchSkip,
    ) -> Self {
        Self {
            automaton: Arc::new(automaton),
            iterative: iterative(&conditions),
            conditions: conditions.into(),
            skip,
            max_partial_matches: DEFAULT_MAX_PARTIAL_MATCHES,
            max_entries: DEFAULT_MAX_ENTRIES,
            unanswered: None,
            next: Vec::new(),
            found: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// How many partial matches, and entries of the match buffer, a key may have.
    #[must_use]
    pub const fn limits(mut self, partial_matches: usize, entries: usize) -> Self {
        self.max_partial_matches = partial_matches;
        self.max_entries = entries;
        self
    }

    /// A condition that has no answer for an event does not hold for it, and the event is counted once; else
    /// [`Nfa::process`] fails.
    #[must_use]
    pub const fn skip_unanswered(mut self) -> Self {
        self.unanswered = Some(0);
        self
    }

    /// How many events there were for which a condition had no answer, since it was last asked.
    pub fn take_unanswered(&mut self) -> u64 {
        self.unanswered.as_mut().map_or(0, std::mem::take)
    }

    /// The same for whom partial matches that time out do not matter: those that differ in nothing else
    /// are one. What has been kept by either can be gone on with by the other.
    #[must_use]
    pub fn without_time_outs(mut self) -> Self {
        let mut automaton = Automaton::clone(&self.automaton);
        merge::merge(&mut automaton.states);
        automaton.idle = idle::guard(&automaton.states, automaton.start, self.iterative);
        self.automaton = Arc::new(automaton);
        self
    }

    /// Whether an event does nothing, whatever has matched so far: [`Nfa::process`] may be spared it. Not one
    /// for which a condition has no answer.
    #[must_use]
    pub fn passes_over(&self, event: &T) -> bool {
        let nothing = MatchBuffer::default();
        let taken = Matched::new(&nothing, &self.automaton.stages, None);
        let mut answers = Answers::default();
        answers.hold(&self.automaton.idle, &self.conditions, event, &taken)
            && answers.failure.is_none()
    }

    /// Lets an event that happened at `at` go on with partial matches, and begin one. Time is not
    /// advanced by it: call [`Nfa::advance_time`] before.
    ///
    /// # Errors
    /// When a limit is reached, the after-match strategy cannot be followed, or a condition has no answer.
    pub fn process(
        &mut self,
        matches: &mut PartialMatches<T>,
        event: T,
        at: Timestamp,
        emit: Emit<'_, T>,
    ) -> Result<(), CepError> {
        let PartialMatches { buffer, alive, .. } = matches;
        let entries = buffer.len();
        let mut answers = Answers::default();
        self.next.clear();
        self.found.clear();
        for partial in alive.iter() {
            self.follow(buffer, Some(*partial), (at, &event), &mut answers)?;
        }
        self.follow(buffer, None, (at, &event), &mut answers)?;
        if let Some(failure) = answers.failure {
            match &mut self.unanswered {
                Some(unanswered) => *unanswered += 1,
                None => return Err(CepError::NoAnswer { reason: failure.to_string() }),
            }
        }
        if buffer.len() > entries {
            buffer.store(at, event);
        } else if self.found.is_empty() && self.next == **alive {
            return Ok(());
        }
        alive.assign(&self.next);
        self.settle(matches, emit)
    }

    /// Ends partial matches whose time is over when it is `to`: no event before it will come any more.
    /// Those that wait for nothing to happen are matches then.
    ///
    /// # Errors
    /// When the after-match strategy cannot be followed.
    pub fn advance_time(
        &mut self,
        matches: &mut PartialMatches<T>,
        to: Timestamp,
        emit: Emit<'_, T>,
    ) -> Result<(), CepError> {
        if self.deadline(matches).is_none_or(|first| first > to) {
            return Ok(());
        }
        self.next.clear();
        self.found.clear();
        for partial in matches.alive.iter() {
            let Some(over) = self.over(&matches.buffer, partial, to) else {
                self.next.push(*partial);
                continue;
            };
            if self.automaton.states[partial.state as usize].pending {
                self.found.push(*partial);
            } else {
                let partial = self.matched(&matches.buffer, Some(partial));
                emit(Outcome::TimedOut { partial, at: over });
            }
        }
        matches.alive.assign(&self.next);
        self.settle(matches, emit)
    }

    /// When [`Nfa::advance_time`] will next have something to do; `None` while nothing has a time limit.
    #[inline]
    #[must_use]
    pub fn deadline(&self, matches: &PartialMatches<T>) -> Option<Timestamp> {
        if !self.automaton.has_timed_states {
            let ms = self.automaton.within_ms?;
            return matches.alive.first().map(|earliest| earliest.start.0.plus(ms));
        }
        let limit = |partial| self.limits_of(&matches.buffer, partial).into_iter().flatten().min();
        matches.alive.iter().filter_map(limit).min()
    }

    /// When the time of a partial match is over: from its newest event, and from its first.
    fn limits_of(&self, buffer: &MatchBuffer<T>, partial: &Partial) -> [Option<Timestamp>; 2] {
        let state = &self.automaton.states[partial.state as usize];
        let previous = || buffer.position(buffer.event(partial.last)).0;
        [
            state.within_ms.map(|ms| previous().plus(ms)),
            self.automaton.within_ms.map(|ms| partial.start.0.plus(ms)),
        ]
    }

    fn over(
        &self,
        buffer: &MatchBuffer<T>,
        partial: &Partial,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let limits = self.limits_of(buffer, partial).into_iter().flatten();
        limits.into_iter().find(|limit| *limit <= now)
    }

    fn matched<'a>(
        &'a self,
        buffer: &'a MatchBuffer<T>,
        partial: Option<&Partial>,
    ) -> Matched<'a, T> {
        Matched::new(buffer, &self.automaton.stages, partial.map(|partial| partial.last))
    }

    /// What `event` does to one partial match, or to the one that is always about to begin.
    fn follow(
        &mut self,
        buffer: &mut MatchBuffer<T>,
        from: Option<Partial>,
        (at, event): (Timestamp, &T),
        answers: &mut Answers,
    ) -> Result<(), CepError> {
        let stopped = self.decide(buffer, from, event, answers);
        let event = buffer.next_event();
        for Step { takes, to, finishes } in self.steps.drain(..) {
            let (last, start) = match (takes, from) {
                (Some(stage), from) => {
                    let last = buffer.link(stage, event, from.map(|partial| partial.last));
                    (last, from.map_or((at, event), |partial| partial.start))
                }
                (None, Some(Partial { last, start, .. })) => (last, start),
                (None, None) => continue,
            };
            if let Some(state) = to.filter(|_| !stopped) {
                self.next.push(Partial { state, last, start });
            }
            if finishes {
                self.found.push(Partial { state: StateId::MAX, last, start });
            }
        }
        if self.next.len() + self.found.len() > self.max_partial_matches {
            return Err(CepError::TooManyPartialMatches { limit: self.max_partial_matches });
        }
        if buffer.len() > self.max_entries {
            return Err(CepError::TooManyEntries { limit: self.max_entries });
        }
        Ok(())
    }

    /// Writes down the steps that `event` makes, and says whether it is what must not happen.
    fn decide(
        &mut self,
        buffer: &MatchBuffer<T>,
        from: Option<Partial>,
        event: &T,
        answers: &mut Answers,
    ) -> bool {
        answers.forget(self.iterative);
        let taken = Matched::new(buffer, &self.automaton.stages, from.map(|partial| partial.last));
        let mut holds = |guard| answers.hold(guard, &self.conditions, event, &taken);
        let state = from.map_or(self.automaton.start, |partial| partial.state);
        let mut stopped = false;
        for edge in &self.automaton.states[state as usize].edges {
            if !holds(&edge.guard) {
                continue;
            }
            let (takes, to, finishes) = match &edge.action {
                Action::Stop => {
                    stopped = true;
                    continue;
                }
                Action::Ignore { to } => (None, Some(*to), false),
                Action::Finish => (None, None, true),
                Action::Take { stage, to: Taken::Finish } => (Some(*stage), None, true),
                Action::Take { stage, to: Taken::State { to, finishes } } => {
                    (Some(*stage), Some(*to), holds(finishes))
                }
            };
            self.steps.push(Step { takes, to, finishes });
        }
        stopped
    }

    /// Emits what has been found, as far as nothing earlier can still have it skipped.
    fn settle(
        &mut self,
        matches: &mut PartialMatches<T>,
        emit: Emit<'_, T>,
    ) -> Result<(), CepError> {
        let PartialMatches { buffer, alive, complete } = matches;
        let begins = |partial: &Partial| partial.start;
        if !alive.is_sorted_by_key(begins) {
            alive.sort_by_key(begins);
        }
        if !self.found.is_empty() {
            self.found.drain(..).for_each(|partial| complete.push(partial));
            complete.sort_by_key(begins);
        }
        let mut told = 0;
        while let Some(earliest) = complete.get(told).copied() {
            let earlier = |partial: &Partial| partial.start < earliest.start;
            if self.skip.is_skip() && alive.first().is_some_and(earlier) {
                break;
            }
            told += 1;
            let matched = Matched::new(buffer, &self.automaton.stages, Some(earliest.last));
            if let Some(bound) = self.skip.after(&matched)? {
                let keeps = |partial: &Partial| !bound.drops(partial.start);
                alive.retain(keeps);
                complete.retain_behind(told, keeps);
            }
            emit(Outcome::Matched(matched));
        }
        complete.remove_first(told);
        if matches.len() > self.max_partial_matches {
            return Err(CepError::TooManyPartialMatches { limit: self.max_partial_matches });
        }
        matches.tidy();
        Ok(())
    }
}
