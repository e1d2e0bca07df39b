//! All outputs of a task: which edges what an operator emits goes to.
//!
//! Apart from the edges, each of which knows one stream, and from the task, which knows none.

use crate::chain::Downstream;
use crate::element::AnyBatch;
use crate::gate::valve::TimeEvent;
use crate::output::{OutputEdge, Transport};
use std::collections::BTreeMap;

/// Where the outputs of the operators of a chain lead.
pub struct Outputs {
    /// The edges that leave the task.
    pub edges: Vec<Box<dyn OutputEdge>>,
    /// For each edge its name.
    pub names: Vec<String>,
    /// Which edges an output feeds: (operator position in the vertex, side output) to edges.
    pub routes: BTreeMap<(usize, Option<usize>), Vec<usize>>,
    /// Position of the chain's first link within the vertex: 1 behind a source, else 0.
    pub first_link: usize,
}

impl Outputs {
    /// Takes the open records of `batch`, which an operator of the vertex has emitted.
    pub(crate) fn push_from(
        &mut self,
        operator: usize,
        side: Option<usize>,
        batch: &mut dyn AnyBatch,
    ) {
        let Some((last, others)) =
            self.routes.get(&(operator, side)).and_then(|edges| edges.split_last())
        else {
            return batch.skip_open();
        };
        for &edge in others {
            self.edges[edge].push(batch.duplicate_open().as_mut());
        }
        self.edges[*last].push(batch);
    }

    /// The task has taken in `records` more.
    pub(crate) fn took(&mut self, records: usize) {
        self.edges.iter_mut().for_each(|edge| edge.took(records));
    }

    pub(crate) fn transmit(&mut self, transport: &mut dyn Transport) {
        for (index, edge) in self.edges.iter_mut().enumerate() {
            edge.transmit(index, transport);
        }
    }
}

impl Downstream for Outputs {
    fn push(&mut self, link: usize, side: Option<usize>, batch: &mut dyn AnyBatch) {
        self.push_from(self.first_link + link, side, batch);
    }

    fn time(&mut self, event: TimeEvent) {
        for edge in &mut self.edges {
            match event {
                TimeEvent::Watermark(watermark) => edge.watermark(watermark),
                TimeEvent::Status(status) => edge.status(status),
            }
        }
    }

    fn is_blocked(&self) -> bool {
        self.edges.iter().any(|edge| edge.is_blocked())
    }
}
