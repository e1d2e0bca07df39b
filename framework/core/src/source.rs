//! The contract of a source: splits that are read from a position, and watermarks per split.
//!
//! A *split* is a part of the input that is read in order by one subtask: a byte range of a file, a
//! partition of a log. Its position is part of the checkpoint and names the first record not yet
//! emitted. Watermarks are made per split and merged by minimum, so that splits read one after the
//! other never make each other late: a split not read yet holds event time at its beginning.

use crate::append::append;
use crate::element::{AnyBatch, Batch, Data, Element, Mark, Record, Status};
use crate::gate::valve::{TimeEvent, Valve};
use crate::operator::BoxError;
use crate::sink::SubtaskIdentity;
use crate::state::Value;
use crate::time::Timestamp;
use crate::watermark::{Generator, SplitWatermark, WatermarkStrategy};
use serde::{Deserialize, Serialize};
use std::task::Waker;

/// What a source says after a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceStatus {
    /// There may be more at once.
    Ready,
    /// Nothing now; the waker will be woken.
    Pending,
    /// All splits have ended.
    Ended,
}

/// One subtask's reader.
pub trait Source: Send + 'static {
    /// What it emits.
    type Out: Data;
    /// A split with its position; `PartialEq` is not needed, order of splits is.
    type Split: Value + Sync;

    /// Emits at most `budget` records.
    ///
    /// # Errors
    /// An error fails the subtask.
    fn poll(
        &mut self,
        out: &mut SourceOutput<Self::Out>,
        budget: usize,
        waker: &Waker,
    ) -> Result<SourceStatus, BoxError>;

    /// Every split it was given, also those that have ended, in the order in which it was given
    /// them, each at the position behind the last record emitted.
    fn splits(&self) -> Vec<Self::Split>;
}

/// Finds the splits of an input and makes readers for them.
pub trait SourceFactory: Send + Sync + 'static {
    /// What the source emits.
    type Out: Data;
    /// A split with its position.
    type Split: Value + Sync;
    /// One subtask's reader.
    type Source: Source<Out = Self::Out, Split = Self::Split>;

    /// What kind of source it is, such as `file-source`; part of the job's identity.
    fn kind(&self) -> &'static str;

    /// All splits of the input at their beginnings; `parallelism` is a hint. Called once, when the
    /// job first starts; from then on the checkpoint knows.
    ///
    /// # Errors
    /// When the input cannot be read.
    fn enumerate(&self, parallelism: u32) -> Result<Vec<Self::Split>, BoxError>;

    /// What identifies the input beyond its name; a resume with another one is refused.
    ///
    /// # Errors
    /// When the input cannot be read.
    fn fingerprint(&self) -> Result<Option<String>, BoxError> {
        Ok(None)
    }

    /// Compares the fingerprint in the checkpoint with today's; the default wants them equal.
    fn same_input(&self, before: &str, now: &str) -> bool {
        before == now
    }

    /// A reader that goes on with `splits`.
    ///
    /// # Errors
    /// When the input cannot be opened.
    fn create(
        &self,
        identity: &SubtaskIdentity,
        splits: Vec<Self::Split>,
    ) -> Result<Self::Source, BoxError>;
}

/// A split with its watermark generator: one element of a source's operator state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SplitState<S> {
    /// The split at its position.
    pub split: S,
    /// Its watermark generator.
    pub watermark: SplitWatermark,
    /// Whether it held nothing back because it was silent.
    pub idle: bool,
}

/// What a source emits into: records, and the watermarks that follow from them.
pub struct SourceOutput<T> {
    records: Vec<Record<T>>,
    marks: Vec<Mark>,
    statuses: Vec<Status>,
    strategy: WatermarkStrategy,
    splits: Vec<SplitWatermark>,
    /// Per split: a record below it has no consequence but itself.
    due: Vec<Timestamp>,
    /// Processing time of each split's last record, for idleness.
    last_record: Vec<Timestamp>,
    valve: Valve,
    now: Timestamp,
    dropped: u64,
    /// How many records were taken last: room for as many is made at the first one.
    last_len: usize,
}

impl<T: Data> SourceOutput<T> {
    /// An output for splits with these generators; `emitted` is the watermark the subtask had passed
    /// on when the snapshot was taken.
    #[must_use]
    pub fn new(
        strategy: WatermarkStrategy,
        splits: Vec<(SplitWatermark, bool)>,
        emitted: Timestamp,
    ) -> Self {
        let mut valve = Valve::new(splits.len());
        for (index, (split, idle)) in splits.iter().enumerate() {
            valve.restore_channel(index, split.emitted(), *idle);
        }
        valve.settle(emitted);
        Self {
            records: Vec::new(),
            marks: Vec::new(),
            statuses: Vec::new(),
            due: splits.iter().map(|(split, _)| split.due(&strategy)).collect(),
            strategy,
            last_record: vec![Timestamp::MIN; splits.len()],
            splits: splits.into_iter().map(|(split, _)| split).collect(),
            valve,
            now: Timestamp::MIN,
            dropped: 0,
            last_len: 0,
        }
    }

