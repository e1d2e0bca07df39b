//! The task: steps one subtask. The only caller of operators, sources and sinks.
//!
//! A task is an input gate, a chain of operators and the outputs. A source is a task whose gate has a
//! single channel that the task itself fills, so that everything behind it (watermarks, barriers, the
//! end) takes one path. A step works on at most about one batch, never blocks and never waits; what it
//! returns says when to call again.

use crate::chain::{Chain, ChainError, ChainStep, Downstream, Phase};
use crate::element::{Barrier, BarrierKind, Element, Status};
use crate::gate::valve::TimeEvent;
use crate::gate::{GateEvent, InputGate};
use crate::limits;
use crate::operator::BoxError;
use crate::output::Transport;
use crate::outputs::Outputs;
use crate::sink::Prepare;
use crate::snapshot::{ListSnapshot, OperatorSnapshot, OperatorTotals, SubtaskSnapshot};
use crate::source_head::SourceHead;
use crate::stage::{Control, StepTime};
use crate::state::{Frozen, KeyedState, OperatorState, StateVisitor};
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::task::Waker;

/// A keyed state that was captured and is not yet encoded.
pub struct FrozenState {
    /// The operator's uid.
    pub operator: String,
    /// The state's name.
    pub state: String,
    /// The captured entries.
    pub frozen: Box<dyn Frozen>,
}

/// What a task hands out at a barrier, to be encoded and stored off-thread.
pub struct Capture {
    /// The barrier.
    pub barrier: Barrier,
    /// Everything but keyed state.
    pub snapshot: SubtaskSnapshot,
    /// Keyed states.
    pub keyed: Vec<FrozenState>,
    /// Epochs of sinks that wait to be prepared, by uid.
    pub sinks: Vec<(String, Box<dyn Prepare>)>,
    /// Records sent per edge since the job first started.
    pub sent: BTreeMap<String, u64>,
    /// Records received per edge since the job first started.
    pub received: BTreeMap<String, u64>,
    /// Rows taken per sink since the job first started.
    pub written: BTreeMap<String, u64>,
}

/// What a task needs from whoever steps it.
pub trait TaskPort: Transport {
    /// A batch of input channel `channel` is used up: its sender gets a credit.
    fn credit(&mut self, channel: usize);
    /// Whether the next capture of a keyed state, which holds so many entries, must be a base.
    fn wants_base(&mut self, operator: &str, state: &str, entries: u64) -> bool;
    /// The task has taken its part of a checkpoint.
    fn captured(&mut self, capture: Capture);
    /// All input has ended and all that follows from it has been emitted.
    fn drained(&mut self);
}

/// When to call [`Task::step`] again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepOutcome {
    /// At once: there is more to do.
    More,
    /// When something arrives, or the clock reaches the time given.
    Idle(Option<Timestamp>),
    /// When a credit arrives.
    Backpressured,
    /// When a sink or what an operator has called wakes the task, or the clock reaches the time given.
    Waiting(Option<Timestamp>),
}

/// Totals that a task carries on from its snapshot.
#[derive(Clone, Debug, Default)]
pub struct EdgeTotals {
    /// Records sent per edge before this attempt.
    pub sent: BTreeMap<String, u64>,
    /// Records received per edge before this attempt.
    pub received: BTreeMap<String, u64>,
}

/// The running machine of one subtask.
pub struct Task {
    source: Option<SourceHead>,
    gate: InputGate,
    /// The channel whose batch the chain is working on.
    current: Option<usize>,
    chain: Chain,
    outputs: Outputs,
    before: EdgeTotals,
    /// Uids of the sinks whose rows are audited.
    audited_sinks: Vec<String>,
    /// The watermark last passed on.
    watermark: Timestamp,
    drained: bool,
}

/// Steps within one call before the task yields, whatever they did.
const STEPS_PER_CALL: usize = 64;

