//! The plan: the graph cut into vertices (chains of operators), subtasks, channels and regions.

use crate::gate::{ChannelInfo, Port};
use crate::graph::{EdgeFactory, EdgeSpec, Graph, GraphError, Node, Partitioning};
use crate::key::MaxParallelism;
use crate::node::NodeFactory;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// One parallel instance of a vertex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubtaskId {
    /// The vertex's position in the plan.
    pub vertex: usize,
    /// The parallel index.
    pub index: u32,
}

impl fmt::Display for SubtaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.vertex, self.index)
    }
}

/// Operators fused into one chain.
#[derive(Clone, Debug)]
pub struct Vertex {
    /// The uid of its first operator.
    pub uid: String,
    /// Its operators (positions in the graph), front to back.
    pub nodes: Vec<usize>,
    /// The number of its subtasks.
    pub parallelism: u32,
    /// Edges into it (positions in [`Plan::edges`]).
    pub inputs: Vec<usize>,
    /// Edges out of it.
    pub outputs: Vec<usize>,
    /// The pipelined region it belongs to.
    pub region: usize,
}

/// An edge between two vertices.
#[derive(Clone)]
pub struct PlannedEdge {
    /// Its stable name.
    pub name: String,
    /// The sending vertex.
    pub from: usize,
    /// The position of the sending operator within its vertex.
    pub operator: usize,
    /// The side output it takes.
    pub side: Option<usize>,
    /// The receiving vertex.
    pub to: usize,
    /// The receiving operator's input.
    pub port: Port,
    /// How records are dealt out, with `Forward` resolved.
    pub partitioning: Partitioning,
    /// Makes its sending end.
    pub factory: EdgeFactory,
}

/// Where an output channel ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The receiving subtask.
    pub subtask: SubtaskId,
    /// The channel's number in its gate.
    pub channel: usize,
}

/// Where an input channel begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The sending subtask.
    pub subtask: SubtaskId,
    /// The edge's number among its outputs.
    pub edge: usize,
}

/// What is to run.
#[derive(Clone)]
pub struct Plan {
    /// The graph.
    pub graph: Graph,
    /// The chains, in an order in which each stands behind those that feed it.
    pub vertices: Vec<Vertex>,
    /// The edges between them.
    pub edges: Vec<PlannedEdge>,
    /// The number of pipelined regions.
    pub regions: usize,
    /// The number of key groups.
    pub max_parallelism: MaxParallelism,
}

impl Plan {
    /// Plans `graph` for a default parallelism.
    ///
    /// # Errors
    /// What is wrong with the graph.
    pub fn new(graph: Graph, parallelism: u32, max: MaxParallelism) -> Result<Self, GraphError> {
        let order = graph.check(parallelism, max)?;
        let mut plan = Self {
            vertices: Vec::new(),
            edges: Vec::new(),
            regions: 0,
            max_parallelism: max,
            graph,
        };
        let home = plan.fuse(&order, parallelism);
        plan.connect(&home);
        plan.divide();
        Ok(plan)
    }

    /// Puts every node into a vertex; returns (vertex, position) of each node.
    fn fuse(&mut self, order: &[usize], parallelism: u32) -> Vec<(usize, usize)> {
        let mut home = vec![(0, 0); self.graph.nodes.len()];
        for &node in order {
            if let Some(before) = self.fuses_behind(node, parallelism) {
                let vertex = home[before].0;
                home[node] = (vertex, self.vertices[vertex].nodes.len());
                self.vertices[vertex].nodes.push(node);
                continue;
            }
            home[node] = (self.vertices.len(), 0);
            self.vertices.push(Vertex {
                uid: self.graph.nodes[node].uid.clone(),
                nodes: vec![node],
                parallelism: self.graph.parallelism(node, parallelism),
                inputs: Vec::new(),
                outputs: Vec::new(),
                region: 0,
            });
        }
        home
    }

    /// The node behind which `node` can be fused: its only input, on a forward edge that is the only
    /// consumer of that node's main output, at the same parallelism.
    fn fuses_behind(&self, node: usize, parallelism: u32) -> Option<usize> {
        let graph = &self.graph;
        let mut inputs = graph.edges.iter().filter(|edge| edge.to == node);
        let (edge, None) = (inputs.next()?, inputs.next()) else { return None };
        let consumers = graph.edges.iter().filter(|e| e.from == edge.from && e.side.is_none());
        let fits = edge.side.is_none()
            && edge.partitioning == Partitioning::Forward
            && graph.parallelism(edge.from, parallelism) == graph.parallelism(node, parallelism)
            && graph.nodes[edge.from].chaining
            && graph.nodes[node].chaining
            && consumers.count() == 1;
        fits.then_some(edge.from)
    }

