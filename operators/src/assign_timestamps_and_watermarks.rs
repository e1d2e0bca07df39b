//! `assign_timestamps_and_watermarks`: makes event time anew in mid-stream.
//!
//! For records whose event time only shows once they are parsed. Watermarks are made per subtask, by
//! record position as at a source; those that come in end here, but for the last one. Where a source
//! can make event time itself it should: it knows its splits, and one that is read ahead does not make
//! the others late.
//!
//! ```
//! use tidegate_core::{element::{Batch, Record}, operator::{Context, Operator}, time::Timestamp};
//! use tidegate_core::{gate::valve::TimeEvent, watermark::WatermarkStrategy};
//! use tidegate_operators::assign_timestamps_and_watermarks::TimestampsAndWatermarks;
//!
//! let strategy = WatermarkStrategy::bounded_out_of_orderness(5).each_record();
//! let mut assign = TimestampsAndWatermarks::by(strategy, |n: &i64, _| Timestamp(*n));
//! let (mut ctx, record) = (Context::new(16), Record::new(21, Timestamp::MIN));
//! assign.process(&mut Batch::new(vec![record], vec![]), &mut ctx)?;
//! assert_eq!(ctx.take(), [Record::new(21, Timestamp(21))]);
//! assert_eq!(ctx.take_times(), [TimeEvent::Watermark(Timestamp(15))]);
//! # Ok::<(), tidegate_core::operator::BoxError>(())
//! ```

use std::marker::PhantomData;
use tidegate_core::codec::{self, DecodeError};
use tidegate_core::element::{Batch, Data, Record, Status};
use tidegate_core::operator::{BoxError, Context, Operator, Progress};
use tidegate_core::snapshot::Redistribution;
use tidegate_core::state::{OperatorState, StateVisitor};
use tidegate_core::time::Timestamp;
use tidegate_core::watermark::{StrategyGenerator, WatermarkGenerator, WatermarkStrategy};

/// The wall clock between the first look at a silent input and the second, in milliseconds: what
/// waited behind a full output comes in between.
const SECOND_LOOK_MS: i64 = 1;

/// Gives each record its event time, and makes watermarks by a generator. Stands alone in its chain.
pub struct TimestampsAndWatermarks<T, F, G> {
    timestamp: F,
    generator: G,
    /// The highest watermark emitted.
    emitted: Timestamp,
    progressive: bool,
    periodic: Option<Periodic>,
    idleness: Option<Idleness>,
    /// Whether what follows was told that nothing comes.
    idle: bool,
    of: PhantomData<fn(T)>,
}

/// When the generator is asked without a record.
struct Periodic {
    interval_ms: i64,
    /// `None` until the clock has been read.
    next: Option<Timestamp>,
}

/// When silence counts as idleness.
struct Idleness {
    after_ms: i64,
    /// When to look; `None` until the clock has been read.
    next: Option<Timestamp>,
    /// Whether this is the second look.
    silent: bool,
}

impl<T, F> TimestampsAndWatermarks<T, F, StrategyGenerator> {
    /// Watermarks by `strategy`; `timestamp` says the event time of a record, given the one it has.
    pub fn by(strategy: WatermarkStrategy, timestamp: F) -> Self {
        let idle_after_ms = strategy.idle_after_ms;
        let assign = Self::generated(StrategyGenerator::new(strategy), timestamp);
        match idle_after_ms {
            Some(millis) => assign.idle_after(millis),
            None => assign,
        }
    }
}

impl<T, F, G> TimestampsAndWatermarks<T, F, G> {
    /// Watermarks by a generator of the user's own.
    pub const fn generated(generator: G, timestamp: F) -> Self {
        Self {
            timestamp,
            generator,
            emitted: Timestamp::MIN,
            progressive: true,
            periodic: None,
            idleness: None,
            idle: false,
            of: PhantomData,
        }
    }

    /// No watermark but the final one: for bounded inputs that need no results before their end.
    #[must_use]
    pub const fn final_watermark_only(mut self) -> Self {
        self.progressive = false;
        self
    }

