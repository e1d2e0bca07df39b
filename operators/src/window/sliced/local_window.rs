//! Local pre-aggregation: combines records of the same key and slice before they are exchanged.
//!
//! Where few keys get most of the records, the exchange and the one subtask that owns a hot key carry
//! all of them. A `LocalWindow` before the exchange folds what falls into the same key and slice into
//! one accumulator, and [`crate::window::CombinedWindow`] behind it merges these: as many elements as
//! there are keys, not records. Results are the same as without, to the row:
//! - what is combined is on time: a slice of which a window may have fired here is not touched, its
//!   records pass as they are, and lateness is decided behind the exchange as ever;
//! - what is combined stays on time: it leaves before the watermark passes that lets the first window
//!   of its slice fire, and event time behind the exchange is never ahead of event time here. (The
//!   one exception to the latter is a source that counts as idle: so nothing is held for longer than
//!   [`LocalWindow::HELD_MAX_MS`], which is far less than a source is silent before it is idle.)
//!
//! What is held is operator state, shared out when parallelism changes: any subtask may send it.
//!
//! It learns when it is of no use: when a sample of records opens an entry for more than every second
//! of them, the next records pass as they are.

use super::partial::{Combined, Partial};
use super::slicing::{Slice, Slicing};
use crate::window::spec::{InvalidWindow, Window};
use hashbrown::HashTable;
use tidegate_core::element::{Batch, Record};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, Context, Operator, Progress};
use tidegate_core::state::StateVisitor;
use tidegate_core::state::aggregate::Aggregate;
use tidegate_core::state::list::OperatorList;
use tidegate_core::time::Timestamp;

/// Combines by `A` what falls into the same slice and has the same key, which `F` reads; a part of a
/// stream that is not keyed yet.
pub struct LocalWindow<K, A: Aggregate, F> {
    slicing: Slicing,
    aggregate: A,
    key: F,
    held: OperatorList<Combined<K, A::Accumulator>>,
    /// Positions in `held`, by key and slice; out of date while a flush goes on.
    index: HashTable<u32>,
    /// The slice of the last record that was combined.
    slice: Option<Slice>,
    /// No watermark below this one lets a window fire that has anything in `held`.
    due: Timestamp,
    watermark: Timestamp,
    flush: Option<Flush>,
    /// The wall clock at which `held` is flushed at the latest.
    flush_by: Option<Timestamp>,
    sample: Sample,
}

/// Entries on their way out: those that a watermark of `upto` concerns, from position `at` on.
struct Flush {
    upto: Timestamp,
    at: usize,
}

/// Whether combining pays.
#[derive(Default)]
struct Sample {
    records: u32,
    opened: u32,
    /// Records that pass as they are before the next sample.
    passing: u32,
}

impl Sample {
    /// How many records a sample has.
    const RECORDS: u32 = 4096;
    /// How many records pass after a sample that did not pay: it costs a sixteenth to look again.
    const PASSING: u32 = 16 * Self::RECORDS;

    /// Notes that a record was combined; `opened` says that it was the first of its key and slice.
    fn note(&mut self, opened: bool) {
        self.records += 1;
        self.opened += u32::from(opened);
        if self.records == Self::RECORDS {
            let pays = self.opened * 2 <= self.records;
            *self = Self { passing: if pays { 0 } else { Self::PASSING }, ..Self::default() };
        }
    }
}

impl<K: Key, A: Aggregate, F: Fn(&A::In) -> K> LocalWindow<K, A, F> {
    /// Entries are flushed when they are so many.
    pub const HELD_MAX: usize = 16_384;

    /// Nothing is held for longer than this, in milliseconds of the wall clock.
    pub const HELD_MAX_MS: i64 = 200;

    /// Combines what the windows of `window` over a stream keyed by `key` will aggregate; window,
    /// aggregate and key are those of the [`crate::window::CombinedWindow`] behind the exchange.
    ///
    /// # Errors
    /// When there are no such windows.
    pub fn new(window: Window, aggregate: A, key: F) -> Result<Self, InvalidWindow> {
        Ok(Self {
            slicing: Slicing::new(window.validate()?),
            aggregate,
            key,
            held: OperatorList::split(),
            index: HashTable::new(),
            slice: None,
            due: Timestamp::MAX,
            watermark: Timestamp::MIN,
            flush: None,
            flush_by: None,
            sample: Sample::default(),
        })
    }

    /// The slice of a record that may be combined: none of its windows may have fired.
    fn open_slice(&mut self, timestamp: Timestamp) -> Option<Slice> {
        if timestamp == Timestamp::MIN {
            return None;
        }
        let slice = match self.slice {
            Some(slice) if slice.contains(timestamp) => slice,
            _ => self.slicing.slice_of(timestamp),
        };
        self.slice = Some(slice);
        (!slice.is_gap() && self.watermark < slice.first_end.minus(1)).then_some(slice)
    }

    /// Folds the records that come next in a slice, which are looked at where they lie, as long as it pays
    /// and there is room.
    fn combine_run(&mut self, slice: Slice, input: &mut Batch<A::In>) {
        let mut run = 0;
        for record in input.upcoming() {
            if !slice.contains(record.timestamp) || self.sample.passing > 0 {
                break;
            }
            self.combine(slice, &record.value);
            run += 1;
            if self.held.elements.len() >= Self::HELD_MAX {
                self.begin_flush(Timestamp::MAX);
                break;
            }
        }
        input.skip(run);
    }

