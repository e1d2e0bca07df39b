//! The walk: nodes in topological order, each given the columns of its inputs, each giving those of its outputs.
//!
//! Apart from the kinds, which know nothing of the graph.

use super::meaning::meaning;
use super::{NodePlan, Plan, PlanNode, Port, PortRef, SourcePlan};
use crate::check::{Flow, Graph};
use crate::dead_letters;
use crate::diagnostic::Diagnostics;
use crate::document::{Document, Kind, Node, OperatorKind, Role, Unusable};
use crate::kinds::Kinds;
use crate::source::Source;
use crate::tree;
use std::collections::HashMap;
use std::sync::Arc;
use tidegate_rows::Schema;
use tidegate_rows::expression::Functions;

/// What every part of planning looks at.
pub(super) struct Planning<'a> {
    pub(super) source: &'a Source,
    pub(super) tree: &'a tree::Node,
    pub(super) document: &'a Document,
    pub(super) kinds: &'a Kinds,
    pub(super) functions: Functions,
    /// Whether something of the node that is being planned depends on the time zone of the job.
    pub(super) zoned: bool,
    pub(super) diagnostics: &'a mut Diagnostics,
}

/// An input of a node, as far as it is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Input {
    /// Its columns; none because of a mistake before.
    pub(super) schema: Option<Schema>,
    /// Whether there are watermarks: records have an event time then.
    pub(super) has_time: bool,
    /// The node that revises its results, if rows are taken back.
    pub(super) changed_by: Option<usize>,
    /// The columns that name its rows.
    pub(super) key: Vec<String>,
    /// What it is called.
    pub(super) name: String,
}

/// What is known of a node.
#[derive(Default)]
pub(super) struct Planned {
    /// What it is; none because of a mistake.
    pub(super) kind: Option<NodePlan>,
    /// The columns of its main output.
    pub(super) main: Option<Schema>,
    /// The columns of its side outputs.
    pub(super) sides: Vec<(String, Option<Schema>)>,
    /// The columns that name rows of its main output.
    pub(super) key: Vec<String>,
    /// Whether something of it depends on the time zone of the job.
    pub(super) zoned: bool,
}

impl Planned {
    /// A node with one output.
    pub(super) fn new(kind: Option<NodePlan>, main: Option<Schema>) -> Self {
        Self { kind, main, ..Self::default() }
    }

    /// A side output of these columns.
    #[must_use]
    pub(super) fn side(mut self, name: &str, schema: Option<Schema>) -> Self {
        self.sides.push((name.to_owned(), schema));
        self
    }

    /// Its rows have this key.
    #[must_use]
    pub(super) fn keyed(mut self, key: Vec<String>) -> Self {
        self.key = key;
        self
    }
}

/// Plans a document whose graph was checked. There is a plan only if nothing at all is wrong.
pub fn plan(
    source: &Source,
    tree: &tree::Node,
    document: &Document,
    graph: &Graph,
    kinds: &Kinds,
    diagnostics: &mut Diagnostics,
) -> Option<Plan> {
    let zone = document.job.as_ref().and_then(|job| job.time_zone.as_ref());
    // One that is not known has been told of.
    let zoned = zone.and_then(|zone| kinds.functions.in_zone(&zone.0).ok());
    let functions = zoned.unwrap_or_else(|| kinds.functions.clone());
    let mut planning =
        Planning { source, tree, document, kinds, functions, zoned: false, diagnostics };
    let mut planned: HashMap<usize, Planned> = HashMap::new();
    for at in &graph.order {
        let node = &document.nodes[*at];
        let inputs: Vec<Input> = graph.inputs[*at]
            .iter()
            .map(|edge| {
                let from = &document.nodes[edge.from.node];
                let flow = graph.flow_of(&edge.from, document);
                input(planned.get(&edge.from.node), edge.from.side.as_deref(), &flow, from)
            })
            .collect();
        planning.zoned = false;
        let mut found =
            if graph.is_broken(*at) { Planned::default() } else { planning.node(node, &inputs) };
        found.zoned = planning.zoned;
        planned.insert(*at, found);
    }
    // What lies on a cycle has no columns, but its expressions can be read all the same.
    for (at, node) in document.nodes.iter().enumerate() {
        if !planned.contains_key(&at) || graph.is_broken(at) {
            let unknown = vec![Input::default(); graph.inputs[at].len().max(2)];
            planning.node(node, &unknown);
        }
    }
    if planning.diagnostics.has_errors() { None } else { assemble(tree, document, graph, planned) }
}