impl Task {
    /// A task made of its parts; `watermark` is what it had passed on when its state was taken.
    #[must_use]
    pub fn new(
        source: Option<SourceHead>,
        gate: InputGate,
        mut chain: Chain,
        outputs: Outputs,
        before: EdgeTotals,
        audited_sinks: Vec<String>,
    ) -> Self {
        let watermark = gate.watermark();
        if gate.is_idle() && chain.makes_event_time() {
            chain.start(Control::Status(Status::Idle));
        }
        Self {
            source,
            gate,
            current: None,
            chain,
            outputs,
            before,
            audited_sinks,
            watermark,
            drained: false,
        }
    }

    /// An element has arrived on input channel `channel`.
    pub fn enqueue(&mut self, channel: usize, element: Element) {
        self.gate.enqueue(channel, element);
    }

    /// A batch was processed at the other end of output edge `edge`, channel `to`.
    pub fn credit(&mut self, edge: usize, to: u32) {
        self.outputs.edges[edge].credit(to, 1);
    }

    /// Starts a checkpoint: puts its barrier behind what the source has emitted.
    pub fn trigger(&mut self, barrier: Barrier) {
        let Some(source) = &mut self.source else { return };
        if barrier.kind == BarrierKind::Stop {
            source.stop();
        }
        self.gate.enqueue(0, Element::Barrier(Barrier { sent: source.emitted(), ..barrier }));
    }

    /// Ends the input: what was emitted counts as all there is.
    pub fn drain(&mut self) {
        if let Some(source) = &mut self.source {
            source.end(&mut self.gate);
        }
    }

    /// Works on at most about one batch.
    ///
    /// # Errors
    /// Says which operator failed in which phase; the subtask must then be rebuilt.
    pub fn step(
        &mut self,
        now: Timestamp,
        waker: &Waker,
        port: &mut dyn TaskPort,
    ) -> Result<StepOutcome, ChainError> {
        let mut taken = 0;
        for _ in 0..STEPS_PER_CALL {
            let time = StepTime { now, waker };
            let step = self.advance(time, port, &mut taken);
            self.outputs.transmit(&mut *port);
            match step? {
                Some(StepOutcome::Backpressured) if !self.outputs.is_blocked() => {}
                Some(outcome) => return Ok(outcome),
                None if taken >= limits::BATCH_RECORDS => return Ok(StepOutcome::More),
                None => {}
            }
        }
        Ok(StepOutcome::More)
    }

    /// One move of the machine; `None` when the next may follow at once.
    fn advance(
        &mut self,
        time: StepTime<'_>,
        port: &mut dyn TaskPort,
        taken: &mut usize,
    ) -> Result<Option<StepOutcome>, ChainError> {
        match self.chain.step(time, &mut self.outputs)? {
            ChainStep::Worked => return Ok(None),
            ChainStep::Blocked => return Ok(Some(StepOutcome::Backpressured)),
            ChainStep::Waiting => {
                self.outputs.edges.iter_mut().for_each(|edge| edge.flush());
                return Ok(Some(StepOutcome::Waiting(self.chain.next_processing_timer())));
            }
            ChainStep::Idle => {}
        }
        if let Some(control) = self.chain.finished_pass() {
            self.after(control, port);
            return Ok(None);
        }
        if let Some(channel) = self.current.take() {
            let batch = self.chain.take_used().expect("an idle chain has used up its input");
            self.gate.resume(channel, batch);
        }
        if self.outputs.is_blocked() {
            return Ok(Some(StepOutcome::Backpressured));
        }
        if let Some(due) = self.chain.next_processing_timer()
            && due <= time.now
            && !self.drained
        {
            self.chain.start(Control::ProcessingTime(time.now));
            return Ok(None);
        }
        let event = self.gate.poll().map_err(|failure| self.gate_error(failure.into()))?;
        match event {
            Some(event) => self.handle(event, port, taken).map(|()| None),
            None => self.run_dry(time),
        }
    }

    fn gate_error(&self, cause: BoxError) -> ChainError {
        let first = self.chain.links.first().map(|link| link.uid.clone());
        let operator = self.source.as_ref().map(|s| s.uid.clone()).or(first).unwrap_or_default();
        ChainError { operator, phase: Phase::Exchange, cause }
    }