    /// Also asks the generator whenever `interval_ms` of the wall clock have passed
    /// ([`WatermarkGenerator::on_periodic_emit`]).
    ///
    /// A watermark made so depends on when it was made: a replay may make other records late. Prefer
    /// a generator that answers in [`WatermarkGenerator::on_event`].
    #[must_use]
    pub fn periodic(mut self, interval_ms: i64) -> Self {
        self.periodic = Some(Periodic { interval_ms: interval_ms.max(1), next: None });
        self
    }

    /// An input that is silent for `millis` of the wall clock does not hold event time back.
    #[must_use]
    pub fn idle_after(mut self, millis: i64) -> Self {
        self.idleness = Some(Idleness { after_ms: millis.max(1), next: None, silent: false });
        self
    }

    fn emit(&mut self, watermark: Option<Timestamp>, ctx: &mut Context<T>)
    where
        T: Data,
    {
        // The end of event time follows from the end of the data alone.
        let watermark = watermark.map(|watermark| watermark.min(Timestamp::MAX.minus(1)));
        if let Some(watermark) = watermark.filter(|at| self.progressive && *at > self.emitted) {
            self.emitted = watermark;
            ctx.emit_watermark(watermark);
        }
    }

    fn wake(&mut self, ctx: &mut Context<T>)
    where
        T: Data,
    {
        if let Some(Idleness { after_ms, next, silent }) = &mut self.idleness {
            *next = Some(ctx.processing_time().plus(*after_ms));
            *silent = false;
        }
        if std::mem::take(&mut self.idle) {
            ctx.emit_status(Status::Active);
        }
    }
}

impl Idleness {
    /// Looks at the clock; says whether the input has been silent for long enough.
    fn look(&mut self, now: Timestamp) -> bool {
        if self.next.is_some_and(|at| at > now) {
            return false;
        }
        if self.next.is_some() && self.silent {
            return true;
        }
        self.silent = self.next.is_some();
        let wait = if self.silent { SECOND_LOOK_MS } else { self.after_ms };
        self.next = Some(now.plus(wait));
        false
    }
}

impl<T, F, G> Operator for TimestampsAndWatermarks<T, F, G>
where
    T: Data,
    F: Fn(&T, Timestamp) -> Timestamp + Send + 'static,
    G: WatermarkGenerator<T>,
{
    type In = T;
    type Out = T;

    fn process(&mut self, input: &mut Batch<T>, ctx: &mut Context<T>) -> Result<(), BoxError> {
        if input.open() > 0 {
            self.wake(ctx);
        }
        for Record { value, timestamp, .. } in input.take_up_to(ctx.room()) {
            let at = (self.timestamp)(&value, timestamp);
            let watermark =
                if self.progressive { self.generator.on_event(&value, at) } else { None };
            ctx.emit(value, at);
            self.emit(watermark, ctx);
        }
        Ok(())
    }

    fn on_processing_time(
        &mut self,
        now: Timestamp,
        ctx: &mut Context<T>,
    ) -> Result<Progress, BoxError> {
        if let Some(Periodic { interval_ms, next }) = &mut self.periodic
            && next.is_none_or(|at| at <= now)
        {
            let asked = next.is_some();
            *next = Some(now.plus(*interval_ms));
            let watermark = if asked { self.generator.on_periodic_emit() } else { None };
            self.emit(watermark, ctx);
        }
        if !self.idle && self.idleness.as_mut().is_some_and(|idleness| idleness.look(now)) {
            self.idle = true;
            ctx.emit_status(Status::Idle);
        }
        Ok(Progress::Done)
    }

    fn next_processing_timer(&self) -> Option<Timestamp> {
        let periodic = self.periodic.as_ref().map(|periodic| periodic.next);
        let awake = self.idleness.as_ref().filter(|_| !self.idle);
        let idleness = awake.map(|idleness| idleness.next);
        // What has not read the clock yet wants to at once.
        let due = |next: Option<Timestamp>| next.unwrap_or(Timestamp::MIN);
        [periodic, idleness].into_iter().flatten().map(due).min()
    }

    fn makes_event_time(&self) -> bool {
        true
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        let Self { generator, emitted, idle, .. } = self;
        visitor.list("watermark", &mut Kept { generator, emitted, idle, of: PhantomData });
    }
}

