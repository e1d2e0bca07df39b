//! Changelog streams: streams whose records revise a result ([`tidegate_core::changelog`]).
//!
//! Apart from [`Stream`] so that what does not understand changes cannot be put behind one at all: a
//! [`ChangelogStream`] has no windows, no interval join, and no sink of plain rows. Whoever knows better
//! goes through [`ChangelogStream::changes`].
//!
//! ```
//! use tidegate::prelude::*;
//!
//! let job = Job::new("highest-bids");
//! let bids = vec![(7u64, 100u64), (7, 120), (9, 80)];
//! let bids = job.source("bids", FromVec::new(bids), WatermarkStrategy::none());
//! // The two highest bids of each auction at any moment, with their ranks.
//! let by_auction = bids.key_by(|bid| bid.0);
//! by_auction.top_n(ContinuousTopN::largest(2, |bid: &(u64, u64)| bid.1)).sink("ranks", Collect::new());
//! // The last bid of each auction, and of those the highest of all.
//! let last = by_auction.last_row(Retain::Forever);
//! let highest = last.key_by(|_| ()).top_n_rows(ContinuousTopN::largest(1, |bid: &(u64, u64)| bid.1));
//! // When the input has ended, what is left.
//! highest.key_by(|_| ()).materialize(Materialize::multiset()).sink("highest", Collect::new());
//! # assert!(job.into_graph().is_ok());
//! ```
//!
//! A window behind a changelog is refused by the compiler:
//!
//! ```compile_fail
//! use tidegate::prelude::*;
//! # let job = Job::new("refused");
//! # let bids = job.source("bids", FromVec::new(vec![(7u64, 1u64)]), WatermarkStrategy::none());
//! let last = bids.key_by(|bid| bid.0).last_row(Retain::Forever);
//! last.key_by(|bid| bid.0).window(Window::tumbling(1_000));
//! ```
//!
//! and so is a sink of plain rows:
//!
//! ```compile_fail
//! use tidegate::prelude::*;
//! # let job = Job::new("refused");
//! # let bids = job.source("bids", FromVec::new(vec![(7u64, 1u64)]), WatermarkStrategy::none());
//! let last = bids.key_by(|bid| bid.0).last_row(Retain::Forever);
//! last.sink("rows", Collect::<(u64, u64)>::new());
//! ```

use crate::sink_handle::SinkHandle;
use crate::stream::{KeyedStream, Stream};
use tidegate_core::changelog::Change;
use tidegate_core::element::Data;
use tidegate_core::key::Key;
use tidegate_core::operator::OutputTag;
use tidegate_core::sink::SinkFactory;
use tidegate_core::state::Value;
use tidegate_operators::changelog::{ChangelogFilter, Materialize};
use tidegate_operators::continuous_top_n::{ContinuousTopN, RankedRow};

/// What the operator of a ranking is called.
const TOP_N: &str = "top-n";

/// A stream of the changes of a result.
pub struct ChangelogStream<T>(Stream<Change<T>>);

impl<T> Clone for ChangelogStream<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Data> Stream<T> {
    /// A result that only grows: each record is a row that is inserted.
    #[must_use]
    pub fn into_changelog(&self) -> ChangelogStream<T> {
        ChangelogStream::from_changes(self.map(Change::insert))
    }
}

impl<T: Data> ChangelogStream<T> {
    /// A changelog of changes that come from elsewhere, whose maker vouches for the
    /// [laws](tidegate_core::changelog).
    #[must_use]
    pub fn from_changes(changes: Stream<Change<T>>) -> Self {
        Self(changes.holds_changes())
    }

    /// The changes as records, for whoever knows what to do with a retraction.
    #[must_use]
    pub const fn changes(&self) -> &Stream<Change<T>> {
        &self.0
    }

    /// As [`Stream::uid`].
    #[must_use]
    pub fn uid(self, uid: &str) -> Self {
        Self(self.0.uid(uid))
    }

    /// As [`Stream::parallelism`]. What follows without a key has as many subtasks, or one: changes that
    /// were dealt out round robin would overtake each other, so such a job is refused.
    #[must_use]
    pub fn parallelism(self, parallelism: u32) -> Self {
        Self(self.0.parallelism(parallelism))
    }

    /// As [`Stream::detail`].
    #[must_use]
    pub fn detail(self, detail: &str) -> Self {
        Self(self.0.detail(detail))
    }

    /// A side output of the operator that made this stream.
    pub fn side_output<S: Data>(&self, tag: &OutputTag<S>) -> Stream<S> {
        self.0.side_output(tag)
    }

    /// The rows of both results together.
    #[must_use]
    pub fn union(self, other: &Self) -> Self {
        Self(self.0.union(&other.0))
    }

    /// Another row for each row; of equal rows `f` makes equal ones, or retractions miss.
    pub fn map<U: Data>(
        &self,
        f: impl Fn(T) -> U + Clone + Send + Sync + 'static,
    ) -> ChangelogStream<U> {
        ChangelogStream::from_changes(self.0.map(move |change| change.map(&f)))
    }

