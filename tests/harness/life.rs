//! One life of an operator: its tasks at some parallelism, from a restore to a snapshot.
//!
//! Apart from the modes because this is where state goes the way it goes in production: captured,
//! encoded, framed, read back, resolved and restored, key group by key group.

use super::log::{Log, Recorder};
use super::{GROUPS, Harness, Mode, Recording};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::task::Waker;
use tidegate_core::chain::{Chain, Link, OperatorStage, Stage};
use tidegate_core::element::{Barrier, BarrierKind, Element};
use tidegate_core::gate::alignment::Guarantee;
use tidegate_core::gate::{ChannelInfo, InputGate};
use tidegate_core::key::KeyGroupRange;
use tidegate_core::operator::Operator;
use tidegate_core::output::{OutputEdge, Transport};
use tidegate_core::snapshot::{ListSnapshot, OperatorTotals, Redistribution, SubtaskSnapshot};
use tidegate_core::state::delta::{self, Delta};
use tidegate_core::state::{KeyedState, OperatorState, StateVisitor};
use tidegate_core::task::{Capture, EdgeTotals, Outputs, StepOutcome, Task, TaskPort};
use tidegate_core::time::Timestamp;

/// The uid of the operator under test.
const UID: &str = "operator";

/// Every so many snapshots a base.
const BASE_EVERY: u64 = 3;

/// The chain of each keyed state of one subtask.
type Chains = BTreeMap<String, Vec<Delta>>;

/// What a snapshot holds.
pub(super) struct Saved {
    checkpoint: u64,
    chains: Vec<Chains>,
    lists: BTreeMap<String, ListSnapshot>,
    pub(super) totals: OperatorTotals,
    watermark: Timestamp,
    idle: bool,
    clock: Timestamp,
}

impl Saved {
    /// The state before the first record.
    pub(super) const fn empty() -> Self {
        Self {
            checkpoint: 0,
            chains: Vec::new(),
            lists: BTreeMap::new(),
            totals: OperatorTotals { records_in: 0, records_out: 0, late: 0, dropped: 0 },
            watermark: Timestamp::MIN,
            idle: false,
            clock: Timestamp(0),
        }
    }
}

/// The task's surroundings: they keep what it captures.
struct Port {
    wants_base: bool,
    captured: Vec<Capture>,
}

impl Transport for Port {
    fn send(&mut self, _edge: usize, _to: u32, _element: Element) {}
}

impl TaskPort for Port {
    fn credit(&mut self, _channel: usize) {}

    fn wants_base(&mut self, _operator: &str, _state: &str) -> bool {
        self.wants_base
    }

    fn captured(&mut self, capture: Capture) {
        self.captured.push(capture);
    }

    fn drained(&mut self) {}
}

/// The tasks of one life.
pub(super) struct Life {
    tasks: Vec<Task>,
    /// Records fed to each task, as a barrier must say.
    fed: Vec<u64>,
    edges: usize,
    port: Port,
    chains: Vec<Chains>,
    /// Whether the chains are of another parallelism and cannot be continued.
    rescaled: bool,
    checkpoint: u64,
    clock: Timestamp,
    log: Arc<Mutex<Log>>,
}

impl Life {
    /// Builds the tasks and gives each its share of `saved`.
    pub(super) fn begin<O: Operator>(
        harness: &Harness<O>,
        mode: Mode,
        log: &Arc<Mutex<Log>>,
        saved: &Saved,
        parallelism: u32,
    ) -> Result<Self, String> {
        log.lock().expect("no thread has failed").begin(parallelism as usize);
        let rescaled = saved.chains.len() != parallelism as usize;
        let mut tasks = Vec::new();
        for index in 0..parallelism {
            let mut filling = Filling {
                chains: &saved.chains,
                lists: &saved.lists,
                share: (index as usize, parallelism as usize),
                groups: GROUPS.range_of(index, parallelism),
                failed: None,
            };
            let recording =
                Recording { log: Arc::clone(log), subtask: index as usize, fills_up: mode.full };
            tasks.push(task(harness, &recording, saved, &mut filling)?);
        }
        let chains = if rescaled { Vec::new() } else { saved.chains.clone() };
        Ok(Self {
            fed: vec![0; tasks.len()],
            edges: 1 + harness.sides.len(),
            tasks,
            port: Port { wants_base: false, captured: Vec::new() },
            chains,
            rescaled,
            checkpoint: saved.checkpoint,
            clock: saved.clock,
            log: Arc::clone(log),
        })
    }

    pub(super) fn parallelism(&self) -> u32 {
        self.tasks.len() as u32
    }

    /// Gives one task an element and lets it work until it is idle.
    pub(super) fn feed(&mut self, task: usize, element: Element) -> Result<(), String> {
        if let Element::Batch(batch) = &element {
            self.fed[task] += batch.remaining() as u64;
        }
        self.tasks[task].enqueue(0, element);
        self.settle(task)
    }

    /// Gives every task an element.
    pub(super) fn feed_all(&mut self, element: impl Fn() -> Element) -> Result<(), String> {
        (0..self.tasks.len()).try_for_each(|task| self.feed(task, element()))
    }

    /// Sets the wall clock and lets due timers fire.
    pub(super) fn advance_clock(&mut self, to: Timestamp) -> Result<(), String> {
        self.clock = to;
        for task in 0..self.tasks.len() {
            self.settle(task)?;
            let mut log = self.log.lock().expect("no thread has failed");
            log.end_group(task, &format!("P {}", to.millis()));
        }
        Ok(())
    }