/// What is kept of a subtask's event time. Dealt out when parallelism changes; whoever gets several
/// parts goes on from the one that was furthest behind.
struct Kept<'a, T, G> {
    generator: &'a mut G,
    emitted: &'a mut Timestamp,
    idle: &'a mut bool,
    of: PhantomData<fn(T)>,
}

impl<T, G: WatermarkGenerator<T>> OperatorState for Kept<'_, T, G> {
    fn redistribution(&self) -> Redistribution {
        Redistribution::Split
    }

    fn snapshot(&self) -> Vec<Vec<u8>> {
        vec![codec::to_cbor(&(*self.emitted, *self.idle, self.generator.state()))]
    }

    fn restore(&mut self, elements: &[Vec<u8>]) -> Result<(), DecodeError> {
        // Without a part of its own a subtask cannot know whether what follows believes it idle.
        *self.idle = true;
        let mut lowest: Option<(Timestamp, G::State)> = None;
        for element in elements {
            let (emitted, idle, state) = codec::from_cbor::<(Timestamp, bool, _)>(element)?;
            *self.idle &= idle;
            if lowest.as_ref().is_none_or(|(lowest, _)| emitted < *lowest) {
                lowest = Some((emitted, state));
            }
        }
        if let Some((emitted, state)) = lowest {
            *self.emitted = emitted;
            self.generator.restore(state);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::gate::valve::TimeEvent;

    #[test]
    fn silence_is_idleness_at_the_second_look_and_ends_before_the_next_record() {
        let strategy = WatermarkStrategy::monotonous().each_record().idle_after(10);
        let mut assign = TimestampsAndWatermarks::by(strategy, |n: &i64, _| Timestamp(*n));
        let mut ctx = Context::new(16);
        let mut tick = |assign: &mut TimestampsAndWatermarks<_, _, _>, now| {
            while assign.next_processing_timer().is_some_and(|due| due <= now) {
                ctx.set_time(Timestamp::MIN, now);
                assign.on_processing_time(now, &mut ctx).expect("no error");
            }
            ctx.take_times()
        };
        assert_eq!(tick(&mut assign, Timestamp(0)), []);
        assert_eq!(tick(&mut assign, Timestamp(10)), [], "what waits may come before the second");
        assert_eq!(tick(&mut assign, Timestamp(11)), [TimeEvent::Status(Status::Idle)]);
        assert_eq!(assign.next_processing_timer(), None);
        let mut record = Batch::new(vec![Record::new(5, Timestamp::MIN)], Vec::new());
        assign.process(&mut record, &mut ctx).expect("no error");
        let active = TimeEvent::Status(Status::Active);
        assert_eq!(ctx.take_times(), [active, TimeEvent::Watermark(Timestamp(4))]);
    }

    #[test]
    fn a_subtask_goes_on_from_the_part_that_was_furthest_behind() {
        let parts = [90, 20, 50].map(|at| {
            let mut assign = TimestampsAndWatermarks::by(
                WatermarkStrategy::monotonous().each_record(),
                |n: &i64, _| Timestamp(*n),
            );
            let mut record = Batch::new(vec![Record::new(at, Timestamp::MIN)], Vec::new());
            assign.process(&mut record, &mut Context::new(16)).expect("no error");
            let TimestampsAndWatermarks { generator, emitted, idle, .. } = &mut assign;
            let kept = Kept::<i64, _> { generator, emitted, idle, of: PhantomData };
            kept.snapshot().concat()
        });
        for (count, expected) in [(3, Timestamp(19)), (1, Timestamp(89)), (0, Timestamp::MIN)] {
            let generator = &mut StrategyGenerator::new(WatermarkStrategy::monotonous());
            let (emitted, idle) = (&mut Timestamp::MIN.clone(), &mut false);
            let mut kept = Kept::<i64, _> { generator, emitted, idle, of: PhantomData };
            kept.restore(&parts[..count]).expect("fits");
            assert_eq!((*kept.emitted, *kept.idle), (expected, count == 0));
        }
    }
}
