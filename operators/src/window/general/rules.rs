//! The rules of time of one window operator: when a window goes, and what is late for it.

use crate::window::time_window::TimeWindow;
use tidegate_core::time::Timestamp;
use tidegate_core::timer::TimeDomain;

/// By which clock windows end, for how long they stay, and whether they merge.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) domain: TimeDomain,
    pub(crate) merges: bool,
    pub(crate) allowed_lateness_ms: i64,
}

impl Rules {
    /// When `window` is forgotten by the clock `domain`.
    #[inline]
    pub(crate) fn cleanup(&self, domain: TimeDomain, window: TimeWindow) -> Option<Timestamp> {
        let end = window.max_timestamp();
        match domain {
            _ if domain != self.domain => None,
            TimeDomain::Event => Some(end.plus(self.allowed_lateness_ms)),
            TimeDomain::Processing => (end < Timestamp::MAX).then_some(end),
        }
    }

    /// Whether `window` takes no more records.
    #[inline]
    pub(crate) fn is_late(&self, window: TimeWindow, watermark: Timestamp) -> bool {
        self.cleanup(TimeDomain::Event, window).is_some_and(|cleanup| cleanup <= watermark)
    }

    /// Whether a record that no window takes is late, not merely outside of all windows.
    pub(crate) fn is_record_late(&self, timestamp: Timestamp, watermark: Timestamp) -> bool {
        self.domain == TimeDomain::Event && timestamp.plus(self.allowed_lateness_ms) <= watermark
    }
}
