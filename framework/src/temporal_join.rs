//! Joins with the versions of a table.
//!
//! ```
//! use tidegate::prelude::*;
//!
//! let job = Job::new("orders");
//! let stream = |uid: &str| job.source(uid, FromVec::new(vec![(1u8, 9u64)]), WatermarkStrategy::none());
//! let orders = stream("orders").key_by(|(currency, _)| *currency);
//! let rates = stream("rates").key_by(|(currency, _)| *currency);
//! // Each order with the rate of its time; a rate of 0 says that there is none any more.
//! orders
//!     .temporal_join(&rates, Validity::UntilReplaced)
//!     .tombstones(|(_, rate)| *rate == 0)
//!     .left_outer()
//!     .join()
//!     .sink("rows", Collect::new());
//! # assert!(job.into_graph().is_ok());
//! ```

use crate::connect::ConnectedStreams;
use crate::stream::{KeyedStream, Stream};
use tidegate_core::element::Data;
use tidegate_core::key::Key;
use tidegate_core::operator::OutputTag;
use tidegate_core::state::Value;
use tidegate_operators::join::{Joined, TemporalJoin, Validity};

impl<A, K, F> KeyedStream<A, F>
where
    A: Data,
    K: Key,
    F: Fn(&A) -> K + Clone + Send + Sync + 'static,
{
    /// Each record of this stream with the version of its key that was valid at its event time: the newest
    /// record of `versions` at or before it, if that is valid for so long.
    pub fn temporal_join<B, S>(
        &self,
        versions: &KeyedStream<B, S>,
        validity: Validity,
    ) -> TemporalJoinedStreams<A, F, B, S>
    where
        B: Data,
        S: Fn(&B) -> K + Clone + Send + Sync + 'static,
    {
        let streams = self.connect(versions);
        TemporalJoinedStreams { streams, join: TemporalJoin::new(validity) }
    }
}

/// A stream joined with the versions of a table.
pub struct TemporalJoinedStreams<A, F, B, S> {
    streams: ConnectedStreams<A, F, B, S>,
    join: TemporalJoin<A, B>,
}

impl<A, F, B, S> TemporalJoinedStreams<A, F, B, S> {
    /// Lets records for which there is no version out alone.
    #[must_use]
    pub fn left_outer(mut self) -> Self {
        self.join = self.join.left_outer();
        self
    }

    /// Says which records of the table delete the version of their key from their time on.
    #[must_use]
    pub fn tombstones(mut self, are: impl Fn(&B) -> bool + Send + Sync + 'static) -> Self {
        self.join = self.join.tombstones(are);
        self
    }

    /// Sends late records of the left stream to a side output of the join.
    #[must_use]
    pub fn late_left(mut self, tag: &OutputTag<A>) -> Self {
        self.join = self.join.side_output_late_left(tag.clone());
        self
    }

    /// Sends versions that are too late to be of use to a side output of the join.
    #[must_use]
    pub fn late_versions(mut self, tag: &OutputTag<B>) -> Self {
        self.join = self.join.side_output_late_versions(tag.clone());
        self
    }

    /// The rows of the join. Versions that are never valid are refused with the job.
    pub fn join<K>(self) -> Stream<Joined<A, B>>
    where
        A: Data + Value,
        B: Data + Value,
        K: Key,
        F: Fn(&A) -> K + Clone + Send + Sync + 'static,
        S: Fn(&B) -> K + Clone + Send + Sync + 'static,
    {
        let Self { streams, join } = self;
        if let Err(error) = join.validate() {
            streams.first.complain(error.to_string());
        }
        let (first, second) = (streams.first.key(), streams.second.key());
        streams.operator("temporal-join", move || {
            join.clone().into_operator(first.clone(), second.clone())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;

    #[test]
    fn versions_that_are_never_valid_are_refused_with_the_job() {
        let job = Job::new("joined");
        let numbers = job.source("n", FromVec::new(vec![1u64]), WatermarkStrategy::none());
        let numbers = numbers.key_by(|n| *n);
        let joined = numbers.temporal_join(&numbers, Validity::AtMostMs(-1));
        joined.join().sink("rows", Collect::new());
        let refusal = job.into_graph().err().map(|error| error.to_string());
        assert!(refusal.is_some_and(|refusal| refusal.contains("a version is valid for -1 ms")));
    }
}
