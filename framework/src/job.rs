//! A job being drawn: sources, the streams that come from them, sinks.

use crate::stream::Stream;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use tidegate_core::graph::{Graph, GraphEdge, Node, NodeRestart};
use tidegate_core::node::{NodeFactory, SourceNodeOf};
use tidegate_core::restart::RestartStrategy;
use tidegate_core::source::SourceFactory;
use tidegate_core::watermark::WatermarkStrategy;

/// A job: a name and the streams drawn from its sources.
///
/// The name and the uids of its operators are how a later start finds the job's state again.
pub struct Job {
    drawing: Drawing,
}

/// The graph while it is being drawn; shared by the job and all its streams.
pub(crate) type Drawing = Rc<RefCell<Sketch>>;

/// The graph so far.
#[derive(Default)]
pub(crate) struct Sketch {
    pub(crate) graph: Graph,
    /// How many operators of each kind have been named automatically.
    named: BTreeMap<String, u32>,
    /// Operators that do a part of another's work where its input comes from.
    local: Vec<Local>,
    /// What was asked for and cannot be.
    complaint: Option<String>,
}

/// An operator that prepares the input of `behind` in the subtasks of `upstream`.
struct Local {
    node: usize,
    upstream: usize,
    behind: usize,
}

impl Sketch {
    /// Adds an operator under a uid made from its kind.
    pub(crate) fn add(&mut self, kind: &str, uid: Option<&str>, factory: NodeFactory) -> usize {
        let uid = uid.map_or_else(
            || {
                let count = self.named.entry(kind.to_owned()).or_default();
                *count += 1;
                format!("{kind}-{count}")
            },
            str::to_owned,
        );
        self.graph.nodes.push(Node {
            uid,
            kind: kind.to_owned(),
            parallelism: None,
            chaining: true,
            detail: None,
            meaning: None,
            restart: None,
            factory,
        });
        self.graph.nodes.len() - 1
    }

    pub(crate) fn connect(&mut self, edge: GraphEdge) {
        self.graph.edges.push(edge);
    }

    /// Notes that `node` works for `behind` where `upstream` does: it has the name and the restart strategy
    /// of the one and the parallelism of the other, whatever they will be.
    pub(crate) fn add_local(&mut self, node: usize, upstream: usize, behind: usize) {
        self.local.push(Local { node, upstream, behind });
    }

    fn place_local(&mut self) {
        for Local { node, upstream, behind } in std::mem::take(&mut self.local) {
            let uid = format!("{}-local", self.graph.nodes[behind].uid);
            let parallelism = self.graph.nodes[upstream].parallelism;
            let shared = |own: NodeRestart| NodeRestart { with: own.with.or(Some(behind)), ..own };
            let restart = self.graph.nodes[behind].restart.map(shared);
            let node = &mut self.graph.nodes[node];
            (node.uid, node.parallelism, node.restart) = (uid, parallelism, restart);
        }
    }

    pub(crate) fn complain(&mut self, what: String) {
        self.complaint.get_or_insert(what);
    }
}

impl Job {
    /// A job without operators.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let drawing = Drawing::default();
        drawing.borrow_mut().graph.name = name.to_owned();
        Self { drawing }
    }

    /// The job that is drawn there.
    pub(crate) fn drawn(drawing: &Drawing) -> Self {
        Self { drawing: Rc::clone(drawing) }
    }

    /// A stream of what a source reads, with event time made by `watermarks`.
    pub fn source<F: SourceFactory>(
        &self,
        uid: &str,
        factory: F,
        watermarks: WatermarkStrategy,
    ) -> Stream<F::Out> {
        let kind = factory.kind();
        let node = NodeFactory::Source(Arc::new(SourceNodeOf { factory, strategy: watermarks }));
        let node = self.drawing.borrow_mut().add(kind, Some(uid), node);
        Stream::from_node(Rc::clone(&self.drawing), node, None)
    }

    /// Sets what follows failures of all operators that `draw` draws, where they do not say themselves, when that
    /// is not what the job says. They are counted together, apart from all others: the operators are the parts of
    /// one thing. The region restarts as a whole.
    pub fn restarting<R>(&self, strategy: RestartStrategy, draw: impl FnOnce() -> R) -> R {
        let first = self.drawing.borrow().graph.nodes.len();
        let drawn = draw();
        let restart = NodeRestart { strategy, with: Some(first) };
        for node in &mut self.drawing.borrow_mut().graph.nodes[first..] {
            node.restart.get_or_insert(restart);
        }
        drawn
    }

    /// The graph, as far as it can be checked without knowing how it will be run.
    ///
    /// # Errors
    /// What was asked for and cannot be.
    pub fn into_graph(self) -> Result<Graph, String> {
        let mut sketch = self.drawing.borrow_mut();
        sketch.place_local();
        match sketch.complaint.take() {
            Some(complaint) => Err(complaint),
            None => Ok(std::mem::take(&mut sketch.graph)),
        }
    }
}
