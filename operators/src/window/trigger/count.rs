//! `CountTrigger`: fires with every so many records.

use super::{Trigger, TriggerContext, TriggerResult};
use tidegate_core::time::Timestamp;

/// Fires when `0` records have come since it last fired. A count of 0 fires with each record.
///
/// Windows that merge add their counts up; if that is enough, the next record fires.
#[derive(Clone, Copy, Debug)]
pub struct CountTrigger(pub u64);

impl<T> Trigger<T> for CountTrigger {
    type State = u64;

    #[inline]
    fn on_element(
        &self,
        _: &T,
        _: Timestamp,
        count: &mut u64,
        _: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        *count += 1;
        let enough = *count >= self.0;
        if enough {
            *count = 0;
        }
        TriggerResult::fire_if(enough)
    }

    fn can_merge(&self) -> bool {
        true
    }

    fn merge(&self, count: &mut u64, other: &u64) {
        *count += other;
    }

    fn is_blank(&self, count: &u64) -> bool {
        *count == 0
    }
}
