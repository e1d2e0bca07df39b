//! A job on one thread: its tasks are stepped in turn, and what they send is delivered at once.
//!
//! The real plan, tasks, gates and outputs, without actors and chance, and with a clock that only its owner moves: the
//! same job takes the same steps every time. Nothing is restarted and nothing is kept: a failure ends it. Apart from the
//! actors, which run a job for good, and from the simulation, which plays the whole engine and draws who is next from a
//! seed.
//!
//! ```
//! use tidegate_core::{graph::Graph, time::Timestamp};
//! use tidegate_runtime::one_thread::OneThread;
//!
//! # fn drawn() -> Graph { Graph::default() }
//! # fn look(graph: Graph) -> Result<(), tidegate_core::operator::BoxError> {
//! let mut job = OneThread::new(graph, 1)?;
//! job.run_until_idle()?;
//! job.advance_to(Timestamp(60_000))?;
//! assert!(job.has_ended());
//! # Ok(())
//! # }
//! # assert!(look(drawn()).is_err());
//! ```

use crate::limits;
use crate::region::{empty_share, first_splits};
use std::sync::Arc;
use std::task::{Wake, Waker};
use tidegate_core::build::TaskSettings;
use tidegate_core::chain::ChainError;
use tidegate_core::element::{Barrier, BarrierKind, Element};
use tidegate_core::gate::alignment::Guarantee;
use tidegate_core::graph::Graph;
use tidegate_core::key::MaxParallelism;
use tidegate_core::operator::BoxError;
use tidegate_core::output::Transport;
use tidegate_core::plan::{Plan, SubtaskId};
use tidegate_core::state::delta_writer::DeltaWriter;
use tidegate_core::task::{Capture, StepOutcome, Task, TaskPort};
use tidegate_core::time::Timestamp;
use tokio::runtime::Runtime;
use tokio::sync::Notify;

/// Every so many checkpoints a base.
const BASE_EVERY: u64 = 3;

/// A task and its neighbours.
struct Subtask {
    task: Task,
    index: u32,
    is_source: bool,
    /// Per output edge the first receiver's index, and where the channel to each ends: subtask and channel.
    outputs: Vec<(u32, Vec<(usize, usize)>)>,
    /// Per input channel where it begins: subtask and output edge.
    inputs: Vec<(usize, usize)>,
    drained: bool,
    /// When it wants to be stepped again, whatever comes.
    wake_at: Option<Timestamp>,
}

/// What a step has given out.
#[derive(Default)]
struct Port {
    wants_base: bool,
    sent: Vec<(usize, u32, Element)>,
    credits: Vec<usize>,
    captured: Vec<Capture>,
    drained: bool,
}

impl Transport for Port {
    fn send(&mut self, edge: usize, to: u32, element: Element) {
        self.sent.push((edge, to, element));
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

/// Wakes the thread when what an operator has called answers.
struct Answered(Notify);

impl Wake for Answered {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

/// What a job waits in while an operator has called the outside.
struct Outside {
    runtime: Runtime,
    answered: Arc<Answered>,
}

impl Outside {
    fn new() -> Result<Self, BoxError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, answered: Arc::new(Answered(Notify::new())) })
    }

    fn wait(&self) -> Result<(), BoxError> {
        let answer = self.answered.0.notified();
        let within = async { tokio::time::timeout(limits::ANSWER_TIMEOUT, answer).await };
        let seconds = limits::ANSWER_TIMEOUT.as_secs();
        let late = move |_| {
            format!("what an operator has called has not answered within {seconds} seconds")
        };
        self.runtime.block_on(within).map_err(late)?;
        Ok(())
    }
}

/// A job on this thread.
pub struct OneThread {
    subtasks: Vec<Subtask>,
    checkpoint_every: Option<u64>,
    port: Port,
    now: Timestamp,
    outside: Option<Outside>,
    /// Bytes of captures.
    captured: u64,
}

