//! The simulated jobs: their graphs, their inputs, and what must come out of them.
//!
//! Apart from the world, which runs any graph. What a seed decides for good (inputs, windows, which
//! job) stands in [`Job`]; what may change from one run to the next is drawn when a run begins.

use super::asking::asking;
use super::chance::Chance;
use super::fate::Fate;
use super::input::{DISORDER_MS, Input, Records, records};
use super::model::Model;
use super::operators::{Copying, Counting, LATE, Remembering, Windows};
use super::output::Output;
use super::record::Item;
use super::sink::Files;
use super::windows::{gathering, sessions};
use std::sync::Arc;
use tidegate_core::element::{AnyBatch, Barrier, Status};
use tidegate_core::graph::{EdgeFactory, Graph, GraphEdge, Node, Partitioning};
use tidegate_core::key::MaxParallelism;
use tidegate_core::limits::BATCH_RECORDS;
use tidegate_core::node::{NodeFactory, SinkNodeOf, SourceNodeOf};
use tidegate_core::operator::{Context, Operator};
use tidegate_core::output::{
    Broadcast, Edge, Forward, Global, Hash, OutputEdge, Rebalance, Transport,
};
use tidegate_core::plan::Plan;
use tidegate_core::process::KeyedProcessOperator;
use tidegate_core::sink::SubtaskIdentity;
use tidegate_core::stage::{OperatorStage, Stage};
use tidegate_core::time::Timestamp;
use tidegate_core::watermark::WatermarkStrategy;

/// How far ahead one of two aligned sources may be.
const MAX_DRIFT_MS: i64 = 25;

/// Which graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// source -> map -> keyed counts with timers -> sink.
    Counts,
    /// Two sources -> keyed windows -> a sink, and late records -> another.
    Windows,
    /// The first, and beside it source -> map -> sink: two regions.
    Regions,
    /// Two sources -> session windows that list their records -> sink.
    Sessions,
    /// Two sources -> windows that fire by the wall clock, and at the end -> sink.
    Gathering,
    /// Two sources -> keyed counts in state with a time to live -> sink.
    Remembering,
    /// Two sources -> lookups in the order of records -> session windows -> sink.
    AskingInOrder,
    /// The same, in any order.
    Asking,
}

impl Shape {
    /// Seeds from here on draw among the shapes that came later; those below keep their histories.
    pub(crate) const LATER_SEEDS: u64 = 1 << 32;

    /// The same, for shapes that came later still.
    pub(crate) const LATEST_SEEDS: u64 = 2 << 32;

    const FIRST: &[Self] = &[Self::Counts, Self::Windows, Self::Windows, Self::Regions];
    const LATER: &[Self] = &[Self::Sessions, Self::Gathering, Self::Remembering];
    const LATEST: &[Self] = &[Self::AskingInOrder, Self::Asking];

    const fn of_seed(seed: u64) -> &'static [Self] {
        match seed {
            Self::LATEST_SEEDS.. => Self::LATEST,
            Self::LATER_SEEDS.. => Self::LATER,
            _ => Self::FIRST,
        }
    }
}

/// What a seed fixes for all runs of its job.
pub(crate) struct Job {
    pub(crate) shape: Shape,
    inputs: Vec<Records>,
    strategy: WatermarkStrategy,
    /// Whether silence may let event time pass a split, so that any record may be late.
    pub(crate) idles: bool,
    pub(crate) max_parallelism: MaxParallelism,
    rolling: bool,
}

/// What may change from one run to the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tuning {
    pub(crate) parallelism: u32,
    /// Whether single operators deviate from the job's parallelism.
    pub(crate) uneven: bool,
    pub(crate) credits: u32,
    /// Records an operator emits before it is full.
    pub(crate) room: usize,
    pub(crate) poll: u64,
    pub(crate) chaining: bool,
    seed: u64,
}

impl Tuning {
    pub(crate) fn draw(chance: &mut Chance) -> Self {
        Self {
            parallelism: chance.between(1, 4) as u32,
            uneven: chance.one_in(3),
            credits: chance.between(2, 4) as u32,
            room: chance.between(1, 6) as usize,
            poll: chance.between(1, 7),
            chaining: chance.one_in(2),
            seed: chance.next(),
        }
    }
}

impl Job {
    pub(crate) fn draw(seed: u64, chance: &mut Chance) -> Self {
        let shape = chance.pick(Shape::of_seed(seed));
        let windows = shape == Shape::Windows;
        let strategy = WatermarkStrategy::bounded_out_of_orderness(DISORDER_MS);
        let strategy = match chance.below(3) {
            0 => strategy.each_record(),
            1 => strategy.every_event_time_ms(20),
            _ => strategy.every_records(3),
        };
        let idles = windows && chance.one_in(2);
        let inputs = if shape == Shape::Counts { 1 } else { 2 };
        let strategy = if idles { strategy.idle_after(60) } else { strategy };
        // Drawn aside, so that the seeds that have found a bug keep their histories.
        let aligned = windows && chance.clone().one_in(3);
        Self {
            shape,
            inputs: (0..inputs).map(|n| records(chance, n * 100_000, windows)).collect(),
            strategy: if aligned { strategy.aligned("both", MAX_DRIFT_MS) } else { strategy },
            idles,
            max_parallelism: MaxParallelism::new(chance.pick(&[4, 7, 128])).expect("in bounds"),
            rolling: chance.one_in(2),
        }
    }

