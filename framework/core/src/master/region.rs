//! A pipelined region as the master sees it: who is in it, and what it is going through.
//!
//! ```text
//! Starting -> Running -> Stopping -> Waiting -> Starting ...
//!                               \-> Stopped
//! ```

use crate::node::NodeFactory;
use crate::plan::{Plan, SubtaskId};
use crate::restart::RestartCounts;
use crate::time::Timestamp;
use std::collections::BTreeSet;

/// What a region is going through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Starting,
    Running,
    /// Its subtasks are told to stop; then this follows.
    Stopping(AfterStop),
    Waiting(Timestamp),
    Stopped,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AfterStop {
    RestartAt(Timestamp),
    Stay,
}

/// A connected part of the plan, which fails and restarts as a whole.
#[derive(Clone, Debug)]
pub(super) struct Region {
    pub(super) phase: Phase,
    pub(super) attempt: u32,
    pub(super) restarts: RestartCounts,
    pub(super) subtasks: BTreeSet<SubtaskId>,
    pub(super) drained: BTreeSet<SubtaskId>,
    /// Uids of its sinks.
    pub(super) sinks: Vec<String>,
}

impl Region {
    /// The regions of a plan, about to start for the first time.
    pub(super) fn all(plan: &Plan) -> Vec<Self> {
        let of = |region| Self {
            phase: Phase::Starting,
            attempt: 1,
            restarts: RestartCounts::default(),
            subtasks: plan
                .subtasks()
                .filter(|s| plan.vertices[s.vertex].region == region)
                .collect(),
            drained: BTreeSet::new(),
            sinks: sinks(plan, region),
        };
        (0..plan.regions).map(of).collect()
    }
}

fn sinks(plan: &Plan, region: usize) -> Vec<String> {
    let vertices = plan.vertices.iter().filter(|vertex| vertex.region == region);
    let nodes = vertices.flat_map(|vertex| &vertex.nodes).map(|&node| &plan.graph.nodes[node]);
    let sinks = nodes.filter(|node| matches!(node.factory, NodeFactory::Sink(_)));
    sinks.map(|node| node.uid.clone()).collect()
}
