//! Sessions: windows that grow with the records of a key until none comes for a while.
//!
//! Each record brings a window of its own, from its timestamp on; those of a key that touch become
//! one. [`Session`] has the same gap for all records; [`MergingWindows`] asks a function, for a gap or
//! for the whole window.
//!
//! ```
//! use tidegate_core::time::Timestamp;
//! use tidegate_operators::window::{MergingWindows, Session, TimeWindow};
//!
//! let visits = Session::with_gap(30 * 60_000);
//! let patient = MergingWindows::with_gap(|paying: &bool| if *paying { 3_600_000 } else { 60_000 });
//! let points = MergingWindows::new(|_: &u64, at| TimeWindow { start: at, end: at });
//! ```

use crate::window::WindowAssigner;
use crate::window::invalid::InvalidWindowing;
use crate::window::spec::Window;
use crate::window::time_window::TimeWindow;
use crate::window::trigger::EventTimeTrigger;
use tidegate_core::time::Timestamp;

/// Sessions with the same gap for all.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    gap_ms: i64,
}

impl Session {
    /// A session ends when no record has come for `gap_ms`.
    #[must_use]
    pub const fn with_gap(gap_ms: i64) -> Self {
        Self { gap_ms }
    }
}

impl<T> WindowAssigner<T> for Session {
    type Trigger = EventTimeTrigger;

    #[inline]
    fn assign(&mut self, _: &T, at: Timestamp, _: Timestamp, windows: &mut Vec<TimeWindow>) {
        windows.push(TimeWindow { start: at, end: at.plus(self.gap_ms) });
    }

    fn merges(&self) -> bool {
        true
    }

    fn default_trigger(&self) -> EventTimeTrigger {
        EventTimeTrigger
    }

    fn describe(&self) -> String {
        format!("session with a gap of {} ms", self.gap_ms)
    }

    fn validate(&self) -> Result<(), InvalidWindowing> {
        let possible = (1..=Window::LONGEST_MS).contains(&self.gap_ms);
        if possible { Ok(()) } else { Err(InvalidWindowing::Gap(self.gap_ms)) }
    }
}

/// Windows that merge where they touch, as a function of record and timestamp says.
#[derive(Clone, Copy, Debug)]
pub struct MergingWindows<F> {
    window: F,
}

impl<F> MergingWindows<F> {
    /// A record brings the window `window(record, timestamp)`.
    pub const fn new<T>(window: F) -> Self
    where
        F: Fn(&T, Timestamp) -> TimeWindow,
    {
        Self { window }
    }
}

impl MergingWindows<()> {
    /// A record brings a window of `gap(record)` milliseconds from its timestamp on; gaps below 1 count
    /// as 1.
    pub fn with_gap<T>(
        gap: impl Fn(&T) -> i64 + Clone + Send + Sync + 'static,
    ) -> MergingWindows<impl Fn(&T, Timestamp) -> TimeWindow + Clone + Send + Sync + 'static> {
        MergingWindows {
            window: move |value: &T, at: Timestamp| {
                let gap = gap(value).clamp(1, Window::LONGEST_MS);
                TimeWindow { start: at, end: at.plus(gap) }
            },
        }
    }
}

impl<T, F> WindowAssigner<T> for MergingWindows<F>
where
    F: Fn(&T, Timestamp) -> TimeWindow + Clone + Send + Sync + 'static,
{
    type Trigger = EventTimeTrigger;

    #[inline]
    fn assign(&mut self, value: &T, at: Timestamp, _: Timestamp, windows: &mut Vec<TimeWindow>) {
        windows.push((self.window)(value, at));
    }

    fn merges(&self) -> bool {
        true
    }

    fn default_trigger(&self) -> EventTimeTrigger {
        EventTimeTrigger
    }

    fn describe(&self) -> String {
        "session as each record says".into()
    }
}
