//! `PurgingTrigger`: another trigger, after whose firings the contents are dropped.

use super::{Trigger, TriggerContext, TriggerResult};
use tidegate_core::time::Timestamp;

/// Fires and purges when the inner trigger fires: each result then holds only what is new.
#[derive(Clone, Copy, Debug)]
pub struct PurgingTrigger<G>(pub G);

const fn purging(result: TriggerResult) -> TriggerResult {
    if result.fires() { TriggerResult::FireAndPurge } else { result }
}

impl<T, G: Trigger<T>> Trigger<T> for PurgingTrigger<G> {
    type State = G::State;

    #[inline]
    fn on_element(
        &self,
        value: &T,
        timestamp: Timestamp,
        state: &mut G::State,
        ctx: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        purging(self.0.on_element(value, timestamp, state, ctx))
    }

    fn on_event_time(
        &self,
        at: Timestamp,
        state: &mut G::State,
        ctx: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        purging(self.0.on_event_time(at, state, ctx))
    }

    fn on_processing_time(
        &self,
        at: Timestamp,
        state: &mut G::State,
        ctx: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        purging(self.0.on_processing_time(at, state, ctx))
    }

    fn can_merge(&self) -> bool {
        self.0.can_merge()
    }

    fn merge(&self, state: &mut G::State, other: &G::State) {
        self.0.merge(state, other);
    }

    fn on_merge(&self, state: &mut G::State, ctx: &mut TriggerContext<'_>) {
        self.0.on_merge(state, ctx);
    }

    fn is_blank(&self, state: &G::State) -> bool {
        self.0.is_blank(state)
    }
}
