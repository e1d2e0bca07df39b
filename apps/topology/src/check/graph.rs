//! The graph: who takes what from whom, and in which order nodes can be looked at.

use super::Checking;
use super::flow::Flow;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::source::Span;

/// What a node gives: its main output, or a side output by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The node, by its place in the document.
    pub node: usize,
    /// The side output, if it is one.
    pub side: Option<String>,
}

/// An input of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Where records come from.
    pub from: Output,
    /// Where that is said.
    pub span: Span,
}

/// How the nodes of a document hang together. All lists have the order of the document's nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// The inputs of each node, in order.
    pub inputs: Vec<Vec<Edge>>,
    /// Whether some input of a node could not be resolved.
    pub(super) broken: Vec<bool>,
    /// Nodes, inputs before those who take them; without those that lie on a cycle or behind one.
    pub order: Vec<usize>,
    /// What flows out of each node.
    pub flows: Vec<Flow>,
}

/// Orders the nodes, and tells of cycles. Without recursion: a chain may be as long as a file allows.
pub(super) fn order(graph: &mut Graph, checking: &mut Checking<'_>) {
    let count = graph.inputs.len();
    let mut waits: Vec<usize> = graph.inputs.iter().map(Vec::len).collect();
    let mut takers: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (node, inputs) in graph.inputs.iter().enumerate() {
        inputs.iter().for_each(|edge| takers[edge.from.node].push(node));
    }
    let mut ready: Vec<usize> = (0..count).rev().filter(|node| waits[*node] == 0).collect();
    while let Some(node) = ready.pop() {
        graph.order.push(node);
        for taker in &takers[node] {
            waits[*taker] -= 1;
            if waits[*taker] == 0 {
                ready.push(*taker);
            }
        }
    }
    let mut told = vec![false; count];
    for node in 0..count {
        if waits[node] > 0 && !told[node] {
            tell_cycle(node, graph, &waits, &mut told, checking);
        }
    }
}

/// Follows inputs from a node that waits until one comes again: that is a cycle.
fn tell_cycle(
    from: usize,
    graph: &Graph,
    waits: &[usize],
    told: &mut [bool],
    checking: &mut Checking<'_>,
) {
    let mut way: Vec<usize> = Vec::new();
    let mut place = vec![None; waits.len()];
    let mut node = from;
    let start = loop {
        if let Some(start) = place[node] {
            break start;
        }
        place[node] = Some(way.len());
        way.push(node);
        let Some(edge) = graph.inputs[node].iter().find(|edge| waits[edge.from.node] > 0) else {
            return;
        };
        node = edge.from.node;
    };
    let mut cycle = way.split_off(start);
    way.into_iter().for_each(|node| told[node] = true);
    if cycle.iter().any(|node| told[*node]) {
        return;
    }
    cycle.iter().for_each(|node| told[*node] = true);
    // In the direction of records, from the node that comes first in the file.
    cycle.reverse();
    let first = cycle.iter().enumerate().min_by_key(|(_, node)| **node).map_or(0, |(at, _)| at);
    cycle.rotate_left(first);
    let last = cycle[cycle.len() - 1];
    let nodes = &checking.document.nodes;
    let names: Vec<&str> =
        cycle.iter().chain(&cycle[..1]).map(|node| nodes[*node].name.as_str()).collect();
    let edge = graph.inputs[cycle[0]].iter().find(|edge| edge.from.node == last);
    let span = edge.map_or(nodes[cycle[0]].name.span, |edge| edge.span);
    let message = format!("records would run in a circle: {}", names.join(" -> "));
    let help = "remove one of these inputs; a graph goes from sources to sinks";
    let wrong =
        Diagnostic::new(Code::Cycle, span, message).label("this closes the circle").help(help);
    checking.push(wrong);
}
