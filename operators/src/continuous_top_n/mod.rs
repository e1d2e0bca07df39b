//! `top_n`: the n best rows of each key at any moment, as a changelog.
//!
//! What SQL writes as `ROW_NUMBER() OVER (PARTITION BY key ORDER BY ..) <= n` over a stream that goes on:
//! every row that gets in, moves or is pushed out is told at once. Of rows that rank alike the one that
//! came first stays ahead.
//!
//! *With ranks* ([`RankedRow`]) a row that gets in at rank r is an update of every rank from r on: `-U` the
//! row that was there, `+U` the one that is there now, down to the last rank, and `+I` where there was
//! none. *Without ranks* it is `-D` of the row that is pushed out and `+I` of the one that gets in: less
//! to write, for whoever needs the set and not the order.
//!
//! *State.* Over records that are only ever added, n rows per key. Over a changelog a row may go, and the
//! one behind the last rank moves up: all rows are kept. Where rows are updated by a unique key
//! ([`ContinuousTopN::unique_by`]) all are kept too, unless an update never makes a row rank lower
//! ([`ContinuousTopN::only_rising`]), as with a count or a maximum: then n rows suffice again. The rows of a
//! key are one list in the order of their ranks, written anew in a snapshot when it has changed.
//!
//! A retraction of a row that is not there changes nothing, and is counted as dropped.
//!
//! ```
//! use tidegate_core::{element::{Batch, Record}, key::Key};
//! use tidegate_core::{operator::{Context, Operator}, time::Timestamp};
//! use tidegate_operators::continuous_top_n::ContinuousTopN;
//!
//! // The highest bid of each auction: (auction, price).
//! let bids = [(7, 10), (7, 8), (7, 12)];
//! let record = |bid: (u64, u64)| Record { key_hash: bid.0.stable_hash(), ..Record::new(bid, Timestamp(1)) };
//! let highest = ContinuousTopN::largest(1, |bid: &(u64, u64)| bid.1);
//! let mut highest = highest.rows(|bid| bid.0);
//! let mut ctx = Context::new(16);
//! highest.process(&mut Batch::new(bids.map(record).to_vec(), vec![]), &mut ctx)?;
//! let changes: Vec<_> = ctx.take().iter().map(|r| (r.value.kind.to_string(), r.value.row.1)).collect();
//! assert_eq!(changes, [("+I".into(), 10), ("-D".into(), 10), ("+I".into(), 12)]);
//! # Ok::<(), tidegate_core::operator::BoxError>(())
//! ```

mod changelog_top_n;
mod ranking;
mod top_n_operator;

pub use changelog_top_n::ChangelogTopN;
pub use top_n_operator::TopNOperator;

use ranking::{Ranking, Show, Unique};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::sync::Arc;
use tidegate_core::element::Data;
use tidegate_core::key::Key;
use tidegate_core::state::Value;

/// A row and its rank under its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RankedRow<T> {
    /// From 1.
    pub rank: u32,
    /// The row.
    pub row: T,
}

/// Which row comes before which.
type Compare<T> = Arc<dyn Fn(&T, &T) -> Ordering + Send + Sync>;

/// How many rows, in which order.
pub struct ContinuousTopN<T> {
    n: usize,
    compare: Compare<T>,
    unique: Option<Unique<T>>,
    only_rising: bool,
}

impl<T> Clone for ContinuousTopN<T> {
    fn clone(&self) -> Self {
        let (compare, unique) = (Arc::clone(&self.compare), self.unique.clone());
        Self { n: self.n, compare, unique, only_rising: self.only_rising }
    }
}

impl<T: Data + Value> ContinuousTopN<T> {
    /// The `n` rows for which `by` is largest, the largest first.
    pub fn largest<S: Ord>(n: usize, by: impl Fn(&T) -> S + Send + Sync + 'static) -> Self {
        Self::ordered(n, move |left, right| by(right).cmp(&by(left)))
    }

