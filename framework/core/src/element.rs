//! What travels in a channel, in order.
//!
//! ```text
//! channel   := element*                        one attempt of one (edge, from subtask, to subtask)
//! element   := Batch | Watermark | Status | Barrier | EndOfData
//! Batch     := records with marks between them; a mark is a watermark at a record position
//! ```
//!
//! Laws: watermarks (elements and marks together) strictly increase; barriers carry strictly
//! increasing checkpoint numbers; nothing but barriers follows `EndOfData`; a channel ends with the
//! attempt of its region. Only the gate, the task and the outputs see elements; operators see records.

use crate::snapshot::CheckpointId;
use crate::time::Timestamp;
use std::any::Any;
use std::vec;

/// What a record must be to travel in a stream.
pub trait Data: Clone + Send + Sync + 'static {}
impl<T: Clone + Send + Sync + 'static> Data for T {}

/// A value with its event time and the stable hash of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<T> {
    /// What the user sees.
    pub value: T,
    /// Event time; [`Timestamp::MIN`] when the record has none.
    pub timestamp: Timestamp,
    /// Stable hash of the key, computed once at the keyed exchange; 0 on an unkeyed stream.
    pub key_hash: u64,
}

impl<T> Record<T> {
    /// An unkeyed record.
    pub const fn new(value: T, timestamp: Timestamp) -> Self {
        Self { value, timestamp, key_hash: 0 }
    }
}

/// A watermark that falls between two records of a batch: `position` records come before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// How many records of the batch precede the mark.
    pub position: usize,
    /// The watermark.
    pub watermark: Timestamp,
}

/// Records on their way into an operator, with the watermarks between them.
///
/// A batch is consumed front to back. It opens up to its next mark only: [`Batch::take`] stops there
/// until [`Batch::take_mark`] has been called, so that an operator cannot read past a watermark.
#[derive(Debug)]
pub struct Batch<T> {
    records: vec::IntoIter<Record<T>>,
    /// Records that may be taken before the next mark (or the end).
    open: usize,
    marks: vec::IntoIter<Mark>,
    /// Records taken so far.
    taken: usize,
    /// Whether the record last taken still counts as open.
    begun: bool,
}

impl<T> Batch<T> {
    /// A batch of `records` with `marks` in ascending order of position.
    #[must_use]
    pub fn new(records: Vec<Record<T>>, marks: Vec<Mark>) -> Self {
        let open = marks.first().map_or(records.len(), |mark| mark.position);
        Self {
            records: records.into_iter(),
            open,
            marks: marks.into_iter(),
            taken: 0,
            begun: false,
        }
    }

    /// The next record before the next mark.
    #[inline]
    pub fn take(&mut self) -> Option<Record<T>> {
        if self.open == 0 {
            return None;
        }
        self.open -= 1;
        self.taken += 1;
        self.records.next()
    }

    /// How many records [`Batch::take`] will return before it stops.
    #[inline]
    #[must_use]
    pub const fn open(&self) -> usize {
        self.open
    }

    /// The records that [`Batch::take`] will return before it stops.
    #[must_use]
    pub fn upcoming(&self) -> &[Record<T>] {
        &self.records.as_slice()[..self.open]
    }

    /// As [`Batch::upcoming`], to be changed where they lie.
    pub fn upcoming_mut(&mut self) -> &mut [Record<T>] {
        &mut self.records.as_mut_slice()[..self.open]
    }

