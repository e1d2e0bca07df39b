//! `EndOfStreamTrigger`: fires when event time ends, which is when a bounded input has ended.

use super::{Trigger, TriggerContext, TriggerResult};
use tidegate_core::time::Timestamp;
use tidegate_core::timer::TimeDomain;

/// Fires once, at the final watermark.
#[derive(Clone, Copy, Debug)]
pub struct EndOfStreamTrigger;

impl<T> Trigger<T> for EndOfStreamTrigger {
    type State = ();

    fn on_element(
        &self,
        _: &T,
        _: Timestamp,
        (): &mut (),
        ctx: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        ctx.register_timer(TimeDomain::Event, Timestamp::MAX);
        TriggerResult::Continue
    }

    fn on_event_time(
        &self,
        at: Timestamp,
        (): &mut (),
        _: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        TriggerResult::fire_if(at == Timestamp::MAX)
    }

    fn can_merge(&self) -> bool {
        true
    }

    fn on_merge(&self, (): &mut (), ctx: &mut TriggerContext<'_>) {
        ctx.register_timer(TimeDomain::Event, Timestamp::MAX);
    }
}