    /// Only the rows that fulfil a condition; an update that enters or leaves them is an insertion or a
    /// deletion.
    #[must_use]
    pub fn filter(&self, f: impl Fn(&T) -> bool + Clone + Send + Sync + 'static) -> Self
    where
        T: Value,
    {
        Self::from_changes(
            self.0.operator("changelog-filter", move || ChangelogFilter::new(f.clone())),
        )
    }

    /// Partitions the changes by a function of the row: of equal rows it gives equal keys. An update
    /// that changes the key deletes under the one and inserts under the other.
    ///
    /// The changes of one row keep their order as long as they come from one subtask: a row that several
    /// of them make, one after the other, has to tell by a part of it which one did.
    pub fn key_by<K, F>(&self, key: F) -> KeyedChangelogStream<T, F>
    where
        K: Key,
        F: Fn(&T) -> K + Clone + Send + Sync + 'static,
    {
        KeyedChangelogStream { changes: self.clone(), key }
    }

    /// Ends the stream in a sink that takes changes.
    pub fn sink<S: SinkFactory<In = Change<T>>>(&self, uid: &str, factory: S) -> SinkHandle {
        self.0.sink(uid, factory)
    }
}

/// A changelog whose rows are partitioned by a key.
#[derive(Clone)]
pub struct KeyedChangelogStream<T, F> {
    changes: ChangelogStream<T>,
    key: F,
}

impl<T, K, F> KeyedChangelogStream<T, F>
where
    T: Data + Value + PartialEq,
    K: Key,
    F: Fn(&T) -> K + Clone + Send + Sync + 'static,
{
    /// The changes, keyed as they are.
    pub(crate) fn keyed_changes(
        &self,
    ) -> KeyedStream<Change<T>, impl Fn(&Change<T>) -> K + Clone + Send + Sync + use<T, K, F>> {
        let key = self.key.clone();
        self.changes.0.key_by(move |change: &Change<T>| key(&change.row))
    }

    /// The key function.
    pub(crate) fn key(&self) -> F {
        self.key.clone()
    }

    /// The best rows of each key at any moment, with their ranks; all rows are kept, so that others can
    /// move up.
    pub fn top_n(&self, top: ContinuousTopN<T>) -> ChangelogStream<RankedRow<T>> {
        let key = self.key();
        let ranks = move || top.clone().ranked_rows_of_changelog(key.clone());
        ChangelogStream::from_changes(self.keyed_changes().operator(TOP_N, ranks))
    }

    /// As [`KeyedChangelogStream::top_n`], without ranks: who is among the best, in no order.
    pub fn top_n_rows(&self, top: ContinuousTopN<T>) -> ChangelogStream<T> {
        let key = self.key();
        let rows = move || top.clone().rows_of_changelog(key.clone());
        ChangelogStream::from_changes(self.keyed_changes().operator(TOP_N, rows))
    }

    /// The rows that are left when the input has ended.
    pub fn materialize(&self, rule: Materialize) -> Stream<T> {
        let key = self.key();
        self.keyed_changes().operator("materialize", move || rule.into_operator(key.clone()))
    }
}

impl<T, K, F> KeyedStream<T, F>
where
    T: Data + Value,
    K: Key,
    F: Fn(&T) -> K + Clone + Send + Sync + 'static,
{
    /// The best rows of each key at any moment, with their ranks.
    pub fn top_n(&self, top: ContinuousTopN<T>) -> ChangelogStream<RankedRow<T>> {
        let key = self.key();
        ChangelogStream::from_changes(
            self.operator(TOP_N, move || top.clone().ranked_rows(key.clone())),
        )
    }

    /// As [`KeyedStream::top_n`], without ranks: who is among the best, in no order.
    pub fn top_n_rows(&self, top: ContinuousTopN<T>) -> ChangelogStream<T> {
        let key = self.key();
        ChangelogStream::from_changes(self.operator(TOP_N, move || top.clone().rows(key.clone())))
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;
    use tidegate_core::key::MaxParallelism;

    #[test]
    fn changes_that_would_be_dealt_out_round_robin_are_refused_with_the_job() {
        let refusal = |parallelism: u32| {
            let job = Job::new("ranked");
            let bids =
                job.source("bids", FromVec::new(vec![(7u64, 1u64)]), WatermarkStrategy::none());
            let top = ContinuousTopN::largest(1, |bid: &(u64, u64)| bid.1);
            let top = bids.key_by(|bid| bid.0).top_n(top).uid("top");
            top.sink("changes", Collect::new()).parallelism(parallelism);
            let graph = job.into_graph().expect("sound");
            graph.check(2, MaxParallelism::DEFAULT).err().map(|error| error.to_string())
        };
        assert_eq!((refusal(2), refusal(1)), (None, None));
        assert!(
            refusal(3).is_some_and(|said| said.contains("give `changes` 2 subtasks as `top` has"))
        );
    }
}
