//! `ProcessingTimeTrigger`: fires when the wall clock reaches the window's last millisecond; the
//! default of all processing-time windows.

use super::{Trigger, TriggerContext, TriggerResult};
use tidegate_core::time::Timestamp;
use tidegate_core::timer::TimeDomain;

/// Fires once, at the end of the window by the wall clock.
#[derive(Clone, Copy, Debug)]
pub struct ProcessingTimeTrigger;

impl<T> Trigger<T> for ProcessingTimeTrigger {
    type State = ();

    #[inline]
    fn on_element(
        &self,
        _: &T,
        _: Timestamp,
        (): &mut (),
        ctx: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        ctx.register_timer(TimeDomain::Processing, ctx.window().max_timestamp());
        TriggerResult::Continue
    }

    fn on_processing_time(
        &self,
        at: Timestamp,
        (): &mut (),
        ctx: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        TriggerResult::fire_if(at == ctx.window().max_timestamp())
    }

    fn can_merge(&self) -> bool {
        true
    }

    #[inline]
    fn on_merge(&self, (): &mut (), ctx: &mut TriggerContext<'_>) {
        ctx.register_timer(TimeDomain::Processing, ctx.window().max_timestamp());
    }
}
