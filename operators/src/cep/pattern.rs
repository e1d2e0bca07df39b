//! A pattern, put together stage by stage so that it reads like what it looks for.

use crate::cep::condition::{Condition, Criterion};
use crate::cep::malformed::MalformedPattern;
use crate::cep::matched::Matched;
use crate::cep::nfa::Nfa;
use crate::cep::skip::AfterMatchSkip;
use crate::cep::stage::{Contiguity, Quantifier, Stage};
use crate::cep::{compile, malformed};
use std::sync::Arc;
use tidegate_core::operator::BoxError;

/// A sequence of stages that events can match, with Flink's semantics.
///
/// Methods speak of the stage that was added last. What makes no sense is refused by
/// [`Pattern::build`], not before.
#[must_use]
pub struct Pattern<T> {
    pub(super) stages: Vec<Stage<T>>,
    pub(super) skip: AfterMatchSkip,
    pub(super) within_ms: Option<i64>,
    /// The first thing that was said twice, or about a stage that cannot have it.
    pub(super) fault: Option<MalformedPattern>,
}

impl<T> Clone for Pattern<T> {
    fn clone(&self) -> Self {
        Self {
            stages: self.stages.clone(),
            skip: self.skip.clone(),
            within_ms: self.within_ms,
            fault: self.fault.clone(),
        }
    }
}

impl<T> Pattern<T> {
    /// A match begins with this stage.
    pub fn begin(stage: impl Into<String>) -> Self {
        let first = Stage::new(stage.into(), Contiguity::Next);
        Self { stages: vec![first], skip: AfterMatchSkip::no_skip(), within_ms: None, fault: None }
    }

    /// A match begins with a group of stages, which can be repeated or optional like one.
    pub fn begin_group(group: Self) -> Self {
        let mut pattern = Self::begin(String::new());
        pattern.stages.clear();
        pattern.add_group(Contiguity::Next, group)
    }

    /// The stage takes the very next event, or the match ends.
    pub fn next(self, stage: impl Into<String>) -> Self {
        self.add(stage.into(), Contiguity::Next)
    }

    /// The stage takes the next event that fits; others are ignored.
    pub fn followed_by(self, stage: impl Into<String>) -> Self {
        self.add(stage.into(), Contiguity::FollowedBy)
    }

    /// The stage takes an event that fits, and leaves it to look for a later one as well: one match for
    /// each.
    pub fn followed_by_any(self, stage: impl Into<String>) -> Self {
        self.add(stage.into(), Contiguity::FollowedByAny)
    }

    /// The very next event must not fit.
    pub fn not_next(self, stage: impl Into<String>) -> Self {
        self.add(stage.into(), Contiguity::NotNext)
    }

    /// No event may fit before the following stage takes one; at the end of a pattern, until
    /// [`Pattern::within`] has passed.
    pub fn not_followed_by(self, stage: impl Into<String>) -> Self {
        self.add(stage.into(), Contiguity::NotFollowedBy)
    }

    /// As [`Pattern::next`], a group.
    pub fn next_group(self, group: Self) -> Self {
        self.add_group(Contiguity::Next, group)
    }

    /// As [`Pattern::followed_by`], a group.
    pub fn followed_by_group(self, group: Self) -> Self {
        self.add_group(Contiguity::FollowedBy, group)
    }

    /// As [`Pattern::followed_by_any`], a group.
    pub fn followed_by_any_group(self, group: Self) -> Self {
        self.add_group(Contiguity::FollowedByAny, group)
    }

