//! `EventTimeTrigger`: fires when the watermark reaches the window's last millisecond; the default of
//! all event-time windows.

use super::{Trigger, TriggerContext, TriggerResult};
use tidegate_core::time::Timestamp;
use tidegate_core::timer::TimeDomain;

/// Fires at the end of the window, and from then on with each late record.
#[derive(Clone, Copy, Debug)]
pub struct EventTimeTrigger;

impl<T> Trigger<T> for EventTimeTrigger {
    type State = ();

    #[inline]
    fn on_element(
        &self,
        _: &T,
        _: Timestamp,
        (): &mut (),
        ctx: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        let end = ctx.window().max_timestamp();
        if end <= ctx.watermark() {
            return TriggerResult::Fire;
        }
        ctx.register_timer(TimeDomain::Event, end);
        TriggerResult::Continue
    }

    fn on_event_time(
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

    /// A window that the watermark has passed fires by the record that has merged it, not once more.
    #[inline]
    fn on_merge(&self, (): &mut (), ctx: &mut TriggerContext<'_>) {
        let end = ctx.window().max_timestamp();
        if end > ctx.watermark() {
            ctx.register_timer(TimeDomain::Event, end);
        }
    }
}
