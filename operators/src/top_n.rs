//! `top_n`: the n greatest results of each window, ranked.
//!
//! A window's results carry its last millisecond as their event time and arrive before the watermark
//! that reaches it, so an event-time timer at that millisecond fires when all of them are in. Meanwhile
//! only the n best are kept: state is bounded by n per window, however many keys there are.
//!
//! *Late results.* Where the window before allows lateness, a key's result may come again, updated. It
//! replaces the key's row; once the ranking is out, the ranks whose row has changed are emitted again,
//! so whoever keeps rows by (window, rank) is up to date. That is exact as long as an updated result
//! ranks no lower than the one it replaces, as with counts, maxima and sums of what is not negative:
//! a row once pushed out then stays out. A result that falls may leave a row in the ranking whose
//! better was forgotten; that is the price of bounded state. Without lateness the ranking is exact.
//!
//! ```
//! use tidegate_core::{element::{Batch, Record}, key::Key, operator::{Context, Operator}};
//! use tidegate_core::time::Timestamp;
//! use tidegate_operators::{top_n::TopN, window::{TimeWindow, Windowed}};
//!
//! let window = TimeWindow { start: Timestamp(0), end: Timestamp(10) };
//! let counted = [(7, 3), (10, 5), (9, 5)].map(|(key, value)| Record {
//!     value: Windowed { key, window, value },
//!     timestamp: window.max_timestamp(),
//!     key_hash: window.stable_hash(),
//! });
//! // Among items with equal counts, the first by its id as text.
//! let mut hottest = TopN::new(2, |item: &u64| item.to_string()).into_operator();
//! let mut ctx = Context::new(16);
//! hottest.process(&mut Batch::new(counted.into(), vec![]), &mut ctx)?;
//! hottest.on_watermark(window.max_timestamp(), &mut ctx)?;
//! let rows: Vec<(u32, u64)> = ctx.take().iter().map(|r| (r.value.rank, r.value.key)).collect();
//! assert_eq!(rows, [(1, 10), (2, 9)]);
//! # Ok::<(), tidegate_core::operator::BoxError>(())
//! ```

use crate::window::{TimeWindow, Windowed};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use tidegate_core::element::Data;
use tidegate_core::operator::{BoxError, OutputTag};
use tidegate_core::process::{KeyedContext, KeyedProcess, KeyedProcessOperator, Timer};
use tidegate_core::state::handles::ValueState;
use tidegate_core::state::{Keyed, StateVisitor, Value};
use tidegate_core::time::Timestamp;
use tidegate_core::timer::TimeDomain;

/// A row of a window's ranking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranked<K, V> {
    /// The window.
    pub window: TimeWindow,
    /// From 1.
    pub rank: u32,
    /// The key.
    pub key: K,
    /// The result that is ranked.
    pub value: V,
}

/// Ranks the results of each window by value, the greatest first; `F` orders keys of equal value.
pub struct TopN<K, V, F> {
    n: usize,
    tie: F,
    allowed_lateness_ms: i64,
    late: Option<OutputTag<Windowed<K, V>>>,
    /// The n best of each window so far, best first.
    best: ValueState<TimeWindow, Vec<(K, V)>>,
}

/// [`TopN`] as an operator over a stream that is keyed by window.
pub type TopNOperator<K, V, F> =
    KeyedProcessOperator<TopN<K, V, F>, fn(&Windowed<K, V>) -> TimeWindow>;

impl<K, V, T: Ord, F: Fn(&K) -> T> TopN<K, V, F> {
    /// Ranks the `n` greatest; among equal values the key comes first for which `tie` is least.
    pub fn new(n: usize, tie: F) -> Self {
        Self { n, tie, allowed_lateness_ms: 0, late: None, best: ValueState::default() }
    }

    /// Keeps a ranking for updated results until the watermark has gone so far past its window; give
    /// what the window before allows.
    #[must_use]
    pub fn allowed_lateness(mut self, allowed_lateness_ms: i64) -> Self {
        self.allowed_lateness_ms = allowed_lateness_ms.max(0);
        self
    }

    /// Sends results that come when their ranking is gone to `tag`.
    #[must_use]
    pub fn side_output_late(mut self, tag: OutputTag<Windowed<K, V>>) -> Self {
        self.late = Some(tag);
        self
    }

