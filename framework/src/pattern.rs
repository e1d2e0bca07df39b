//! Patterns in keyed streams.
//!
//! ```
//! use tidegate::prelude::*;
//!
//! /// A user, and whether the login failed.
//! type Login = (u64, bool);
//!
//! const LATE: OutputTag<Login> = OutputTag::new("late");
//! const NOT_AGAIN: OutputTag<u64> = OutputTag::new("not-again");
//!
//! let job = Job::new("logins");
//! let logins = FromVec::timed(vec![((7u64, true), Timestamp(100)), ((7, true), Timestamp(900))]);
//! let logins = job.source("logins", logins, WatermarkStrategy::bounded_out_of_orderness(6_000));
//! // Who fails twice in a row within two seconds, and who only once.
//! let failed = |login: &Login| login.1;
//! let twice = Pattern::begin("first").is(failed).next("second").is(failed).within(2_000);
//! let found = logins
//!     .key_by(|login| login.0)
//!     .pattern(&twice)
//!     .late_output(&LATE)
//!     .timed_out_output(&NOT_AGAIN, |user: &u64, _, _| *user)
//!     .select(|user, fails| (*user, fails.start(), fails.end()));
//! found.side_output(&LATE).sink("late", Collect::new());
//! found.side_output(&NOT_AGAIN).sink("not-again", Collect::new());
//! found.sink("found", Collect::new());
//! # assert!(job.into_graph().is_ok());
//! ```

use crate::stream::{KeyedStream, Stream};
use std::cmp::Ordering;
use tidegate_core::element::Data;
use tidegate_core::key::Key;
use tidegate_core::operator::OutputTag;
use tidegate_core::state::Value;
use tidegate_core::time::Timestamp;
use tidegate_operators::cep::{Cep, Matched, Pattern};

impl<T, K, F> KeyedStream<T, F>
where
    T: Data + Value,
    K: Key,
    F: Fn(&T) -> K + Clone + Send + Sync + 'static,
{
    /// Looks for a pattern in the events of each key, in the order of event time. A pattern that makes no
    /// sense is refused with the job.
    pub fn pattern<Out: Data>(&self, pattern: &Pattern<T>) -> PatternStream<T, F, Cep<K, T, Out>> {
        let cep = Cep::new(pattern);
        if let Err(error) = &cep {
            self.complain(error.to_string());
        }
        PatternStream { stream: self.clone(), cep: cep.ok() }
    }
}

/// A stream in which a pattern is looked for as `C` says, a [`Cep`].
#[must_use]
pub struct PatternStream<T, F, C> {
    stream: KeyedStream<T, F>,
    /// None for a pattern that makes no sense: the job is refused.
    cep: Option<C>,
}

impl<T, K, F, Out> PatternStream<T, F, Cep<K, T, Out>>
where
    T: Data + Value,
    K: Key,
    F: Fn(&T) -> K + Clone + Send + Sync + 'static,
    Out: Data,
{
    fn map(self, change: impl FnOnce(Cep<K, T, Out>) -> Cep<K, T, Out>) -> Self {
        Self { stream: self.stream, cep: self.cep.map(change) }
    }

    /// Says which of two events of a key comes first when their event times are equal; else that is the
    /// one that arrived first, which may be another one in another run.
    pub fn order_ties_by(
        self,
        compare: impl Fn(&T, &T) -> Ordering + Send + Sync + 'static,
    ) -> Self {
        self.map(|cep| cep.order_ties_by(compare))
    }

    /// Matches events as they arrive; times of the pattern are measured by the wall clock.
    pub fn processing_time(self) -> Self {
        self.map(Cep::processing_time)
    }

    /// Sends events that come when the watermark has passed them to a side output; take it by
    /// [`Stream::side_output`] from the stream of matches.
    pub fn late_output(self, tag: &OutputTag<T>) -> Self {
        self.map(|cep| cep.side_output_late(tag.clone()))
    }

    /// Sends what `select` makes of each partial match that runs out of time, and of when it did, to a
    /// side output.
    pub fn timed_out_output<S: Data>(
        self,
        tag: &OutputTag<S>,
        select: impl Fn(&K, &Matched<'_, T>, Timestamp) -> S + Send + Sync + 'static,
    ) -> Self {
        self.map(|cep| cep.side_output_timed_out(tag.clone(), select))
    }

    /// How many partial matches, and events that they have taken, a key may have before the job fails.
    pub fn limits(self, partial_matches: usize, entries: usize) -> Self {
        self.map(|cep| cep.limits(partial_matches, entries))
    }

    /// An event for which a condition has no answer ([`Pattern::try_is`]) does not meet it, and is counted as
    /// dropped, once; else it fails the job.
    pub fn skip_unanswered(self) -> Self {
        self.map(Cep::skip_unanswered)
    }

    /// What `select` makes of each match of a key.
    pub fn select(
        self,
        select: impl Fn(&K, &Matched<'_, T>) -> Out + Clone + Send + Sync + 'static,
    ) -> Stream<Out> {
        let Self { stream, cep } = self;
        let key = stream.key();
        stream.operator("cep", move || {
            let cep = cep.clone();
            cep.expect("a job with a pattern that makes no sense is refused before it is built")
                .into_operator(key.clone(), select.clone())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;

    #[test]
    fn a_pattern_that_makes_no_sense_is_refused_with_the_job() {
        let job = Job::new("matched");
        let numbers = job.source("n", FromVec::new(vec![1u64]), WatermarkStrategy::none());
        let absence = Pattern::begin("any").not_followed_by("one").is(|n: &u64| *n == 1);
        let matches = numbers.key_by(|n| *n).pattern(&absence).limits(10, 10);
        matches.select(|_, matched| matched.len()).sink("rows", Collect::new());
        let refusal = job.into_graph().err();
        assert!(refusal.is_some_and(|refusal| refusal.contains("`one` is the last")));
    }
}
