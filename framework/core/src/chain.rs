//! A chain: operators fused into one task, stepped as one machine.
//!
//! Each link holds the batch it has not finished yet. The chain always works from its end: what is
//! furthest along moves first, so nothing piles up. A control event (event time, processing time, the
//! end) visits the links front to back, and each link must have emitted all that follows from it, and
//! all links behind it must have digested that, before the next link hears of it.

use crate::element::AnyBatch;
use crate::fault::Fault;
use crate::gate::Port;
use crate::gate::valve::TimeEvent;
use crate::operator::{BoxError, Progress};
use crate::snapshot::OperatorTotals;
use crate::stage::{Control, Stage, StepTime};
use crate::time::Timestamp;
use std::sync::Arc;

/// One operator of a chain.
pub struct Link {
    /// The operator's uid.
    pub uid: String,
    /// The operator.
    pub stage: Box<dyn Stage>,
    /// Totals since the job first started.
    pub totals: OperatorTotals,
    input: Option<(Port, Box<dyn AnyBatch>)>,
    /// Records taken within this attempt, and the fault that waits for one of them.
    seen: u64,
    fault: Option<Arc<Fault>>,
}

impl Link {
    /// A link without input.
    #[must_use]
    pub fn new(uid: String, stage: Box<dyn Stage>, totals: OperatorTotals) -> Self {
        Self { uid, stage, totals, input: None, seen: 0, fault: None }
    }

    /// Arms `fault` if it is meant for this operator.
    #[must_use]
    pub fn with_fault(mut self, fault: Option<&Arc<Fault>>) -> Self {
        self.fault = fault.filter(|fault| fault.operator == self.uid).map(Arc::clone);
        self
    }
}

/// Where the chain's output goes.
pub trait Downstream {
    /// Takes all open records that link `link` emitted: `side` is `None` for its main output.
    fn push(&mut self, link: usize, side: Option<usize>, batch: &mut dyn AnyBatch);
    /// Event time that the only operator of the chain has made.
    fn time(&mut self, event: TimeEvent);
    /// Whether there is no room at the moment.
    fn is_blocked(&self) -> bool;
}

/// What came of a step of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainStep {
    /// Something moved.
    Worked,
    /// Nothing is left to do: input may come.
    Idle,
    /// There is work, but no room downstream.
    Blocked,
    /// A link waits for something outside, which will wake the task.
    Waiting,
}

/// An error with the operator that made it.
#[derive(Debug)]
pub struct ChainError {
    /// The operator's uid.
    pub operator: String,
    /// What it was doing.
    pub phase: Phase,
    /// Why it gave up.
    pub cause: BoxError,
}

/// What a subtask was doing when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Building operators, sources and sinks.
    Opening,
    /// Taking over state.
    Restoring,
    /// Processing records.
    Element,
    /// Handling event time, processing time or the end of input.
    Timer,
    /// Taking part in a checkpoint.
    Snapshot,
    /// Taking what comes in or sending what goes out: the task's own work, and no operator's.
    Exchange,
    /// Storing what was captured for a checkpoint: no operator's work either.
    Storing,
    /// Letting go of everything.
    Closing,
}

impl Phase {
    /// Whether an operator, a source or a sink was at work.
    #[must_use]
    pub const fn is_of_an_operator(self) -> bool {
        !matches!(self, Self::Exchange | Self::Storing)
    }
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Opening => "opening",
            Self::Restoring => "restoring",
            Self::Element => "element",
            Self::Timer => "timer",
            Self::Snapshot => "snapshot",
            Self::Exchange => "exchange",
            Self::Storing => "storing",
            Self::Closing => "closing",
        })
    }
}

/// Operators in a row, and what is on its way between them.
pub struct Chain {
    /// The operators, front to back.
    pub links: Vec<Link>,
    /// Whether the only link is polled.
    polled: bool,
    pass: Option<(Control, usize)>,
    /// The operator and phase of the call under way, for whoever catches its panic.
    pub active: Option<(usize, Phase)>,
}

impl Chain {
    /// A chain of `links`; a source that feeds an exchange directly has none.
    ///
    /// # Panics
    /// When an operator that makes event time or is polled is not the only one.
    #[must_use]
    pub fn new(links: Vec<Link>) -> Self {
        let alone = |link: &Link| link.stage.makes_event_time() || link.stage.is_polled();
        assert!(
            links.len() < 2 || !links.iter().any(alone),
            "an operator that makes event time or is polled stands alone"
        );
        let polled = links.iter().any(|link| link.stage.is_polled());
        Self { links, polled, pass: None, active: None }
    }

    /// Whether event time goes no further than this chain, which makes its own.
    #[must_use]
    pub fn makes_event_time(&self) -> bool {
        self.links.first().is_some_and(|link| link.stage.makes_event_time())
    }

    /// Gives the first operator records. The chain must be idle.
    pub fn offer(&mut self, port: Port, batch: Box<dyn AnyBatch>) {
        debug_assert!(self.pass.is_none() && self.links[0].input.is_none(), "the chain is idle");
        self.links[0].input = Some((port, batch));
    }

    /// Takes the batch back whose open records the first operator has used up.
    pub fn take_used(&mut self) -> Option<Box<dyn AnyBatch>> {
        self.links[0].input.take_if(|(_, batch)| batch.open_records() == 0).map(|(_, b)| b)
    }

    /// Starts a control event on its way. The chain must be idle.
    pub fn start(&mut self, control: Control) {
        debug_assert!(self.pass.is_none(), "one control event at a time");
        self.pass = Some((control, 0));
    }

