//! Where a node is drawn: its plan, and how its operators are called.
//!
//! Apart because every family names its operators alike. The operator that keeps the node's state, or the only one, has
//! the node's own name; whatever stands in front of it or behind it is called after it, with a dot that no node's name
//! can have.

use crate::unusable::{DEAD_LETTERS, InPlace, Policy, Step};
use std::cell::RefCell;
use tidegate::core::element::Data;
use tidegate::prelude::*;
use tidegate_rows::Row;
use tidegate_topology::dead_letters;
use tidegate_topology::plan::{Plan, PlanNode};

/// A node that is being drawn.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a> {
    pub(crate) job: &'a Job,
    pub(crate) plan: &'a Plan,
    /// Its place in the plan.
    pub(crate) at: usize,
    /// Rows that its operators put aside, as far as it has been drawn.
    pub(crate) dead_letters: &'a RefCell<Vec<Stream<Row>>>,
}

impl<'a> Site<'a> {
    pub(crate) fn node(&self) -> &'a PlanNode {
        &self.plan.nodes[self.at]
    }

    /// Whether something takes this side output.
    pub(crate) fn uses(&self, side: &str) -> bool {
        let outputs = &self.node().outputs;
        let output = outputs.iter().position(|port| port.side.as_deref() == Some(side));
        let mut edges = self.plan.nodes.iter().flat_map(|node| &node.inputs);
        edges.any(|edge| edge.node == self.at && Some(edge.output) == output)
    }

    /// The stream of the operator that is the node itself.
    pub(crate) fn own<T: Data>(&self, stream: Stream<T>) -> Stream<T> {
        let node = self.node();
        let stream = self.like_node(stream).uid(&node.name);
        match &node.meaning {
            Some(meaning) => stream.meaning(meaning),
            None => stream,
        }
    }

    /// The stream of an operator in front of it, which is as parallel as `input`, so that rows stay in order.
    pub(crate) fn before<T: Data>(&self, part: &str, input: usize, stream: Stream<T>) -> Stream<T> {
        let from = &self.plan.nodes[self.node().inputs[input].node];
        let stream = stream.uid(&self.part(part));
        match from.parallelism {
            Some(parallelism) => stream.parallelism(parallelism),
            None => stream,
        }
    }

    /// The stream of an operator behind it.
    pub(crate) fn behind<T: Data>(&self, part: &str, stream: Stream<T>) -> Stream<T> {
        self.like_node(stream).uid(&self.part(part))
    }

    fn part(&self, part: &str) -> String {
        format!("{}.{part}", self.node().name)
    }

    fn like_node<T: Data>(&self, stream: Stream<T>) -> Stream<T> {
        let node = self.node();
        let stream = match node.parallelism {
            Some(parallelism) => stream.parallelism(parallelism),
            None => stream,
        };
        if node.chaining { stream } else { stream.no_chaining() }
    }

    /// What it does with rows that it cannot use.
    pub(crate) fn policy(&self) -> Policy {
        Policy::new(self.node().unusable, &self.node().name)
    }

    /// Takes the rows that an operator with the node's policy puts aside, if something takes them from the node.
    pub(crate) fn with_policy<T: Data>(&self, stream: Stream<T>) -> Stream<T> {
        if self.uses(dead_letters::OUTPUT) {
            self.dead_letters.borrow_mut().push(stream.side_output(&DEAD_LETTERS));
        }
        stream
    }

    /// A step that changes the records of a stream or leaves them out, as `apply` says, by the node's policy; not named
    /// yet.
    pub(crate) fn step_in_place<T: Data>(
        &self,
        kind: &str,
        stream: &Stream<T>,
        apply: impl Fn(&mut T) -> Result<bool, BoxError> + Clone + Send + Sync + 'static,
    ) -> Stream<T> {
        let policy = self.policy();
        self.with_policy(stream.operator(kind, move || InPlace::new(policy.clone(), apply.clone())))
    }

    /// A step over the records of a stream, by the node's policy; not named yet.
    pub(crate) fn step<In: Data, Out: Data, I>(
        &self,
        kind: &str,
        stream: &Stream<In>,
        apply: impl Fn(In) -> Result<I, BoxError> + Clone + Send + Sync + 'static,
    ) -> Stream<Out>
    where
        I: IntoIterator<Item = Out> + 'static,
    {
        let policy = self.policy();
        self.with_policy(stream.operator(kind, move || Step::new(policy.clone(), apply.clone())))
    }
}
