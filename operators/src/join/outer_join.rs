//! `join`: each side waits for the other for a while, and then comes out alone.
//!
//! The full outer join that is written again and again as a function over two streams with two states and
//! two timers; here it is ready, with what such functions forget. A left record waits `left_waits_ms` for
//! a right one, a right record `right_waits_ms` for a left one.
//!
//! *In event time* a left and a right record belong together when the later of them lies within the time
//! that the earlier one waits, to the millisecond: `-right_waits <= right.ts - left.ts <= left_waits`.
//! Whether the watermark lags makes no difference. A record at or below it is late: it goes to a side
//! output, and is counted as dropped where none is connected. *In processing time* a record belongs to
//! whatever still waits when it comes; nothing is late, and what has come out alone has no event time.
//! What waits when the input ends comes out then.
//!
//! How many partners a record may have is its [`Pairing`]. Where several would do, it is the first by time
//! of those that are there already; a [`super::Reconciliation`] waits until all are there.
//!
//! ```
//! use tidegate_core::{element::{Batch, Record}, key::Key};
//! use tidegate_core::operator::{BoxError, CoOperator, Context, Operator};
//! use tidegate_core::time::Timestamp;
//! use tidegate_operators::join::{Joined, OuterJoin};
//!
//! // An order waits 5 ms for its payment, a payment 3 ms for its order.
//! let join = OuterJoin::waiting(5, 3);
//! let mut join = join.into_operator(|order: &u64| *order, |payment: &u64| *payment);
//! let record = |value: u64, at| Record { value, timestamp: Timestamp(at), key_hash: value.stable_hash() };
//! let mut ctx = Context::new(16);
//! join.process(&mut Batch::new(vec![record(7, 10), record(8, 10)], vec![]), &mut ctx)?;
//! join.process_second(&mut Batch::new(vec![record(7, 15)], vec![]), &mut ctx)?;
//! join.on_watermark(Timestamp(15), &mut ctx)?;
//! let rows: Vec<_> = ctx.take().iter().map(|row| (row.value, row.timestamp.millis())).collect();
//! assert_eq!(rows, [(Joined::Both(7, 7), 15), (Joined::Left(8), 15)]);
//! # Ok::<(), BoxError>(())
//! ```

use super::bounds::Interval;
use super::buffer::Buffer;
use super::half::{LeftHalf, RightHalf};
use super::joined::{JoinKind, Joined};
use super::matcher::{KeyOf, Matcher, Rule};
use serde::{Deserialize, Serialize};
use tidegate_core::element::{Batch, Data};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, CoOperator, Context, Operator, OutputTag, Progress};
use tidegate_core::state::{StateVisitor, Value};
use tidegate_core::time::Timestamp;

/// The clock by which records wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Clock {
    /// From a record's event time until the watermark has come so far.
    #[default]
    EventTime,
    /// From a record's arrival, by the wall clock.
    ProcessingTime,
}

impl Clock {
    /// The event time of a pair: the later of both, as far as it is known.
    pub(super) fn pair_timestamp<T>(
        self,
        own: Timestamp,
        other: &Buffer<T>,
        position: usize,
    ) -> Timestamp {
        match self {
            Self::EventTime => other.get(position).map_or(own, |other| own.max(other.at)),
            // Who waits by the wall clock is not asked for its event time.
            Self::ProcessingTime => own,
        }
    }

    /// The event time of what comes out at `at` by this clock.
    pub(crate) const fn timer_timestamp(self, at: Timestamp) -> Timestamp {
        match self {
            Self::EventTime => at,
            Self::ProcessingTime => Timestamp::MIN,
        }
    }
}

/// How many partners a record may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pairing {
    /// One: the first match takes both.
    #[default]
    OneToOne,
    /// A left record has any number, a right one has one.
    OneToMany,
    /// A left record has one, a right one has any number.
    ManyToOne,
    /// Any number on either side.
    ManyToMany,
}

