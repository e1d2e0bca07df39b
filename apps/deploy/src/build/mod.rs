//! From the nodes of a plan to the operators of a job, inputs before those who take them. One file per family of kinds.
//!
//! ```text
//! plan ── node by node ──> Site (names) + inputs (Flow) ── the family's file ──> Outputs (Flow by name)
//! ```

mod aggregate;
mod dedup;
mod event_time;
mod joins;
mod materialize;
mod patterns;
mod placed;
mod sinks;
mod sources;
mod steps;
mod top_n;
mod usable;
mod windows;

pub(crate) use event_time::strategy;

use crate::error::DeployError;
use crate::flow::Flow;
use crate::registry::{Outputs, Registry, Wiring};
use crate::settings;
use crate::site::Site;
use std::cell::RefCell;
use tidegate::prelude::*;
use tidegate_topology::plan::{NodePlan, Plan, PlanNode};
use tidegate_topology::{Loaded, dead_letters};

/// The job of a file that was looked at, under the name that it says.
///
/// # Errors
/// When something is wrong with the file, or a node cannot be built.
pub fn deploy(loaded: &Loaded, registry: &Registry) -> Result<Job, DeployError> {
    let job = loaded.document.as_ref().and_then(|document| document.job.as_ref());
    match (job, &loaded.plan) {
        (Some(job), Some(plan)) if !loaded.diagnostics.has_errors() => {
            build(&job.name.value, plan, registry)
        }
        _ => Err(DeployError::Broken),
    }
}

/// The job of a plan.
///
/// # Errors
/// When a node cannot be built.
pub fn build(name: &str, plan: &Plan, registry: &Registry) -> Result<Job, DeployError> {
    let job = Job::new(name);
    let mut drawn: Vec<Outputs> = Vec::with_capacity(plan.nodes.len());
    for (at, node) in plan.nodes.iter().enumerate() {
        let inputs = node.inputs.iter().map(|input| {
            let side = plan.nodes[input.node].outputs[input.output].side.as_deref();
            let flow = drawn[input.node].of(side).cloned();
            flow.ok_or_else(|| failed(node, &missing(&plan.nodes[input.node], side)))
        });
        let inputs: Vec<Flow> = inputs.collect::<Result<_, _>>()?;
        let dead_letters = RefCell::default();
        let site = Site { job: &job, plan, at, dead_letters: &dead_letters };
        let drawing = || {
            let first = inputs.first().cloned();
            let outputs = draw(site, inputs, registry).map_err(|reason| failed(node, &reason));
            outputs.map(|outputs| with_dead_letters(site, first, outputs))
        };
        drawn.push(match &node.restart {
            Some(said) => job.restarting(settings::restart(said), drawing)?,
            None => drawing()?,
        });
    }
    Ok(job)
}

/// The outputs of a node, with the rows that its operators have put aside if something takes them.
fn with_dead_letters(site: Site<'_>, first: Option<Flow>, outputs: Outputs) -> Outputs {
    let Some(first) = first.filter(|_| site.uses(dead_letters::OUTPUT)) else { return outputs };
    let letters = site.dead_letters.take().into_iter().reduce(|all, one| all.union(&one));
    let letters = letters.unwrap_or_else(|| {
        // Nothing in it can fail.
        let none = match first {
            Flow::Rows(rows) => rows.filter_map(|_| None),
            Flow::Changes(changes) => changes.changes().filter_map(|_| None),
        };
        site.behind("no-dead-letters", none)
    });
    outputs.side(dead_letters::OUTPUT, letters)
}

fn failed(node: &PlanNode, reason: &str) -> DeployError {
    DeployError::Node { node: node.name.clone(), reason: reason.to_owned() }
}

fn missing(from: &PlanNode, side: Option<&str>) -> String {
    let side = side.map_or_else(|| "main output".to_owned(), |side| format!("output `{side}`"));
    format!("its input `{}` was built without its {side}", from.name)
}

fn draw(site: Site<'_>, inputs: Vec<Flow>, registry: &Registry) -> Result<Outputs, String> {
    let node = site.node();
    let input = |at: usize| &inputs[at];
    Ok(match &node.kind {
        NodePlan::Source(source, time) => sources::source(site, source, time.as_ref())?,
        NodePlan::Filter(predicate) => steps::filter(site, predicate, input(0)),
        NodePlan::Columns(columns) => steps::columns(site, columns, input(0)),
        NodePlan::FlatMap(flat_map) => steps::flat_map(site, flat_map, input(0).rows()),
        NodePlan::AssignTimestamps(time) => steps::assign(site, time, input(0).rows()),
        NodePlan::Union => steps::union(site, &inputs),
        NodePlan::Split(ways) => steps::split(site, ways, input(0).rows()),
        NodePlan::IntervalJoin(join) => {
            joins::interval_join(site, join, input(0).rows(), input(1).rows())
        }
        NodePlan::WindowJoin(join) => {
            joins::window_join(site, join, input(0).rows(), input(1).rows())?
        }
        NodePlan::OuterJoin(join) => {
            joins::outer_join(site, join, input(0).rows(), input(1).rows())
        }
        NodePlan::TemporalJoin(join) => {
            joins::temporal_join(site, join, input(0).rows(), input(1).rows())
        }
        NodePlan::UnboundedJoin(join) => joins::unbounded_join(site, join, input(0), input(1)),
        NodePlan::LookupJoin(join) => joins::lookup_join(site, join, input(0).rows(), registry)?,
        NodePlan::Reconcile(join) => {
            joins::reconcile(site, join, input(0).rows(), input(1).rows())?
        }
        NodePlan::Broadcast(join) => joins::broadcast(site, join, input(0).rows(), input(1).rows()),
        NodePlan::ToChangelog => steps::to_changelog(site, input(0).rows()),
        NodePlan::Window(window) => windows::window(site, window, input(0).rows())?,
        NodePlan::Aggregate(aggregate) => aggregate::aggregate(site, aggregate, input(0))?,
        NodePlan::TopN(top) => top_n::top_n(site, top, input(0)),
        NodePlan::Dedup(dedup) => dedup::dedup(site, dedup, input(0).rows())?,
        NodePlan::Materialize(key, is_unique) => {
            materialize::materialize(site, key, *is_unique, input(0))
        }
        NodePlan::Pattern(plan) => patterns::pattern(site, plan, input(0).rows())?,
        NodePlan::Sink(sink) => sinks::sink(site, sink, input(0))?,
        NodePlan::Registered(kind, config) => {
            registry.build(kind, config, &Wiring { site, inputs })?
        }
    })
}
