//! Streams: what users draw a job with.
//!
//! ```
//! use tidegate::prelude::*;
//!
//! let job = Job::new("word-lengths");
//! job.source("words", FromVec::new(vec!["a", "bc", "def", "gh"]), WatermarkStrategy::none())
//!     .map(|word| word.len())
//!     .filter(|length| *length > 1)
//!     .sink("lengths", Collect::new());
//! assert_eq!(job.into_graph().expect("sound").nodes.len(), 4);
//! ```

use crate::job::{Drawing, Job};
use crate::sink_handle::SinkHandle;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use tidegate_core::element::Data;
use tidegate_core::element::Record;
use tidegate_core::gate::Port;
use tidegate_core::graph::{EdgeFactory, EdgeSpec, GraphEdge, NodeRestart, Partitioning};
use tidegate_core::key::Key;
use tidegate_core::limits;
use tidegate_core::node::{NodeFactory, SinkNodeOf};
use tidegate_core::operator::{CoOperator, Context, Operator, OutputTag};
use tidegate_core::output::{Broadcast, Edge, Forward, Global, Hash, OutputEdge, Rebalance};
use tidegate_core::process::{KeyedProcess, KeyedProcessOperator, Process, ProcessOperator};
use tidegate_core::restart::RestartStrategy;
use tidegate_core::sink::SinkFactory;
use tidegate_core::stage::{OperatorStage, SECOND};
use tidegate_core::time::Timestamp;
use tidegate_core::watermark::{WatermarkGenerator, WatermarkStrategy};
use tidegate_operators::assign_timestamps_and_watermarks::TimestampsAndWatermarks;
use tidegate_operators::combine::Combine;
use tidegate_operators::filter::Filter;
use tidegate_operators::filter_map::FilterMap;
use tidegate_operators::flat_map::FlatMap;
use tidegate_operators::map::Map;
use tidegate_operators::split::{self, Split, Way};

/// Connects one side output of an operator.
type Connector<T> = Box<dyn Fn(&mut Context<T>) + Send + Sync>;

/// The side outputs that were asked of an operator.
type Sides<T> = Arc<Mutex<Vec<Connector<T>>>>;

/// One thing that feeds a stream: an output of an operator.
#[derive(Clone, Copy)]
struct Origin {
    node: usize,
    side: Option<usize>,
}

/// An unbounded or bounded sequence of records of one type.
///
/// A stream is a drawing, not a thing that runs: using it twice sends its records both ways.
pub struct Stream<T> {
    drawing: Drawing,
    /// One output, or several after a union.
    origins: Vec<Origin>,
    partitioning: Partitioning,
    /// Of the operator whose main output this is.
    sides: Option<Sides<T>>,
}

impl<T> Clone for Stream<T> {
    fn clone(&self) -> Self {
        Self {
            drawing: Rc::clone(&self.drawing),
            origins: self.origins.clone(),
            partitioning: self.partitioning,
            sides: self.sides.clone(),
        }
    }
}

impl<T: Data> Stream<T> {
    pub(crate) fn from_node(drawing: Drawing, node: usize, sides: Option<Sides<T>>) -> Self {
        let origins = vec![Origin { node, side: None }];
        Self { drawing, origins, partitioning: Partitioning::Forward, sides }
    }

    /// The job that this stream is drawn in, for another source.
    #[must_use]
    pub fn job(&self) -> Job {
        Job::drawn(&self.drawing)
    }

    /// Names the operator that made this stream. The name is how a later start finds its state.
    #[must_use]
    pub fn uid(self, uid: &str) -> Self {
        self.with_node(|node| uid.clone_into(&mut node.uid))
    }

    /// Sets the number of subtasks of the operator that made this stream.
    #[must_use]
    pub fn parallelism(self, parallelism: u32) -> Self {
        self.with_node(|node| node.parallelism = Some(parallelism))
    }

    /// Keeps the operator that made this stream out of any chain.
    #[must_use]
    pub fn no_chaining(self) -> Self {
        self.with_node(|node| node.chaining = false)
    }

    /// Sets what follows failures of the operator that made this stream, when that is not what the job says
    /// ([`RestartStrategy`]). They are counted apart from all others; the region restarts as a whole.
    #[must_use]
    pub fn restart(self, strategy: RestartStrategy) -> Self {
        self.with_node(|node| node.restart = Some(NodeRestart { strategy, with: None }))
    }

    /// Says what the operator that made this stream does and how, for people.
    #[must_use]
    pub fn detail(self, detail: &str) -> Self {
        self.with_node(|node| node.detail = Some(detail.to_owned()))
    }

    /// Says what the state of the operator that made this stream means, such as `sum of price, tumbling, 60000 ms`.
    ///
    /// Bytes do not tell: the state of an operator whose windows have another size can be read, and would give
    /// wrong rows. A later start that says something else is refused, like one with another kind of operator.
    #[must_use]
    pub fn meaning(self, meaning: &str) -> Self {
        self.with_node(|node| node.meaning = Some(meaning.to_owned()))
    }

