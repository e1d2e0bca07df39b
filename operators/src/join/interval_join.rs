//! `interval_join`: every pair of records with the same key whose event times lie within bounds of each
//! other.
//!
//! A left and a right record are a pair when `lower <= right.ts - left.ts <= upper`. The pair comes out
//! as soon as the second of them is there, with the later of both event times. A left record waits until
//! the watermark has come to `left.ts + max(upper, 0)`, a right one until `right.ts + max(-lower, 0)`;
//! no partner can come any more then. One that has had none comes out alone where the
//! [kind](JoinKind) of the join keeps its side, with the time at which that was certain: its own would be
//! late for whatever follows.
//!
//! A record at or below the watermark is late: it goes to a side output, and is counted as dropped where
//! none is connected. Of records that are not late, the same rows come out in whatever order they arrive
//! and however far the watermark lags behind.
//!
//! ```
//! use tidegate_core::{element::{Batch, Record}, key::Key};
//! use tidegate_core::operator::{BoxError, CoOperator, Context, Operator};
//! use tidegate_core::time::Timestamp;
//! use tidegate_operators::join::{Interval, IntervalJoin, JoinKind, Joined};
//!
//! // Payments, and receipts up to three milliseconds later.
//! let join = IntervalJoin::new(Interval::between(0, 3))?.kind(JoinKind::Full);
//! let mut join = join.into_operator(|payment: &u64| *payment, |receipt: &u64| *receipt);
//! let record = |value: u64, at| Record { value, timestamp: Timestamp(at), key_hash: value.stable_hash() };
//! let mut ctx = Context::new(16);
//! join.process(&mut Batch::new(vec![record(7, 10), record(8, 10)], vec![]), &mut ctx)?;
//! join.process_second(&mut Batch::new(vec![record(7, 13), record(8, 14)], vec![]), &mut ctx)?;
//! join.on_watermark(Timestamp(20), &mut ctx)?;
//! let rows: Vec<_> = ctx.take().iter().map(|row| (row.value, row.timestamp.millis())).collect();
//! assert_eq!(rows, [(Joined::Both(7, 7), 13), (Joined::Left(8), 13), (Joined::Right(8), 14)]);
//! # Ok::<(), BoxError>(())
//! ```

use super::bounds::{Interval, InvalidInterval};
use super::half::{LeftHalf, RightHalf};
use super::joined::{JoinKind, Joined};
use super::matcher::{KeyOf, Matcher, Rule};
use super::outer_join::Clock;
use tidegate_core::element::{Batch, Data};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, CoOperator, Context, Operator, OutputTag, Progress};
use tidegate_core::state::{StateVisitor, Value};
use tidegate_core::time::Timestamp;

/// What to join: event times within bounds of each other.
#[derive(Clone, Debug)]
pub struct IntervalJoin<L, R> {
    interval: Interval,
    kind: JoinKind,
    late_left: Option<OutputTag<L>>,
    late_right: Option<OutputTag<R>>,
}

impl<L, R> IntervalJoin<L, R> {
    /// An inner join of the pairs that lie in `interval`.
    ///
    /// # Errors
    /// When no pair can.
    pub fn new(interval: Interval) -> Result<Self, InvalidInterval> {
        let interval = interval.validate()?;
        Ok(Self { interval, kind: JoinKind::Inner, late_left: None, late_right: None })
    }

    /// Says whose records come out also when they stay alone.
    #[must_use]
    pub fn kind(mut self, kind: JoinKind) -> Self {
        self.kind = kind;
        self
    }

    /// Sends late records of the left side to `tag`.
    #[must_use]
    pub fn side_output_late_left(mut self, tag: OutputTag<L>) -> Self {
        self.late_left = Some(tag);
        self
    }

    /// Sends late records of the right side to `tag`.
    #[must_use]
    pub fn side_output_late_right(mut self, tag: OutputTag<R>) -> Self {
        self.late_right = Some(tag);
        self
    }
}

impl<L: Data + Value, R: Data + Value> IntervalJoin<L, R> {
    /// The operator, for streams that are keyed by `left_key` and `right_key`.
    pub fn into_operator<K: Key>(
        self,
        left_key: impl Fn(&L) -> K + Send + 'static,
        right_key: impl Fn(&R) -> K + Send + 'static,
    ) -> IntervalJoinOperator<K, L, R> {
        let rule = Rule {
            interval: self.interval,
            waits: self.interval.waits(),
            kind: self.kind,
            clock: Clock::EventTime,
            left_once: false,
            right_once: false,
        };
        let (left_key, right_key) = (Box::new(left_key), Box::new(right_key));
        IntervalJoinOperator { join: self, matcher: Matcher::new(rule), left_key, right_key }
    }
}

/// [`IntervalJoin`] as an operator.
pub struct IntervalJoinOperator<K, L, R> {
    join: IntervalJoin<L, R>,
    matcher: Matcher<K, L, R>,
    left_key: KeyOf<L, K>,
    right_key: KeyOf<R, K>,
}

impl<K: Key, L: Data + Value, R: Data + Value> Operator for IntervalJoinOperator<K, L, R> {
    type In = L;
    type Out = Joined<L, R>;

    fn open(&mut self, _: Timestamp) {
        self.matcher.open();
    }

    fn process(
        &mut self,
        input: &mut Batch<L>,
        ctx: &mut Context<Joined<L, R>>,
    ) -> Result<(), BoxError> {
        let late = self.join.late_left.as_ref();
        self.matcher.take::<LeftHalf<L, R>>(input, &self.left_key, late, ctx)
    }

    fn on_watermark(
        &mut self,
        watermark: Timestamp,
        ctx: &mut Context<Joined<L, R>>,
    ) -> Result<Progress, BoxError> {
        Ok(self.matcher.fire(watermark, ctx))
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        self.matcher.states(visitor);
    }
}

impl<K: Key, L: Data + Value, R: Data + Value> CoOperator for IntervalJoinOperator<K, L, R> {
    type Second = R;

    fn process_second(
        &mut self,
        input: &mut Batch<R>,
        ctx: &mut Context<Joined<L, R>>,
    ) -> Result<(), BoxError> {
        let late = self.join.late_right.as_ref();
        self.matcher.take::<RightHalf<L, R>>(input, &self.right_key, late, ctx)
    }
}