    /// Folds a record into the entry of its key and slice.
    fn combine(&mut self, slice: Slice, value: &A::In) {
        let key = (self.key)(value);
        let held = &mut self.held.elements;
        let known = |at: &u32| {
            let entry = &held[*at as usize];
            entry.slice_end == slice.end && entry.key == key
        };
        let hash = hash(&key, slice.end);
        let found = self.index.find(hash, known).copied();
        self.sample.note(found.is_none());
        let at = found.unwrap_or_else(|| {
            let (at, accumulator) = (held.len() as u32, self.aggregate.create());
            held.push(Combined { key, slice_end: slice.end, accumulator, records: 0 });
            self.index.insert_unique(hash, at, |at| entry_hash(&held[*at as usize]));
            self.due = self.due.min(slice.first_end.minus(1));
            at
        });
        let entry = &mut held[at as usize];
        self.aggregate.add(&mut entry.accumulator, value);
        entry.records += 1;
    }

    /// Goes on with a flush.
    fn emit(&mut self, ctx: &mut Context<Partial<K, A>>) -> Progress
    where
        A::Accumulator: Sync,
    {
        let Some(flush) = &mut self.flush else { return Progress::Done };
        let held = &mut self.held.elements;
        while flush.at < held.len() {
            if ctx.is_full() {
                return Progress::More;
            }
            let slice = self.slicing.slice_at(held[flush.at].slice_end);
            if slice.first_end.minus(1) <= flush.upto {
                let entry = held.swap_remove(flush.at);
                ctx.emit(Partial::Combined(entry), slice.end.minus(1));
            } else {
                flush.at += 1;
            }
        }
        self.flush = None;
        self.settle();
        Progress::Done
    }

    /// Makes what follows from `held`.
    fn settle(&mut self) {
        let held = &self.held.elements;
        self.index.clear();
        self.due = Timestamp::MAX;
        for (at, entry) in held.iter().enumerate() {
            let rehash = |at: &u32| entry_hash(&held[*at as usize]);
            self.index.insert_unique(entry_hash(entry), at as u32, rehash);
            let slice = self.slicing.slice_at(entry.slice_end);
            self.due = self.due.min(slice.first_end.minus(1));
        }
        if held.is_empty() {
            self.flush_by = None;
        }
    }

    /// Lets all entries out that a watermark of `upto` concerns.
    fn begin_flush(&mut self, upto: Timestamp) {
        match &mut self.flush {
            Some(flush) => flush.upto = flush.upto.max(upto),
            None => self.flush = Some(Flush { upto, at: 0 }),
        }
    }
}

fn hash<K: Key>(key: &K, slice_end: Timestamp) -> u64 {
    key.stable_hash() ^ (slice_end.0 as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn entry_hash<K: Key, V>(entry: &Combined<K, V>) -> u64 {
    hash(&entry.key, entry.slice_end)
}

impl<K, A, F> Operator for LocalWindow<K, A, F>
where
    K: Key,
    A: Aggregate,
    A::Accumulator: Sync,
    F: Fn(&A::In) -> K + Send + 'static,
{
    type In = A::In;
    type Out = Partial<K, A>;

    fn open(&mut self, watermark: Timestamp) {
        self.watermark = watermark;
        self.settle();
        if !self.held.elements.is_empty() {
            // How long it has been held is not known.
            self.flush_by = Some(Timestamp(0));
        }
    }

    fn process(
        &mut self,
        input: &mut Batch<A::In>,
        ctx: &mut Context<Self::Out>,
    ) -> Result<(), BoxError> {
        while self.emit(ctx) == Progress::Done && !ctx.is_full() {
            let Some(first) = input.upcoming().first() else { break };
            let slice =
                if self.sample.passing > 0 { None } else { self.open_slice(first.timestamp) };
            if let Some(slice) = slice {
                self.combine_run(slice, input);
            } else if let Some(Record { value, timestamp, .. }) = input.take() {
                self.sample.passing = self.sample.passing.saturating_sub(1);
                ctx.emit(Partial::Record(value), timestamp);
            }
        }
        if self.flush_by.is_none() && !self.held.elements.is_empty() {
            self.flush_by = Some(ctx.processing_time().plus(Self::HELD_MAX_MS));
        }
        Ok(())
    }

    fn on_watermark(
        &mut self,
        watermark: Timestamp,
        ctx: &mut Context<Self::Out>,
    ) -> Result<Progress, BoxError> {
        if self.due <= watermark {
            self.begin_flush(watermark);
        }
        let progress = self.emit(ctx);
        if progress == Progress::Done {
            self.watermark = watermark;
        }
        Ok(progress)
    }

    fn on_processing_time(
        &mut self,
        now: Timestamp,
        ctx: &mut Context<Self::Out>,
    ) -> Result<Progress, BoxError> {
        if self.flush_by.is_some_and(|by| by <= now) {
            self.begin_flush(Timestamp::MAX);
        }
        Ok(self.emit(ctx))
    }

    fn next_processing_timer(&self) -> Option<Timestamp> {
        self.flush_by
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.list("held", &mut self.held);
    }
}