    /// Takes all records up to the next mark at once.
    pub fn take_open(&mut self) -> impl ExactSizeIterator<Item = Record<T>> + '_ {
        self.take_up_to(usize::MAX)
    }

    /// Takes the next `most` records at once, or as many as there are before the next mark.
    pub fn take_up_to(&mut self, most: usize) -> impl ExactSizeIterator<Item = Record<T>> + '_ {
        let take = most.min(self.open);
        self.open -= take;
        self.taken += take;
        self.records.by_ref().take(take)
    }

    /// Drops the next `count` records, or as many as there are before the next mark, where they lie: for an operator that
    /// has only looked at them ([`Batch::upcoming`]).
    #[inline]
    pub fn skip(&mut self, count: usize) {
        let count = count.min(self.open);
        if let Some(last) = count.checked_sub(1) {
            self.open -= count;
            self.taken += count;
            drop(self.records.nth(last));
        }
    }

    /// Takes all records up to the next mark as they lie in memory, which is moved only if there are marks behind.
    #[must_use]
    pub fn take_all(&mut self) -> Vec<Record<T>> {
        if self.open < self.records.len() {
            return self.take_open().collect();
        }
        self.taken += self.open;
        self.open = 0;
        std::mem::take(&mut self.records).collect()
    }

    /// Takes the next record like [`Batch::take`], but lets it count as open until
    /// [`Batch::finish`]: for an operator that may have to break off in the middle of one.
    pub fn begin(&mut self) -> Option<Record<T>> {
        debug_assert!(!self.begun, "one record at a time");
        let record = self.take();
        self.begun = record.is_some();
        record
    }

    /// All that follows from the record begun last has been emitted.
    pub const fn finish(&mut self) {
        self.begun = false;
    }
}

/// A batch whose record type only its operator knows.
pub trait AnyBatch: Send {
    /// Records not yet taken.
    fn remaining(&self) -> usize;
    /// Records that can be taken before the next mark.
    fn open_records(&self) -> usize;
    /// Steps over the mark that stands before the next record, and returns its watermark.
    fn take_mark(&mut self) -> Option<Timestamp>;
    /// A copy of the open records.
    fn duplicate_open(&self) -> Box<dyn AnyBatch>;
    /// Drops the open records.
    fn skip_open(&mut self);
    /// For the one operator that knows the record type.
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl<T: Data> AnyBatch for Batch<T> {
    fn remaining(&self) -> usize {
        self.records.len() + usize::from(self.begun)
    }

    fn open_records(&self) -> usize {
        self.open + usize::from(self.begun)
    }

    fn take_mark(&mut self) -> Option<Timestamp> {
        if self.open_records() > 0 {
            return None;
        }
        let mark = self.marks.next()?;
        let next = self.marks.as_slice().first().map(|mark| mark.position);
        self.open = next.unwrap_or(self.taken + self.records.len()) - self.taken;
        Some(mark.watermark)
    }

    fn duplicate_open(&self) -> Box<dyn AnyBatch> {
        let open = self.upcoming().to_vec();
        Box::new(Self::new(open, Vec::new()))
    }

    fn skip_open(&mut self) {
        self.take_open().for_each(drop);
        self.finish();
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// The batch as its operator knows it.
///
/// # Panics
/// When the batch holds another type: the plan connected an output to an input of another type.
pub fn downcast<T: 'static>(batch: &mut dyn AnyBatch) -> &mut Batch<T> {
    batch.as_any_mut().downcast_mut().expect("an edge joins an output and an input of one type")
}

/// Why a checkpoint was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BarrierKind {
    /// The interval has passed.
    Periodic,
    /// The job stops here and can be resumed; sinks seal everything.
    Stop,
    /// All inputs have ended; sinks seal everything.
    Final,
}

/// The line in every channel between the records of one epoch and the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Barrier {
    /// The checkpoint it belongs to.
    pub checkpoint: CheckpointId,
    /// Why it was asked for.
    pub kind: BarrierKind,
    /// Records sent on this channel within the attempt, for the conservation audit.
    pub sent: u64,
}

/// Whether a channel holds event time back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Records may come; its watermark counts.
    Active,
    /// Nothing is coming for the time being; its watermark does not count.
    Idle,
}

/// One thing in a channel.
pub enum Element {
    /// Records and marks.
    Batch(Box<dyn AnyBatch>),
    /// No record with a timestamp at or below it is expected any more.
    Watermark(Timestamp),
    /// The sender became idle or active.
    Status(Status),
    /// The end of an epoch.
    Barrier(Barrier),
    /// Event time has ended on this channel; only barriers follow.
    EndOfData,
}

