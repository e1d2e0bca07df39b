//! The operators of the simulated jobs: small, honest users of state, timers and side outputs.
//!
//! Apart from the jobs, which only wire them. None of them keeps anything outside its states.

use super::model;
use super::record::{Item, Kind, WINDOW_MS, window_end};
use std::collections::VecDeque;
use tidegate_core::element::Batch;
use tidegate_core::operator::{BoxError, Context, Operator, OutputTag, Progress};
use tidegate_core::process::{KeyedContext, KeyedProcess, Timer};
use tidegate_core::state::handles::ValueState;
use tidegate_core::state::namespaced::NamespacedState;
use tidegate_core::state::ttl::{StateTtl, TtlMapState, TtlValueState, UpdateType};
use tidegate_core::state::{Keyed, StateVisitor};
use tidegate_core::time::Timestamp;
use tidegate_core::timer::TimeDomain;

/// Where late records go.
pub(crate) const LATE: OutputTag<Item> = OutputTag::new("late");

/// Copies odd records.
pub(crate) struct Copying;

impl Operator for Copying {
    type In = Item;
    type Out = Item;

    fn process(
        &mut self,
        input: &mut Batch<Item>,
        ctx: &mut Context<Item>,
    ) -> Result<(), BoxError> {
        while !ctx.is_full() {
            let Some(record) = input.take() else { break };
            for copy in model::copies(&record.value) {
                ctx.emit(copy, record.timestamp);
            }
        }
        Ok(())
    }
}

/// When the total of a key is emitted: nothing is later but the end of event time.
const END: Timestamp = Timestamp(i64::MAX - 1);

/// Counts the records of each key, and those of each window of each key.
#[derive(Default)]
pub(crate) struct Counting {
    counts: ValueState<u32, i64>,
    /// End, count and sum of ids of the windows of a key that have not fired.
    windows: ValueState<u32, Vec<(i64, i64, u64)>>,
    /// Set by a processing-time timer: nothing that the output shows.
    touched: ValueState<u32, bool>,
}

impl KeyedProcess for Counting {
    type Key = u32;
    type In = Item;
    type Out = Item;

    fn process(
        &mut self,
        key: Keyed<'_, u32>,
        value: Item,
        ctx: &mut KeyedContext<'_, u32, Item>,
    ) -> Result<(), BoxError> {
        let count = self.counts.get_or_insert_with(key, || 0);
        *count += 1;
        ctx.emit(Item { kind: Kind::Counted, id: 0, at: 0, n: *count, ..value });
        let end = window_end(value.at);
        let windows = self.windows.get_or_insert_with(key, Vec::new);
        match windows.iter_mut().find(|(at, ..)| *at == end) {
            Some((_, n, id)) => (*n, *id) = (*n + 1, id.wrapping_add(value.id)),
            None => windows.push((end, 1, value.id)),
        }
        ctx.register_timer(TimeDomain::Event, Timestamp(end - 1));
        ctx.register_timer(TimeDomain::Event, END);
        if value.id.is_multiple_of(3) {
            let at = ctx.processing_time().plus(WINDOW_MS);
            ctx.register_timer(TimeDomain::Processing, at);
        } else if value.id.is_multiple_of(5) {
            self.touched.remove(key);
        }
        Ok(())
    }

