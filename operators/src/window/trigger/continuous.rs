//! Continuous triggers: early results at every multiple of an interval, while the window is open.

use super::{Trigger, TriggerContext, TriggerResult};
use tidegate_core::time::Timestamp;
use tidegate_core::timer::TimeDomain;

/// When the window fires next, by the clock of the trigger.
type NextFire = Option<Timestamp>;

fn merge_earlier(next: &mut NextFire, other: NextFire) {
    *next = [*next, other].into_iter().flatten().min();
}

/// The first multiple of `interval_ms` behind `at`.
const fn multiple_behind(at: Timestamp, interval_ms: i64) -> Timestamp {
    at.plus(interval_ms - at.0.rem_euclid(interval_ms))
}

/// Fires whenever the watermark passes a multiple of an interval of event time, at the end of the
/// window, and from then on with each late record.
#[derive(Clone, Copy, Debug)]
pub struct ContinuousEventTimeTrigger {
    interval_ms: i64,
}

impl ContinuousEventTimeTrigger {
    /// Fires every `interval_ms`, which is taken as 1 if it is less.
    #[must_use]
    pub const fn every(interval_ms: i64) -> Self {
        Self { interval_ms: if interval_ms < 1 { 1 } else { interval_ms } }
    }
}

impl<T> Trigger<T> for ContinuousEventTimeTrigger {
    type State = NextFire;

    fn on_element(
        &self,
        _: &T,
        timestamp: Timestamp,
        next: &mut NextFire,
        ctx: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        let end = ctx.window().max_timestamp();
        if end <= ctx.watermark() {
            return TriggerResult::Fire;
        }
        ctx.register_timer(TimeDomain::Event, end);
        if next.is_none() {
            let at = multiple_behind(timestamp, self.interval_ms).min(end);
            ctx.register_timer(TimeDomain::Event, at);
            *next = Some(at);
        }
        TriggerResult::Continue
    }

    fn on_event_time(
        &self,
        at: Timestamp,
        next: &mut NextFire,
        ctx: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        let end = ctx.window().max_timestamp();
        if at == end {
            return TriggerResult::Fire;
        }
        if *next != Some(at) {
            return TriggerResult::Continue;
        }
        let behind = at.plus(self.interval_ms).min(end);
        ctx.register_timer(TimeDomain::Event, behind);
        *next = Some(behind);
        TriggerResult::Fire
    }

    fn can_merge(&self) -> bool {
        true
    }

    fn merge(&self, next: &mut NextFire, other: &NextFire) {
        merge_earlier(next, *other);
    }

    fn on_merge(&self, next: &mut NextFire, ctx: &mut TriggerContext<'_>) {
        if let Some(at) = *next {
            ctx.register_timer(TimeDomain::Event, at);
        }
    }

    fn is_blank(&self, next: &NextFire) -> bool {
        next.is_none()
    }
}

/// Fires whenever the wall clock passes a multiple of an interval, as long as the window is there. A
/// processing-time window also fires at its end; an event-time window does not.
#[derive(Clone, Copy, Debug)]
pub struct ContinuousProcessingTimeTrigger {
    interval_ms: i64,
}

impl ContinuousProcessingTimeTrigger {
    /// Fires every `interval_ms`, which is taken as 1 if it is less.
    #[must_use]
    pub const fn every(interval_ms: i64) -> Self {
        Self { interval_ms: if interval_ms < 1 { 1 } else { interval_ms } }
    }

    /// Registers `next`, but not past the window's end. An end that comes before `least` is one of
    /// event time, which lags behind, and says nothing about the clock.
    fn register(next: Timestamp, least: Timestamp, ctx: &mut TriggerContext<'_>) -> NextFire {
        let end = ctx.window().max_timestamp();
        let next = if end >= least { next.min(end) } else { next };
        ctx.register_timer(TimeDomain::Processing, next);
        Some(next)
    }
}

impl<T> Trigger<T> for ContinuousProcessingTimeTrigger {
    type State = NextFire;

    fn on_element(
        &self,
        _: &T,
        _: Timestamp,
        next: &mut NextFire,
        ctx: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        if next.is_none() {
            let now = ctx.processing_time();
            *next = Self::register(multiple_behind(now, self.interval_ms), now, ctx);
        }
        TriggerResult::Continue
    }

    fn on_processing_time(
        &self,
        at: Timestamp,
        next: &mut NextFire,
        ctx: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        if *next != Some(at) {
            return TriggerResult::Continue;
        }
        *next = Self::register(at.plus(self.interval_ms), at.plus(1), ctx);
        TriggerResult::Fire
    }

    fn can_merge(&self) -> bool {
        true
    }

    fn merge(&self, next: &mut NextFire, other: &NextFire) {
        merge_earlier(next, *other);
    }

    fn on_merge(&self, next: &mut NextFire, ctx: &mut TriggerContext<'_>) {
        if let Some(at) = *next {
            ctx.register_timer(TimeDomain::Processing, at);
        }
    }

    fn is_blank(&self, next: &NextFire) -> bool {
        next.is_none()
    }
}