impl OneThread {
    /// A job whose operators have so many subtasks unless they say how many; its clock stands at 0.
    ///
    /// # Errors
    /// When the job cannot be planned or built.
    pub fn new(graph: Graph, parallelism: u32) -> Result<Self, BoxError> {
        let plan = Plan::new(graph, parallelism, MaxParallelism::DEFAULT)?;
        let settings = TaskSettings {
            guarantee: Guarantee::ExactlyOnce,
            rate: None,
            fault: None,
            alignment: Arc::default(),
            run: 0,
            attempt: 0,
        };
        let mut splits = std::collections::BTreeMap::new();
        for region in 0..plan.regions {
            splits.extend(first_splits(&plan, region).map_err(|error| error.failure.cause)?);
        }
        let mut before = 0;
        let mut firsts = Vec::with_capacity(plan.vertices.len());
        for vertex in &plan.vertices {
            firsts.push(before);
            before += vertex.parallelism as usize;
        }
        let place = |id: SubtaskId| firsts[id.vertex] + id.index as usize;
        let subtask = |id: SubtaskId| {
            let built = plan.build(id, &settings, &empty_share(&plan, &splits, id));
            let task = built.map_err(|error| told(&error))?;
            let is_source = plan.is_source(id.vertex);
            let edges = plan.vertices[id.vertex].outputs.iter().enumerate();
            let outputs = edges.map(|(edge, planned)| {
                let spec = plan.output_spec(id, &plan.edges[*planned]);
                let target = |to| {
                    let target = plan.target(id, edge, to);
                    (place(target.subtask), target.channel)
                };
                let targets = (spec.first..spec.first + spec.receivers).map(target).collect();
                (spec.first, targets)
            });
            let outputs = outputs.collect();
            let inputs = if is_source { Vec::new() } else { plan.inputs(id) };
            let inputs = inputs.into_iter().map(|(_, from)| (place(from.subtask), from.edge));
            let inputs = inputs.collect();
            let (index, drained, wake_at) = (id.index, false, None);
            Ok(Subtask { task, index, is_source, outputs, inputs, drained, wake_at })
        };
        let subtasks = plan.subtasks().map(subtask).collect::<Result<_, BoxError>>()?;
        let (port, now) = (Port::default(), Timestamp(0));
        Ok(Self { subtasks, checkpoint_every: None, port, now, outside: None, captured: 0 })
    }

    /// Takes a checkpoint every so many rounds of [`OneThread::run`]. What it holds is encoded and thrown away.
    #[must_use]
    pub const fn checkpoints_every(mut self, rounds: u64) -> Self {
        self.checkpoint_every = Some(rounds);
        self
    }

