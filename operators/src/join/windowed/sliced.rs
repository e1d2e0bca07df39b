//! Windows over two streams, kept slice by slice: a record stands once in the one slice that it falls
//! into, however many windows overlap there. One look-up per record, no timer per record or key.
//!
//! The same in time as [`crate::window::SlicedWindow`], whose clock it shares; apart from it because here
//! a slice holds the records themselves, and one key's part of a window may be more than an output holds.

use super::firing::{Firing, Refiring};
use super::function::GroupFunction;
use super::group::{Group, Slices, TOGETHER, fetch};
use crate::join::matcher::KeyOf;
use crate::join::windowed::bag::Bag;
use crate::window::{Fate, InvalidWindow, Slice, SliceTime, Window};
use tidegate_core::element::{Batch, Data};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, Context, OutputTag, Progress};
use tidegate_core::state::{Keyed, StateVisitor, Value};
use tidegate_core::time::Timestamp;

pub(super) struct SlicedGroups<K, L, R, P> {
    time: SliceTime,
    slices: Slices<K, L, R>,
    pub(super) function: P,
    firing: Option<Firing>,
    refiring: Option<Refiring<K>>,
    /// Keys in the newest slice that has fired: room for as many is made in a new one.
    keys: usize,
}

impl<K, L, R, P> SlicedGroups<K, L, R, P>
where
    K: Key,
    L: Data + Value,
    R: Data + Value,
    P: GroupFunction<K, L, R>,
{
    pub(super) fn new(window: Window, function: P) -> Result<Self, InvalidWindow> {
        let (time, slices) = (SliceTime::new(window)?, Slices::default());
        Ok(Self { time, slices, function, firing: None, refiring: None, keys: 0 })
    }

    pub(super) const fn open(&mut self, watermark: Timestamp) {
        self.time.fired = watermark;
    }

    pub(super) fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("slices", &mut self.slices);
    }

    /// Takes the records of the side that `side` picks.
    pub(super) fn take<T: Data>(
        &mut self,
        input: &mut Batch<T>,
        key: &KeyOf<T, K>,
        late: Option<&OutputTag<T>>,
        side: impl Fn(&mut Group<L, R>) -> &mut Bag<T>,
        ctx: &mut Context<P::Out>,
    ) -> Result<(), BoxError> {
        loop {
            if let Some(refiring) = &mut self.refiring {
                if refiring.emit(&self.slices, &mut self.function, ctx) == Progress::More {
                    return Ok(());
                }
                self.refiring = None;
                input.finish();
            }
            if ctx.is_full() {
                return Ok(());
            }
            let Some(next) = input.upcoming().first() else { return Ok(()) };
            let slice = self.time.slice_of(next.timestamp)?;
            if !self.time.is_behind(&slice) {
                self.take_run(&slice, input, key, &side);
                continue;
            }
            let Some(record) = input.begin() else { return Ok(()) };
            match self.time.fate(&slice, record.timestamp) {
                Fate::Taken => {
                    let key = key(&record.value);
                    let at = Keyed { key: &key, hash: record.key_hash };
                    let table = self.slices.table_mut(slice.end);
                    side(table.get_or_insert_with(at, Group::default)).push(record.value);
                    let windows = self.time.fired_windows(&slice);
                    self.refiring = Some(Refiring::begin(key, record.key_hash, windows));
                }
                Fate::Late => {
                    ctx.late(late, record.value, record.timestamp);
                    input.finish();
                }
                Fate::Outside => {
                    ctx.count_dropped();
                    input.finish();
                }
            }
        }
    }

    /// Takes what stands at the front of `input` in the same slice, of which no window has fired. The
    /// slice's table is looked up once.
    fn take_run<T: Data>(
        &mut self,
        slice: &Slice,
        input: &mut Batch<T>,
        key: &KeyOf<T, K>,
        side: impl Fn(&mut Group<L, R>) -> &mut Bag<T>,
    ) {
        let table = self.slices.table_mut(slice.end);
        if table.is_empty() {
            table.reserve(self.keys);
        }
        let in_slice = |input: &Batch<T>| {
            let next = &input.upcoming()[..TOGETHER.min(input.open())];
            next.iter().take_while(|record| slice.contains(record.timestamp)).count()
        };
        loop {
            let together = in_slice(input);
            fetch(table, &input.upcoming()[..together]);
            for record in input.take_up_to(together) {
                let key = key(&record.value);
                debug_assert_eq!(record.key_hash, key.stable_hash(), "the stream is keyed alike");
                let at = Keyed { key: &key, hash: record.key_hash };
                side(table.get_or_insert_with(at, Group::default)).push(record.value);
            }
            if together < TOGETHER {
                return;
            }
        }
    }

    /// Lets the windows fire that end at `watermark` or before.
    pub(super) fn fire(&mut self, watermark: Timestamp, ctx: &mut Context<P::Out>) -> Progress {
        loop {
            if let Some(firing) = &mut self.firing {
                if firing.emit(&self.slices, &mut self.function, ctx) == Progress::More {
                    return Progress::More;
                }
                self.firing = None;
            }
            let next = self.time.next_window(&self.slices);
            let Some(window) = next.filter(|next| next.max_timestamp() <= watermark) else { break };
            self.keys = self.slices.table(&window.end).map_or(self.keys, |table| table.len());
            self.firing = Some(Firing::begin(window, &self.slices));
            self.time.fired = window.max_timestamp();
        }
        self.time.fired = watermark;
        self.time.drop_closed(&mut self.slices);
        Progress::Done
    }
}
