//! `DeltaTrigger`: fires when a record is far enough from the one that fired last.

use super::{Trigger, TriggerContext, TriggerResult};
use tidegate_core::state::Value;
use tidegate_core::time::Timestamp;

/// Fires when `delta(last, record)` is above the threshold, where `last` is the record it fired with,
/// or the first one of the window. Windows that merge cannot have it.
#[derive(Clone, Copy, Debug)]
pub struct DeltaTrigger<F> {
    threshold: f64,
    delta: F,
}

impl<F> DeltaTrigger<F> {
    /// Fires above `threshold` by the distance `delta(last, record)`.
    pub const fn new(threshold: f64, delta: F) -> Self {
        Self { threshold, delta }
    }
}

impl<T: Value, F> Trigger<T> for DeltaTrigger<F>
where
    F: Fn(&T, &T) -> f64 + Clone + Send + Sync + 'static,
{
    type State = Option<T>;

    fn on_element(
        &self,
        value: &T,
        _: Timestamp,
        last: &mut Option<T>,
        _: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        let fires = last.as_ref().map(|last| (self.delta)(last, value) > self.threshold);
        if fires != Some(false) {
            *last = Some(value.clone());
        }
        TriggerResult::fire_if(fires == Some(true))
    }

    fn is_blank(&self, last: &Option<T>) -> bool {
        last.is_none()
    }
}