    /// Notes that this stream's operator does a part of the work of that of `behind`, where `upstream` is.
    pub(crate) fn prepares<U>(&self, upstream: usize, behind: &Stream<U>) {
        let (node, behind) = (self.origins[0].node, behind.origins[0].node);
        self.drawing.borrow_mut().add_local(node, upstream, behind);
    }

    /// Notes that this stream's records are changes, which must stay in order.
    pub(crate) fn holds_changes(self) -> Self {
        let outputs = self.origins.iter().map(|origin| (origin.node, origin.side));
        self.drawing.borrow_mut().graph.changelogs.extend(outputs);
        self
    }

    fn with_node(self, change: impl FnOnce(&mut tidegate_core::graph::Node)) -> Self {
        match self.origins.as_slice() {
            [Origin { node, side: None }] => {
                change(&mut self.drawing.borrow_mut().graph.nodes[*node]);
            }
            _ => self.drawing.borrow_mut().complain(
                "a union or a side output is no operator: name the operator before it".into(),
            ),
        }
        self
    }

    /// Deals the records out round robin from here on.
    #[must_use]
    pub fn rebalance(mut self) -> Self {
        self.partitioning = Partitioning::Rebalance;
        self
    }

    /// Sends every record to every subtask of what follows.
    #[must_use]
    pub fn broadcast(mut self) -> Self {
        self.partitioning = Partitioning::Broadcast;
        self
    }

    /// Sends all records to the first subtask of what follows.
    #[must_use]
    pub fn global(mut self) -> Self {
        self.partitioning = Partitioning::Global;
        self
    }

    /// The records of both streams, in no particular order between them.
    #[must_use]
    pub fn union(mut self, other: &Self) -> Self {
        self.expect_same_job(&other.drawing);
        self.origins.extend_from_slice(&other.origins);
        self.sides = None;
        self
    }

    /// One record out for each record in.
    pub fn map<U: Data>(&self, f: impl Fn(T) -> U + Clone + Send + Sync + 'static) -> Stream<U> {
        self.operator("map", move || Map::new(f.clone()))
    }

    /// Only the records that fulfil a condition.
    pub fn filter(&self, f: impl Fn(&T) -> bool + Clone + Send + Sync + 'static) -> Self {
        self.operator("filter", move || Filter::new(f.clone()))
    }

    /// What `f` makes of each record, if anything.
    pub fn filter_map<U: Data>(
        &self,
        f: impl Fn(T) -> Option<U> + Clone + Send + Sync + 'static,
    ) -> Stream<U> {
        self.operator("filter-map", move || FilterMap::new(f.clone()))
    }

    /// Any number of records out for each record in.
    pub fn flat_map<U: Data, I>(
        &self,
        f: impl Fn(T) -> I + Clone + Send + Sync + 'static,
    ) -> Stream<U>
    where
        I: IntoIterator<Item = U> + Send + 'static,
        I::IntoIter: Send,
    {
        self.operator("flat-map", move || FlatMap::new(f.clone()))
    }

    /// Two streams of this one: `way` says into which of them each record goes, and as what. The first is
    /// the operator's own stream, which gives it its name; the second one a side output.
    pub fn split<A: Data, B: Data>(
        &self,
        uid: &str,
        way: impl Fn(T) -> Way<A, B> + Clone + Send + Sync + 'static,
    ) -> (Stream<A>, Stream<B>) {
        let first = self.operator("split", move || Split::new(way.clone())).uid(uid);
        let second = first.side_output(&split::second());
        (first, second)
    }

    /// Gives each record its event time by `timestamp`, which is told the one it has, and makes
    /// watermarks by `strategy` from here on. Where the source can do it, it should.
    pub fn assign_timestamps_and_watermarks(
        &self,
        strategy: WatermarkStrategy,
        timestamp: impl Fn(&T, Timestamp) -> Timestamp + Clone + Send + Sync + 'static,
    ) -> Self {
        self.assign_time(move || TimestampsAndWatermarks::by(strategy.clone(), timestamp.clone()))
    }

    /// As [`Stream::assign_timestamps_and_watermarks`], with watermarks by a generator of the user's
    /// own ([`TimestampsAndWatermarks::generated`]).
    pub fn assign_time<F, G>(
        &self,
        make: impl Fn() -> TimestampsAndWatermarks<T, F, G> + Send + Sync + 'static,
    ) -> Self
    where
        F: Fn(&T, Timestamp) -> Timestamp + Send + 'static,
        G: WatermarkGenerator<T>,
    {
        self.operator("assign-timestamps-and-watermarks", make).no_chaining()
    }

