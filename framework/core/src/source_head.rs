//! The source at the head of a task: when to read, how much, and what to note of what was read.
//!
//! Apart from the task, to which a source is an input like any other: what is read goes into the
//! task's gate.

use crate::chain::{ChainError, Phase};
use crate::element::Element;
use crate::fault::Fault;
use crate::gate::InputGate;
use crate::limits;
use crate::operator::BoxError;
use crate::rate::RateLimiter;
use crate::snapshot::{ListSnapshot, OperatorSnapshot, OperatorTotals, Redistribution};
use crate::source::SourceStatus;
use crate::source_alignment::{AlignmentMember, Standing};
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
    /// Whether it holds event time back for nobody because it is silent.
    fn is_idle(&self) -> bool;
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
    /// Its place in a group of sources that wait for each other.
    pub alignment: Option<AlignmentMember>,
    emitted: u64,
    state: SourceState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SourceState {
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
        Self { uid, stage, totals, rate: None, fault: None, alignment: None, emitted: 0, state }
    }

    /// Records emitted in this attempt.
    pub(crate) const fn emitted(&self) -> u64 {
        self.emitted
    }

    /// Reads no more; what was read stays the input's beginning.
    pub(crate) fn stop(&mut self) {
        if self.state != SourceState::Ended {
            self.state = SourceState::Stopped;
        }
    }

    /// Ends the input: what was read counts as all there is.
    pub(crate) fn end(&mut self, gate: &mut InputGate) {
        if self.state != SourceState::Ended {
            self.state = SourceState::Ended;
            if let Some(member) = &self.alignment {
                member.leave();
            }
            gate.enqueue(0, Element::EndOfData);
        }
    }

    /// Reads once; `None` when something was read, else when to look again.
    pub(crate) fn read(
        &mut self,
        time: StepTime<'_>,
        gate: &mut InputGate,
    ) -> Result<Option<Option<Timestamp>>, ChainError> {
        if matches!(self.state, SourceState::Stopped | SourceState::Ended) {
            return Ok(Some(None));
        }
        if self.is_ahead(gate, time.waker) {
            self.stage.tick(time.now, false);
            self.enqueue_taken(gate);
            return Ok(Some(Some(time.now.plus(IDLE_PROBE_MS))));
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
            SourceStatus::Ended => self.end(gate),
        }
        let idle = status == SourceStatus::Pending && gate.is_dry();
        Ok(idle.then_some(Some(time.now.plus(IDLE_PROBE_MS))))
    }

    /// Whether the sources it is aligned with must catch up before it reads on. They then wake `waker`.
    fn is_ahead(&self, gate: &InputGate, waker: &Waker) -> bool {
        let Some(member) = &self.alignment else { return false };
        let idle = self.stage.is_idle();
        let standing = if idle { Standing::Absent } else { Standing::At(gate.watermark()) };
        !member.may_read(standing, waker)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::alignment::Guarantee;
    use crate::gate::{ChannelInfo, GateEvent};
    use crate::node::{SourceNode, SourceNodeOf};
    use crate::sink::SubtaskIdentity;
    use crate::source::{Source, SourceFactory, SourceOutput};
    use crate::source_alignment::tests::Woken;
    use crate::source_alignment::{Alignment, AlignmentBoard};
    use crate::watermark::WatermarkStrategy;
    use std::sync::atomic::Ordering;

    /// Ten records a poll, a millisecond apart, a thousand in all.
    struct Ticks;

    struct Ticking(i64);

    impl Source for Ticking {
        type Out = i64;
        type Split = i64;

        fn poll(
            &mut self,
            out: &mut SourceOutput<i64>,
            _budget: usize,
            _waker: &Waker,
        ) -> Result<SourceStatus, BoxError> {
            for at in self.0..self.0 + 10 {
                out.emit(0, at, Timestamp(at));
            }
            self.0 += 10;
            if self.0 < 1_000 {
                return Ok(SourceStatus::Ready);
            }
            out.end_split(0);
            Ok(SourceStatus::Ended)
        }

        fn splits(&self) -> Vec<i64> {
            vec![self.0]
        }
    }

    impl SourceFactory for Ticks {
        type Out = i64;
        type Split = i64;
        type Source = Ticking;

        fn kind(&self) -> &'static str {
            "ticks"
        }

        fn enumerate(&self, _parallelism: u32) -> Result<Vec<i64>, BoxError> {
            Ok(vec![0])
        }

        fn create(&self, _: &SubtaskIdentity, splits: Vec<i64>) -> Result<Ticking, BoxError> {
            Ok(Ticking(splits[0]))
        }
    }

    struct Reading {
        head: SourceHead,
        gate: InputGate,
        woken: Arc<Woken>,
    }

    impl Reading {
        fn new(uid: &str, board: &Arc<AlignmentBoard>) -> Self {
            let identity = SubtaskIdentity {
                operator: uid.into(),
                index: 0,
                parallelism: 1,
                run: 1,
                attempt: 0,
            };
            let strategy = WatermarkStrategy::monotonous().each_record();
            let node = SourceNodeOf { factory: Ticks, strategy };
            let splits = node.enumerate(1).expect("one split");
            let stage = node.create(&identity, &splits, Timestamp::MIN).expect("opens");
            let mut head = SourceHead::new(uid.into(), stage, OperatorTotals::default());
            let alignment = Alignment { group: "both".into(), max_drift_ms: 50 };
            head.alignment = Some(AlignmentMember::join(board, alignment, uid, 0, Timestamp::MIN));
            let channel = ChannelInfo { edge: uid.into(), from: 0, port: 0 };
            let gate = InputGate::new(vec![channel], Guarantee::ExactlyOnce);
            Self { head, gate, woken: Arc::default() }
        }

        /// Reads once; its watermark then, and whether it had to wait.
        fn read(&mut self) -> (Timestamp, bool) {
            let waker = Waker::from(Arc::clone(&self.woken));
            let time = StepTime { now: Timestamp(0), waker: &waker };
            let waits = self.head.read(time, &mut self.gate).expect("reads").is_some();
            while let Some(event) = self.gate.poll().expect("in order") {
                if let GateEvent::Records { channel, mut batch, .. } = event {
                    batch.skip_open();
                    self.gate.resume(channel, batch);
                }
            }
            (self.gate.watermark(), waits)
        }
    }

    #[test]
    fn a_source_waits_for_those_it_is_aligned_with_and_no_longer_once_they_have_ended() {
        let board = Arc::default();
        let (mut fast, mut slow) = (Reading::new("fast", &board), Reading::new("slow", &board));
        let mut waited = 0;
        loop {
            let (behind, _) = slow.read();
            if behind == Timestamp::MAX {
                break;
            }
            for _ in 0..20 {
                let (ahead, waits) = fast.read();
                waited += u32::from(waits);
                let near = ahead <= behind.plus(50 + 10) || ahead == Timestamp::MAX;
                assert!(near, "{ahead:?} is ahead of {behind:?}");
            }
        }
        assert!(waited > 100, "it had to wait {waited} times only");
        while fast.read().0 < Timestamp::MAX {}
    }

    #[test]
    fn a_source_that_waits_is_woken_by_the_one_it_waits_for() {
        let board = Arc::default();
        let (mut fast, mut slow) = (Reading::new("fast", &board), Reading::new("slow", &board));
        for _ in 0..5 {
            slow.read();
        }
        let ahead = std::iter::repeat_with(|| fast.read()).find(|(_, waits)| *waits);
        let (ahead, _) = ahead.expect("it has to wait");
        while fast.woken.0.load(Ordering::Relaxed) == 0 {
            let (behind, waits) = slow.read();
            assert!(!waits && behind <= ahead, "{behind:?} of {ahead:?}, and nobody was woken");
        }
        assert!(!fast.read().1, "it goes on");
    }
}