    fn handle(
        &mut self,
        event: GateEvent,
        port: &mut dyn TaskPort,
        taken: &mut usize,
    ) -> Result<(), ChainError> {
        match event {
            GateEvent::Records { channel, port: input, mut batch } => {
                *taken += batch.open_records();
                self.outputs.took(batch.open_records());
                if self.chain.links.is_empty() {
                    self.outputs.push_from(0, None, batch.as_mut());
                    self.gate.resume(channel, batch);
                } else {
                    self.chain.offer(input, batch);
                    self.current = Some(channel);
                }
            }
            GateEvent::Credit { channel } => {
                if self.source.is_none() {
                    port.credit(channel);
                }
            }
            GateEvent::Watermark(watermark) => self.chain.start(Control::Watermark(watermark)),
            GateEvent::Status(status) if self.chain.makes_event_time() => {
                self.chain.start(Control::Status(status));
            }
            GateEvent::Status(status) => self.outputs.time(TimeEvent::Status(status)),
            GateEvent::Barrier(barrier) => return self.snapshot(barrier, port),
            GateEvent::EndOfInput(port) => self.chain.start(Control::EndOfInput(port)),
            GateEvent::EndOfData => self.chain.start(Control::End),
        }
        Ok(())
    }

    fn after(&mut self, control: Control, port: &mut dyn TaskPort) {
        match control {
            Control::Watermark(watermark) => {
                self.watermark = watermark;
                // The end of event time is told by the end of the data.
                if watermark < Timestamp::MAX && !self.chain.makes_event_time() {
                    self.outputs.time(TimeEvent::Watermark(watermark));
                }
            }
            Control::ProcessingTime(_) | Control::EndOfInput(_) | Control::Status(_) => {}
            Control::End => {
                self.drained = true;
                self.outputs.edges.iter_mut().for_each(|edge| edge.end());
                port.drained();
            }
        }
    }

    /// Nothing has arrived: read the source, or send what is buffered and wait.
    fn run_dry(&mut self, time: StepTime<'_>) -> Result<Option<StepOutcome>, ChainError> {
        let mut wake_at = self.chain.next_processing_timer().filter(|_| !self.drained);
        if let Some(source) = &mut self.source {
            match source.read(time, &mut self.gate)? {
                None => return Ok(None),
                Some(at) => wake_at = [wake_at, at].into_iter().flatten().min(),
            }
        }
        self.chain.flush()?;
        self.outputs.edges.iter_mut().for_each(|edge| edge.flush());
        Ok(Some(StepOutcome::Idle(wake_at)))
    }

    /// Passes the barrier on and captures everything; the order lets the tasks behind align while
    /// this one copies its state.
    fn snapshot(&mut self, barrier: Barrier, port: &mut dyn TaskPort) -> Result<(), ChainError> {
        self.outputs.edges.iter_mut().for_each(|edge| edge.barrier(barrier));
        let mut snapshot = SubtaskSnapshot {
            watermark: self.watermark,
            channels: self.gate.snapshot(),
            ..SubtaskSnapshot::default()
        };
        if let Some(source) = &self.source {
            snapshot.operators.insert(source.uid.clone(), source.snapshot());
        }
        let (mut keyed, mut sinks, mut written) = (Vec::new(), Vec::new(), BTreeMap::new());
        for (at, link) in self.chain.links.iter_mut().enumerate() {
            self.chain.active = Some((at, Phase::Snapshot));
            let mut capturing = Capturing {
                operator: &link.uid,
                port: &mut *port,
                keyed: &mut keyed,
                lists: BTreeMap::new(),
            };
            link.stage.states(&mut capturing);
            let operator = OperatorSnapshot { lists: capturing.lists, totals: link.totals };
            snapshot.operators.insert(link.uid.clone(), operator);
            let frozen = link.stage.freeze(barrier).map_err(|cause| ChainError {
                operator: link.uid.clone(),
                phase: Phase::Snapshot,
                cause,
            })?;
            sinks.extend(frozen.map(|prepare| (link.uid.clone(), prepare)));
            if self.audited_sinks.contains(&link.uid) {
                written.insert(link.uid.clone(), link.totals.records_in);
            }
        }
        self.chain.active = None;
        let (sent, received) = (self.sent(), self.received());
        port.captured(Capture { barrier, snapshot, keyed, sinks, sent, received, written });
        Ok(())
    }