    /// A function over one record at a time, with side outputs and operator state.
    pub fn process<P>(&self, make: impl Fn() -> P + Send + Sync + 'static) -> Stream<P::Out>
    where
        P: Process<In = T>,
    {
        self.operator("process", move || ProcessOperator::new(make()))
    }

    /// Partitions the stream: records with equal keys meet in the same subtask, where state is kept
    /// per key.
    pub fn key_by<K, F>(&self, key: F) -> KeyedStream<T, F>
    where
        K: Key,
        F: Fn(&T) -> K + Clone + Send + Sync + 'static,
    {
        KeyedStream { stream: self.clone(), key }
    }

    /// Any operator, made anew for each subtask.
    pub fn operator<O: Operator<In = T>>(
        &self,
        kind: &str,
        make: impl Fn() -> O + Send + Sync + 'static,
    ) -> Stream<O::Out> {
        attach(&self.input(), kind, make)
    }

    /// A side output of the operator that made this stream.
    pub fn side_output<S: Data>(&self, tag: &OutputTag<S>) -> Stream<S> {
        let side = match &self.sides {
            Some(sides) => {
                let mut sides = sides.lock().unwrap_or_else(PoisonError::into_inner);
                let tag = tag.clone();
                sides.push(Box::new(move |context| context.connect(&tag)));
                Some(sides.len() - 1)
            }
            None => {
                let what =
                    format!("only an operator's own stream has a side output `{}`", tag.name());
                self.drawing.borrow_mut().complain(what);
                None
            }
        };
        let node = self.origins[0].node;
        Stream {
            drawing: Rc::clone(&self.drawing),
            origins: vec![Origin { node, side }],
            partitioning: Partitioning::Forward,
            sides: None,
        }
    }

    /// Ends the stream in a sink.
    pub fn sink<F: SinkFactory<In = T>>(&self, uid: &str, factory: F) -> SinkHandle {
        let kind = factory.kind();
        let factory = NodeFactory::Sink(Arc::new(SinkNodeOf(factory)));
        let node = self.drawing.borrow_mut().add(kind, Some(uid), factory);
        self.input().connect_to(node, 0);
        SinkHandle::new(&self.drawing, node)
    }

    fn expect_same_job(&self, other: &Drawing) {
        if !Rc::ptr_eq(&self.drawing, other) {
            let what = "streams of two jobs cannot be brought together: draw both in one job";
            self.drawing.borrow_mut().complain(what.into());
        }
    }
}

fn connect_all<T>(connectors: &Sides<T>, context: &mut Context<T>) {
    let connectors = connectors.lock().unwrap_or_else(PoisonError::into_inner);
    connectors.iter().for_each(|connect| connect(context));
}

/// A stream whose records are partitioned by a key.
#[derive(Clone)]
pub struct KeyedStream<T, F> {
    stream: Stream<T>,
    key: F,
}

impl<T: Data, K: Key, F: Fn(&T) -> K + Clone + Send + Sync + 'static> KeyedStream<T, F> {
    /// The key function.
    pub(crate) fn key(&self) -> F {
        self.key.clone()
    }

    /// The records, before they are partitioned.
    pub(crate) const fn records(&self) -> &Stream<T> {
        &self.stream
    }

    /// The operator whose records these are, when it is one only and they stay in its subtasks.
    pub(crate) fn only_origin(&self) -> Option<usize> {
        match (self.stream.origins.as_slice(), self.stream.partitioning) {
            ([origin], Partitioning::Forward) => Some(origin.node),
            _ => None,
        }
    }

    /// Notes what cannot be done; the job is then refused.
    pub(crate) fn complain(&self, what: String) {
        self.stream.drawing.borrow_mut().complain(what);
    }

    /// Folds records of the same key that come together into one before they are exchanged, so that a
    /// hot key is no burden. For what adds up, however it was grouped: `merge` takes the second record
    /// into the first. Event-time windows need it not, and must not have it.
    pub fn combine(&self, merge: impl Fn(&mut T, T) + Clone + Send + Sync + 'static) -> Self {
        let key = self.key();
        let combined =
            self.stream.operator("combine", move || Combine::new(key.clone(), merge.clone()));
        combined.key_by(self.key())
    }

    /// A function over records, timers and state of one key at a time.
    pub fn process<P>(&self, make: impl Fn() -> P + Send + Sync + 'static) -> Stream<P::Out>
    where
        P: KeyedProcess<Key = K, In = T>,
    {
        let key = self.key();
        self.operator("process", move || KeyedProcessOperator::new(make(), key.clone()))
    }

    /// Any operator that relies on the partitioning, made anew for each subtask.
    pub fn operator<O: Operator<In = T>>(
        &self,
        kind: &str,
        make: impl Fn() -> O + Send + Sync + 'static,
    ) -> Stream<O::Out> {
        attach(&self.input(), kind, make)
    }
}

/// A stream that goes into an operator, and how it is partitioned for it.
pub(crate) struct Input<'a, T> {
    stream: &'a Stream<T>,
    partitioning: Partitioning,
    /// As [`GraphEdge::one_order`].
    one_order: bool,
    edge: EdgeFactory,
}

