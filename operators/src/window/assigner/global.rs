//! `GlobalWindows`: all records of a key in one window, and the count windows made of it.

use crate::window::WindowAssigner;
use crate::window::time_window::TimeWindow;
use crate::window::trigger::NeverTrigger;
use tidegate_core::time::Timestamp;
use tidegate_core::timer::TimeDomain;

/// One window for all records of a key. It fires only by a trigger of its own.
#[derive(Clone, Copy, Debug)]
pub struct GlobalWindows;

impl<T> WindowAssigner<T> for GlobalWindows {
    type Trigger = NeverTrigger;

    #[inline]
    fn assign(&mut self, _: &T, _: Timestamp, _: Timestamp, windows: &mut Vec<TimeWindow>) {
        windows.push(TimeWindow::GLOBAL);
    }

    fn domain(&self) -> TimeDomain {
        TimeDomain::Processing
    }

    fn default_trigger(&self) -> NeverTrigger {
        NeverTrigger
    }

    fn describe(&self) -> String {
        "global".into()
    }
}