    /// Emits a record of `split` (its index among the splits the reader was given).
    #[inline]
    pub fn emit(&mut self, split: usize, value: T, timestamp: Timestamp) {
        let is_due = timestamp >= self.due[split];
        let ingested = is_due && self.strategy.generator == Generator::IngestionTime;
        let timestamp = if ingested { self.splits[split].stamp(self.now) } else { timestamp };
        append(&mut self.records, (value, timestamp, 0), || self.last_len.max(16));
        if is_due {
            self.follow(split, timestamp);
        }
    }

    /// What follows from a record for event time and idleness.
    fn follow(&mut self, split: usize, timestamp: Timestamp) {
        if self.strategy.idle_after_ms.is_some() {
            self.last_record[split] = self.now;
            self.set_status(split, Status::Active);
        }
        if let Some(watermark) = self.splits[split].on_record(timestamp, &self.strategy) {
            self.due[split] = self.splits[split].due(&self.strategy);
            self.advance(split, watermark);
        }
    }

    /// The input itself says that no record of `split` up to this time is to come: a watermark beside those of the
    /// strategy, which [`WatermarkStrategy::none`] leaves out. One that does not advance is left out.
    pub fn watermark(&mut self, split: usize, watermark: Timestamp) {
        if let Some(watermark) = self.splits[split].on_watermark(watermark) {
            self.due[split] = self.splits[split].due(&self.strategy);
            self.advance(split, watermark);
        }
    }

    /// A split has ended: it no longer holds event time back.
    pub fn end_split(&mut self, split: usize) {
        if self.splits[split].emitted() != Timestamp::MAX {
            self.splits[split].end();
            self.set_status(split, Status::Active);
            self.advance(split, Timestamp::MAX);
        }
    }

    /// Counts a malformed row that was skipped by policy.
    pub const fn count_dropped(&mut self) {
        self.dropped += 1;
    }

    /// Records emitted and not yet taken.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether nothing was emitted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    #[cold]
    fn advance(&mut self, split: usize, watermark: Timestamp) {
        match self.valve.on_watermark(split, watermark) {
            Some(TimeEvent::Watermark(merged)) => self.mark(merged),
            Some(TimeEvent::Status(status)) => self.statuses.push(status),
            None => {}
        }
    }

    fn mark(&mut self, watermark: Timestamp) {
        // The end of the input is told by the end of the data, not by a watermark.
        if watermark == Timestamp::MAX {
            return;
        }
        let position = self.records.len();
        match self.marks.last_mut() {
            Some(last) if last.position == position => last.watermark = watermark,
            _ => self.marks.push(Mark { position, watermark }),
        }
    }

    fn set_status(&mut self, split: usize, status: Status) {
        for event in self.valve.on_status(split, status).into_iter().flatten() {
            match event {
                TimeEvent::Watermark(watermark) => self.mark(watermark),
                TimeEvent::Status(status) => self.statuses.push(status),
            }
        }
    }

    /// Sets the clock and finds splits that have been silent for too long. `waiting` says that the
    /// source itself has nothing: silence under backpressure is not idleness. The runner's part.
    pub fn tick(&mut self, now: Timestamp, waiting: bool) {
        let step = if self.now == Timestamp::MIN { 0 } else { now.since(self.now) };
        self.now = now;
        if self.strategy.generator == Generator::IngestionTime {
            self.follow_clock();
        }
        let Some(limit) = self.strategy.idle_after_ms else { return };
        for split in 0..self.splits.len() {
            let last = &mut self.last_record[split];
            if *last == Timestamp::MIN {
                *last = now;
            } else if !waiting {
                *last = last.plus(step).min(now);
            } else if now.since(*last) >= limit && self.splits[split].emitted() != Timestamp::MAX {
                self.set_status(split, Status::Idle);
            }
        }
    }

    fn follow_clock(&mut self) {
        for split in 0..self.splits.len() {
            if let Some(watermark) = self.splits[split].on_clock(self.now, &self.strategy) {
                self.advance(split, watermark);
            }
        }
    }

