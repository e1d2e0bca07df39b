//! The general window operator: each window of each key keeps what is its own.
//!
//! It computes every window there is, also those that cannot be put together from slices: sessions,
//! windows of the wall clock, windows that fire early or by count, that evict, or that need their
//! records one by one. What a window consists of stands in [`super::pane`]; all windows of a key stand
//! in one entry of the state, so a record costs one look-up.
//!
//! The semantics are those of Flink's `WindowOperator`:
//! - a record goes to each of its windows that is not late and asks the trigger there; the window
//!   fires or is purged as the trigger says. Purging drops the contents, not the window;
//! - a window is late when the watermark has reached its last millisecond plus the allowed lateness.
//!   At that moment it is forgotten with its trigger state and its timers, after the trigger has been
//!   asked for the last time; a window of the wall clock goes with its last millisecond;
//! - a record that all its windows are late for goes to the late output; one that has no window is
//!   counted as dropped, unless it is late by the same measure;
//! - windows that merge become one when they touch, before the record is added. The trigger merges
//!   its states and registers its timers anew;
//! - results carry the window's last millisecond.
//!
//! The wall clock reaches a moment when the millisecond is over: while it shows the last one of a
//! window, records for it may still come, and the window would fire twice.
//!
//! Time moves timer by timer, over all keys in order; rows that do not fit into the output wait, and
//! nothing else is taken meanwhile.

use super::contents::Contents;
use super::keyed_windows::KeyedWindows;
use crate::window::assigner::WindowAssigner;
use crate::window::time_window::TimeWindow;
use crate::window::trigger::Trigger;
use tidegate_core::element::{Batch, Data, Record};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, Context, Operator, OutputTag, Progress};
use tidegate_core::state::{Keyed, StateVisitor};
use tidegate_core::time::Timestamp;
use tidegate_core::timer::TimeDomain;

/// A record that was given no event time.
const NO_TIMESTAMP: &str = "a record without a timestamp belongs to no event-time window: assign \
    timestamps at the source, before the window";

/// Windows assigned by `W` over a stream of `T` that is keyed by what `F` reads, kept in `S`.
pub(crate) struct WindowOperator<T, W, F, S> {
    pub(crate) assigner: W,
    pub(crate) key: F,
    pub(crate) late: Option<OutputTag<T>>,
    pub(crate) windows: S,
    /// The windows of the record at hand.
    pub(crate) assigned: Vec<TimeWindow>,
}

/// A record that no window takes.
pub(crate) struct Refused<T> {
    pub(crate) value: T,
    pub(crate) timestamp: Timestamp,
    /// Whether it is late for all its windows, not merely outside of all.
    pub(crate) is_late: bool,
}

impl<K, T, U, W, G, C, F> WindowOperator<T, W, F, KeyedWindows<K, T, U, G, C>>
where
    K: Key,
    T: Data,
    U: Data,
    W: WindowAssigner<T>,
    G: Trigger<T>,
    C: Contents<K, T, U>,
    F: Fn(&T) -> K + Send + 'static,
{
    /// Adds a record to its windows, or gives it back.
    ///
    /// # Errors
    /// When it has no event time, or windows merge into one that is late.
    pub(crate) fn admit(
        &mut self,
        record: Record<T>,
        ctx: &mut Context<U>,
    ) -> Result<Option<Refused<T>>, BoxError> {
        let Record { value, timestamp, key_hash } = record;
        let (rules, watermark) = (self.windows.evaluator.rules, ctx.watermark());
        if timestamp == Timestamp::MIN && rules.domain == TimeDomain::Event {
            return Err(NO_TIMESTAMP.into());
        }
        self.assigned.clear();
        self.assigner.assign(&value, timestamp, ctx.processing_time(), &mut self.assigned);
        if rules.merges {
            debug_assert_eq!(self.assigned.len(), 1, "windows that merge come one by one");
        } else {
            self.assigned.retain(|window| !rules.is_late(*window, watermark));
        }
        let refused = if self.assigned.is_empty() {
            Some(value)
        } else {
            let key = (self.key)(&value);
            debug_assert_eq!(
                key_hash,
                key.stable_hash(),
                "the stream is keyed by the window's key"
            );
            let at = Keyed { key: &key, hash: key_hash };
            self.windows.add(at, &self.assigned, value, timestamp, ctx)?
        };
        let is_late = rules.is_record_late(timestamp, watermark);
        Ok(refused.map(|value| Refused { value, timestamp, is_late }))
    }
}

impl<K, T, U, W, G, C, F> Operator for WindowOperator<T, W, F, KeyedWindows<K, T, U, G, C>>
where
    K: Key,
    T: Data,
    U: Data,
    W: WindowAssigner<T>,
    G: Trigger<T>,
    C: Contents<K, T, U>,
    F: Fn(&T) -> K + Send + 'static,
{
    type In = T;
    type Out = U;

    fn open(&mut self, _: Timestamp) {
        self.windows.open();
    }

    fn process(&mut self, input: &mut Batch<T>, ctx: &mut Context<U>) -> Result<(), BoxError> {
        while self.windows.evaluator.drain(ctx) == Progress::Done {
            input.finish();
            if ctx.is_full() {
                break;
            }
            self.windows.fetch(input.upcoming());
            let Some(record) = input.begin() else { break };
            match self.admit(record, ctx)? {
                Some(Refused { value, timestamp, is_late: true }) => {
                    ctx.late(self.late.as_ref(), value, timestamp);
                }
                Some(_) => ctx.count_dropped(),
                None => {}
            }
        }
        Ok(())
    }

    fn on_watermark(
        &mut self,
        watermark: Timestamp,
        ctx: &mut Context<U>,
    ) -> Result<Progress, BoxError> {
        Ok(self.windows.advance(TimeDomain::Event, watermark, ctx))
    }

    fn on_processing_time(
        &mut self,
        now: Timestamp,
        ctx: &mut Context<U>,
    ) -> Result<Progress, BoxError> {
        Ok(self.windows.advance(TimeDomain::Processing, now.minus(1), ctx))
    }

    fn next_processing_timer(&self) -> Option<Timestamp> {
        self.windows.next_due(TimeDomain::Processing).map(|due| due.plus(1))
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("windows", &mut self.windows.panes);
    }
}
