//! Builds the task of a subtask: makes its operators from their factories and gives them their state.
//!
//! Runs off the hot path and off the actor's thread; a task is rebuilt whole, never patched.

use crate::chain::{Chain, ChainError, Link, Phase};
use crate::codec::DecodeError;
use crate::fault::Fault;
use crate::gate::alignment::Guarantee;
use crate::gate::{ChannelInfo, InputGate};
use crate::key::KeyGroupRange;
use crate::node::NodeFactory;
use crate::operator::BoxError;
use crate::outputs::Outputs;
use crate::plan::{Plan, SubtaskId};
use crate::rate::{Rate, RateLimiter};
use crate::restore::{RestoredOperator, RestoredSubtask};
use crate::sink::SubtaskIdentity;
use crate::source_alignment::{AlignmentBoard, AlignmentMember};
use crate::source_head::{SPLITS, SourceHead};
use crate::state::{KeyedState, OperatorState, StateVisitor};
use crate::task::Task;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is the same for all tasks of an attempt.
#[derive(Clone)]
pub struct TaskSettings {
    /// Whether barriers block.
    pub guarantee: Guarantee,
    /// Records per second that one source subtask may emit.
    pub rate: Option<Rate>,
    /// A fault on purpose.
    pub fault: Option<Arc<Fault>>,
    /// Where the sources of alignment groups stand.
    pub alignment: Arc<AlignmentBoard>,
    /// The run of the job.
    pub run: u64,
    /// The attempt of the region.
    pub attempt: u32,
}

impl Plan {
    /// The task of `subtask`, with the state in `restored`.
    ///
    /// # Errors
    /// Which operator could not be opened or restored, and why.
    pub fn build(
        &self,
        subtask: SubtaskId,
        settings: &TaskSettings,
        restored: &RestoredSubtask,
    ) -> Result<Task, ChainError> {
        let vertex = &self.vertices[subtask.vertex];
        let (mut source, mut links, mut audited) = (None, Vec::new(), Vec::new());
        for &node in &vertex.nodes {
            let node = &self.graph.nodes[node];
            let state = restored.operators.get(&node.uid).cloned().unwrap_or_default();
            let opening = |cause| failure(&node.uid, Phase::Opening, cause);
            let identity = SubtaskIdentity {
                operator: node.uid.clone(),
                index: subtask.index,
                parallelism: vertex.parallelism,
                run: settings.run,
                attempt: settings.attempt,
            };
            let stage = match &node.factory {
                NodeFactory::Source(factory) => {
                    let splits = state.lists.get(SPLITS).map_or(&[][..], Vec::as_slice);
                    let stage =
                        factory.create(&identity, splits, restored.watermark).map_err(opening)?;
                    let mut head = SourceHead::new(node.uid.clone(), stage, state.totals);
                    head.alignment = factory.alignment().map(|alignment| {
                        let (board, at) = (&settings.alignment, restored.watermark);
                        AlignmentMember::join(
                            board,
                            alignment.clone(),
                            &node.uid,
                            subtask.index,
                            at,
                        )
                    });
                    head.rate = settings.rate.clone().map(RateLimiter::new);
                    head.fault = settings.fault.clone().filter(|f| f.operator == node.uid);
                    source = Some(head);
                    continue;
                }
                NodeFactory::Operator(factory) => factory(&identity),
                NodeFactory::Sink(factory) => {
                    if factory.is_transactional() {
                        audited.push(node.uid.clone());
                    }
                    factory.create(&identity)
                }
            };
            let mut stage = stage.map_err(opening)?;
            let groups = self.max_parallelism.range_of(subtask.index, vertex.parallelism);
            let mut filling = Filling { operator: &state, groups, failed: None };
            stage.states(&mut filling);
            if let Some((name, error)) = filling.failed {
                let cause = format!("state `{name}` does not fit its type any more: {error}");
                return Err(failure(&node.uid, Phase::Restoring, cause.into()));
            }
            let link = Link::new(node.uid.clone(), stage, state.totals);
            links.push(link.with_fault(settings.fault.as_ref()));
        }
        let makes_time = links.iter().find(|link| link.stage.makes_event_time());
        if let Some(link) = makes_time.filter(|_| vertex.nodes.len() > 1) {
            let cause =
                "it makes event time and cannot be chained: call `no_chaining` on its stream";
            return Err(failure(&link.uid, Phase::Opening, cause.into()));
        }
        let gate = self.gate(subtask, settings.guarantee, restored);
        links.iter_mut().for_each(|link| link.stage.open(gate.watermark()));
        let outputs = self.outputs(subtask, usize::from(source.is_some()));
        Ok(Task::new(source, gate, Chain::new(links), outputs, restored.edges.clone(), audited))
    }

    fn gate(
        &self,
        subtask: SubtaskId,
        guarantee: Guarantee,
        restored: &RestoredSubtask,
    ) -> InputGate {
        let channels: Vec<ChannelInfo> = if self.is_source(subtask.vertex) {
            let edge = self.vertices[subtask.vertex].uid.clone();
            vec![ChannelInfo { edge, from: subtask.index, port: 0 }]
        } else {
            self.inputs(subtask).into_iter().map(|(info, _)| info).collect()
        };
        let state = |info: &ChannelInfo| {
            let known =
                |c: &&crate::snapshot::ChannelSnapshot| c.edge == info.edge && c.from == info.from;
            let part = restored.channels.iter().find(known);
            // An edge that the checkpoint does not know lay within a chain: what the chain had passed
            // on holds for it. With less it would not count before it had caught up.
            part.map_or((restored.watermark, false), |c| (c.watermark, c.idle))
        };
        let times: Vec<_> = channels.iter().map(state).collect();
        let mut gate = InputGate::new(channels, guarantee);
        gate.restore(&times, restored.watermark);
        gate
    }

    fn outputs(&self, subtask: SubtaskId, first_link: usize) -> Outputs {
        let mut outputs =
            Outputs { edges: Vec::new(), names: Vec::new(), routes: BTreeMap::new(), first_link };
        for (index, &edge) in self.vertices[subtask.vertex].outputs.iter().enumerate() {
            let edge = &self.edges[edge];
            outputs.edges.push((edge.factory)(&self.output_spec(subtask, edge)));
            outputs.names.push(edge.name.clone());
            outputs.routes.entry((edge.operator, edge.side)).or_default().push(index);
        }
        outputs
    }
}

fn failure(operator: &str, phase: Phase, cause: BoxError) -> ChainError {
    ChainError { operator: operator.to_owned(), phase, cause }
}

/// Gives every state of an operator what was kept of it.
struct Filling<'a> {
    operator: &'a RestoredOperator,
    groups: KeyGroupRange,
    failed: Option<(String, DecodeError)>,
}

impl StateVisitor for Filling<'_> {
    fn keyed(&mut self, name: &str, state: &mut dyn KeyedState) {
        for delta in self.operator.keyed.get(name).into_iter().flatten() {
            if let Err(error) = state.restore(delta, self.groups) {
                self.failed.get_or_insert((name.to_owned(), error));
            }
        }
    }

    fn list(&mut self, name: &str, state: &mut dyn OperatorState) {
        if let Some(elements) = self.operator.lists.get(name)
            && let Err(error) = state.restore(elements)
        {
            self.failed.get_or_insert((name.to_owned(), error));
        }
    }
}