/// What to join: records that come within the time the other side waits.
#[derive(Clone, Debug)]
pub struct OuterJoin<L, R> {
    left_waits_ms: i64,
    right_waits_ms: i64,
    kind: JoinKind,
    pairing: Pairing,
    clock: Clock,
    late_left: Option<OutputTag<L>>,
    late_right: Option<OutputTag<R>>,
}

impl<L, R> OuterJoin<L, R> {
    /// A full outer join, one to one, in event time. A left record waits `left_waits_ms` for a right one,
    /// a right record `right_waits_ms` for a left one; less than nothing is nothing.
    #[must_use]
    pub fn waiting(left_waits_ms: i64, right_waits_ms: i64) -> Self {
        Self {
            left_waits_ms: left_waits_ms.max(0),
            right_waits_ms: right_waits_ms.max(0),
            kind: JoinKind::Full,
            pairing: Pairing::OneToOne,
            clock: Clock::EventTime,
            late_left: None,
            late_right: None,
        }
    }

    /// Says whose records come out also when they stay alone.
    #[must_use]
    pub fn kind(mut self, kind: JoinKind) -> Self {
        self.kind = kind;
        self
    }

    /// Says how many partners a record may have.
    #[must_use]
    pub fn pairing(mut self, pairing: Pairing) -> Self {
        self.pairing = pairing;
        self
    }

    /// Lets records wait by the wall clock, from their arrival.
    #[must_use]
    pub fn processing_time(mut self) -> Self {
        self.clock = Clock::ProcessingTime;
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

impl<L: Data + Value, R: Data + Value> OuterJoin<L, R> {
    /// The operator, for streams that are keyed by `left_key` and `right_key`.
    pub fn into_operator<K: Key>(
        self,
        left_key: impl Fn(&L) -> K + Send + 'static,
        right_key: impl Fn(&R) -> K + Send + 'static,
    ) -> OuterJoinOperator<K, L, R> {
        let interval = Interval::between(-self.right_waits_ms, self.left_waits_ms);
        let rule = Rule {
            interval,
            waits: interval.waits(),
            kind: self.kind,
            clock: self.clock,
            left_once: matches!(self.pairing, Pairing::OneToOne | Pairing::ManyToOne),
            right_once: matches!(self.pairing, Pairing::OneToOne | Pairing::OneToMany),
        };
        let (left_key, right_key) = (Box::new(left_key), Box::new(right_key));
        OuterJoinOperator { join: self, matcher: Matcher::new(rule), left_key, right_key }
    }
}

/// [`OuterJoin`] as an operator.
pub struct OuterJoinOperator<K, L, R> {
    join: OuterJoin<L, R>,
    matcher: Matcher<K, L, R>,
    left_key: KeyOf<L, K>,
    right_key: KeyOf<R, K>,
}

impl<K: Key, L: Data + Value, R: Data + Value> OuterJoinOperator<K, L, R> {
    fn fire(&mut self, clock: Clock, at: Timestamp, ctx: &mut Context<Joined<L, R>>) -> Progress {
        if self.join.clock == clock { self.matcher.fire(at, ctx) } else { Progress::Done }
    }
}

impl<K: Key, L: Data + Value, R: Data + Value> Operator for OuterJoinOperator<K, L, R> {
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
        Ok(self.fire(Clock::EventTime, watermark, ctx))
    }

    fn on_processing_time(
        &mut self,
        now: Timestamp,
        ctx: &mut Context<Joined<L, R>>,
    ) -> Result<Progress, BoxError> {
        Ok(self.fire(Clock::ProcessingTime, now, ctx))
    }

    fn next_processing_timer(&self) -> Option<Timestamp> {
        (self.join.clock == Clock::ProcessingTime).then(|| self.matcher.next_due()).flatten()
    }

    fn on_end(&mut self, ctx: &mut Context<Joined<L, R>>) -> Result<Progress, BoxError> {
        Ok(self.matcher.fire(Timestamp::MAX, ctx))
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        self.matcher.states(visitor);
    }
}

impl<K: Key, L: Data + Value, R: Data + Value> CoOperator for OuterJoinOperator<K, L, R> {
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
