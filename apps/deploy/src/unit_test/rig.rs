//! A topology with other ends: its plan with every source replaced by one that is fed, every sink by one that drops, and a
//! tap behind each output that is looked at. All else is built as it is.

use super::ends::{FedSource, Tap};
use crate::error::DeployError;
use crate::flow::Flow;
use crate::registry::{Outputs, Registry, Wiring};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tidegate::prelude::*;
use tidegate::runtime::one_thread::OneThread;
use tidegate_rows::Row;
use tidegate_topology::document::{Role, Unusable};
use tidegate_topology::kinds::Configuration;
use tidegate_topology::plan::{NodePlan, Plan, PlanNode, PortRef};
use tidegate_topology::unit_test::{Case, Step};

/// Names of kinds; no kind that is registered can have a space in it, no node starts with a hyphen.
const SOURCE: &str = "- fed source";
const SINK: &str = "- dropping sink";
const TAP: &str = "- tap";

/// A job under test.
pub(super) struct Rig {
    pub(super) job: OneThread,
    /// By place in the plan.
    pub(super) sources: BTreeMap<usize, FedSource>,
    taps: Vec<(PortRef, Tap)>,
}

impl Rig {
    /// The job of a plan, for one case.
    pub(super) fn new(
        name: &str,
        plan: &Plan,
        case: &Case,
        registry: &Registry,
    ) -> Result<Self, BoxError> {
        let told: BTreeSet<usize> = case
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Watermark { source, .. } => Some(*source),
                _ => None,
            })
            .collect();
        let mut plan = plan.clone();
        let mut sources = BTreeMap::new();
        for (at, node) in plan.nodes.iter_mut().enumerate() {
            // One subtask each: the order of rows is part of what is expected.
            node.parallelism = None;
            match node.role {
                Role::Source => {
                    let source = FedSource::new(node, told.contains(&at));
                    sources.insert(at, source.clone());
                    node.kind = kind(SOURCE, source);
                }
                Role::Sink => node.kind = kind(SINK, ()),
                Role::Operator => {}
            }
        }
        let mut taps: Vec<(PortRef, Tap)> = Vec::new();
        for expected in case.expectations() {
            if taps.iter().all(|(output, _)| *output != expected.output) {
                let tap = Tap::default();
                plan.nodes.push(tapping(taps.len(), &expected.output, &tap));
                taps.push((expected.output.clone(), tap));
            }
        }
        let job = crate::build(name, &plan, &with_ends(registry)).map_err(reason)?;
        Ok(Self { job: OneThread::new(job.into_graph()?, 1)?, sources, taps })
    }

    /// What has come out of an output; nothing of one that no expectation names.
    pub(super) fn tap(&self, output: &PortRef) -> Option<&Tap> {
        self.taps.iter().find(|(tapped, _)| tapped == output).map(|(_, tap)| tap)
    }
}

fn reason(error: DeployError) -> BoxError {
    error.into()
}

fn kind<C: Send + Sync + 'static>(name: &str, config: C) -> NodePlan {
    let config: Configuration = Arc::new(config);
    NodePlan::Registered(name.to_owned(), config)
}

fn tapping(number: usize, output: &PortRef, tap: &Tap) -> PlanNode {
    PlanNode {
        name: format!("-tap-{number}"),
        role: Role::Sink,
        parallelism: None,
        chaining: true,
        restart: None,
        unusable: Unusable::Fail,
        inputs: vec![output.clone()],
        kind: kind(TAP, tap.clone()),
        meaning: None,
        outputs: Vec::new(),
    }
}

fn with_ends(registry: &Registry) -> Registry {
    let mut registry = registry.clone();
    registry.insert(Role::Source, SOURCE, |source: &FedSource, wiring: &Wiring<'_>| {
        let rows = wiring.job().source(&wiring.node().name, source.clone(), source.strategy());
        Ok(Outputs::main(wiring.named(rows)))
    });
    registry.insert(Role::Sink, SINK, |(): &(), wiring: &Wiring<'_>| {
        let name = &wiring.node().name;
        match wiring.input(0) {
            Flow::Rows(rows) => rows.sink(name, Discard::new()),
            Flow::Changes(changes) => changes.changes().sink(name, Discard::new()),
        };
        Ok(Outputs::none())
    });
    registry.insert(Role::Sink, TAP, |tap: &Tap, wiring: &Wiring<'_>| {
        let name = &wiring.node().name;
        match wiring.input(0) {
            Flow::Rows(rows) => rows.sink(name, tap.sink::<Row>()),
            Flow::Changes(changes) => changes.changes().sink(name, tap.sink::<Change<Row>>()),
        };
        Ok(Outputs::none())
    });
    registry
}
