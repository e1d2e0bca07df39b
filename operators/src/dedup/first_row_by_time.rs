//! `first_row_by_time`: of each key the row with the earliest event time.
//!
//! It comes out when the watermark has reached it, for then no earlier one is expected: nothing is ever
//! taken back, and the same rows come out in whatever order they arrive. Of equal times it is the row that
//! arrived first. A record at or below the watermark is late unless it repeats a row that is remembered: it
//! goes to a side output, and is counted as dropped where none is connected.
//!
//! What is retained for a time goes by event time: a row that is so much later than the one that was let
//! through is a first one again. Until the watermark has reached them, the rows that may be first are kept.
//!
//! ```
//! use tidegate_core::{element::{Batch, Record}, key::Key, process::KeyedProcessOperator};
//! use tidegate_core::{operator::{Context, Operator}, time::Timestamp};
//! use tidegate_operators::{Retain, dedup::FirstRowByTime};
//!
//! let first = FirstRowByTime::new(Retain::Forever);
//! let mut first = KeyedProcessOperator::new(first, |_: &char| 1u64);
//! let record = |(row, at)| Record { key_hash: 1u64.stable_hash(), ..Record::new(row, Timestamp(at)) };
//! let rows = [('b', 7), ('a', 5), ('c', 9)].map(record).to_vec();
//! let mut ctx = Context::new(16);
//! first.process(&mut Batch::new(rows, vec![]), &mut ctx)?;
//! first.on_watermark(Timestamp(9), &mut ctx)?;
//! assert!(ctx.take().iter().map(|row| row.value).eq(['a']));
//! # Ok::<(), tidegate_core::operator::BoxError>(())
//! ```

use crate::Retain;
use serde::{Deserialize, Serialize};
use tidegate_core::element::Data;
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, OutputTag};
use tidegate_core::process::{KeyedContext, KeyedProcess, Timer};
use tidegate_core::state::handles::ValueState;
use tidegate_core::state::{Keyed, StateVisitor, Value};
use tidegate_core::time::Timestamp;
use tidegate_core::timer::TimeDomain;

/// A record that was given no event time.
const NO_TIMESTAMP: &str = "a record without a timestamp is not first by time: assign timestamps at \
    the source, before the deduplication";

/// What is known of a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Seen<T> {
    /// The event time of the row that was let through last.
    first: Option<Timestamp>,
    /// Rows that may be first, in the order of their event times.
    waiting: Vec<(Timestamp, T)>,
}

/// Lets the first row of each key by event time through.
pub struct FirstRowByTime<K, T> {
    retain: Retain,
    late: Option<OutputTag<T>>,
    seen: ValueState<K, Seen<T>>,
}

impl<K: Key, T> FirstRowByTime<K, T> {
    /// `retain` says how much later than the first a row is first again.
    #[must_use]
    pub fn new(retain: Retain) -> Self {
        Self { retain, late: None, seen: ValueState::default() }
    }

    /// Sends late records to `tag`.
    #[must_use]
    pub fn side_output_late(mut self, tag: OutputTag<T>) -> Self {
        self.late = Some(tag);
        self
    }
}

impl<K: Key, T: Data + Value> FirstRowByTime<K, T> {
    /// Whether a row of `at` is a duplicate of the first one at `first`.
    fn repeats(&self, first: Timestamp, at: Timestamp) -> bool {
        self.retain.millis().is_none_or(|millis| at < first.plus(millis))
    }

    /// Keeps a row that may be first.
    fn wait(&mut self, key: Keyed<'_, K>, at: Timestamp, row: T, ctx: &mut KeyedContext<'_, K, T>) {
        let forever = self.retain == Retain::Forever;
        let seen = self.seen.get_or_insert_with(key, || Seen { first: None, waiting: Vec::new() });
        let place = seen.waiting.partition_point(|(other, _)| *other <= at);
        if forever {
            // One only can be first.
            if place > 0 {
                return;
            }
            if let Some((other, _)) = seen.waiting.pop() {
                ctx.delete_timer(TimeDomain::Event, other);
            }
        }
        seen.waiting.insert(place, (at, row));
        ctx.register_timer(TimeDomain::Event, at);
    }
}

impl<K: Key, T: Data + Value> KeyedProcess for FirstRowByTime<K, T> {
    type Key = K;
    type In = T;
    type Out = T;

    fn process(
        &mut self,
        key: Keyed<'_, K>,
        row: T,
        ctx: &mut KeyedContext<'_, K, T>,
    ) -> Result<(), BoxError> {
        let at = ctx.timestamp();
        if at == Timestamp::MIN {
            return Err(NO_TIMESTAMP.into());
        }
        let first = self.seen.get(key).and_then(|seen| seen.first);
        if first.is_some_and(|first| first <= at && self.repeats(first, at)) {
            return Ok(());
        }
        if at <= ctx.watermark() {
            ctx.late(self.late.as_ref(), row);
        } else {
            self.wait(key, at, row, ctx);
        }
        Ok(())
    }

    fn on_timer(
        &mut self,
        key: Keyed<'_, K>,
        timer: Timer,
        ctx: &mut KeyedContext<'_, K, T>,
    ) -> Result<(), BoxError> {
        let Some(mut seen) = self.seen.remove(key) else { return Ok(()) };
        let due = seen.waiting.partition_point(|(at, _)| *at <= timer.at);
        for (at, row) in seen.waiting.drain(..due) {
            if !seen.first.is_some_and(|first| self.repeats(first, at)) {
                seen.first = Some(at);
                ctx.emit_at(row, at);
                if let Some(millis) = self.retain.millis() {
                    ctx.register_timer(TimeDomain::Event, at.plus(millis));
                }
            }
        }
        seen.first = seen.first.filter(|first| self.repeats(*first, timer.at));
        if seen.first.is_some() || !seen.waiting.is_empty() {
            self.seen.set(key, seen);
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("seen", &mut self.seen);
    }
}
