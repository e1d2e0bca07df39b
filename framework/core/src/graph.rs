//! The job graph: which operators there are and how records flow between them, as the user drew it.
//!
//! A graph is checked before anything runs, and every complaint names what to change.

use crate::gate::Port;
use crate::key::MaxParallelism;
use crate::node::NodeFactory;
use crate::output::OutputEdge;
use crate::restart::RestartStrategy;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// How the records of an edge are dealt out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partitioning {
    /// Subtask i to subtask i when parallelism is equal, else round robin.
    Forward,
    /// Round robin.
    Rebalance,
    /// By key.
    Hash,
    /// A copy to every subtask.
    Broadcast,
    /// All to subtask 0.
    Global,
}

impl fmt::Display for Partitioning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forward => "forward",
            Self::Rebalance => "rebalance",
            Self::Hash => "hash",
            Self::Broadcast => "broadcast",
            Self::Global => "global",
        })
    }
}

/// What an edge needs to know to be made for one sending subtask.
#[derive(Clone, Copy, Debug)]
pub struct EdgeSpec {
    /// How records are dealt out, with `Forward` resolved.
    pub partitioning: Partitioning,
    /// The first receiving subtask's index.
    pub first: u32,
    /// The number of receiving subtasks.
    pub receivers: u32,
    /// The number of channels into each receiver, which share its memory budget.
    pub channels: usize,
    /// The number of key groups.
    pub max_parallelism: MaxParallelism,
}

/// Makes the sending end of an edge; only it knows the record type.
pub type EdgeFactory = Arc<dyn Fn(&EdgeSpec) -> Box<dyn OutputEdge> + Send + Sync>;

/// One operator of the graph.
#[derive(Clone)]
pub struct Node {
    /// Its stable name: state is found by it again.
    pub uid: String,
    /// What it is, such as `map` or `window`; part of the job's identity.
    pub kind: String,
    /// Its parallelism, when it differs from the job's.
    pub parallelism: Option<u32>,
    /// Whether it may be fused with its neighbours.
    pub chaining: bool,
    /// What it does and how, for people.
    pub detail: Option<String>,
    /// What its state means, where its kind does not say all of it: part of the job's identity.
    pub meaning: Option<String>,
    /// What follows its failures, when that is not what the job says.
    pub restart: Option<NodeRestart>,
    /// How it is made.
    pub factory: NodeFactory,
}

/// What follows the failures of an operator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NodeRestart {
    /// Whether, and when, its region is started again.
    pub strategy: RestartStrategy,
    /// The operator with whose failures its own are counted (a position in the graph), when several do the work of
    /// one; `None` for its own.
    pub with: Option<usize>,
}

/// One edge of the graph.
#[derive(Clone)]
pub struct GraphEdge {
    /// The sending node.
    pub from: usize,
    /// The side output it takes, `None` for the main output.
    pub side: Option<usize>,
    /// The receiving node.
    pub to: usize,
    /// The receiving node's input.
    pub port: Port,
    /// How records are dealt out.
    pub partitioning: Partitioning,
    /// Whether all receivers must see the records of this input in one order: then they come from one
    /// subtask.
    pub one_order: bool,
    /// Makes its sending end.
    pub factory: EdgeFactory,
}

/// A job as the user drew it.
#[derive(Clone, Default)]
pub struct Graph {
    /// The job's name.
    pub name: String,
    /// Its operators.
    pub nodes: Vec<Node>,
    /// How records flow.
    pub edges: Vec<GraphEdge>,
    /// The outputs, by node and side, that are [changelogs](crate::changelog): their records must stay in
    /// order, so they are not dealt out round robin unless that is asked for.
    pub changelogs: BTreeSet<(usize, Option<usize>)>,
}