    fn on_timer(
        &mut self,
        key: Keyed<'_, u32>,
        timer: Timer,
        ctx: &mut KeyedContext<'_, u32, Item>,
    ) -> Result<(), BoxError> {
        let row = |kind, id, at, n| Item { kind, key: *key.key, id, at, n };
        if timer.domain == TimeDomain::Processing {
            self.touched.set(key, true);
            return Ok(());
        }
        if timer.at == END {
            let total = self.counts.remove(key).unwrap_or(0);
            ctx.emit(row(Kind::Total, 0, 0, total));
            return Ok(());
        }
        let end = timer.at.millis() + 1;
        let Some(windows) = self.windows.get_mut(key) else { return Ok(()) };
        if let Some(at) = windows.iter().position(|(at, ..)| *at == end) {
            let (_, n, id) = windows.swap_remove(at);
            ctx.emit(row(Kind::Window, id, end, n));
        }
        if windows.is_empty() {
            self.windows.remove(key);
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("counts", &mut self.counts);
        visitor.keyed("windows", &mut self.windows);
        visitor.keyed("touched", &mut self.touched);
    }
}

/// Collects the records of a window and emits them one by one when it fires.
#[derive(Default)]
pub(crate) struct Windows {
    open: NamespacedState<i64, u32, Vec<u64>>,
    /// What a firing has yet to emit. A barrier waits until it is empty, so it is no state.
    firing: VecDeque<Item>,
}

impl Operator for Windows {
    type In = Item;
    type Out = Item;

    fn process(
        &mut self,
        input: &mut Batch<Item>,
        ctx: &mut Context<Item>,
    ) -> Result<(), BoxError> {
        while let Some(record) = input.take() {
            let end = window_end(record.value.at);
            if ctx.watermark() >= Timestamp(end - 1) {
                let late = Item { kind: Kind::Late, ..record.value };
                ctx.late(Some(&LATE), late, record.timestamp);
                continue;
            }
            let key = Keyed { key: &record.value.key, hash: record.key_hash };
            let table = self.open.table_mut(end);
            table.get_or_insert_with(key, Vec::new).push(record.value.id);
        }
        Ok(())
    }

    fn on_watermark(
        &mut self,
        watermark: Timestamp,
        ctx: &mut Context<Item>,
    ) -> Result<Progress, BoxError> {
        while let Some(&end) = self.open.first().filter(|end| watermark >= Timestamp(**end - 1)) {
            let mut rows = Vec::new();
            for (_, table) in self.open.range(end..=end) {
                for (&key, ids) in table.iter() {
                    let (at, n) = (end, watermark.millis());
                    let row = |&id| Item { kind: Kind::Fired, key, id, at, n };
                    rows.extend(ids.iter().map(row));
                }
            }
            rows.sort_unstable();
            self.firing.extend(rows);
            self.open.drop_namespace(&end);
        }
        while !ctx.is_full() {
            let Some(row) = self.firing.pop_front() else { return Ok(Progress::Done) };
            ctx.emit(row, Timestamp(row.at - 1));
        }
        Ok(Progress::More)
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("open", &mut self.open);
    }
}

/// Longer than any history.
const LONG: StateTtl = StateTtl::new(1_000_000_000);
/// So short that most of it expires.
const SHORT: StateTtl = StateTtl::new(30).update(UpdateType::OnReadAndWrite);

/// Counts the records of each key in state that lives longer than the history, beside state that does
/// not.
pub(crate) struct Remembering {
    counts: TtlValueState<u32, i64>,
    recent: TtlMapState<u32, u64, i64>,
}

impl Default for Remembering {
    fn default() -> Self {
        Self { counts: TtlValueState::new(LONG), recent: TtlMapState::new(SHORT) }
    }
}

impl KeyedProcess for Remembering {
    type Key = u32;
    type In = Item;
    type Out = Item;

    fn process(
        &mut self,
        key: Keyed<'_, u32>,
        value: Item,
        ctx: &mut KeyedContext<'_, u32, Item>,
    ) -> Result<(), BoxError> {
        let now = ctx.processing_time();
        let n = *self.counts.update(key, now, || 0, |count| *count += 1);
        self.recent.insert(key, value.id % 7, n, now);
        if self.recent.get(key, &(value.id % 5), now).is_some_and(|recent| *recent > n) {
            return Err("what was written last is read first".into());
        }
        ctx.emit(Item { kind: Kind::Counted, id: 0, at: 0, n, ..value });
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("counts", &mut self.counts);
        visitor.keyed("recent", &mut self.recent);
    }
}
