//! Joins of keyed streams.
//!
//! ```
//! use tidegate::prelude::*;
//!
//! const UNPAID: OutputTag<Unmatched<u64>> = OutputTag::new("unpaid");
//!
//! let job = Job::new("payments");
//! let stream = |uid: &str| job.source(uid, FromVec::new(vec![1u64]), WatermarkStrategy::none());
//! let orders = stream("orders").key_by(|order| *order);
//! let payments = stream("payments").key_by(|payment| *payment);
//! // Every pair in which the payment comes up to an hour after the order.
//! orders
//!     .interval_join(&payments)
//!     .between(0, 3_600_000)
//!     .join()
//!     .flat_map(Joined::into_pair)
//!     .sink("pairs", Collect::new());
//! // One payment for each order; what waits in vain comes out alone.
//! orders
//!     .connect(&payments)
//!     .join(OuterJoin::waiting(3_600_000, 60_000).pairing(Pairing::OneToOne))
//!     .sink("rows", Collect::new());
//! // The same by event time alone, with books that balance.
//! let hour = Reconciliation::within(Interval::between(-60_000, 3_600_000))?;
//! let paid = orders.connect(&payments).reconcile(hour.unmatched_left(UNPAID));
//! paid.side_output(&UNPAID).sink("unpaid", Collect::new());
//! paid.sink("paid", Collect::new());
//! # assert!(job.into_graph().is_ok());
//! # Ok::<(), BoxError>(())
//! ```

use crate::connect::ConnectedStreams;
use crate::stream::{KeyedStream, Stream};
use tidegate_core::element::Data;
use tidegate_core::key::Key;
use tidegate_core::operator::OutputTag;
use tidegate_core::state::Value;
use tidegate_operators::join::{
    Interval, IntervalJoin, JoinKind, Joined, OuterJoin, Reconciliation,
};

impl<A, K, F, B, S> ConnectedStreams<A, F, B, S>
where
    A: Data + Value,
    B: Data + Value,
    K: Key,
    F: Fn(&A) -> K + Clone + Send + Sync + 'static,
    S: Fn(&B) -> K + Clone + Send + Sync + 'static,
{
    /// Lets each side wait for the other for a while; what waited in vain comes out alone.
    pub fn join(&self, join: OuterJoin<A, B>) -> Stream<Joined<A, B>> {
        let (first, second) = (self.first.key(), self.second.key());
        self.operator("join", move || join.clone().into_operator(first.clone(), second.clone()))
    }

    /// Matches both sides one to one by event time; what stays alone goes to side outputs.
    pub fn reconcile(&self, reconciliation: Reconciliation<A, B>) -> Stream<(A, B)> {
        let (first, second) = (self.first.key(), self.second.key());
        let meaning = reconciliation.interval().to_string();
        let make = move || reconciliation.clone().into_operator(first.clone(), second.clone());
        self.operator("reconcile", make).meaning(&meaning)
    }
}

impl<A, K, F> KeyedStream<A, F>
where
    A: Data,
    K: Key,
    F: Fn(&A) -> K + Clone + Send + Sync + 'static,
{
    /// Every pair of a record of this stream, the left one, and one of `other` with the same key, whose
    /// event times lie within bounds of each other.
    pub fn interval_join<B, S>(&self, other: &KeyedStream<B, S>) -> IntervalJoinStreams<A, F, B, S>
    where
        B: Data,
        S: Fn(&B) -> K + Clone + Send + Sync + 'static,
    {
        IntervalJoinStreams(self.connect(other))
    }
}

/// Two streams to be joined by time, whose bounds are not yet said.
pub struct IntervalJoinStreams<A, F, B, S>(ConnectedStreams<A, F, B, S>);

impl<A, F, B, S> IntervalJoinStreams<A, F, B, S> {
    /// Pairs for which `lower_ms <= right - left <= upper_ms`, in milliseconds of event time.
    pub fn between(self, lower_ms: i64, upper_ms: i64) -> IntervalJoinedStreams<A, F, B, S> {
        IntervalJoinedStreams {
            streams: self.0,
            interval: Interval::between(lower_ms, upper_ms),
            kind: JoinKind::Inner,
            late_left: None,
            late_right: None,
        }
    }
}

/// Two streams joined by time.
pub struct IntervalJoinedStreams<A, F, B, S> {
    streams: ConnectedStreams<A, F, B, S>,
    interval: Interval,
    kind: JoinKind,
    late_left: Option<OutputTag<A>>,
    late_right: Option<OutputTag<B>>,
}

impl<A, F, B, S> IntervalJoinedStreams<A, F, B, S> {
    /// Leaves the lower bound out.
    #[must_use]
    pub fn lower_bound_exclusive(mut self) -> Self {
        self.interval = self.interval.lower_bound_exclusive();
        self
    }

    /// Leaves the upper bound out.
    #[must_use]
    pub fn upper_bound_exclusive(mut self) -> Self {
        self.interval = self.interval.upper_bound_exclusive();
        self
    }

    /// Says whose records come out also when they stay alone; of itself nobody's.
    #[must_use]
    pub fn kind(mut self, kind: JoinKind) -> Self {
        self.kind = kind;
        self
    }

    /// Sends late records of the left stream to a side output of the join.
    #[must_use]
    pub fn late_left(mut self, tag: &OutputTag<A>) -> Self {
        self.late_left = Some(tag.clone());
        self
    }

    /// Sends late records of the right stream to a side output of the join.
    #[must_use]
    pub fn late_right(mut self, tag: &OutputTag<B>) -> Self {
        self.late_right = Some(tag.clone());
        self
    }

    /// The rows of the join. Bounds between which no pair can lie are refused with the job.
    pub fn join<K>(self) -> Stream<Joined<A, B>>
    where
        A: Data + Value,
        B: Data + Value,
        K: Key,
        F: Fn(&A) -> K + Clone + Send + Sync + 'static,
        S: Fn(&B) -> K + Clone + Send + Sync + 'static,
    {
        let Self { streams, interval, kind, late_left, late_right } = self;
        if let Err(error) = interval.validate() {
            streams.first.complain(error.to_string());
        }
        let (first, second) = (streams.first.key(), streams.second.key());
        let make = move || {
            let join = IntervalJoin::new(interval)
                .expect("a job with bounds that cannot be is refused before it is built")
                .kind(kind);
            let join = late_left.iter().cloned().fold(join, IntervalJoin::side_output_late_left);
            let join = late_right.iter().cloned().fold(join, IntervalJoin::side_output_late_right);
            join.into_operator(first.clone(), second.clone())
        };
        let told = interval.to_string();
        streams.operator("interval-join", make).detail(&told).meaning(&told)
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;

    #[test]
    fn bounds_between_which_no_pair_can_lie_are_refused_with_the_job() {
        let job = Job::new("joined");
        let numbers = job.source("n", FromVec::new(vec![1u64]), WatermarkStrategy::none());
        let numbers = numbers.key_by(|n| *n);
        let joined = numbers.interval_join(&numbers).between(5, 5).upper_bound_exclusive();
        joined.join().sink("rows", Collect::new());
        let refusal = job.into_graph().err().map(|error| error.to_string());
        assert!(refusal.is_some_and(|refusal| refusal.contains("has no pairs")));
    }
}