fn input(from: Option<&Planned>, side: Option<&str>, flow: &Flow, node: &Node) -> Input {
    let schema = from.and_then(|from| match side {
        None => from.main.clone(),
        Some(side) => from.sides.iter().find(|(name, _)| name == side)?.1.clone(),
    });
    let key = from.filter(|_| side.is_none()).map_or_else(Vec::new, |from| from.key.clone());
    let has_time = flow.watermarks == Some(Ok(()));
    let changed_by = flow.changes.and_then(Result::err);
    let name = node.name.value.clone();
    Input { schema, has_time, changed_by, key, name }
}

/// The plan of a document in which nothing is wrong.
fn assemble(
    tree: &tree::Node,
    document: &Document,
    graph: &Graph,
    mut planned: HashMap<usize, Planned>,
) -> Option<Plan> {
    let mut nodes: Vec<PlanNode> = Vec::new();
    let mut places: HashMap<usize, usize> = HashMap::new();
    for at in &graph.order {
        let node = &document.nodes[*at];
        let found = planned.remove(at)?;
        let flow = |side: Option<String>| {
            graph.flow_of(&crate::check::Output { node: *at, side }, document)
        };
        let port = |side: Option<String>, schema: Schema, key: Vec<String>| {
            let flow = flow(side.clone());
            let changes = matches!(flow.changes, Some(Err(_)));
            Port { side, schema, changes, watermarks: flow.watermarks == Some(Ok(())), key }
        };
        let mut outputs = Vec::new();
        if node.role != Role::Sink {
            outputs.push(port(None, found.main?, found.key));
        }
        for (name, schema) in found.sides {
            outputs.push(port(Some(name), schema?, Vec::new()));
        }
        let inputs: Option<Vec<PortRef>> = graph.inputs[*at]
            .iter()
            .map(|edge| {
                let node = *places.get(&edge.from.node)?;
                let outputs = &nodes[node].outputs;
                let output = outputs.iter().position(|port| port.side == edge.from.side)?;
                Some(PortRef { node, output })
            })
            .collect();
        let common = node.common.as_ref()?;
        let kind = found.kind?;
        let is_alone = matches!(kind, NodePlan::Source(SourcePlan::Stdin { .. }, _));
        let said = common.parallelism.as_ref().map(|number| number.value);
        places.insert(*at, nodes.len());
        let mut planned_node = PlanNode {
            name: node.name.value.clone(),
            role: node.role,
            parallelism: if is_alone { Some(1) } else { said },
            chaining: common.chaining,
            restart: common.restart.clone(),
            unusable: common.dead_letters,
            inputs: inputs?,
            kind,
            meaning: None,
            outputs,
        };
        let schemas: Vec<&Schema> = planned_node
            .inputs
            .iter()
            .map(|input| &nodes[input.node].outputs[input.output].schema)
            .collect();
        let options = options(tree, node, planned_node.kind.word());
        let zone = document.job.as_ref().and_then(|job| job.time_zone.as_ref());
        let zone = zone.filter(|_| found.zoned).map(|zone| zone.0.as_str());
        planned_node.meaning = meaning(&planned_node, options, &schemas, zone);
        nodes.push(planned_node);
    }
    Some(Plan { nodes })
}