    fn settle(&mut self, index: usize) -> Result<(), String> {
        let task = &mut self.tasks[index];
        loop {
            match task.step(self.clock, Waker::noop(), &mut self.port) {
                Ok(StepOutcome::More) => {}
                Ok(StepOutcome::Backpressured) => {
                    (0..self.edges).for_each(|edge| task.credit(edge, 0));
                }
                Ok(StepOutcome::Idle(_) | StepOutcome::Waiting) => return Ok(()),
                Err(error) => return Err(error.cause.to_string()),
            }
        }
    }

    /// Entries in all keyed states.
    pub(super) fn entries(&mut self) -> u64 {
        let mut sum = 0;
        self.tasks.iter_mut().for_each(|task| task.state_entries(&mut |_, _, n| sum += n));
        sum
    }

    /// Takes a snapshot by a barrier.
    pub(super) fn snapshot(&mut self) -> Result<Saved, String> {
        self.checkpoint += 1;
        self.port.wants_base = self.rescaled || self.checkpoint.is_multiple_of(BASE_EVERY);
        self.chains.resize(self.tasks.len(), Chains::new());
        for task in 0..self.tasks.len() {
            let (checkpoint, sent) = (self.checkpoint, self.fed[task]);
            let barrier = Barrier { checkpoint, kind: BarrierKind::Periodic, sent };
            self.feed(task, Element::Barrier(barrier))?;
        }
        let mut saved = Saved { checkpoint: self.checkpoint, clock: self.clock, ..Saved::empty() };
        for (capture, chains) in self.port.captured.drain(..).zip(&mut self.chains) {
            append(chains, capture, &mut saved)?;
        }
        saved.chains.clone_from(&self.chains);
        Ok(saved)
    }
}

/// Adds what one subtask has captured.
fn append(chains: &mut Chains, capture: Capture, saved: &mut Saved) -> Result<(), String> {
    let read = SubtaskSnapshot::from_frame(&capture.snapshot.to_frame());
    let snapshot = read.map_err(|error| error.to_string())?;
    for (name, list) in &snapshot.operators[UID].lists {
        let empty = || ListSnapshot { elements: Vec::new(), ..list.clone() };
        let all = saved.lists.entry(name.clone()).or_insert_with(empty);
        all.elements.extend(list.elements.iter().cloned());
    }
    saved.totals.add(snapshot.operators[UID].totals);
    saved.watermark = snapshot.channels[0].watermark;
    saved.idle = snapshot.channels[0].idle;
    for keyed in capture.keyed {
        let frame = keyed.frozen.encode(GROUPS).to_frame();
        let delta = Delta::from_frame(&frame).map_err(|error| error.to_string())?;
        let chain = chains.entry(keyed.state).or_default();
        if delta.full {
            chain.clear();
        }
        chain.push(delta);
    }
    Ok(())
}

fn task<O: Operator>(
    harness: &Harness<O>,
    recording: &Recording,
    saved: &Saved,
    filling: &mut Filling<'_>,
) -> Result<Task, String> {
    let connect = |ctx: &mut _| harness.sides.iter().for_each(|side| (side.connect)(ctx));
    let operator = (harness.make)();
    let mut stage: Box<dyn Stage> = if recording.fills_up {
        Box::new(OperatorStage::with_capacity(1, operator, connect))
    } else {
        Box::new(OperatorStage::new(operator, connect))
    };
    stage.states(filling);
    if let Some(error) = filling.failed.take() {
        return Err(error);
    }
    let channel = ChannelInfo { edge: "in".into(), from: 0, port: 0 };
    let mut gate = InputGate::new(vec![channel], Guarantee::ExactlyOnce);
    gate.restore(&[(saved.watermark, saved.idle)], saved.watermark);
    stage.open(gate.watermark());
    let totals = if recording.subtask == 0 { saved.totals } else { OperatorTotals::default() };
    let chain = Chain::new(vec![Link::new(UID.into(), stage, totals)]);
    let mut edges: Vec<Box<dyn OutputEdge>> =
        vec![Box::new(Recorder::new(recording, false, harness.show))];
    edges.extend(harness.sides.iter().map(|side| (side.edge)(recording)));
    let names = (0..edges.len()).map(|edge| format!("out {edge}")).collect();
    let side_of = |edge: usize| edge.checked_sub(1);
    let routes = (0..edges.len()).map(|edge| ((0, side_of(edge)), vec![edge])).collect();
    let outputs = Outputs { edges, names, routes, first_link: 0 };
    Ok(Task::new(None, gate, chain, outputs, EdgeTotals::default(), Vec::new()))
}

/// Gives every state its share.
struct Filling<'a> {
    chains: &'a [Chains],
    lists: &'a BTreeMap<String, ListSnapshot>,
    share: (usize, usize),
    groups: KeyGroupRange,
    failed: Option<String>,
}

impl StateVisitor for Filling<'_> {
    fn keyed(&mut self, name: &str, state: &mut dyn KeyedState) {
        for chain in self.chains.iter().filter_map(|chains| chains.get(name)) {
            let restored = delta::resolve(chain.clone()).and_then(|deltas| {
                deltas.iter().try_for_each(|delta| state.restore(delta, self.groups))
            });
            if let Err(error) = restored {
                self.failed.get_or_insert(format!("state `{name}`: {error}"));
            }
        }
    }

    fn list(&mut self, name: &str, state: &mut dyn OperatorState) {
        let Some(list) = self.lists.get(name) else { return };
        let (index, of) = self.share;
        let count = list.elements.len();
        let share = match list.redistribution {
            Redistribution::Union => 0..count,
            Redistribution::Split => count * index / of..count * (index + 1) / of,
        };
        if let Err(error) = state.restore(&list.elements[share]) {
            self.failed.get_or_insert(format!("state `{name}`: {error}"));
        }
    }
}
