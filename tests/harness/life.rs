//! One life of an operator: its tasks at some parallelism, from a restore to a snapshot.
//!
//! Apart from the modes because this is where state goes the way it goes in production: captured,
//! encoded, framed, read back, resolved and restored, key group by key group.

use super::GROUPS;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::task::Waker;
use tidegate_core::chain::{Chain, Link};
use tidegate_core::element::{Barrier, BarrierKind, Element};
use tidegate_core::gate::alignment::Guarantee;
use tidegate_core::gate::{ChannelInfo, InputGate, Port as Input};
use tidegate_core::key::KeyGroupRange;
use tidegate_core::output::{OutputEdge, Transport};
use tidegate_core::outputs::Outputs;
use tidegate_core::snapshot::{ListSnapshot, OperatorTotals, SubtaskSnapshot};
use tidegate_core::stage::Stage;
use tidegate_core::state::delta::{self, Delta};
use tidegate_core::state::{KeyedState, OperatorState, StateVisitor};
use tidegate_core::task::{Capture, EdgeTotals, StepOutcome, Task, TaskPort};
use tidegate_core::time::Timestamp;
use tidegate_state::rescale;

/// The uid of the operator under test.
const UID: &str = "operator";

/// Every so many snapshots a base.
const BASE_EVERY: u64 = 3;

/// The chain of each keyed state of one subtask.
type Chains = BTreeMap<String, Vec<Delta>>;

/// The operator list states of one subtask.
type Lists = BTreeMap<String, ListSnapshot>;

/// What the tasks of a life are made of.
pub(crate) struct Blueprint<'a> {
    /// The operator; its output is full at so many records, or else at a whole batch.
    pub(crate) stage: &'a dyn Fn(Option<usize>) -> Box<dyn Stage>,
    /// The output edges of a subtask: the main one, then its side outputs.
    pub(crate) edges: &'a dyn Fn(usize) -> Vec<Box<dyn OutputEdge>>,
    /// The operator input that each channel feeds.
    pub(crate) inputs: &'a [Input],
    /// Whether the output is full after every row.
    pub(crate) full: bool,
}

/// What a snapshot holds.
#[derive(Clone)]
pub(crate) struct Saved {
    checkpoint: u64,
    chains: Vec<Chains>,
    lists: Vec<Lists>,
    pub(crate) totals: OperatorTotals,
    /// Event time and idleness of each channel; those of one subtask, for all have seen the same.
    channels: Vec<(Timestamp, bool)>,
    watermark: Timestamp,
    /// What the wall clock shows when the next life begins.
    pub(crate) clock: Timestamp,
}

impl Saved {
    /// The state before the first record, when the wall clock shows `clock`.
    pub(crate) const fn empty(clock: Timestamp) -> Self {
        Self {
            checkpoint: 0,
            chains: Vec::new(),
            lists: Vec::new(),
            totals: OperatorTotals { records_in: 0, records_out: 0, late: 0, dropped: 0 },
            channels: Vec::new(),
            watermark: Timestamp::MIN,
            clock,
        }
    }

    /// The values of the keyed state `name`, of whatever key.
    pub(crate) fn values<V: DeserializeOwned>(&self, name: &str) -> Result<Vec<V>, String> {
        let mut values = Vec::new();
        for chain in self.chains.iter().filter_map(|chains| chains.get(name)) {
            let read = Delta::merge(chain).and_then(|base| {
                base.for_each(KeyGroupRange::ALL, |_, entry| {
                    values.extend(base.value::<V>(&entry)?);
                    Ok(())
                })
            });
            read.map_err(|error| format!("state `{name}`: {error}"))?;
        }
        Ok(values)
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

    fn wants_base(&mut self, _operator: &str, _state: &str, _entries: u64) -> bool {
        self.wants_base
    }

    fn captured(&mut self, capture: Capture) {
        self.captured.push(capture);
    }

    fn drained(&mut self) {}
}

/// The tasks of one life.
pub(crate) struct Life {
    tasks: Vec<Task>,
    /// Records fed to each channel of each task, as a barrier must say.
    fed: Vec<Vec<u64>>,
    edges: usize,
    port: Port,
    chains: Vec<Chains>,
    /// Whether the chains are of another parallelism and cannot be continued.
    rescaled: bool,
    checkpoint: u64,
    clock: Timestamp,
}

impl Life {
    /// Builds the tasks and gives each its share of `saved`.
    pub(crate) fn begin(
        blueprint: &Blueprint<'_>,
        saved: &Saved,
        parallelism: u32,
    ) -> Result<Self, String> {
        let rescaled = saved.chains.len() != parallelism as usize;
        let (mut tasks, mut edges) = (Vec::new(), 0);
        for index in 0..parallelism {
            let mut filling = Filling {
                chains: &saved.chains,
                lists: &saved.lists,
                share: (index, parallelism),
                groups: GROUPS.range_of(index, parallelism),
                failed: None,
            };
            let outputs = (blueprint.edges)(index as usize);
            edges = outputs.len();
            tasks.push(task(blueprint, outputs, saved, &mut filling)?);
        }
        let chains = if rescaled { Vec::new() } else { saved.chains.clone() };
        Ok(Self {
            fed: vec![vec![0; blueprint.inputs.len()]; tasks.len()],
            edges,
            tasks,
            port: Port { wants_base: false, captured: Vec::new() },
            chains,
            rescaled,
            checkpoint: saved.checkpoint,
            clock: saved.clock,
        })
    }

    /// Lets happen what is overdue before any input.
    pub(crate) fn wake(&mut self) -> Result<(), String> {
        (0..self.tasks.len()).try_for_each(|task| self.settle(task))
    }

