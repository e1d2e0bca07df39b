//! `ProcessingTime`: windows of the wall clock instead of event time.
//!
//! ```
//! use tidegate_operators::window::{ProcessingTime, Session, Window};
//! let every_second = ProcessingTime(Window::tumbling(1000));
//! let visits = ProcessingTime(Session::with_gap(30_000));
//! ```

use crate::window::WindowAssigner;
use crate::window::invalid::InvalidWindowing;
use crate::window::spec::Window;
use crate::window::time_window::TimeWindow;
use crate::window::trigger::ProcessingTimeTrigger;
use tidegate_core::time::Timestamp;
use tidegate_core::timer::TimeDomain;

/// The windows of another assigner, by the wall clock at which a record arrives. They know no late
/// records, and a replay puts records into other windows than before.
#[derive(Clone, Copy, Debug)]
pub struct ProcessingTime<W>(pub W);

impl<T, W: WindowAssigner<T>> WindowAssigner<T> for ProcessingTime<W> {
    type Trigger = ProcessingTimeTrigger;

    #[inline]
    fn assign(&mut self, value: &T, _: Timestamp, now: Timestamp, windows: &mut Vec<TimeWindow>) {
        self.0.assign(value, now, now, windows);
    }

    fn domain(&self) -> TimeDomain {
        TimeDomain::Processing
    }

    fn merges(&self) -> bool {
        self.0.merges()
    }

    fn default_trigger(&self) -> ProcessingTimeTrigger {
        ProcessingTimeTrigger
    }

    fn as_wall_clock(&self) -> Option<Window> {
        self.0.as_slices().filter(|window| window.tumbles())
    }

    fn describe(&self) -> String {
        format!("{}, by processing time", self.0.describe())
    }

    fn validate(&self) -> Result<(), InvalidWindowing> {
        self.0.validate()
    }
}