impl<T> Input<'_, T> {
    fn connect_to(&self, to: usize, port: Port) {
        let Self { stream, partitioning, one_order, ref edge } = *self;
        for &Origin { node: from, side } in &stream.origins {
            let factory = Arc::clone(edge);
            let edge = GraphEdge { from, side, to, port, partitioning, one_order, factory };
            stream.drawing.borrow_mut().connect(edge);
        }
    }
}

impl<T: Data> Stream<T> {
    pub(crate) fn input(&self) -> Input<'_, T> {
        let (partitioning, edge) = (self.partitioning, unkeyed_edge::<T>());
        Input { stream: self, partitioning, one_order: false, edge }
    }

    /// The stream as rules for all subtasks of what follows, which see them in one order when they must.
    pub(crate) fn rules(&self, one_order: bool) -> Input<'_, T> {
        Input { partitioning: Partitioning::Broadcast, one_order, ..self.input() }
    }
}

impl<T: Data, K: Key, F: Fn(&T) -> K + Clone + Send + Sync + 'static> KeyedStream<T, F> {
    pub(crate) fn input(&self) -> Input<'_, T> {
        let edge = keyed_edge::<T, K, F>(self.key());
        let partitioning = Partitioning::Hash;
        Input { stream: &self.stream, partitioning, one_order: false, edge }
    }
}

/// An operator that takes `input`.
fn attach<O: Operator>(
    input: &Input<'_, O::In>,
    kind: &str,
    make: impl Fn() -> O + Send + Sync + 'static,
) -> Stream<O::Out> {
    let drawing = &input.stream.drawing;
    let sides: Sides<O::Out> = Sides::default();
    let connectors = Arc::clone(&sides);
    let factory = NodeFactory::Operator(Arc::new(move |_| {
        Ok(Box::new(OperatorStage::new(make(), |context| connect_all(&connectors, context))))
    }));
    let node = drawing.borrow_mut().add(kind, None, factory);
    input.connect_to(node, 0);
    Stream::from_node(Rc::clone(drawing), node, Some(sides))
}

/// An operator that takes `first` and `second`.
pub(crate) fn attach_two<O: CoOperator>(
    first: &Input<'_, O::In>,
    second: &Input<'_, O::Second>,
    kind: &str,
    make: impl Fn() -> O + Send + Sync + 'static,
) -> Stream<O::Out> {
    let drawing = &first.stream.drawing;
    first.stream.expect_same_job(&second.stream.drawing);
    let sides: Sides<O::Out> = Sides::default();
    let connectors = Arc::clone(&sides);
    let factory = NodeFactory::Operator(Arc::new(move |_| {
        let stage = OperatorStage::new(make(), |context| connect_all(&connectors, context));
        Ok(Box::new(stage.with_second_input()))
    }));
    let node = drawing.borrow_mut().add(kind, None, factory);
    first.connect_to(node, 0);
    second.connect_to(node, SECOND);
    Stream::from_node(Rc::clone(drawing), node, Some(sides))
}

fn credits<T>(spec: &EdgeSpec) -> u32 {
    limits::channel_credits(spec.channels, size_of::<Record<T>>())
}

fn unkeyed_edge<T: Data>() -> EdgeFactory {
    Arc::new(|spec: &EdgeSpec| -> Box<dyn OutputEdge> {
        let (first, receivers, credits) = (spec.first, spec.receivers, credits::<T>(spec));
        match spec.partitioning {
            Partitioning::Forward => {
                Box::new(Edge::<T, _>::new(Forward, first, receivers, credits))
            }
            Partitioning::Rebalance => {
                Box::new(Edge::<T, _>::new(Rebalance::default(), first, receivers, credits))
            }
            Partitioning::Broadcast => {
                Box::new(Edge::<T, _>::new(Broadcast, first, receivers, credits))
            }
            Partitioning::Global | Partitioning::Hash => {
                Box::new(Edge::<T, _>::new(Global, first, receivers, credits))
            }
        }
    })
}

fn keyed_edge<T, K, F>(key: F) -> EdgeFactory
where
    T: Data,
    K: Key,
    F: Fn(&T) -> K + Clone + Send + Sync + 'static,
{
    Arc::new(move |spec: &EdgeSpec| -> Box<dyn OutputEdge> {
        let hash = Hash::<K, F>::new(key.clone(), spec.max_parallelism, spec.receivers);
        Box::new(Edge::<T, _>::new(hash, spec.first, spec.receivers, credits::<T>(spec)))
    })
}