/// What is wrong with a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GraphError {
    /// No source.
    NoSource,
    /// Two operators have this uid.
    DuplicateUid(String),
    /// A uid that cannot be a part of a file name.
    InvalidUid(String),
    /// An operator that no source reaches.
    Dangling(String),
    /// An edge to or from a node that does not exist, or out of a sink, or into a source.
    BadEdge(String),
    /// A loop through these operators.
    Cycle(Vec<String>),
    /// Rules that come from several subtasks, and so in another order to each receiver.
    ManyOrders {
        /// The operators that send.
        from: Vec<String>,
        /// How many subtasks they have together.
        subtasks: u32,
        /// The operator that receives.
        to: String,
    },
    /// A changelog that would be dealt out round robin.
    Disordered {
        /// The operator that makes the changes.
        from: String,
        /// Its parallelism.
        parallelism: u32,
        /// The operator that takes them.
        to: String,
    },
    /// More subtasks than key groups.
    Parallelism {
        /// The operator.
        uid: String,
        /// What it asks for.
        parallelism: u32,
        /// The number of key groups.
        max_parallelism: u16,
    },
}

impl fmt::Display for GraphError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSource => f.write_str("the job has no source: start it with `job.source(..)`"),
            Self::DuplicateUid(uid) => {
                write!(
                    f,
                    "two operators have the uid `{uid}`: give one of them another by `.uid(..)`"
                )
            }
            Self::InvalidUid(uid) => {
                write!(f, "`{uid}` cannot be a uid: use 1 to 64 letters, digits, `.`, `_` and `-`")
            }
            Self::Dangling(uid) => {
                write!(f, "operator `{uid}` is not connected to any source")
            }
            Self::BadEdge(what) => write!(f, "bad connection: {what}"),
            Self::Cycle(uids) => {
                write!(
                    f,
                    "the operators {} form a loop, and loops are not supported",
                    uids.join(" -> ")
                )
            }
            Self::ManyOrders { from, subtasks, to } => write!(
                f,
                "operator `{to}` gets its rules from {subtasks} subtasks of `{}`, and each of its own \
                 subtasks may see them in another order: let them come from one subtask by \
                 `.parallelism(1)`, or declare by `.commutative()` that any order leads to the same rules",
                from.join("`, `")
            ),
            Self::Disordered { from, parallelism, to } => write!(
                f,
                "`{from}` makes a changelog, whose changes must stay in order, but `{to}` has other \
                 subtasks: give `{to}` {parallelism} subtasks as `{from}` has, or 1, or key the \
                 changelog before it"
            ),
            Self::Parallelism { uid, parallelism, max_parallelism } => write!(
                f,
                "operator `{uid}` has parallelism {parallelism}, but it must lie between 1 and the \
                 max parallelism of the job, {max_parallelism}"
            ),
        }
    }
}

impl std::error::Error for GraphError {}

