//! One subtask of a simulated process: a real task, with a mailbox instead of an actor.
//!
//! Apart from the process for the reason that the runtime has an actor per subtask: what is told to a
//! subtask reaches it later, in order per sender, and a subtask that has failed answers only a stop.

use super::checks::Watch;
use super::fate::{Canary, Fate};
use super::process::{Letter, Party};
use super::record::look;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};
use tidegate_core::element::Element;
use tidegate_core::output::Transport;
use tidegate_core::plan::{Origin, Plan, SubtaskId, Target};
use tidegate_core::task::{Capture, StepOutcome, Task, TaskPort};
use tidegate_core::time::Timestamp;
use tidegate_state::upload::{Begun, Chains, Uploader, describe};

/// Set by a waker.
#[derive(Default)]
pub(crate) struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The neighbours of a subtask.
pub(crate) struct Wiring {
    /// By output edge: the index of the first receiver, and where each channel ends.
    outputs: Vec<(u32, Vec<Target>)>,
    inputs: Vec<Origin>,
}

impl Wiring {
    pub(crate) fn new(plan: &Plan, subtask: SubtaskId) -> Self {
        let output = |(number, &edge): (usize, &usize)| {
            let spec = plan.output_spec(subtask, &plan.edges[edge]);
            let target = |to| plan.target(subtask, number, to);
            (spec.first, (spec.first..spec.first + spec.receivers).map(target).collect())
        };
        let inputs = if plan.is_source(subtask.vertex) { Vec::new() } else { plan.inputs(subtask) };
        Self {
            outputs: plan.vertices[subtask.vertex].outputs.iter().enumerate().map(output).collect(),
            inputs: inputs.into_iter().map(|(_, origin)| origin).collect(),
        }
    }
}

/// A subtask in one attempt.
pub(crate) struct Subtask {
    pub(crate) id: SubtaskId,
    pub(crate) attempt: u32,
    /// `None` after it has failed or was stopped.
    pub(crate) task: Option<Task>,
    pub(crate) chains: Arc<Mutex<Chains>>,
    pub(crate) uploader: Arc<Uploader>,
    pub(crate) waiting: VecDeque<(Capture, Begun)>,
    pub(crate) storing: bool,
    pub(crate) stopping: bool,
    wiring: Wiring,
    pub(crate) running: bool,
    /// Something has happened since the last step.
    ready: bool,
    bell: Arc<Bell>,
    wake_at: Option<Timestamp>,
    pub(crate) outcome: Option<StepOutcome>,
}

/// What came of a step.
pub(crate) struct Stepped {
    pub(crate) letters: Vec<((Party, Party), Letter)>,
    pub(crate) captured: Vec<(Capture, Begun)>,
    pub(crate) drained: bool,
    /// Why the task failed.
    pub(crate) failed: Option<String>,
}

impl Subtask {
    pub(crate) fn new(
        id: SubtaskId,
        task: Task,
        chains: Chains,
        uploader: Uploader,
        wiring: Wiring,
    ) -> Self {
        Self {
            id,
            attempt: uploader.attempt,
            task: Some(task),
            chains: Arc::new(Mutex::new(chains)),
            uploader: Arc::new(uploader),
            waiting: VecDeque::new(),
            storing: false,
            stopping: false,
            wiring,
            running: false,
            ready: false,
            bell: Arc::default(),
            wake_at: None,
            outcome: None,
        }
    }

    pub(crate) fn party(&self) -> Party {
        Party::Subtask(self.id, self.attempt)
    }

    /// A message has come, as an actor is polled after each.
    pub(crate) fn touch(&mut self) {
        self.ready = true;
    }

    /// Whether a step is due.
    pub(crate) fn is_ready(&self, now: Timestamp) -> bool {
        self.running
            && self.task.is_some()
            && (self.ready
                || self.bell.0.load(Ordering::Relaxed)
                || self.wake_at.is_some_and(|at| at <= now))
    }

    /// When the clock makes a step due.
    pub(crate) fn wakes_at(&self) -> Option<Timestamp> {
        self.wake_at.filter(|_| self.running && self.task.is_some())
    }

