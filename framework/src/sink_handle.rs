//! The end of a stream, and what can be set of it.
//!
//! Apart from the stream because nothing flows on from here.

use crate::job::Drawing;
use std::rc::Rc;
use tidegate_core::graph::{Node, NodeRestart};
use tidegate_core::restart::RestartStrategy;

/// The end of a stream.
pub struct SinkHandle {
    drawing: Drawing,
    node: usize,
}

impl SinkHandle {
    pub(crate) fn new(drawing: &Drawing, node: usize) -> Self {
        Self { drawing: Rc::clone(drawing), node }
    }

    /// Sets the number of subtasks of the sink.
    pub fn parallelism(&self, parallelism: u32) -> &Self {
        self.with_node(|node| node.parallelism = Some(parallelism))
    }

    /// Sets what follows failures of the sink, commits of its output among them, when that is not what the job says.
    /// They are counted apart from all others; the region restarts as a whole.
    pub fn restart(&self, strategy: RestartStrategy) -> &Self {
        self.with_node(|node| node.restart = Some(NodeRestart { strategy, with: None }))
    }

    fn with_node(&self, change: impl FnOnce(&mut Node)) -> &Self {
        change(&mut self.drawing.borrow_mut().graph.nodes[self.node]);
        self
    }
}