impl Graph {
    /// Checks the graph for a run with these settings; returns its nodes in an order in which every
    /// node stands behind those that feed it.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self, parallelism: u32, max: MaxParallelism) -> Result<Vec<usize>, GraphError> {
        self.check_nodes(parallelism, max)?;
        self.check_edges()?;
        self.check_orders(parallelism)?;
        self.check_changelogs(parallelism)?;
        let order = self.order()?;
        let mut reached: BTreeSet<usize> = BTreeSet::new();
        for &node in &order {
            let fed = self.edges.iter().any(|edge| edge.to == node && reached.contains(&edge.from));
            if fed || matches!(self.nodes[node].factory, NodeFactory::Source(_)) {
                reached.insert(node);
            } else {
                return Err(GraphError::Dangling(self.nodes[node].uid.clone()));
            }
        }
        Ok(order)
    }

    /// The parallelism of a node.
    #[must_use]
    pub fn parallelism(&self, node: usize, default: u32) -> u32 {
        self.nodes[node].parallelism.unwrap_or(default)
    }

    fn check_nodes(&self, default: u32, max: MaxParallelism) -> Result<(), GraphError> {
        let mut uids = BTreeSet::new();
        for (index, node) in self.nodes.iter().enumerate() {
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            let uid = &node.uid;
            if uid.is_empty() || uid.len() > 64 || !uid.chars().all(allowed) {
                return Err(GraphError::InvalidUid(uid.clone()));
            }
            if !uids.insert(uid.as_str()) {
                return Err(GraphError::DuplicateUid(uid.clone()));
            }
            let parallelism = self.parallelism(index, default);
            if parallelism == 0 || parallelism > u32::from(max.get()) {
                let max_parallelism = max.get();
                return Err(GraphError::Parallelism {
                    uid: uid.clone(),
                    parallelism,
                    max_parallelism,
                });
            }
        }
        if !self.nodes.iter().any(|node| matches!(node.factory, NodeFactory::Source(_))) {
            return Err(GraphError::NoSource);
        }
        Ok(())
    }

    fn check_edges(&self) -> Result<(), GraphError> {
        for edge in &self.edges {
            let (Some(from), Some(to)) = (self.nodes.get(edge.from), self.nodes.get(edge.to))
            else {
                return Err(GraphError::BadEdge("an edge leads to an unknown operator".into()));
            };
            if matches!(from.factory, NodeFactory::Sink(_)) {
                let what = format!("sink `{}` has no output", from.uid);
                return Err(GraphError::BadEdge(what));
            }
            if matches!(to.factory, NodeFactory::Source(_)) {
                let what = format!("source `{}` has no input", to.uid);
                return Err(GraphError::BadEdge(what));
            }
        }
        Ok(())
    }

    fn check_orders(&self, default: u32) -> Result<(), GraphError> {
        for edge in self.edges.iter().filter(|edge| edge.one_order) {
            let siblings = self.edges.iter().filter(|e| (e.to, e.port) == (edge.to, edge.port));
            let senders: Vec<usize> = siblings.map(|edge| edge.from).collect();
            let subtasks = senders.iter().map(|&node| self.parallelism(node, default)).sum();
            if subtasks > 1 {
                let uid = |node: usize| self.nodes[node].uid.clone();
                let from = senders.into_iter().map(uid).collect();
                return Err(GraphError::ManyOrders { from, subtasks, to: uid(edge.to) });
            }
        }
        Ok(())
    }

    /// Every subtask that takes a changelog must take all that one of those before it makes.
    fn check_changelogs(&self, default: u32) -> Result<(), GraphError> {
        for edge in &self.edges {
            let (from, to) =
                (self.parallelism(edge.from, default), self.parallelism(edge.to, default));
            let splits = edge.partitioning == Partitioning::Forward && from != to && to > 1;
            if splits && self.changelogs.contains(&(edge.from, edge.side)) {
                return Err(GraphError::Disordered {
                    from: self.nodes[edge.from].uid.clone(),
                    parallelism: from,
                    to: self.nodes[edge.to].uid.clone(),
                });
            }
        }
        Ok(())
    }

    fn order(&self) -> Result<Vec<usize>, GraphError> {
        let mut waits: Vec<usize> = vec![0; self.nodes.len()];
        for edge in &self.edges {
            waits[edge.to] += 1;
        }
        let mut order: Vec<usize> = (0..self.nodes.len()).filter(|&n| waits[n] == 0).collect();
        let mut next = 0;
        while let Some(&node) = order.get(next) {
            next += 1;
            for edge in self.edges.iter().filter(|edge| edge.from == node) {
                waits[edge.to] -= 1;
                if waits[edge.to] == 0 {
                    order.push(edge.to);
                }
            }
        }
        if order.len() < self.nodes.len() {
            let looped = (0..self.nodes.len()).filter(|n| !order.contains(n));
            return Err(GraphError::Cycle(looped.map(|n| self.nodes[n].uid.clone()).collect()));
        }
        Ok(order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::Data;
    use crate::output::{Edge, Forward};

    fn operator(uid: &str) -> Node {
        Node {
            uid: uid.into(),
            kind: "test".into(),
            parallelism: None,
            chaining: true,
            detail: None,
            meaning: None,
            restart: None,
            factory: NodeFactory::Operator(Arc::new(|_| Err("never built".into()))),
        }
    }

    struct NoSource;

    impl crate::node::SourceNode for NoSource {
        fn enumerate(&self, _: u32) -> Result<Vec<Vec<u8>>, crate::operator::BoxError> {
            Ok(Vec::new())
        }
        fn fingerprint(&self) -> Result<Option<String>, crate::operator::BoxError> {
            Ok(None)
        }
        fn same_input(&self, _: &str, _: &str) -> bool {
            true
        }
        fn create(
            &self,
            _: &crate::sink::SubtaskIdentity,
            _: &[Vec<u8>],
            _: crate::time::Timestamp,
        ) -> Result<Box<dyn crate::source_head::SourceStage>, crate::operator::BoxError> {
            Err("never built".into())
        }
    }

    fn source(uid: &str) -> Node {
        Node { factory: NodeFactory::Source(Arc::new(NoSource)), ..operator(uid) }
    }

    fn edge<T: Data>(from: usize, to: usize) -> GraphEdge {
        let factory: EdgeFactory =
            Arc::new(|spec| Box::new(Edge::<T, _>::new(Forward, spec.first, spec.receivers, 2)));
        let partitioning = Partitioning::Forward;
        GraphEdge { from, side: None, to, port: 0, partitioning, one_order: false, factory }
    }

    fn check(nodes: Vec<Node>, edges: &[(usize, usize)], expected: &str) {
        let edges = edges.iter().map(|&(from, to)| edge::<u8>(from, to)).collect();
        check_edges(nodes, edges, expected);
    }

    fn check_edges(nodes: Vec<Node>, edges: Vec<GraphEdge>, expected: &str) {
        let changelogs = BTreeSet::from([(1, None)]);
        let graph = Graph { name: "test".into(), nodes, edges, changelogs };
        let said = match graph.check(4, MaxParallelism::DEFAULT) {
            Ok(order) => format!("{order:?}"),
            Err(error) => error.to_string(),
        };
        assert!(said.contains(expected), "{said}");
    }

    #[test]
    fn a_sound_graph_is_ordered_and_faults_are_named() {
        let (s, a, b) = (source("s"), operator("a"), operator("b"));
        check(vec![b.clone(), s.clone(), a.clone()], &[(1, 2), (2, 0)], "[1, 2, 0]");
        check(vec![a.clone()], &[], "has no source");
        check(
            vec![s.clone(), a.clone(), a.clone()],
            &[(0, 1), (0, 2)],
            "two operators have the uid `a`",
        );
        check(vec![s.clone(), a.clone()], &[], "`a` is not connected");
        check(
            vec![s.clone(), a.clone(), b.clone()],
            &[(0, 1), (1, 2), (2, 1)],
            "a -> b form a loop",
        );
        check(vec![s.clone(), a.clone()], &[(0, 1), (1, 0)], "source `s` has no input");
        check(vec![s.clone(), operator("a b")], &[(0, 1)], "cannot be a uid");
        let narrow = Node { parallelism: Some(2), ..a.clone() };
        check(
            vec![s.clone(), narrow.clone(), b.clone()],
            &[(0, 1), (1, 2)],
            "give `b` 2 subtasks as `a` has, or 1",
        );
        let one = Node { parallelism: Some(1), ..b.clone() };
        check(vec![s.clone(), narrow, one], &[(0, 1), (1, 2)], "[0, 1, 2]");
        let partitioning = Partitioning::Broadcast;
        let one_order =
            |from| GraphEdge { port: 1, one_order: true, partitioning, ..edge::<u8>(from, 2) };
        let alone = Node { parallelism: Some(1), ..a.clone() };
        let (two, one) =
            (vec![edge::<u8>(0, 2), one_order(1)], vec![edge::<u8>(0, 1), one_order(1)]);
        check_edges(
            vec![s.clone(), source("r"), b.clone()],
            two,
            "operator `b` gets its rules from 4 subtasks of `r`",
        );
        check_edges(vec![s.clone(), alone.clone(), b.clone()], one, "[0, 1, 2]");
        let both = vec![edge::<u8>(0, 1), one_order(1), one_order(1)];
        check_edges(vec![s.clone(), alone, b], both, "from 2 subtasks of `a`, `a`");
        let wide = Node { parallelism: Some(129), ..a };
        check(vec![s, wide], &[(0, 1)], "max parallelism of the job, 128");
    }
}