    pub(crate) fn model(&self) -> Model {
        let mut model = Model::default();
        let all = |input: &Records| input.iter().flatten().copied().collect::<Vec<Item>>();
        let both = || self.inputs.iter().flat_map(all).collect::<Vec<Item>>();
        match self.shape {
            Shape::Counts => model.expect_counts("out", &all(&self.inputs[0])),
            Shape::Windows => {
                self.inputs.iter().for_each(|input| model.expect_fired_or_late(&all(input)));
            }
            Shape::Regions => {
                model.expect_counts("out", &all(&self.inputs[0]));
                model.expect_copies("aside", &all(&self.inputs[1]));
            }
            Shape::Sessions | Shape::AskingInOrder | Shape::Asking => {
                model.expect_sessions("out", &both());
            }
            Shape::Gathering => model.expect_each("out", &both()),
            Shape::Remembering => model.expect_running_counts("out", &both()),
        }
        model
    }

    /// The plan of one run.
    pub(crate) fn plan(&self, tuning: &Tuning, output: &Output, fate: &Fate) -> Plan {
        let mut drawing = Drawing {
            job: self,
            tuning: *tuning,
            output,
            fate,
            chance: Chance::new(tuning.seed),
            graph: Graph { name: "simulated".into(), ..Graph::default() },
        };
        match self.shape {
            Shape::Counts => drawing.counts(),
            Shape::Windows => drawing.windows(),
            Shape::Regions => {
                drawing.counts();
                drawing.copies();
            }
            Shape::Sessions => drawing.both("session", sessions),
            Shape::Gathering => drawing.both("gather", gathering),
            Shape::AskingInOrder => drawing.asking(true),
            Shape::Asking => drawing.asking(false),
            Shape::Remembering => drawing.both("remember", || {
                KeyedProcessOperator::new(Remembering::default(), |item: &Item| item.key)
            }),
        }
        Plan::new(drawing.graph, tuning.parallelism, self.max_parallelism).expect("a sound graph")
    }
}

struct Drawing<'a> {
    job: &'a Job,
    tuning: Tuning,
    output: &'a Output,
    fate: &'a Fate,
    chance: Chance,
    graph: Graph,
}