    /// What the clock shows.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Whether all input has ended and all that follows from it is out.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.subtasks.iter().all(|subtask| subtask.drained)
    }

    /// Runs the job to its end, with a clock that stands still; returns the bytes of all captures.
    ///
    /// # Errors
    /// When an operator fails, or the job does not end.
    pub fn run(&mut self) -> Result<u64, BoxError> {
        for round in 1..limits::ROUNDS_MAX {
            if self.has_ended() {
                return Ok(self.captured);
            }
            if let Some(every) = self.checkpoint_every
                && round.is_multiple_of(every)
            {
                self.trigger(round / every);
            }
            for subtask in 0..self.subtasks.len() {
                self.step(subtask, Waker::noop())?;
            }
        }
        Err(endless())
    }

    /// Steps all subtasks until none has anything to do at this time. An operator that has called the outside is waited
    /// for.
    ///
    /// # Errors
    /// When an operator fails, or they never come to rest.
    pub fn run_until_idle(&mut self) -> Result<(), BoxError> {
        let outside = match self.outside.take() {
            Some(outside) => outside,
            None => Outside::new()?,
        };
        let done = self.rounds(&outside);
        self.outside = Some(outside);
        done
    }

    fn rounds(&mut self, outside: &Outside) -> Result<(), BoxError> {
        // Calls to the outside expect to be made within a runtime.
        let _within = outside.runtime.enter();
        let waker = Waker::from(Arc::clone(&outside.answered));
        let (mut rounds, mut waits) = (0, 0);
        while rounds < limits::ROUNDS_MAX && waits < limits::ROUNDS_MAX {
            let (mut moved, mut calls) = (false, false);
            for subtask in 0..self.subtasks.len() {
                let stepped = self.step(subtask, &waker)?;
                moved |= stepped.moved || stepped.outcome == StepOutcome::More;
                calls |= matches!(stepped.outcome, StepOutcome::Waiting(_));
            }
            rounds += 1;
            if !moved && !calls {
                return Ok(());
            }
            if !moved {
                outside.wait()?;
                (rounds, waits) = (0, waits + 1);
            }
        }
        Err(endless())
    }

    /// Moves the clock on to `now`, stopping at each time for which an operator has a timer, and runs all that is due.
    /// Sources look at the clock a bounded number of times on the way, as they do about ten times a second in a running
    /// job.
    ///
    /// # Errors
    /// As [`OneThread::run_until_idle`]; also when the clock would go back, or there are too many timers on the way.
    pub fn advance_to(&mut self, now: Timestamp) -> Result<(), BoxError> {
        if now < self.now {
            let (from, to) = (self.now.millis(), now.millis());
            return Err(format!("the clock cannot go back from {from} to {to} ms").into());
        }
        self.run_until_idle()?;
        let probe = (now.since(self.now) / limits::PROBES_MAX).max(limits::PROBE_MS);
        for _ in 0..limits::STOPS_MAX {
            if self.now == now {
                return Ok(());
            }
            let earliest = self.now.plus(1);
            let wishes = self.subtasks.iter().filter(|subtask| !subtask.drained);
            let wishes = wishes.filter_map(|subtask| {
                let at = subtask.wake_at?;
                Some(if subtask.is_source { at.max(self.now.plus(probe)) } else { at })
            });
            self.now = wishes.min().unwrap_or(now).max(earliest).min(now);
            self.run_until_idle()?;
        }
        let most = limits::STOPS_MAX;
        Err(format!("more than {most} timers are due on the way: move the clock by less").into())
    }

    fn trigger(&mut self, checkpoint: u64) {
        self.port.wants_base = checkpoint % BASE_EVERY == 1;
        let running = |subtask: &&mut Subtask| subtask.is_source && !subtask.drained;
        for source in self.subtasks.iter_mut().filter(running) {
            source.task.trigger(Barrier { checkpoint, kind: BarrierKind::Periodic, sent: 0 });
        }
    }

    fn step(&mut self, at: usize, waker: &Waker) -> Result<Stepped, BoxError> {
        let Self { subtasks, port, now, .. } = self;
        let stepped = subtasks[at].task.step(*now, waker, port);
        let outcome = stepped.map_err(|error| told(&error))?;
        let moved = !port.sent.is_empty() || !port.credits.is_empty() || port.drained;
        let subtask = &mut subtasks[at];
        subtask.drained |= std::mem::take(&mut port.drained);
        subtask.wake_at = match outcome {
            StepOutcome::Idle(at) | StepOutcome::Waiting(at) => at,
            StepOutcome::More | StepOutcome::Backpressured => None,
        };
        for (edge, to, element) in port.sent.drain(..) {
            let (first, targets) = &subtasks[at].outputs[edge];
            let (receiver, channel) = targets[(to - first) as usize];
            subtasks[receiver].task.enqueue(channel, element);
        }
        let index = subtasks[at].index;
        for channel in port.credits.drain(..) {
            let (sender, edge) = subtasks[at].inputs[channel];
            subtasks[sender].task.credit(edge, index);
        }
        for capture in port.captured.drain(..) {
            self.captured += encoded(capture)?;
        }
        Ok(Stepped { outcome, moved })
    }
}

/// What came of a step.
struct Stepped {
    outcome: StepOutcome,
    /// Whether something was given out.
    moved: bool,
}

fn told(error: &ChainError) -> String {
    format!("{}: {}", error.operator, error.cause)
}

fn endless() -> BoxError {
    format!("the job has not come to rest after {} rounds", limits::ROUNDS_MAX).into()
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
