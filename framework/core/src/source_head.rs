//! The source at the head of a task: reads splits at its rate and fills the task's gate.
//!
//! Apart from the task because only here does something enter the job that was in no channel.

use crate::chain::{ChainError, Phase};
use crate::element::Element;
use crate::fault::Fault;
use crate::gate::InputGate;
use crate::limits;
use crate::operator::BoxError;
use crate::rate::RateLimiter;
use crate::snapshot::{ListSnapshot, OperatorSnapshot, OperatorTotals, Redistribution};
use crate::source::SourceStatus;
use crate::stage::StepTime;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Waker;

/// The name of the operator list state in which a source keeps its splits.
pub const SPLITS: &str = "splits";

/// A source behind type erasure.
pub trait SourceStage: Send {
    /// Emits at most `budget` records.
    ///
    /// # Errors
    /// The source's.
    fn poll(&mut self, budget: usize, waker: &Waker) -> Result<SourceStatus, BoxError>;
    /// Sets the clock; `waiting` when the source had nothing to give.
    fn tick(&mut self, now: Timestamp, waiting: bool);
    /// What was emitted since the last call.
    fn take(&mut self) -> Vec<Element>;
    /// Rows dropped by policy since the last call.
    fn take_dropped(&mut self) -> u64;
    /// CBOR of each split at its position.
    fn splits(&self) -> Vec<Vec<u8>>;
}

/// The source at the head of a task.
pub struct SourceHead {
    /// The operator's uid.
    pub uid: String,
    /// The source.
    pub stage: Box<dyn SourceStage>,
    /// Totals since the job first started.
    pub totals: OperatorTotals,
    /// How many records may come per second.
    pub rate: Option<RateLimiter>,
    /// A fault that waits for one of its records.
    pub fault: Option<Arc<Fault>>,
    pub(crate) emitted: u64,
    pub(crate) state: SourceState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SourceState {
    Reading,
    /// Had nothing at the last poll; will wake the task.
    Waiting,
    /// A stop barrier has passed: nothing may follow it.
    Stopped,
    Ended,
}

impl SourceHead {
    /// A source that has emitted nothing in this attempt.
    #[must_use]
    pub fn new(uid: String, stage: Box<dyn SourceStage>, totals: OperatorTotals) -> Self {
        let state = SourceState::Reading;
        Self { uid, stage, totals, rate: None, fault: None, emitted: 0, state }
    }
}

impl SourceHead {
    /// Reads once; `None` when something was read, else when to look again.
    pub(crate) fn read(
        &mut self,
        time: StepTime<'_>,
        gate: &mut InputGate,
    ) -> Result<Option<Option<Timestamp>>, ChainError> {
        if matches!(self.state, SourceState::Stopped | SourceState::Ended) {
            return Ok(Some(None));
        }
        let waiting = self.state == SourceState::Waiting;
        self.stage.tick(time.now, waiting);
        self.enqueue_taken(gate);
        let budget = match &mut self.rate {
            Some(rate) => rate.allowed(time.now).min(limits::BATCH_RECORDS),
            None => limits::BATCH_RECORDS,
        };
        if budget == 0 {
            return Ok(Some(self.rate.as_ref().map(|rate| rate.next(time.now))));
        }
        let error = |cause| ChainError { operator: self.uid.clone(), phase: Phase::Element, cause };
        let status = self.stage.poll(budget, time.waker).map_err(error)?;
        self.enqueue_taken(gate);
        match status {
            SourceStatus::Ready => self.state = SourceState::Reading,
            SourceStatus::Pending => self.state = SourceState::Waiting,
            SourceStatus::Ended => {
                self.state = SourceState::Ended;
                gate.enqueue(0, Element::EndOfData);
            }
        }
        let idle = status == SourceStatus::Pending && gate.is_dry();
        Ok(idle.then_some(Some(time.now.plus(IDLE_PROBE_MS))))
    }

    fn enqueue_taken(&mut self, gate: &mut InputGate) {
        self.totals.dropped += self.stage.take_dropped();
        for element in self.stage.take() {
            if let Element::Batch(batch) = &element {
                let records = batch.remaining() as u64;
                self.emitted += records;
                self.totals.records_out += records;
                if let Some(rate) = &mut self.rate {
                    rate.spend(records);
                }
                if let Some(fault) = &self.fault {
                    fault.strike(self.emitted);
                }
            }
            gate.enqueue(0, element);
        }
    }

    pub(crate) fn snapshot(&self) -> OperatorSnapshot {
        let redistribution = Redistribution::Split;
        let splits = ListSnapshot { redistribution, elements: self.stage.splits() };
        OperatorSnapshot {
            lists: BTreeMap::from([(SPLITS.to_owned(), splits)]),
            totals: self.totals,
        }
    }
}

/// How often a waiting source looks whether its splits have fallen idle.
const IDLE_PROBE_MS: i64 = 100;