/// What stands under the kind of a node.
fn options<'a>(tree: &'a tree::Node, node: &Node, kind: &str) -> Option<&'a tree::Node> {
    let section = format!("{}s", node.role.word());
    let node = tree.entry(&section)?.value.entry(node.name.as_str())?;
    node.value.entry(kind).map(|entry| &entry.value)
}

impl Planning<'_> {
    fn node(&mut self, node: &Node, inputs: &[Input]) -> Planned {
        let nothing = Input::default();
        let first = inputs.first().unwrap_or(&nothing);
        match &node.kind {
            None => Planned::default(),
            Some(Kind::Source(kind)) => self.source(node, kind),
            Some(Kind::Sink(kind)) => self.sink(node, kind, first),
            Some(Kind::Operator(kind)) => {
                let second = inputs.get(1).unwrap_or(&nothing);
                let planned = self.operator(node, kind, inputs, first, second);
                match node.common.as_ref().map(|common| common.dead_letters) {
                    Some(Unusable::Aside) => {
                        planned.side(dead_letters::OUTPUT, dead_letters::schema())
                    }
                    _ => planned,
                }
            }
            Some(Kind::Registered(name, traits, config)) => {
                let kind = NodePlan::Registered(name.clone(), Arc::clone(config));
                let own = traits.columns.clone();
                let main = match node.role {
                    Role::Source => own.or_else(|| self.said(node, true)),
                    Role::Operator => own.or_else(|| first.schema.clone()),
                    Role::Sink => None,
                };
                let sides = traits.side_outputs.iter();
                let sides = sides.map(|side| (side.clone(), first.schema.clone())).collect();
                Planned { kind: Some(kind), main, sides, ..Planned::default() }
            }
        }
    }

    fn operator(
        &mut self,
        node: &Node,
        kind: &OperatorKind,
        inputs: &[Input],
        first: &Input,
        second: &Input,
    ) -> Planned {
        use OperatorKind as K;
        let span = node.kind_span;
        match kind {
            K::Filter(condition) => self.filter(condition, first),
            K::Project(columns) => self.project(columns, first),
            K::Map(map) => self.map(map, first),
            K::FlatMap(flat_map) => self.flat_map(flat_map, first),
            K::AssignTimestamps(time) => {
                let time = self.event_time(time, first.schema.as_ref(), node, false);
                let key = first.key.clone();
                Planned::new(time.map(NodePlan::AssignTimestamps), first.schema.clone()).keyed(key)
            }
            K::Union(_) => self.union(node, inputs),
            K::Split(ways) => self.split(ways, first),
            K::Window(window) => self.window(window, first, span),
            K::Aggregate(aggregated) => self.aggregated(aggregated, first),
            K::TopN(top) => self.top_n(top, first),
            K::Dedup(dedup) => self.dedup(dedup, first),
            K::IntervalJoin(join) => self.interval_join(join, first, second, span),
            K::WindowJoin(join) => self.window_join(join, first, second, span),
            K::OuterJoin(join) => self.outer_join(join, first, second, span),
            K::TemporalJoin(join) => self.temporal_join(join, first, second, span),
            K::UnboundedJoin(join) => self.unbounded_join(join, first, second, span),
            K::LookupJoin(join) => self.lookup_join(join, first, span),
            K::Reconcile(join) => self.reconcile(join, first, second, span),
            K::Broadcast(join) => self.broadcast(join, first, second, span),
            K::Pattern(pattern) => self.pattern(pattern, first),
            K::Materialize(materialize) => {
                let key = self.key(&materialize.key_by, first.schema.as_ref());
                let names = materialize.key_by.iter().map(|name| name.value.to_string()).collect();
                let unique = super::is_unique(materialize);
                Planned::new(
                    key.map(|key| NodePlan::Materialize(key, unique)),
                    first.schema.clone(),
                )
                .keyed(if unique { names } else { Vec::new() })
            }
            K::ToChangelog(_) => Planned::new(Some(NodePlan::ToChangelog), first.schema.clone())
                .keyed(first.key.clone()),
        }
    }
}