impl std::fmt::Debug for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Batch(batch) => write!(f, "Batch({} records)", batch.remaining()),
            Self::Watermark(watermark) => write!(f, "Watermark({watermark})"),
            Self::Status(status) => write!(f, "{status:?}"),
            Self::Barrier(barrier) => write!(f, "{barrier:?}"),
            Self::EndOfData => f.write_str("EndOfData"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_opens_mark_by_mark() {
        let records = (0..5).map(|n| Record::new(n, Timestamp(n))).collect();
        let mark = |position, at| Mark { position, watermark: Timestamp(at) };
        let mut batch = Batch::new(records, vec![mark(0, -1), mark(2, 1), mark(2, 2), mark(5, 9)]);
        assert_eq!(batch.take(), None, "a mark stands before the first record");
        assert_eq!(batch.take_mark(), Some(Timestamp(-1)));
        assert_eq!(batch.take().map(|r| r.value), Some(0));
        assert_eq!(batch.take_mark(), None, "one record is still before the mark");
        assert_eq!(batch.take_open().map(|r| r.value).collect::<Vec<_>>(), [1]);
        assert_eq!(batch.take_mark(), Some(Timestamp(1)));
        assert_eq!(batch.take_mark(), Some(Timestamp(2)));
        assert_eq!(batch.upcoming().iter().map(|r| r.value).collect::<Vec<_>>(), [2, 3, 4]);
        assert_eq!(batch.open(), 3);
        assert_eq!(batch.take_open().map(|r| r.value).collect::<Vec<_>>(), [2, 3, 4]);
        assert_eq!(batch.take_mark(), Some(Timestamp(9)));
        assert_eq!((batch.take_mark(), batch.remaining()), (None, 0));
    }

    #[test]
    fn all_records_up_to_a_mark_are_taken_at_once() {
        let records = (0..5).map(|n| Record::new(n, Timestamp(n))).collect();
        let mark = |position| Mark { position, watermark: Timestamp(9) };
        let mut batch = Batch::new(records, vec![mark(3), mark(5)]);
        let values = |records: Vec<Record<i64>>| records.into_iter().map(|r| r.value).collect();
        let all: [Vec<i64>; 2] = [values(batch.take_all()), values(batch.take_all())];
        assert_eq!(all, [vec![0, 1, 2], vec![]]);
        assert_eq!((batch.open_records(), batch.remaining()), (0, 2));
        assert!(batch.take_mark().is_some());
        assert_eq!(batch.take().map(|r| r.value), Some(3));
        assert_eq!(values(batch.take_all()), vec![4]);
        assert!(batch.take_mark().is_some() && batch.take_mark().is_none());
        assert_eq!(batch.remaining(), 0);
    }

    #[test]
    fn records_that_were_looked_at_are_skipped_up_to_a_mark() {
        let records = (0..5).map(|n| Record::new(n, Timestamp(n))).collect();
        let mut batch = Batch::new(records, vec![Mark { position: 3, watermark: Timestamp(9) }]);
        batch.skip(0);
        batch.skip(2);
        assert_eq!(batch.upcoming().iter().map(|r| r.value).collect::<Vec<_>>(), [2]);
        batch.skip(9);
        assert_eq!((batch.open_records(), batch.remaining()), (0, 2));
        assert!(batch.take_mark().is_some());
        batch.skip(1);
        assert_eq!(batch.take().map(|r| r.value), Some(4));
        assert_eq!(batch.remaining(), 0);
    }

    #[test]
    fn a_record_that_was_begun_is_open_until_it_is_finished() {
        let records = (0..2).map(|n| Record::new(n, Timestamp(n))).collect();
        let mut batch = Batch::new(records, vec![Mark { position: 1, watermark: Timestamp(9) }]);
        assert_eq!(batch.begin().map(|r| r.value), Some(0));
        assert_eq!((batch.open(), batch.open_records(), batch.remaining()), (0, 1, 2));
        assert_eq!(batch.take_mark(), None);
        batch.finish();
        assert_eq!(batch.take_mark(), Some(Timestamp(9)));
        assert_eq!((batch.open_records(), batch.remaining()), (1, 1));
    }
}
