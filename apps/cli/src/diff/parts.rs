//! The operators that a topology is built of, and what the engine knows them by: uid, kind, states, input.
//!
//! Apart from judging because here nothing is guessed: uids and kinds are those that stand in a checkpoint, and the names
//! of states those by which an operator asks for them when it is restored.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tidegate::core::key::MaxParallelism;
use tidegate::core::node::{NodeFactory, SourceNode};
use tidegate::core::sink::SubtaskIdentity;
use tidegate::core::state::{KeyedState, OperatorState, StateVisitor};
use tidegate_deploy::{Registry, deploy, settings};
use tidegate_topology::Loaded;

/// The operators of a job.
pub(super) struct Parts {
    /// The job's name.
    pub(super) job: String,
    /// The number of key groups.
    pub(super) max_parallelism: MaxParallelism,
    /// By uid.
    pub(super) operators: BTreeMap<String, Part>,
}

/// An operator.
pub(super) struct Part {
    /// What the engine calls it.
    pub(super) kind: String,
    /// What its state means, if it says so; state of another meaning is refused.
    pub(super) meaning: Option<String>,
    pub(super) parallelism: u32,
    pub(super) end: End,
}

/// What an operator keeps.
pub(super) enum End {
    /// The positions of its splits.
    Source(Arc<dyn SourceNode>),
    /// States of these names.
    Operator(BTreeSet<String>),
    /// Output that waits for its checkpoint.
    Sink { is_transactional: bool },
}

/// Collects the names of states.
#[derive(Default)]
struct Names(BTreeSet<String>);

impl StateVisitor for Names {
    fn keyed(&mut self, name: &str, _: &mut dyn KeyedState) {
        self.0.insert(name.to_owned());
    }

    fn list(&mut self, name: &str, _: &mut dyn OperatorState) {
        self.0.insert(name.to_owned());
    }
}

impl Parts {
    /// Those of a file without mistakes.
    ///
    /// # Errors
    /// When a node cannot be built.
    pub(super) fn of(loaded: &Loaded, registry: &Registry) -> Result<Self, String> {
        let job = deploy(loaded, registry).map_err(|error| error.to_string())?;
        let said = loaded.document.as_ref().and_then(|document| document.job.as_ref());
        let config = said.map(settings).unwrap_or_default().config;
        let graph = job.into_graph()?;
        let mut operators = BTreeMap::new();
        for (at, node) in graph.nodes.iter().enumerate() {
            let parallelism = graph.parallelism(at, config.parallelism);
            let end = match &node.factory {
                NodeFactory::Source(source) => End::Source(Arc::clone(source)),
                NodeFactory::Sink(sink) => End::Sink { is_transactional: sink.is_transactional() },
                NodeFactory::Operator(make) => {
                    let (operator, index, run, attempt) = (node.uid.clone(), 0, 1, 0);
                    let one = SubtaskIdentity { operator, index, parallelism, run, attempt };
                    let mut stage = make(&one).map_err(|why| format!("{}: {why}", node.uid))?;
                    let mut names = Names::default();
                    stage.states(&mut names);
                    End::Operator(names.0)
                }
            };
            let (kind, meaning) = (node.kind.clone(), node.meaning.clone());
            let part = Part { kind, meaning, parallelism, end };
            operators.insert(node.uid.clone(), part);
        }
        Ok(Self { job: graph.name, max_parallelism: config.max_parallelism, operators })
    }

    /// Those that a node of the topology is built of, by uid.
    pub(super) fn of_node<'a>(
        &'a self,
        node: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Part)> {
        let own = move |uid: &str| uid.split('.').next() == Some(node);
        let all = self.operators.iter().map(|(uid, part)| (uid.as_str(), part));
        all.filter(move |(uid, _)| own(uid))
    }
}

impl Part {
    /// The names of its states; none of a source or a sink.
    pub(super) fn states(&self) -> BTreeSet<String> {
        match &self.end {
            End::Operator(states) => states.clone(),
            End::Source(_) | End::Sink { .. } => BTreeSet::new(),
        }
    }
}