    /// One step of the task.
    pub(crate) fn step(&mut self, now: Timestamp, watch: &mut Watch, fate: &Fate) -> Stepped {
        self.ready = false;
        self.bell.0.store(false, Ordering::Relaxed);
        self.wake_at = None;
        let waker = Waker::from(Arc::clone(&self.bell));
        let mut port = Port {
            id: self.id,
            attempt: self.attempt,
            wiring: &self.wiring,
            chains: &self.chains,
            watch,
            fate,
            letters: Vec::new(),
            captured: Vec::new(),
            drained: false,
        };
        let mut failed = None;
        if let Some(task) = &mut self.task {
            match catch_unwind(AssertUnwindSafe(|| task.step(now, &waker, &mut port))) {
                Ok(Ok(outcome)) => {
                    self.ready = outcome == StepOutcome::More;
                    if let StepOutcome::Idle(at) | StepOutcome::Waiting(at) = outcome {
                        self.wake_at = at;
                    }
                    self.outcome = Some(outcome);
                }
                Ok(Err(error)) => {
                    let cause = describe(error.cause.as_ref());
                    failed = Some(format!("{} while {}: {cause}", error.operator, error.phase));
                }
                Err(panic) => {
                    let (operator, phase) = task.active();
                    let said = panic.downcast_ref::<String>().cloned();
                    let said = said.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).into()));
                    failed = Some(format!("{operator} while {phase}: {said:?}"));
                }
            }
        }
        let Port { letters, captured, drained, .. } = port;
        Stepped { letters, captured, drained, failed }
    }
}

/// A panic while the lock was held has failed the subtask already.
pub(crate) fn lock(chains: &Mutex<Chains>) -> std::sync::MutexGuard<'_, Chains> {
    chains.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Port<'a> {
    id: SubtaskId,
    attempt: u32,
    wiring: &'a Wiring,
    chains: &'a Mutex<Chains>,
    watch: &'a mut Watch,
    fate: &'a Fate,
    letters: Vec<((Party, Party), Letter)>,
    captured: Vec<(Capture, Begun)>,
    drained: bool,
}

impl Transport for Port<'_> {
    fn send(&mut self, edge: usize, to: u32, element: Element) {
        let (first, targets) = &self.wiring.outputs[edge];
        let Target { subtask, channel } = targets[(to - first) as usize];
        let (mut element, seen) = look(element);
        let numbers = [self.id.vertex as u64, self.id.index.into(), edge as u64, to.into()];
        self.fate.absorb(&numbers);
        self.fate.absorb(&seen.numbers);
        let at = (subtask, channel, self.attempt);
        self.watch.sent(at, &seen, self.fate);
        if let Some(records) = seen.records {
            if self.fate.strikes(Canary::DropBatch, 20) {
                return;
            }
            if self.fate.strikes(Canary::DropBatchUnseen, 20) {
                self.watch.hide(at, records as u64);
                return;
            }
        }
        if let Element::Barrier(barrier) = &mut element {
            barrier.sent -= self.watch.hidden(at);
        }
        let pair = (Party::Subtask(self.id, self.attempt), Party::Subtask(subtask, self.attempt));
        self.letters.push((pair, Letter::Deliver { channel, element }));
    }
}

impl TaskPort for Port<'_> {
    fn credit(&mut self, channel: usize) {
        self.watch.credited((self.id, channel, self.attempt), self.fate);
        let Origin { subtask, edge } = self.wiring.inputs[channel];
        let pair = (Party::Subtask(self.id, self.attempt), Party::Subtask(subtask, self.attempt));
        let to = self.id.index;
        self.letters.push((pair, Letter::Credit { edge, to }));
        if self.fate.strikes(Canary::DoubleCredit, 20) {
            self.letters.push((pair, Letter::Credit { edge, to }));
        }
    }

    fn wants_base(&mut self, operator: &str, state: &str, entries: u64) -> bool {
        lock(self.chains).begin(operator, state, entries)
    }

    fn captured(&mut self, capture: Capture) {
        // At once: a step may pass two barriers, and each capture has its own.
        self.captured.push((capture, lock(self.chains).take_begun()));
    }

    fn drained(&mut self) {
        self.drained = true;
    }
}
