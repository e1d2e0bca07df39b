//! Assigners: which windows a record belongs to.
//!
//! Tumbling and sliding windows are those of [`Window`], sessions those of [`Session`] and
//! [`MergingWindows`]; all of them go by event time, and by the wall clock inside [`ProcessingTime`].
//! [`GlobalWindows`] and [`CalendarWindows`] complete the family.

mod calendar;
mod global;
mod processing_time;
mod session;

pub use calendar::{CalendarUnit, CalendarWindows};
pub use global::GlobalWindows;
pub use processing_time::ProcessingTime;
pub use session::{MergingWindows, Session};

use crate::window::invalid::InvalidWindowing;
use crate::window::spec::Window;
use crate::window::time_window::TimeWindow;
use crate::window::trigger::{EventTimeTrigger, Trigger};
use tidegate_core::time::Timestamp;
use tidegate_core::timer::TimeDomain;

/// Says which windows the records of a stream of `T` belong to.
pub trait WindowAssigner<T>: Clone + Send + Sync + 'static {
    /// The trigger of these windows when no other is asked for.
    type Trigger: Trigger<T>;

    /// Adds the windows of a record to `windows`; exactly one when windows merge.
    ///
    /// `timestamp` is the record's event time, which an event-time assigner can rely on; `now` is the
    /// wall clock. The assigner is each subtask's own and may remember what saves it work.
    fn assign(
        &mut self,
        value: &T,
        timestamp: Timestamp,
        now: Timestamp,
        windows: &mut Vec<TimeWindow>,
    );

    /// The clock by which windows end, and are forgotten. A window without end is never forgotten by
    /// the wall clock.
    fn domain(&self) -> TimeDomain {
        TimeDomain::Event
    }

    /// Whether windows of a key that touch become one.
    fn merges(&self) -> bool {
        false
    }

    /// The default trigger.
    fn default_trigger(&self) -> Self::Trigger;

    /// The lateness that the assigner itself allows, in milliseconds.
    fn allowed_lateness_ms(&self) -> i64 {
        0
    }

    /// The windows as ones that can be aggregated slice by slice, when they are.
    fn as_slices(&self) -> Option<Window> {
        None
    }

    /// The windows as ones of the wall clock that tumble, when they are.
    fn as_wall_clock(&self) -> Option<Window> {
        None
    }

    /// What these windows are, in a few words, such as `session with a gap of 3000 ms`.
    fn describe(&self) -> String;

    /// Checks that there are such windows.
    ///
    /// # Errors
    /// Says which number makes no sense and what it should be.
    fn validate(&self) -> Result<(), InvalidWindowing> {
        Ok(())
    }
}

impl<T> WindowAssigner<T> for Window {
    type Trigger = EventTimeTrigger;

    #[inline]
    fn assign(&mut self, _: &T, at: Timestamp, _: Timestamp, windows: &mut Vec<TimeWindow>) {
        // Split up so that neither end of time is left: the offset is smaller than a period.
        let period = if self.cumulates { self.size_ms } else { self.slide_ms };
        let mut into = at.0.rem_euclid(period);
        if self.offset_ms != 0 {
            into = (into - self.offset_ms.rem_euclid(period)).rem_euclid(period);
        }
        if self.cumulates {
            let start = at.minus(into);
            let mut ahead = self.slide_ms - into % self.slide_ms;
            while into + ahead <= self.size_ms {
                windows.push(TimeWindow { start, end: at.plus(ahead) });
                ahead += self.slide_ms;
            }
            return;
        }
        let mut back = into;
        while back < self.size_ms {
            let start = at.minus(back);
            windows.push(TimeWindow { start, end: at.plus(self.size_ms - back) });
            back += self.slide_ms;
        }
    }

    fn default_trigger(&self) -> EventTimeTrigger {
        EventTimeTrigger
    }

    fn allowed_lateness_ms(&self) -> i64 {
        self.allowed_lateness_ms
    }

    fn as_slices(&self) -> Option<Window> {
        Some(*self)
    }

    fn describe(&self) -> String {
        let mut told = if self.cumulates {
            format!("cumulating to {} ms by {} ms", self.size_ms, self.slide_ms)
        } else if self.size_ms == self.slide_ms {
            format!("tumbling, {} ms", self.size_ms)
        } else {
            format!("sliding, {} ms every {} ms", self.size_ms, self.slide_ms)
        };
        if self.offset_ms != 0 {
            told.push_str(&format!(", from {} ms", self.offset_ms));
        }
        told
    }

    fn validate(&self) -> Result<(), InvalidWindowing> {
        Ok(Self::validate(*self).map(drop)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mut window: Window, at: i64, expected: &[(i64, i64)]) {
        let mut windows = Vec::new();
        window.assign(&(), Timestamp(at), Timestamp::MIN, &mut windows);
        let found: Vec<_> = windows.iter().map(|w| (w.start.millis(), w.end.millis())).collect();
        assert_eq!(found, expected, "{window:?} at {at}");
    }

    #[test]
    fn a_record_falls_into_every_window_that_contains_it_the_last_one_first() {
        check(Window::tumbling(10), -1, &[(-10, 0)]);
        check(Window::tumbling(10).offset(13), 2, &[(-7, 3)]);
        check(Window::sliding(7000, 3000).offset(500), 4999, &[(3500, 10_500), (500, 7500)]);
        check(Window::sliding(3, 10), 2, &[(0, 3)]);
        check(Window::sliding(3, 10), 3, &[]);
        check(Window::cumulating(15, 5), 17, &[(15, 20), (15, 25), (15, 30)]);
        check(Window::cumulating(15, 5), 14, &[(0, 15)]);
        check(Window::cumulating(15, 5).offset(2), -4, &[(-13, -3), (-13, 2)]);
        let most = i64::MAX;
        check(Window::tumbling(10), most, &[(most - 7, most)]);
        check(Window::tumbling(10), i64::MIN + 1, &[(i64::MIN, i64::MIN + 8)]);
    }
}
