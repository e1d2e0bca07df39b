//! Event-time windows over a keyed stream, aggregated slice by slice.
//!
//! A record updates the accumulator of its key in the one slice that it falls into, however many
//! windows overlap there; a window is made of its slices when it fires ([`super::slicing`] says what a
//! slice is, [`super::firing`] how they become a window).
//!
//! Time is Flink's to the millisecond:
//! - a window fires when the watermark reaches `end - 1`; its results carry that timestamp;
//! - when the watermark jumps, windows fire in the order of their ends; those without data do not;
//! - a window takes late records until the watermark reaches `end - 1 + allowed lateness`; each of
//!   them makes those of its windows that have fired fire again at once, for its key alone and with
//!   the updated result, the last window first;
//! - a record none of whose windows takes it any more is *late*: it goes to the side output, and is
//!   counted as dropped where none is connected;
//! - a record in the gap between windows that do not touch is counted as dropped (Flink forgets it),
//!   unless it is late by the same measure, `timestamp + allowed lateness <= watermark`.
//!
//! Which windows have fired follows from the watermark and is stored nowhere. The watermark is restored
//! exactly, and at a barrier it is the same in all subtasks of a keyed stream, so a window fires once,
//! also across a restore and at another parallelism. A slice is dropped when its last window takes no
//! more records.
//!
//! ```
//! use tidegate_core::{element::{Batch, Record}, key::Key, operator::{Context, Operator}};
//! use tidegate_core::time::Timestamp;
//! use tidegate_operators::{aggregate::Count, window::{SlicedWindow, Window}};
//!
//! let mut clicks = SlicedWindow::new(Window::sliding(10, 5), Count::new(), |item: &u64| *item)?;
//! let click = Record { value: 42, timestamp: Timestamp(7), key_hash: 42u64.stable_hash() };
//! let mut ctx = Context::new(16);
//! clicks.process(&mut Batch::new(vec![click], vec![]), &mut ctx)?;
//! clicks.on_watermark(Timestamp::MAX, &mut ctx)?;
//! let windows: Vec<String> = ctx.take().iter().map(|row| row.value.window.to_string()).collect();
//! assert_eq!(windows, ["[0, 10)", "[5, 15)"]);
//! # Ok::<(), tidegate_core::operator::BoxError>(())
//! ```

use super::carry::Parts;
use super::firing::{Firing, Merging, Slices};
use super::refire;
use super::slice_time::{Fate, SliceTime};
use super::slicing::Slice;
use crate::window::spec::{InvalidWindow, Window};
use crate::window::time_window::Windowed;
use tidegate_core::element::{Batch, Record};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, Context, Operator, OutputTag, Progress};
use tidegate_core::state::aggregate::Aggregate;
use tidegate_core::state::table::Table;
use tidegate_core::state::{Keyed, StateVisitor};
use tidegate_core::time::Timestamp;

/// Aggregates by `A` what falls into the same window and has the same key, which `F` reads.
pub struct SlicedWindow<K: Key, A: Aggregate, F> {
    time: SliceTime,
    aggregate: A,
    key: F,
    late: Option<OutputTag<A::In>>,
    slices: Slices<K, A>,
    merging: Merging<K, A>,
    firing: Option<Firing<K, A>>,
}

impl<K: Key, A: Aggregate, F: Fn(&A::In) -> K> SlicedWindow<K, A, F> {
    /// Aggregates each window of `window` over a stream that is keyed by `key`.
    ///
    /// # Errors
    /// When there are no such windows.
    pub fn new(window: Window, aggregate: A, key: F) -> Result<Self, InvalidWindow> {
        let time = SliceTime::new(window)?;
        Ok(Self {
            time,
            aggregate,
            key,
            late: None,
            slices: Slices::<K, A>::default(),
            merging: Merging::new(&time.slicing),
            firing: None,
        })
    }

    /// Sends late records to `tag`.
    #[must_use]
    pub fn side_output_late(mut self, tag: OutputTag<A::In>) -> Self {
        self.late = Some(tag);
        self
    }

    /// Adds the records that come next in a slice, of which no window has fired, by `add`. The slice's
    /// table is looked up once, and records are looked at where they lie.
    pub(crate) fn add_run<T>(
        &mut self,
        slice: &Slice,
        input: &mut Batch<T>,
        add: impl Fn(&A, &F, &mut Table<K, A::Accumulator>, &Record<T>),
    ) {
        let table = self.slices.table_mut(slice.end);
        let upcoming = input.upcoming();
        let other = upcoming.iter().position(|record| {
            let is_other = !slice.contains(record.timestamp);
            if !is_other {
                add(&self.aggregate, &self.key, table, record);
            }
            is_other
        });
        let run = other.unwrap_or(upcoming.len());
        input.skip(run);
    }

