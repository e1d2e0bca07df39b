//! Joins without a window.
//!
//! ```
//! use tidegate::prelude::*;
//!
//! let job = Job::new("customers");
//! let stream = |uid: &str| job.source(uid, FromVec::new(vec![(7u64, 'a')]), WatermarkStrategy::none());
//! let (orders, customers) = (stream("orders"), stream("customers"));
//! // Every pair of an order and a customer, whichever comes first.
//! let pairs = orders.key_by(|order| order.0).connect(&customers.key_by(|customer| customer.0));
//! pairs.unbounded_join(Retain::for_hours(24)).sink("pairs", Collect::new());
//! // The same where a customer comes once: an order is forgotten as soon as it is paired.
//! let pairs = orders.key_by(|order| order.0).connect(&customers.key_by(|customer| customer.0));
//! pairs.many_to_one_join(Retain::Forever).sink("orders-of-one", Collect::new());
//! // Orders with the customer as it is now; an order whose customer is not known comes alone.
//! let current = customers.key_by(|customer| customer.0).last_row(Retain::Forever);
//! let orders = orders.into_changelog().key_by(|order| order.0);
//! orders
//!     .unbounded_join(&current.key_by(|customer| customer.0), JoinKind::Left, Retain::Forever)
//!     .sink("orders", Collect::new());
//! # assert!(job.into_graph().is_ok());
//! ```

use crate::changelog::{ChangelogStream, KeyedChangelogStream};
use crate::connect::ConnectedStreams;
use crate::stream::Stream;
use tidegate_core::element::Data;
use tidegate_core::key::Key;
use tidegate_core::state::Value;
use tidegate_operators::Retain;
use tidegate_operators::join::{JoinKind, Joined, UnboundedJoin};

/// What the operators are called.
const UNBOUNDED_JOIN: &str = "unbounded-join";
const MANY_TO_ONE_JOIN: &str = "many-to-one-join";

impl<A, K, F, B, S> ConnectedStreams<A, F, B, S>
where
    A: Data + Value,
    B: Data + Value,
    K: Key,
    F: Fn(&A) -> K + Clone + Send + Sync + 'static,
    S: Fn(&B) -> K + Clone + Send + Sync + 'static,
{
    /// Every pair of records with the same key, as long as both are retained: an inner join, which takes
    /// nothing back. The outer kinds revise what they said and are joins of changelogs
    /// ([`KeyedChangelogStream::unbounded_join`]).
    pub fn unbounded_join(&self, retain: Retain) -> Stream<(A, B)> {
        let (first, second) = (self.first.key(), self.second.key());
        self.operator(UNBOUNDED_JOIN, move || {
            UnboundedJoin::inner(retain, first.clone(), second.clone())
        })
    }

    /// As [`ConnectedStreams::unbounded_join`] where a key has one record at most in the second stream, and that is never
    /// revised: bids and their auction, items and their order. What is in the first one is forgotten when
    /// it is paired and waits only if it comes before its partner. Another record of the second stream for the same key is
    /// counted as dropped: the first one stands.
    pub fn many_to_one_join(&self, retain: Retain) -> Stream<(A, B)> {
        let (first, second) = (self.first.key(), self.second.key());
        self.operator(MANY_TO_ONE_JOIN, move || {
            UnboundedJoin::many_to_one(retain, first.clone(), second.clone())
        })
    }
}

impl<A, K, F> KeyedChangelogStream<A, F>
where
    A: Data + Value + PartialEq,
    K: Key,
    F: Fn(&A) -> K + Clone + Send + Sync + 'static,
{
    /// The join of two results, as both change. This one is the left side.
    pub fn unbounded_join<B, S>(
        &self,
        right: &KeyedChangelogStream<B, S>,
        kind: JoinKind,
        retain: Retain,
    ) -> ChangelogStream<Joined<A, B>>
    where
        B: Data + Value + PartialEq,
        S: Fn(&B) -> K + Clone + Send + Sync + 'static,
    {
        let (left_key, right_key) = (self.key(), right.key());
        let join = UnboundedJoin::new(kind, retain);
        let connected = self.keyed_changes().connect(&right.keyed_changes());
        ChangelogStream::from_changes(connected.operator(UNBOUNDED_JOIN, move || {
            join.of_changelogs(left_key.clone(), right_key.clone())
        }))
    }
}