    /// The control event that has passed the whole chain, once.
    pub fn finished_pass(&mut self) -> Option<Control> {
        let links = self.links.len();
        self.pass.take_if(|(_, at)| *at == links).map(|(control, _)| control)
    }

    /// Moves what is furthest along.
    ///
    /// # Errors
    /// The operator's that failed.
    pub fn step(
        &mut self,
        time: StepTime<'_>,
        downstream: &mut dyn Downstream,
    ) -> Result<ChainStep, ChainError> {
        if downstream.is_blocked() {
            return Ok(if self.is_idle() { ChainStep::Idle } else { ChainStep::Blocked });
        }
        if self.polled && self.poll(time, downstream)? {
            return Ok(ChainStep::Worked);
        }
        let busy = |link: &Link| link.input.as_ref().is_some_and(|(_, b)| b.open_records() > 0);
        if let Some(at) = self.links.iter().rposition(busy) {
            return self.process(at, time, downstream);
        }
        match self.pass {
            Some((control, at)) if at < self.links.len() => {
                self.visit(control, at, time, downstream)
            }
            _ => Ok(ChainStep::Idle),
        }
    }

    fn is_idle(&self) -> bool {
        self.pass.is_none()
            && self
                .links
                .iter()
                .all(|link| link.input.as_ref().is_none_or(|(_, batch)| batch.open_records() == 0))
    }

    /// Takes up what has come in from outside; says whether anything followed from it.
    fn poll(
        &mut self,
        time: StepTime<'_>,
        downstream: &mut dyn Downstream,
    ) -> Result<bool, ChainError> {
        self.active = Some((0, Phase::Element));
        let Link { uid, stage, .. } = &mut self.links[0];
        stage.poll(time).map_err(|cause| ChainError {
            operator: uid.clone(),
            phase: Phase::Element,
            cause,
        })?;
        let emitted = self.pass_on(0, downstream);
        self.active = None;
        Ok(emitted)
    }

    fn process(
        &mut self,
        at: usize,
        time: StepTime<'_>,
        downstream: &mut dyn Downstream,
    ) -> Result<ChainStep, ChainError> {
        self.active = Some((at, Phase::Element));
        let Link { uid, stage, totals, input, seen, fault } = &mut self.links[at];
        let Some((port, batch)) = input else { return Ok(ChainStep::Idle) };
        let before = batch.open_records();
        if let Some(fault) = fault {
            fault.strike(*seen + before as u64);
        }
        let result = stage.process(*port, batch.as_mut(), time);
        let taken = before - batch.open_records();
        totals.records_in += taken as u64;
        *seen += taken as u64;
        result.map_err(|cause| ChainError {
            operator: uid.clone(),
            phase: Phase::Element,
            cause,
        })?;
        if at > 0 && batch.open_records() == 0 {
            *input = None;
        }
        let emitted = self.pass_on(at, downstream);
        self.active = None;
        Ok(if taken > 0 || emitted { ChainStep::Worked } else { ChainStep::Waiting })
    }

    fn visit(
        &mut self,
        control: Control,
        at: usize,
        time: StepTime<'_>,
        downstream: &mut dyn Downstream,
    ) -> Result<ChainStep, ChainError> {
        self.active = Some((at, Phase::Timer));
        let Link { uid, stage, .. } = &mut self.links[at];
        let progress = stage.control(control, time).map_err(|cause| ChainError {
            operator: uid.clone(),
            phase: Phase::Timer,
            cause,
        })?;
        if progress == Progress::Done {
            let next = if control.is_for_first() { self.links.len() } else { at + 1 };
            self.pass = Some((control, next));
        }
        let emitted = self.pass_on(at, downstream);
        self.active = None;
        let waits = progress == Progress::Waiting && !emitted;
        Ok(if waits { ChainStep::Waiting } else { ChainStep::Worked })
    }

    /// Hands on what link `at` has emitted; says whether that was anything.
    fn pass_on(&mut self, at: usize, downstream: &mut dyn Downstream) -> bool {
        let last = at + 1 == self.links.len();
        let Link { stage, totals, .. } = &mut self.links[at];
        let (late, dropped) = stage.take_counts();
        totals.late += late;
        totals.dropped += dropped;
        let mut emitted = false;
        stage.take_sides(&mut |side, mut batch| {
            emitted = true;
            downstream.push(at, Some(side), batch.as_mut());
        });
        let mut output = stage.take_output();
        totals.records_out += output.as_ref().map_or(0, |batch| batch.remaining() as u64);
        for event in stage.take_times() {
            emitted = true;
            if let Some(batch) = &mut output {
                downstream.push(at, None, batch.as_mut());
                batch.take_mark();
            }
            downstream.time(event);
        }
        if let Some(mut batch) = output {
            emitted = true;
            if last {
                downstream.push(at, None, batch.as_mut());
            } else {
                debug_assert!(self.links[at + 1].input.is_none(), "the next link was idle");
                self.links[at + 1].input = Some((0, batch));
            }
        }
        emitted
    }

    /// The input has run dry.
    ///
    /// # Errors
    /// A sink's.
    pub fn flush(&mut self) -> Result<(), ChainError> {
        for (at, link) in self.links.iter_mut().enumerate() {
            self.active = Some((at, Phase::Element));
            link.stage.flush().map_err(|cause| ChainError {
                operator: link.uid.clone(),
                phase: Phase::Element,
                cause,
            })?;
        }
        self.active = None;
        Ok(())
    }

    /// When the wall clock matters next.
    #[must_use]
    pub fn next_processing_timer(&self) -> Option<Timestamp> {
        self.links.iter().filter_map(|link| link.stage.next_processing_timer()).min()
    }
}