    /// The `n` rows for which `by` is smallest, the smallest first.
    pub fn smallest<S: Ord>(n: usize, by: impl Fn(&T) -> S + Send + Sync + 'static) -> Self {
        Self::ordered(n, move |left, right| by(left).cmp(&by(right)))
    }

    /// The first `n` rows in the order of `compare`, which is total.
    pub fn ordered(n: usize, compare: impl Fn(&T, &T) -> Ordering + Send + Sync + 'static) -> Self {
        Self { n, compare: Arc::new(compare), unique: None, only_rising: false }
    }

    /// An added row replaces the one for which `unique` is the same: it moves to where it belongs now,
    /// behind those that rank alike. A deletion takes the row out by this alone, and what was before an
    /// update need not be told. All rows of a key have to go through the same `unique`, and each stays under its key.
    #[must_use]
    pub fn unique_by<U: Eq>(self, unique: impl Fn(&T) -> U + Send + Sync + 'static) -> Self
    where
        T: PartialEq,
    {
        self.unique_when(move |left, right| unique(left) == unique(right))
    }

    /// As [`ContinuousTopN::unique_by`], where `same` says of two rows whether they are versions of one: nothing has to
    /// be made of a row for it to be compared.
    #[must_use]
    pub fn unique_when(mut self, same: impl Fn(&T, &T) -> bool + Send + Sync + 'static) -> Self
    where
        T: PartialEq,
    {
        self.unique = Some(Unique { same: Arc::new(same), equal: T::eq });
        self
    }

    /// No update makes a row rank lower and no row is deleted, so that only the rows that are in the
    /// ranking need to be kept. Where it happens nevertheless, a row behind the last rank has been
    /// forgotten and does not move up.
    #[must_use]
    pub fn only_rising(mut self) -> Self {
        self.only_rising = true;
        self
    }

    /// The operator for records that are keyed by `key`: rows with their ranks.
    pub fn ranked_rows<K: Key>(
        self,
        key: impl Fn(&T) -> K + Send + 'static,
    ) -> TopNOperator<K, T, RankedRow<T>> {
        let bounded = self.unique.is_none() || self.only_rising;
        TopNOperator::new(self.ranking(bounded, Show::Ranks(ranked)), Box::new(key))
    }

    /// The operator for records that are keyed by `key`: rows alone.
    pub fn rows<K: Key>(self, key: impl Fn(&T) -> K + Send + 'static) -> TopNOperator<K, T, T> {
        let bounded = self.unique.is_none() || self.only_rising;
        TopNOperator::new(self.ranking(bounded, Show::Rows(T::clone)), Box::new(key))
    }

    /// The operator for a changelog that is keyed by `key`: rows with their ranks.
    pub fn ranked_rows_of_changelog<K: Key>(
        self,
        key: impl Fn(&T) -> K + Send + 'static,
    ) -> ChangelogTopN<K, T, RankedRow<T>>
    where
        T: PartialEq,
    {
        let bounded = self.only_rising;
        ChangelogTopN::new(self.ranking(bounded, Show::Ranks(ranked)), Box::new(key))
    }

    /// The operator for a changelog that is keyed by `key`: rows alone.
    pub fn rows_of_changelog<K: Key>(
        self,
        key: impl Fn(&T) -> K + Send + 'static,
    ) -> ChangelogTopN<K, T, T>
    where
        T: PartialEq,
    {
        let bounded = self.only_rising;
        ChangelogTopN::new(self.ranking(bounded, Show::Rows(T::clone)), Box::new(key))
    }

    fn ranking<K: Key, Out>(self, bounded: bool, show: Show<T, Out>) -> Ranking<K, T, Out> {
        Ranking::new(self.n, self.compare, self.unique, bounded, show)
    }
}

fn ranked<T: Clone>(row: &T, rank: u32) -> RankedRow<T> {
    RankedRow { rank, row: row.clone() }
}