    pub(crate) fn parallelism(&self) -> u32 {
        self.tasks.len() as u32
    }

    /// Gives one task an element on one of its channels and lets it work until it is idle.
    pub(crate) fn feed(
        &mut self,
        task: usize,
        channel: usize,
        element: Element,
    ) -> Result<(), String> {
        if let Element::Batch(batch) = &element {
            self.fed[task][channel] += batch.remaining() as u64;
        }
        self.tasks[task].enqueue(channel, element);
        self.settle(task)
    }

    /// Gives every task an element on `channel`.
    pub(crate) fn feed_all(
        &mut self,
        channel: usize,
        element: impl Fn() -> Element,
    ) -> Result<(), String> {
        (0..self.tasks.len()).try_for_each(|task| self.feed(task, channel, element()))
    }

    /// Sets the wall clock and lets due timers fire.
    pub(crate) fn advance_clock(&mut self, to: Timestamp) -> Result<(), String> {
        self.clock = to;
        self.wake()
    }

    fn settle(&mut self, index: usize) -> Result<(), String> {
        let task = &mut self.tasks[index];
        loop {
            match task.step(self.clock, Waker::noop(), &mut self.port) {
                Ok(StepOutcome::More) => {}
                Ok(StepOutcome::Backpressured) => {
                    (0..self.edges).for_each(|edge| task.credit(edge, 0));
                }
                Ok(StepOutcome::Idle(_) | StepOutcome::Waiting(_)) => return Ok(()),
                Err(error) => return Err(error.cause.to_string()),
            }
        }
    }

    /// Entries in all keyed states, timers included.
    pub(crate) fn entries(&mut self) -> u64 {
        self.entries_of(|_| true)
    }

    /// Entries in the keyed states whose name is `wanted`.
    pub(crate) fn entries_of(&mut self, wanted: impl Fn(&str) -> bool) -> u64 {
        let mut sum = 0;
        let mut add = |_: &str, state: &str, n| sum += if wanted(state) { n } else { 0 };
        self.tasks.iter_mut().for_each(|task| task.state_entries(&mut add));
        sum
    }

    /// Takes a snapshot by a barrier.
    pub(crate) fn snapshot(&mut self) -> Result<Saved, String> {
        self.checkpoint += 1;
        self.port.wants_base = self.rescaled || self.checkpoint.is_multiple_of(BASE_EVERY);
        self.chains.resize(self.tasks.len(), Chains::new());
        for task in 0..self.tasks.len() {
            for channel in 0..self.fed[task].len() {
                let (checkpoint, sent) = (self.checkpoint, self.fed[task][channel]);
                let barrier = Barrier { checkpoint, kind: BarrierKind::Periodic, sent };
                self.feed(task, channel, Element::Barrier(barrier))?;
            }
        }
        let mut saved = Saved { checkpoint: self.checkpoint, ..Saved::empty(self.clock) };
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
    let mut snapshot = read.map_err(|error| error.to_string())?;
    let operator = snapshot.operators.remove(UID).expect("the task has one operator");
    saved.lists.push(operator.lists);
    saved.totals.add(operator.totals);
    saved.channels = snapshot.channels.iter().map(|c| (c.watermark, c.idle)).collect();
    saved.watermark = snapshot.watermark;
    for keyed in capture.keyed {
        let frame = keyed.frozen.into_delta(GROUPS).to_frame();
        let delta = Delta::from_frame(&frame).map_err(|error| error.to_string())?;
        let chain = chains.entry(keyed.state).or_default();
        if delta.full {
            chain.clear();
        }
        chain.push(delta);
    }
    Ok(())
}

fn task(
    blueprint: &Blueprint<'_>,
    edges: Vec<Box<dyn OutputEdge>>,
    saved: &Saved,
    filling: &mut Filling<'_>,
) -> Result<Task, String> {
    let mut stage = (blueprint.stage)(blueprint.full.then_some(1));
    stage.states(filling);
    if let Some(error) = filling.failed.take() {
        return Err(error);
    }
    let channel = |(from, &port): (u32, &Input)| ChannelInfo { edge: "in".into(), from, port };
    let channels = (0..).zip(blueprint.inputs).map(channel).collect();
    let mut gate = InputGate::new(channels, Guarantee::ExactlyOnce);
    gate.restore(&saved.channels, saved.watermark);
    stage.open(gate.watermark());
    let totals = if filling.share.0 == 0 { saved.totals } else { OperatorTotals::default() };
    let chain = Chain::new(vec![Link::new(UID.into(), stage, totals)]);
    let names = (0..edges.len()).map(|edge| format!("out {edge}")).collect();
    let side_of = |edge: usize| edge.checked_sub(1);
    let routes = (0..edges.len()).map(|edge| ((0, side_of(edge)), vec![edge])).collect();
    let outputs = Outputs { edges, names, routes, first_link: 0 };
    Ok(Task::new(None, gate, chain, outputs, EdgeTotals::default(), Vec::new()))
}

/// Gives every state its share.
struct Filling<'a> {
    chains: &'a [Chains],
    lists: &'a [Lists],
    share: (u32, u32),
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
        let parts = self.lists.iter().filter_map(|lists| lists.get(name));
        let old: Vec<&[Vec<u8>]> = parts.map(|list| list.elements.as_slice()).collect();
        if old.is_empty() {
            return;
        }
        let (index, parallelism) = self.share;
        let share = rescale::list(state.redistribution(), &old, index, parallelism);
        if let Err(error) = state.restore(&share) {
            self.failed.get_or_insert(format!("state `{name}`: {error}"));
        }
    }
}