impl Drawing<'_> {
    fn counts(&mut self) {
        let source = self.source("read", 0);
        let map = self.operator("copy", || Copying);
        let keyed = self.operator("count", || {
            KeyedProcessOperator::new(Counting::default(), |item: &Item| item.key)
        });
        let sink = self.sink("out");
        self.edge(source, None, map, Partitioning::Forward);
        self.edge(map, None, keyed, Partitioning::Hash);
        self.edge(keyed, None, sink, Partitioning::Forward);
    }

    fn windows(&mut self) {
        let first = self.source("left", 0);
        let second = self.source("right", 1);
        let windows = self.operator("window", Windows::default);
        let (main, late) = (self.sink("main"), self.sink("late"));
        self.edge(first, None, windows, Partitioning::Hash);
        self.edge(second, None, windows, Partitioning::Hash);
        self.edge(windows, None, main, Partitioning::Forward);
        self.edge(windows, Some(0), late, Partitioning::Rebalance);
    }

    /// Two sources into one keyed operator.
    fn both<O: Operator<In = Item, Out = Item>>(
        &mut self,
        uid: &str,
        make: impl Fn() -> O + Send + Sync + 'static,
    ) {
        let (first, second) = (self.source("left", 0), self.source("right", 1));
        let keyed = self.operator(uid, make);
        let sink = self.sink("out");
        self.edge(first, None, keyed, Partitioning::Hash);
        self.edge(second, None, keyed, Partitioning::Hash);
        self.edge(keyed, None, sink, Partitioning::Forward);
    }

    /// Lookups, and behind them windows that lose what comes late.
    fn asking(&mut self, ordered: bool) {
        let (first, second) = (self.source("left", 0), self.source("right", 1));
        let fate = self.fate.clone();
        let asks = self.operator("ask", move || asking(ordered, fate.clone()));
        self.graph.nodes[asks].chaining = false;
        let keyed = self.operator("session", sessions);
        let sink = self.sink("out");
        self.edge(first, None, asks, Partitioning::Hash);
        self.edge(second, None, asks, Partitioning::Hash);
        self.edge(asks, None, keyed, Partitioning::Hash);
        self.edge(keyed, None, sink, Partitioning::Forward);
    }

    fn copies(&mut self) {
        let source = self.source("read-aside", 1);
        let map = self.operator("copy-aside", || Copying);
        let sink = self.sink("aside");
        self.edge(source, None, map, Partitioning::Forward);
        self.edge(map, None, sink, Partitioning::Rebalance);
    }

    fn node(&mut self, uid: &str, kind: &str, factory: NodeFactory) -> usize {
        let most = u64::from(self.job.max_parallelism.get()).min(4);
        let own = self.tuning.uneven && self.chance.one_in(2);
        self.graph.nodes.push(Node {
            uid: uid.into(),
            kind: kind.into(),
            parallelism: own.then(|| self.chance.between(1, most) as u32),
            chaining: self.tuning.chaining,
            detail: None,
            meaning: None,
            restart: None,
            factory,
        });
        self.graph.nodes.len() - 1
    }

    fn source(&mut self, uid: &str, input: usize) -> usize {
        let records = Arc::clone(&self.job.inputs[input]);
        let factory = Input { records, fate: self.fate.clone(), poll: self.tuning.poll };
        let source = SourceNodeOf { factory, strategy: self.job.strategy.clone() };
        self.node(uid, "source", NodeFactory::Source(Arc::new(source)))
    }

    fn sink(&mut self, uid: &str) -> usize {
        let (output, fate) = (self.output.clone(), self.fate.clone());
        let files = Files { uid: uid.into(), output, fate, rolling: self.job.rolling };
        self.node(uid, "sink", NodeFactory::Sink(Arc::new(SinkNodeOf(files))))
    }

    fn operator<O: Operator<In = Item, Out = Item>>(
        &mut self,
        uid: &str,
        make: impl Fn() -> O + Send + Sync + 'static,
    ) -> usize {
        let room = self.tuning.room;
        let factory = move |_: &SubtaskIdentity| {
            let stage = OperatorStage::new(make(), |ctx| {
                *ctx = Context::new(room);
                ctx.connect(&LATE);
            });
            Ok(Box::new(stage) as Box<dyn Stage>)
        };
        self.node(uid, "operator", NodeFactory::Operator(Arc::new(factory)))
    }

    fn edge(&mut self, from: usize, side: Option<usize>, to: usize, partitioning: Partitioning) {
        let (credits, fate) = (self.tuning.credits, self.fate.clone());
        let factory: EdgeFactory = Arc::new(move |spec| {
            let (first, receivers) = (spec.first, spec.receivers);
            let inner: Box<dyn OutputEdge> = match spec.partitioning {
                Partitioning::Forward => {
                    Box::new(Edge::<Item, _>::new(Forward, first, receivers, credits))
                }
                Partitioning::Rebalance => {
                    let rebalance = Rebalance::default();
                    Box::new(Edge::<Item, _>::new(rebalance, first, receivers, credits))
                }
                Partitioning::Hash => {
                    let key = |item: &Item| item.key;
                    let hash = Hash::new(key, spec.max_parallelism, receivers);
                    Box::new(Edge::<Item, _>::new(hash, first, receivers, credits))
                }
                Partitioning::Broadcast => {
                    Box::new(Edge::<Item, _>::new(Broadcast, first, receivers, credits))
                }
                Partitioning::Global => {
                    Box::new(Edge::<Item, _>::new(Global, first, receivers, credits))
                }
            };
            Box::new(Choppy { inner, fate: fate.clone() })
        });
        self.graph.edges.push(GraphEdge {
            from,
            side,
            to,
            port: 0,
            partitioning,
            one_order: false,
            factory,
        });
    }
}

/// An edge that seals its buffers at random, so that batches are small and cut anywhere.
struct Choppy {
    inner: Box<dyn OutputEdge>,
    fate: Fate,
}

impl OutputEdge for Choppy {
    fn push(&mut self, batch: &mut dyn AnyBatch) {
        self.inner.push(batch);
        if self.fate.draw(|chance| chance.one_in(3)) {
            self.inner.flush();
        }
    }

    fn watermark(&mut self, watermark: Timestamp) {
        self.inner.watermark(watermark);
    }

    fn status(&mut self, status: Status) {
        self.inner.status(status);
    }

    fn barrier(&mut self, barrier: Barrier) {
        self.inner.barrier(barrier);
    }

    fn end(&mut self) {
        self.inner.end();
    }

    /// A small input ends rounds like a large one.
    fn took(&mut self, records: usize) {
        let large = self.fate.draw(|chance| chance.one_in(3));
        self.inner.took(if large { BATCH_RECORDS } else { records });
    }

    fn flush(&mut self) {
        self.inner.flush();
    }

    fn transmit(&mut self, edge: usize, transport: &mut dyn Transport) {
        self.inner.transmit(edge, transport);
    }

    fn credit(&mut self, to: u32, credits: u32) {
        self.inner.credit(to, credits);
    }

    fn is_blocked(&self) -> bool {
        self.inner.is_blocked()
    }

    fn sent(&self) -> u64 {
        self.inner.sent()
    }

    fn credit_use(&self) -> (u32, u32) {
        self.inner.credit_use()
    }
}