    fn connect(&mut self, home: &[(usize, usize)]) {
        let mut names: BTreeMap<String, u32> = BTreeMap::new();
        for edge in &self.graph.edges {
            let ((from, operator), (to, at)) = (home[edge.from], home[edge.to]);
            if from == to && at == operator + 1 && edge.side.is_none() {
                continue;
            }
            let side = edge.side.map_or(String::new(), |side| format!("#{side}"));
            let (sender, receiver) =
                (&self.graph.nodes[edge.from].uid, &self.graph.nodes[edge.to].uid);
            let mut name = format!("{sender}{side}->{receiver}");
            let twins = names.entry(name.clone()).or_default();
            *twins += 1;
            if *twins > 1 {
                name = format!("{name}~{twins}");
            }
            let equal = self.vertices[from].parallelism == self.vertices[to].parallelism;
            let partitioning = match edge.partitioning {
                Partitioning::Forward if !equal => Partitioning::Rebalance,
                other => other,
            };
            let index = self.edges.len();
            self.vertices[from].outputs.push(index);
            self.vertices[to].inputs.push(index);
            self.edges.push(PlannedEdge {
                name,
                from,
                operator,
                side: edge.side,
                to,
                port: edge.port,
                partitioning,
                factory: Arc::clone(&edge.factory),
            });
        }
    }

    /// Regions are the connected parts of the plan: records flow between any two of their vertices.
    fn divide(&mut self) {
        let mut regions: Vec<usize> = (0..self.vertices.len()).collect();
        for edge in &self.edges {
            let (a, b) = (regions[edge.from], regions[edge.to]);
            let (low, high) = (a.min(b), a.max(b));
            regions.iter_mut().filter(|region| **region == high).for_each(|region| *region = low);
        }
        let mut seen: Vec<usize> = Vec::new();
        for (vertex, region) in self.vertices.iter_mut().zip(regions) {
            let number = seen.iter().position(|&r| r == region).unwrap_or_else(|| {
                seen.push(region);
                seen.len() - 1
            });
            vertex.region = number;
        }
        self.regions = seen.len();
    }

    /// All subtasks, vertex by vertex.
    pub fn subtasks(&self) -> impl Iterator<Item = SubtaskId> + '_ {
        let of = |(vertex, v): (usize, &Vertex)| {
            (0..v.parallelism).map(move |index| SubtaskId { vertex, index })
        };
        self.vertices.iter().enumerate().flat_map(of)
    }

    /// Whether a vertex begins with a source.
    #[must_use]
    pub fn is_source(&self, vertex: usize) -> bool {
        matches!(self.graph.nodes[self.vertices[vertex].nodes[0]].factory, NodeFactory::Source(_))
    }

    /// The input channels of a subtask, by their numbers.
    #[must_use]
    pub fn inputs(&self, subtask: SubtaskId) -> Vec<(ChannelInfo, Origin)> {
        let mut channels = Vec::new();
        for &index in &self.vertices[subtask.vertex].inputs {
            let edge = &self.edges[index];
            let sender = &self.vertices[edge.from];
            let output =
                sender.outputs.iter().position(|&o| o == index).expect("it is one of them");
            let senders = match edge.partitioning {
                Partitioning::Forward => subtask.index..subtask.index + 1,
                _ => 0..sender.parallelism,
            };
            for from in senders {
                let info = ChannelInfo { edge: edge.name.clone(), from, port: edge.port };
                let origin = SubtaskId { vertex: edge.from, index: from };
                channels.push((info, Origin { subtask: origin, edge: output }));
            }
        }
        channels
    }

    /// For each output edge of a subtask what its sending end must know.
    #[must_use]
    pub fn output_spec(&self, subtask: SubtaskId, edge: &PlannedEdge) -> EdgeSpec {
        let receivers = self.vertices[edge.to].parallelism;
        let (first, receivers) = match edge.partitioning {
            Partitioning::Forward => (subtask.index, 1),
            _ => (0, receivers),
        };
        let channels = self.inputs(SubtaskId { vertex: edge.to, index: first }).len();
        EdgeSpec {
            partitioning: edge.partitioning,
            first,
            receivers,
            channels,
            max_parallelism: self.max_parallelism,
        }
    }

    /// Where channel `to` of output edge `edge` of a subtask ends.
    #[must_use]
    pub fn target(&self, subtask: SubtaskId, edge: usize, to: u32) -> Target {
        let index = self.vertices[subtask.vertex].outputs[edge];
        let receiver = SubtaskId { vertex: self.edges[index].to, index: to };
        let origin = Origin { subtask, edge };
        let channel = self.inputs(receiver).iter().position(|(_, from)| *from == origin);
        Target { subtask: receiver, channel: channel.expect("both ends see the channel") }
    }

    /// Every operator with its kind, for the job's identity.
    #[must_use]
    pub fn kinds(&self) -> BTreeMap<String, String> {
        self.graph.nodes.iter().map(|node| (node.uid.clone(), node.kind.clone())).collect()
    }

    /// What the state of operators means, as far as they say, for the job's identity.
    #[must_use]
    pub fn meanings(&self) -> BTreeMap<String, String> {
        let said = |node: &Node| Some((node.uid.clone(), node.meaning.clone()?));
        self.graph.nodes.iter().filter_map(said).collect()
    }
}
