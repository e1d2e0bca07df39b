//! Two streams into one operator.

use crate::stream::{KeyedStream, Stream, attach_two};
use tidegate_core::element::Data;
use tidegate_core::key::Key;
use tidegate_core::operator::CoOperator;
use tidegate_core::process::{
    CoProcess, CoProcessOperator, KeyedCoProcess, KeyedCoProcessOperator,
};

/// Two streams with keys of one type: records with equal keys, of whichever stream, meet in one subtask.
pub struct ConnectedStreams<A, F, B, S> {
    pub(crate) first: KeyedStream<A, F>,
    pub(crate) second: KeyedStream<B, S>,
}

impl<A, K, F> KeyedStream<A, F>
where
    A: Data,
    K: Key,
    F: Fn(&A) -> K + Clone + Send + Sync + 'static,
{
    /// Brings this stream and `other` together, key by key.
    pub fn connect<B, S>(&self, other: &KeyedStream<B, S>) -> ConnectedStreams<A, F, B, S>
    where
        B: Data,
        S: Fn(&B) -> K + Clone + Send + Sync + 'static,
    {
        ConnectedStreams { first: self.clone(), second: other.clone() }
    }
}

impl<A, K, F, B, S> ConnectedStreams<A, F, B, S>
where
    A: Data,
    B: Data,
    K: Key,
    F: Fn(&A) -> K + Clone + Send + Sync + 'static,
    S: Fn(&B) -> K + Clone + Send + Sync + 'static,
{
    /// A function over both streams, with state and timers of one key at a time.
    pub fn process<P>(&self, make: impl Fn() -> P + Send + Sync + 'static) -> Stream<P::Out>
    where
        P: KeyedCoProcess<Key = K, First = A, Second = B>,
    {
        let (first, second) = (self.first.key(), self.second.key());
        self.operator("co-process", move || {
            KeyedCoProcessOperator::new(make(), first.clone(), second.clone())
        })
    }

    /// Any operator that relies on the partitioning of both, made anew for each subtask.
    pub fn operator<O: CoOperator<In = A, Second = B>>(
        &self,
        kind: &str,
        make: impl Fn() -> O + Send + Sync + 'static,
    ) -> Stream<O::Out> {
        attach_two(&self.first.input(), &self.second.input(), kind, make)
    }
}

/// Two streams without keys: records meet as each stream is dealt out.
pub struct UnkeyedConnectedStreams<A, B> {
    first: Stream<A>,
    second: Stream<B>,
}

impl<A: Data> Stream<A> {
    /// Brings this stream and `other` together, each partitioned as it is.
    pub fn connect<B: Data>(&self, other: &Stream<B>) -> UnkeyedConnectedStreams<A, B> {
        UnkeyedConnectedStreams { first: self.clone(), second: other.clone() }
    }
}

impl<A: Data, B: Data> UnkeyedConnectedStreams<A, B> {
    /// A function over both streams, with side outputs and operator state.
    pub fn process<P>(&self, make: impl Fn() -> P + Send + Sync + 'static) -> Stream<P::Out>
    where
        P: CoProcess<First = A, Second = B>,
    {
        self.operator("co-process", move || CoProcessOperator::new(make()))
    }

    /// Any operator with two inputs, made anew for each subtask.
    pub fn operator<O: CoOperator<In = A, Second = B>>(
        &self,
        kind: &str,
        make: impl Fn() -> O + Send + Sync + 'static,
    ) -> Stream<O::Out> {
        attach_two(&self.first.input(), &self.second.input(), kind, make)
    }
}