    fn sent(&self) -> BTreeMap<String, u64> {
        let mut totals = self.before.sent.clone();
        for (name, edge) in self.outputs.names.iter().zip(&self.outputs.edges) {
            *totals.entry(name.clone()).or_default() += edge.sent();
        }
        totals
    }

    fn received(&self) -> BTreeMap<String, u64> {
        let mut totals = self.before.received.clone();
        if self.source.is_none() {
            for (edge, records) in self.gate.received() {
                *totals.entry(edge.to_owned()).or_default() += records;
            }
        }
        totals
    }

    /// The operator and phase of the call that did not return, after a panic. Where no operator was at work, the
    /// task's first with [`Phase::Exchange`].
    #[must_use]
    pub fn active(&self) -> (String, Phase) {
        match self.chain.active {
            Some((at, phase)) => (self.chain.links[at].uid.clone(), phase),
            None => match &self.source {
                Some(source) => (source.uid.clone(), Phase::Element),
                None => {
                    let first = self.chain.links.first().map(|link| link.uid.clone());
                    (first.unwrap_or_default(), Phase::Exchange)
                }
            },
        }
    }

    /// Totals per operator since the job first started, source first.
    pub fn totals(&self) -> impl Iterator<Item = (&str, OperatorTotals)> {
        let source = self.source.iter().map(|source| (source.uid.as_str(), source.totals));
        source.chain(self.chain.links.iter().map(|link| (link.uid.as_str(), link.totals)))
    }

    /// Records that its source has emitted in this attempt; 0 of a task without a source.
    #[must_use]
    pub fn emitted(&self) -> u64 {
        self.source.as_ref().map_or(0, SourceHead::emitted)
    }

    /// The gate, to be looked at.
    #[must_use]
    pub const fn gate(&self) -> &InputGate {
        &self.gate
    }

    /// Credits in use and in all, over all output edges.
    #[must_use]
    pub fn credit_use(&self) -> (u32, u32) {
        let uses = self.outputs.edges.iter().map(|edge| edge.credit_use());
        uses.fold((0, 0), |(used, all), (u, a)| (used + u, all + a))
    }

    /// Figures of the operators' own: (operator, name, value).
    pub fn gauges(&self, each: &mut dyn FnMut(&str, &'static str, u64)) {
        for link in &self.chain.links {
            link.stage.gauges(&mut |name, value| each(&link.uid, name, value));
        }
    }

    /// Entries per keyed state: (operator, state, entries).
    pub fn state_entries(&mut self, each: &mut dyn FnMut(&str, &str, u64)) {
        for link in &mut self.chain.links {
            link.stage.states(&mut Counting { operator: &link.uid, each });
        }
    }
}

struct Capturing<'a> {
    operator: &'a str,
    port: &'a mut dyn TaskPort,
    keyed: &'a mut Vec<FrozenState>,
    lists: BTreeMap<String, ListSnapshot>,
}

impl StateVisitor for Capturing<'_> {
    fn keyed(&mut self, name: &str, state: &mut dyn KeyedState) {
        let frozen = state.capture(self.port.wants_base(self.operator, name, state.entries()));
        self.keyed.push(FrozenState {
            operator: self.operator.to_owned(),
            state: name.to_owned(),
            frozen,
        });
    }

    fn list(&mut self, name: &str, state: &mut dyn OperatorState) {
        let redistribution = state.redistribution();
        let list = ListSnapshot { redistribution, elements: state.snapshot() };
        self.lists.insert(name.to_owned(), list);
    }
}

struct Counting<'a> {
    operator: &'a str,
    each: &'a mut dyn FnMut(&str, &str, u64),
}

impl StateVisitor for Counting<'_> {
    fn keyed(&mut self, name: &str, state: &mut dyn KeyedState) {
        (self.each)(self.operator, name, state.entries());
    }

    fn list(&mut self, _name: &str, _state: &mut dyn OperatorState) {}
}
