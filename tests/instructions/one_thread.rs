//! A job on one thread: its tasks are stepped in turn, and what they send is delivered at once.
//!
//! The real plan, tasks, gates and outputs, without actors, clocks and chance: the same job takes the same steps
//! every time. Apart from the simulation, which plays the whole engine and draws who is next from a seed.

use std::sync::Arc;
use std::task::Waker;
use tidegate::core::build::TaskSettings;
use tidegate::core::element::{Barrier, BarrierKind, Element};
use tidegate::core::gate::alignment::Guarantee;
use tidegate::core::graph::Graph;
use tidegate::core::key::MaxParallelism;
use tidegate::core::node::NodeFactory;
use tidegate::core::output::Transport;
use tidegate::core::plan::{Origin, Plan, SubtaskId, Target};
use tidegate::core::restore::{RestoredOperator, RestoredSubtask};
use tidegate::core::source_head::SPLITS;
use tidegate::core::state::delta_writer::DeltaWriter;
use tidegate::core::task::{Capture, Task, TaskPort};
use tidegate::prelude::{BoxError, Timestamp};

/// Every so many checkpoints a base.
const BASE_EVERY: u64 = 3;

/// Records of a batch are at least so many on average, so that a job of a million takes fewer rounds than this.
const ROUNDS_MAX: u64 = 100_000;

/// A task and its neighbours.
struct Subtask {
    task: Task,
    is_source: bool,
    outputs: Vec<Target>,
    inputs: Vec<Origin>,
    drained: bool,
}

/// What a step has given out.
#[derive(Default)]
struct Port {
    wants_base: bool,
    sent: Vec<(usize, Element)>,
    credits: Vec<usize>,
    captured: Vec<Capture>,
    drained: bool,
}

impl Transport for Port {
    fn send(&mut self, edge: usize, _to: u32, element: Element) {
        self.sent.push((edge, element));
    }
}

impl TaskPort for Port {
    fn credit(&mut self, channel: usize) {
        self.credits.push(channel);
    }

    fn wants_base(&mut self, _operator: &str, _state: &str, _entries: u64) -> bool {
        self.wants_base
    }

    fn captured(&mut self, capture: Capture) {
        self.captured.push(capture);
    }

    fn drained(&mut self) {
        self.drained = true;
    }
}

/// A job at parallelism 1; a vertex is a subtask.
pub(crate) struct OneThread {
    subtasks: Vec<Subtask>,
    checkpoint_every: Option<u64>,
    port: Port,
    /// Bytes of captures.
    captured: u64,
}

impl OneThread {
    /// # Errors
    /// When the job cannot be planned or built.
    pub(crate) fn new(graph: Graph, checkpoint_every: Option<u64>) -> Result<Self, BoxError> {
        let plan = Plan::new(graph, 1, MaxParallelism::DEFAULT)?;
        let settings = TaskSettings {
            guarantee: Guarantee::ExactlyOnce,
            rate: None,
            fault: None,
            alignment: Arc::default(),
            run: 0,
            attempt: 0,
        };
        let subtask = |id: SubtaskId| {
            let built = plan.build(id, &settings, &beginning(&plan, id)?);
            let task = built.map_err(|error| format!("{}: {}", error.operator, error.cause))?;
            let is_source = plan.is_source(id.vertex);
            let outputs = 0..plan.vertices[id.vertex].outputs.len();
            let inputs = if is_source { Vec::new() } else { plan.inputs(id) };
            Ok(Subtask {
                task,
                is_source,
                outputs: outputs.map(|edge| plan.target(id, edge, 0)).collect(),
                inputs: inputs.into_iter().map(|(_, origin)| origin).collect(),
                drained: false,
            })
        };
        let subtasks = plan.subtasks().map(subtask).collect::<Result<_, BoxError>>()?;
        Ok(Self { subtasks, checkpoint_every, port: Port::default(), captured: 0 })
    }

    /// Runs the job to its end; returns the bytes of all captures.
    ///
    /// # Errors
    /// When an operator fails, or the job does not end.
    pub(crate) fn run(&mut self) -> Result<u64, BoxError> {
        for round in 1..ROUNDS_MAX {
            if self.subtasks.iter().all(|subtask| subtask.drained) {
                return Ok(self.captured);
            }
            if let Some(every) = self.checkpoint_every
                && round.is_multiple_of(every)
            {
                self.trigger(round / every);
            }
            for vertex in 0..self.subtasks.len() {
                self.step(vertex)?;
            }
        }
        Err(format!("the job has not ended after {ROUNDS_MAX} rounds").into())
    }

    fn trigger(&mut self, checkpoint: u64) {
        self.port.wants_base = checkpoint % BASE_EVERY == 1;
        let running = |subtask: &&mut Subtask| subtask.is_source && !subtask.drained;
        for source in self.subtasks.iter_mut().filter(running) {
            source.task.trigger(Barrier { checkpoint, kind: BarrierKind::Periodic, sent: 0 });
        }
    }

    fn step(&mut self, vertex: usize) -> Result<(), BoxError> {
        let Self { subtasks, port, .. } = self;
        let stepped = subtasks[vertex].task.step(Timestamp(0), Waker::noop(), port);
        stepped.map_err(|error| format!("{}: {}", error.operator, error.cause))?;
        subtasks[vertex].drained |= std::mem::take(&mut port.drained);
        for (edge, element) in port.sent.drain(..) {
            let Target { subtask, channel } = subtasks[vertex].outputs[edge];
            subtasks[subtask.vertex].task.enqueue(channel, element);
        }
        for channel in port.credits.drain(..) {
            let Origin { subtask, edge } = subtasks[vertex].inputs[channel];
            subtasks[subtask.vertex].task.credit(edge, 0);
        }
        for capture in port.captured.drain(..) {
            self.captured += encoded(capture)?;
        }
        Ok(())
    }
}

/// Nothing but the splits of a source.
fn beginning(plan: &Plan, id: SubtaskId) -> Result<RestoredSubtask, BoxError> {
    let node = &plan.graph.nodes[plan.vertices[id.vertex].nodes[0]];
    let mut beginning = RestoredSubtask::default();
    if let NodeFactory::Source(source) = &node.factory {
        let lists = [(SPLITS.to_owned(), source.enumerate(1)?)].into();
        let restored = RestoredOperator { lists, ..RestoredOperator::default() };
        beginning.operators.insert(node.uid.clone(), restored);
    }
    Ok(beginning)
}

/// What the runtime does with a capture before it is stored; returns its bytes.
fn encoded(capture: Capture) -> Result<u64, BoxError> {
    let mut bytes = capture.snapshot.to_frame().len() as u64;
    for keyed in capture.keyed {
        let mut stored = std::io::sink();
        let mut writer = DeltaWriter::new(keyed.frozen.is_full(), &mut stored);
        keyed.frozen.encode(MaxParallelism::DEFAULT, &mut writer);
        bytes += writer.finish()?.bytes;
    }
    Ok(bytes)
}