    /// Takes a record whose first window has fired, or that has no window at all. The windows that
    /// fire again are emitted together: they are no more than overlap in one place.
    pub(crate) fn add_late(
        &mut self,
        slice: &Slice,
        record: Record<A::In>,
        ctx: &mut Context<Windowed<K, A::Out>>,
    ) {
        let Record { value, timestamp, key_hash } = record;
        match self.time.fate(slice, timestamp) {
            Fate::Taken => {}
            Fate::Late => return ctx.late(self.late.as_ref(), value, timestamp),
            Fate::Outside => return ctx.count_dropped(),
        }
        let key = (self.key)(&value);
        let at = keyed(&key, key_hash);
        self.change(slice, at, |aggregate, accumulator| aggregate.add(accumulator, &value));
        self.fire_again(slice, at, ctx);
    }

    /// Changes what `at` has in `slice`.
    fn change(
        &mut self,
        slice: &Slice,
        at: Keyed<'_, K>,
        change: impl FnOnce(&A, &mut A::Accumulator),
    ) {
        let table = self.slices.table_mut(slice.end);
        change(&self.aggregate, table.get_or_insert_with(at, || self.aggregate.create()));
    }

    /// A late record has changed what `at` has in `slice`: its windows that have fired and are not
    /// closed fire again.
    fn fire_again(
        &mut self,
        slice: &Slice,
        at: Keyed<'_, K>,
        ctx: &mut Context<Windowed<K, A::Out>>,
    ) {
        self.merging.forget(slice.end, at);
        let windows = self.time.fired_windows(slice);
        let parts = Parts { at, slices: &self.slices, aggregate: &self.aggregate };
        let cumulate = self.time.slicing.cumulates();
        let results = refire::results(&windows, cumulate, &self.merging, &parts);
        for (window, value) in windows.into_iter().zip(results) {
            let key = at.key.clone();
            ctx.emit(Windowed { key, window, value }, window.max_timestamp());
        }
    }

    /// Whether some window of `slice` has fired, or there is none.
    pub(crate) fn is_behind(&self, slice: &Slice) -> bool {
        self.time.is_behind(slice)
    }

    /// The slice of a record.
    pub(crate) fn slice_of(&self, timestamp: Timestamp) -> Result<Slice, BoxError> {
        self.time.slice_of(timestamp)
    }

    /// Takes what `records` records of a key in `slice` add up to, although a window has fired.
    pub(crate) fn merge_late(
        &mut self,
        slice: &Slice,
        (key, key_hash): (&K, u64),
        part: &A::Accumulator,
        records: u64,
        ctx: &mut Context<Windowed<K, A::Out>>,
    ) {
        if slice.is_gap() || self.time.is_closed(slice.last_end) {
            return (0..records).for_each(|_| ctx.count_dropped());
        }
        let at = keyed(key, key_hash);
        self.change(slice, at, |aggregate, all| aggregate.merge(all, part));
        self.fire_again(slice, at, ctx);
    }
}

/// Adds a record to the table of its slice.
pub(crate) fn add<K: Key, A: Aggregate, F: Fn(&A::In) -> K>(
    aggregate: &A,
    key: &F,
    table: &mut Table<K, A::Accumulator>,
    value: &A::In,
    key_hash: u64,
) {
    let key = key(value);
    let at = keyed(&key, key_hash);
    aggregate.add(table.get_or_insert_with(at, || aggregate.create()), value);
}

pub(crate) fn keyed<K: Key>(key: &K, hash: u64) -> Keyed<'_, K> {
    debug_assert_eq!(hash, key.stable_hash(), "the stream is keyed by the window's key");
    Keyed { key, hash }
}

impl<K, A, F> Operator for SlicedWindow<K, A, F>
where
    K: Key,
    A: Aggregate,
    F: Fn(&A::In) -> K + Send + 'static,
{
    type In = A::In;
    type Out = Windowed<K, A::Out>;

    fn open(&mut self, watermark: Timestamp) {
        self.time.fired = watermark;
    }

    fn process(
        &mut self,
        input: &mut Batch<A::In>,
        ctx: &mut Context<Self::Out>,
    ) -> Result<(), BoxError> {
        while !ctx.is_full()
            && let Some(first) = input.upcoming().first()
        {
            let slice = self.slice_of(first.timestamp)?;
            if !self.is_behind(&slice) {
                self.add_run(&slice, input, |aggregate, key, table, record| {
                    add(aggregate, key, table, &record.value, record.key_hash);
                });
            } else if let Some(record) = input.take() {
                self.add_late(&slice, record, ctx);
            }
        }
        Ok(())
    }

    fn on_watermark(
        &mut self,
        watermark: Timestamp,
        ctx: &mut Context<Self::Out>,
    ) -> Result<Progress, BoxError> {
        loop {
            if let Some(mut firing) = self.firing.take() {
                if firing.emit(&self.slices, &self.merging, &self.aggregate, ctx) == Progress::More
                {
                    self.firing = Some(firing);
                    return Ok(Progress::More);
                }
                firing.end(&self.time.slicing, &self.slices, &mut self.merging, &self.aggregate);
            }
            let next = self.time.next_window(&self.slices);
            let Some(window) = next.filter(|next| next.max_timestamp() <= watermark) else { break };
            self.firing =
                Some(Firing::begin(window, &self.slices, &mut self.merging, &self.aggregate));
            self.time.fired = window.max_timestamp();
        }
        self.time.fired = watermark;
        self.time.drop_closed(&mut self.slices);
        Ok(Progress::Done)
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("slices", &mut self.slices);
    }
}