    /// The operator, for a stream that is keyed by window.
    pub fn into_operator(self) -> TopNOperator<K, V, F>
    where
        Self: KeyedProcess<Key = TimeWindow, In = Windowed<K, V>>,
    {
        KeyedProcessOperator::new(self, |row| row.window)
    }

    fn closes_at(&self, window: TimeWindow) -> Timestamp {
        window.max_timestamp().plus(self.allowed_lateness_ms)
    }
}

/// The order of a ranking: whether `left` comes before `right`.
fn order<K, V: Ord, T: Ord>(tie: impl Fn(&K) -> T, left: (&K, &V), right: (&K, &V)) -> Ordering {
    right.1.cmp(left.1).then_with(|| tie(left.0).cmp(&tie(right.0)))
}

impl<K, V, T, F> TopN<K, V, F>
where
    K: Value + Sync + Eq,
    V: Value + Sync + Ord,
    T: Ord,
    F: Fn(&K) -> T,
{
    /// Puts a row in its place, and returns from where to where the ranking has changed.
    fn rank(&mut self, at: Keyed<'_, TimeWindow>, key: K, value: V) -> std::ops::Range<usize> {
        let place = |rows: &[(K, V)]| {
            rows.partition_point(|(k, v)| order(&self.tie, (k, v), (&key, &value)).is_lt())
        };
        let rows = self.best.get(at).map_or(&[][..], Vec::as_slice);
        let old = rows.iter().position(|(k, _)| *k == key);
        let stays_out = old.is_none() && rows.len() >= self.n && place(rows) >= self.n;
        if stays_out || old.is_some_and(|old| rows[old].1 == value) {
            return 0..0;
        }
        let rows = self.best.get_or_insert_with(at, Vec::new);
        if let Some(old) = old {
            rows.remove(old);
        }
        let new = place(rows);
        rows.insert(new, (key, value));
        rows.truncate(self.n);
        let last = old.unwrap_or(rows.len() - 1);
        new.min(last)..new.max(last) + 1
    }

    fn emit(
        &self,
        at: Keyed<'_, TimeWindow>,
        ranks: std::ops::Range<usize>,
        ctx: &mut KeyedContext<'_, TimeWindow, Ranked<K, V>>,
    ) {
        let rows = self.best.get(at).and_then(|rows| rows.get(ranks.clone())).unwrap_or_default();
        for (rank, (key, value)) in (ranks.start as u32 + 1..).zip(rows) {
            let (key, value) = (key.clone(), value.clone());
            ctx.emit_at(Ranked { window: *at.key, rank, key, value }, at.key.max_timestamp());
        }
    }
}

impl<K, V, T, F> KeyedProcess for TopN<K, V, F>
where
    K: Value + Sync + Eq + Data,
    V: Value + Sync + Ord + Data,
    T: Ord,
    F: Fn(&K) -> T + Send + 'static,
{
    type Key = TimeWindow;
    type In = Windowed<K, V>;
    type Out = Ranked<K, V>;

    fn process(
        &mut self,
        at: Keyed<'_, TimeWindow>,
        row: Windowed<K, V>,
        ctx: &mut KeyedContext<'_, TimeWindow, Ranked<K, V>>,
    ) -> Result<(), BoxError> {
        let closes_at = self.closes_at(row.window);
        if closes_at <= ctx.watermark() {
            ctx.late(self.late.as_ref(), row);
            return Ok(());
        }
        if self.n == 0 {
            return Ok(());
        }
        let fires_at = row.window.max_timestamp();
        if self.best.get(at).is_none() {
            // With the first of its rows the window gets its timers.
            ctx.register_timer(TimeDomain::Event, fires_at);
            ctx.register_timer(TimeDomain::Event, closes_at);
        }
        let changed = self.rank(at, row.key, row.value);
        if fires_at <= ctx.watermark() {
            self.emit(at, changed, ctx);
        }
        Ok(())
    }

    fn on_timer(
        &mut self,
        at: Keyed<'_, TimeWindow>,
        timer: Timer,
        ctx: &mut KeyedContext<'_, TimeWindow, Ranked<K, V>>,
    ) -> Result<(), BoxError> {
        if timer.at == at.key.max_timestamp() {
            self.emit(at, 0..self.best.get(at).map_or(0, Vec::len), ctx);
        }
        if timer.at == self.closes_at(*at.key) {
            self.best.remove(at);
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("best", &mut self.best);
    }
}