    /// The stage takes events for which `condition` holds. Said again, both must hold.
    pub fn is(self, condition: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self {
        self.ask(Condition::Simple(Arc::new(condition)), |both| Criterion::Both(Box::new(both)))
    }

    /// ... or for which this holds, whatever was said of the stage before.
    pub fn or(self, condition: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self {
        let either = |either| Criterion::Either(Box::new(either));
        self.ask(Condition::Simple(Arc::new(condition)), either)
    }

    /// As [`Pattern::is`], with a look at what this partial match has taken before the event. Asked for
    /// every partial match, and what it looks at is read anew each time: put cheaper conditions first.
    pub fn satisfies(
        self,
        condition: impl Fn(&T, &Matched<'_, T>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.ask(Condition::Iterative(Arc::new(condition)), |both| Criterion::Both(Box::new(both)))
    }

    /// As [`Pattern::is`], where there may be no answer: then matching fails, unless it is told to go on as if the
    /// condition did not hold ([`Nfa::skip_unanswered`]).
    pub fn try_is(
        self,
        condition: impl Fn(&T) -> Result<bool, BoxError> + Send + Sync + 'static,
    ) -> Self {
        self.ask(Condition::Fallible(Arc::new(condition)), |both| Criterion::Both(Box::new(both)))
    }

    /// As [`Pattern::satisfies`], where there may be no answer, as with [`Pattern::try_is`].
    pub fn try_satisfies(
        self,
        condition: impl Fn(&T, &Matched<'_, T>) -> Result<bool, BoxError> + Send + Sync + 'static,
    ) -> Self {
        let condition = Condition::FallibleIterative(Arc::new(condition));
        self.ask(condition, |both| Criterion::Both(Box::new(both)))
    }

    /// The stage takes so many events.
    pub fn times(self, times: usize) -> Self {
        self.quantify(Quantifier::Times { from: times, to: times })
    }

    /// The stage takes at least `from` and at most `to` events; from 0 means optional.
    pub fn times_between(self, from: usize, to: usize) -> Self {
        let optional = from == 0;
        let pattern = self.quantify(Quantifier::Times { from: from.max(1), to });
        if optional { pattern.optional() } else { pattern }
    }

    /// The stage takes at least so many events.
    pub fn times_or_more(self, times: usize) -> Self {
        self.quantify(Quantifier::AtLeast(times))
    }

    /// The stage takes one event or any number of them.
    pub fn one_or_more(self) -> Self {
        self.times_or_more(1)
    }

    /// A match need not have the stage.
    pub fn optional(self) -> Self {
        self.change(|stage| stage.optional = true)
    }

    /// A stage that repeats takes what it can: an event that fits is not left to the following stage.
    pub fn greedy(self) -> Self {
        self.change(|stage| stage.greedy = true)
    }

    /// Nothing lies between the events of a stage that repeats.
    pub fn consecutive(self) -> Self {
        self.set_between(Contiguity::Next)
    }

    /// Anything may lie between the events of a stage that repeats, also events that fit: a match for each
    /// combination, of which there are 2^n.
    pub fn allow_combinations(self) -> Self {
        self.set_between(Contiguity::FollowedByAny)
    }

    /// A stage that repeats without end stops before an event for which this holds.
    pub fn until(self, condition: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self {
        self.stop_at(Condition::Simple(Arc::new(condition)))
    }

    /// As [`Pattern::until`], with a look at what this partial match has taken before the event.
    pub fn until_satisfies(
        self,
        condition: impl Fn(&T, &Matched<'_, T>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.stop_at(Condition::Iterative(Arc::new(condition)))
    }

    /// As [`Pattern::until`], where there may be no answer, as with [`Pattern::try_is`].
    pub fn try_until(
        self,
        condition: impl Fn(&T) -> Result<bool, BoxError> + Send + Sync + 'static,
    ) -> Self {
        self.stop_at(Condition::Fallible(Arc::new(condition)))
    }

    /// As [`Pattern::until_satisfies`], where there may be no answer, as with [`Pattern::try_is`].
    pub fn try_until_satisfies(
        self,
        condition: impl Fn(&T, &Matched<'_, T>) -> Result<bool, BoxError> + Send + Sync + 'static,
    ) -> Self {
        self.stop_at(Condition::FallibleIterative(Arc::new(condition)))
    }

    /// From its first event to its last, a match lasts less than so many milliseconds. Of several, the
    /// shortest counts.
    pub fn within(mut self, ms: i64) -> Self {
        self.within_ms = Some(self.within_ms.map_or(ms, |other| other.min(ms)));
        self
    }

    /// From the event before to the one that this stage takes it lasts less than so many milliseconds. As
    /// in Flink the wait at an optional stage before is not measured by it, and a stage that repeats
    /// does not heed it: see [`Pattern::repeats_within`].
    pub fn within_from_previous(self, ms: i64) -> Self {
        self.change(|stage| stage.within_previous_ms = Some(ms))
    }

    /// From one event of a stage that repeats to its next it lasts less than so many milliseconds. As in
    /// Flink that holds also from the event before the stage, but not before the last of a fixed number
    /// of repetitions, nor after the fewest of an open one.
    pub fn repeats_within(self, ms: i64) -> Self {
        self.change(|stage| stage.repeats_within_ms = Some(ms))
    }

    /// Where matching goes on after a match.
    pub fn after_match(mut self, skip: AfterMatchSkip) -> Self {
        self.skip = skip;
        self
    }

    /// Whether it can be matched at all.
    ///
    /// # Errors
    /// The first thing in it that makes no sense.
    pub fn validate(&self) -> Result<(), MalformedPattern> {
        self.build().map(drop)
    }

    /// The automaton that finds it.
    ///
    /// # Errors
    /// As [`Pattern::validate`].
    pub fn build(&self) -> Result<Nfa<T>, MalformedPattern> {
        malformed::check(self)?;
        compile::compile(self)
            .map(|(automaton, conditions)| Nfa::new(automaton, conditions, self.skip.clone()))
    }

    fn add(mut self, name: String, contiguity: Contiguity) -> Self {
        self.stages.push(Stage::new(name, contiguity));
        self
    }

    fn add_group(mut self, contiguity: Contiguity, group: Self) -> Self {
        let mut stage = Stage::new(String::new(), contiguity);
        if group.skip.is_skip() {
            self.blame(MalformedPattern::SkipInGroup);
        }
        if let Some(fault) = group.fault {
            self.blame(fault);
        }
        stage.group = Some(group.stages);
        self.stages.push(stage);
        group.within_ms.into_iter().fold(self, Self::within)
    }

    fn change(mut self, change: impl FnOnce(&mut Stage<T>)) -> Self {
        change(self.current());
        self
    }

    fn current(&mut self) -> &mut Stage<T> {
        self.stages.last_mut().expect("a pattern begins with a stage")
    }

    fn blame(&mut self, fault: MalformedPattern) {
        self.fault.get_or_insert(fault);
    }

    fn ask(
        mut self,
        new: Condition<T>,
        join: impl FnOnce([Criterion<T>; 2]) -> Criterion<T>,
    ) -> Self {
        let stage = self.current();
        let new = Criterion::Holds(new);
        stage.criterion = Some(match stage.criterion.take() {
            Some(before) => join([before, new]),
            None => new,
        });
        self
    }

    fn quantify(mut self, quantifier: Quantifier) -> Self {
        let stage = self.current();
        if stage.quantifier == Quantifier::One {
            stage.quantifier = quantifier;
        } else {
            let stage = stage.called();
            self.blame(MalformedPattern::QuantifierTwice { stage });
        }
        self
    }

    fn set_between(mut self, between: Contiguity) -> Self {
        let stage = self.current();
        if stage.between.is_some_and(|other| other != between) {
            let stage = stage.called();
            self.blame(MalformedPattern::ConsecutiveCombinations { stage });
        } else {
            stage.between = Some(between);
        }
        self
    }

    fn stop_at(mut self, condition: Condition<T>) -> Self {
        let stage = self.current();
        if stage.until.is_some() {
            let stage = stage.called();
            self.blame(MalformedPattern::UntilTwice { stage });
        } else {
            stage.until = Some(Criterion::Holds(condition));
        }
        self
    }
}