    /// Whether no split holds event time back because all are silent.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.valve.is_idle()
    }

    /// Takes what was emitted as elements of a channel. To be called after each [`Self::tick`] and
    /// each poll: waking up then precedes the records, falling idle follows them.
    pub fn take(&mut self) -> Vec<Element> {
        let (records, marks) = (std::mem::take(&mut self.records), std::mem::take(&mut self.marks));
        self.last_len = if records.is_empty() { self.last_len } else { records.len() };
        let batch: Option<Box<dyn AnyBatch>> = if records.is_empty() && marks.is_empty() {
            None
        } else {
            Some(Box::new(Batch::new(records, marks)))
        };
        let statuses = std::mem::take(&mut self.statuses);
        let (woken, fallen): (Vec<_>, Vec<_>) =
            statuses.into_iter().partition(|status| *status == Status::Active);
        let woken = woken.into_iter().map(Element::Status);
        let fallen = fallen.into_iter().map(Element::Status);
        woken.chain(batch.map(Element::Batch)).chain(fallen).collect()
    }

    /// Takes the count of dropped rows since the last call.
    pub fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    /// Joins the positions of `splits` with their generators, for the snapshot.
    pub fn states<S>(&self, splits: Vec<S>) -> Vec<SplitState<S>> {
        let state = |(index, split)| SplitState {
            split,
            watermark: self.splits[index],
            idle: self.valve.channel(index).1,
        };
        splits.into_iter().enumerate().map(state).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(splits: usize, strategy: WatermarkStrategy) -> SourceOutput<u8> {
        let fresh = vec![(SplitWatermark::default(), false); splits];
        SourceOutput::new(strategy, fresh, Timestamp::MIN)
    }

    fn marks(output: &mut SourceOutput<u8>) -> Vec<(usize, i64)> {
        let marks = output.marks.drain(..).map(|m| (m.position, m.watermark.millis())).collect();
        output.records.clear();
        marks
    }

    #[test]
    fn the_input_may_say_itself_how_far_event_time_is() {
        let mut told = output(2, WatermarkStrategy::none());
        told.emit(0, 1, Timestamp(50));
        told.watermark(0, Timestamp(40));
        told.watermark(1, Timestamp(30));
        told.watermark(0, Timestamp(35));
        told.emit(1, 2, Timestamp(60));
        told.watermark(1, Timestamp(70));
        assert_eq!(marks(&mut told), [(1, 30), (2, 40)]);
        // Beside a strategy, whose own watermark behind it is not news.
        let mut both = output(1, WatermarkStrategy::monotonous().each_record());
        both.watermark(0, Timestamp(90));
        both.emit(0, 1, Timestamp(50));
        both.emit(0, 2, Timestamp(100));
        assert_eq!(marks(&mut both), [(0, 90), (2, 99)]);
    }

    #[test]
    fn a_split_not_read_yet_holds_event_time_back() {
        let mut out = output(2, WatermarkStrategy::monotonous().each_record());
        out.emit(0, 1, Timestamp(100));
        assert_eq!(marks(&mut out), []);
        out.end_split(0);
        out.emit(1, 2, Timestamp(50));
        assert_eq!(marks(&mut out), [(1, 49)]);
        out.end_split(1);
        assert_eq!(marks(&mut out), [], "the end is not a watermark");
    }

    #[test]
    fn ingestion_time_stamps_records_and_advances_without_any() {
        let mut out = output(1, WatermarkStrategy::ingestion_time());
        out.tick(Timestamp(1_000), false);
        out.emit(0, 1, Timestamp(5));
        assert_eq!(out.records[0].timestamp, Timestamp(1_000));
        assert_eq!(marks(&mut out), [(0, 999)]);
        out.tick(Timestamp(1_200), true);
        assert_eq!(marks(&mut out), [(0, 1_199)]);
        out.end_split(0);
        out.tick(Timestamp(2_000), true);
        assert_eq!(marks(&mut out), []);
    }

    #[test]
    fn silence_makes_a_split_idle_but_backpressure_does_not() {
        let mut out = output(2, WatermarkStrategy::monotonous().each_record().idle_after(10));
        out.tick(Timestamp(0), true);
        out.emit(0, 1, Timestamp(100));
        out.tick(Timestamp(9), true);
        out.emit(0, 1, Timestamp(101));
        assert_eq!(marks(&mut out), []);
        out.tick(Timestamp(19), false);
        assert_eq!(marks(&mut out), [], "not waiting: the clock of idleness stands still");
        out.tick(Timestamp(20), true);
        assert_eq!(marks(&mut out), [(0, 100)], "split 1 is idle now, split 0 was not");
    }
}
