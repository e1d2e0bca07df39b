//! `NeverTrigger`: the default of global windows, of which nobody has said yet when they fire.

use super::{Trigger, TriggerContext, TriggerResult};
use tidegate_core::time::Timestamp;

/// Never fires.
#[derive(Clone, Copy, Debug)]
pub struct NeverTrigger;

impl<T> Trigger<T> for NeverTrigger {
    type State = ();

    fn on_element(
        &self,
        _: &T,
        _: Timestamp,
        (): &mut (),
        _: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        TriggerResult::Continue
    }

    fn can_merge(&self) -> bool {
        true
    }
}
