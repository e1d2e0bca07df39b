//! Which windows a row belongs to: all kinds that a topology can say, as one assigner.
//!
//! Apart from the assigners of the engine, one type each, so that windows are compiled once and not once for each kind.
//! What is computed of slices, and what tumbles by the wall clock, says so as those do.

use super::trigger::{RowTrigger, Rule};
use tidegate::operators::window::{InvalidWindowing, WindowAssigner};
use tidegate::prelude::*;
use tidegate_rows::expression::Evaluator;
use tidegate_rows::{Row, Value};
use tidegate_topology::document;
use tidegate_topology::plan::Windows;

/// The windows of a topology.
#[derive(Clone)]
pub(super) struct RowWindows {
    shape: Shape,
    by_wall_clock: bool,
}

#[derive(Clone)]
enum Shape {
    /// At equal distances, or growing.
    Even(Window),
    /// By one gap.
    Session(Session),
    /// By the gap that each row says; below 1 counts as 1.
    OwnGap(Evaluator),
    /// Of a time zone.
    Calendar(CalendarWindows),
    /// One for ever.
    Global,
}

impl RowWindows {
    /// The windows of a plan. Those of so many rows are one for ever, with a trigger.
    ///
    /// # Errors
    /// When a time zone is not known.
    pub(super) fn new(windows: &Windows, by_wall_clock: bool) -> Result<Self, String> {
        let shape = match windows {
            Windows::Tumbling(size, offset) => Shape::Even(Window::tumbling(*size).offset(*offset)),
            Windows::Sliding(size, slide, offset) => {
                Shape::Even(Window::sliding(*size, *slide).offset(*offset))
            }
            Windows::Cumulate(size, step, offset) => {
                Shape::Even(Window::cumulating(*size, *step).offset(*offset))
            }
            Windows::Session(gap) => Shape::Session(Session::with_gap(*gap)),
            Windows::SessionBy(gap) => Shape::OwnGap(gap.clone()),
            Windows::Calendar(unit, zone) => {
                let windows = CalendarWindows::new(self::unit(*unit), zone);
                Shape::Calendar(windows.map_err(|error| error.to_string())?)
            }
            Windows::Count(..) | Windows::Global => Shape::Global,
        };
        Ok(Self { shape, by_wall_clock })
    }
}

const fn unit(unit: document::CalendarUnit) -> CalendarUnit {
    match unit {
        document::CalendarUnit::Hour => CalendarUnit::Hour,
        document::CalendarUnit::Day => CalendarUnit::Day,
        document::CalendarUnit::Week => CalendarUnit::Week,
        document::CalendarUnit::Month => CalendarUnit::Month,
    }
}

impl WindowAssigner<Row> for RowWindows {
    type Trigger = RowTrigger;

    fn assign(&mut self, row: &Row, at: Timestamp, now: Timestamp, windows: &mut Vec<TimeWindow>) {
        let at = if self.by_wall_clock { now } else { at };
        match &mut self.shape {
            Shape::Even(even) => even.assign(row, at, now, windows),
            Shape::Session(session) => session.assign(row, at, now, windows),
            Shape::OwnGap(gap) => {
                // Rows without a gap are left in front.
                let gap = match gap.evaluate(row) {
                    Ok(Value::Int64(gap)) => gap.clamp(1, Window::LONGEST_MS),
                    _ => 1,
                };
                windows.push(TimeWindow { start: at, end: at.plus(gap) });
            }
            Shape::Calendar(calendar) => calendar.assign(row, at, now, windows),
            Shape::Global => windows.push(TimeWindow::GLOBAL),
        }
    }

    fn domain(&self) -> TimeDomain {
        if self.by_wall_clock || matches!(self.shape, Shape::Global) {
            TimeDomain::Processing
        } else {
            TimeDomain::Event
        }
    }

    fn merges(&self) -> bool {
        matches!(self.shape, Shape::Session(_) | Shape::OwnGap(_))
    }

    fn default_trigger(&self) -> RowTrigger {
        RowTrigger::new(match self.shape {
            Shape::Global => Rule::Never,
            _ if self.by_wall_clock => Rule::ProcessingTime,
            _ => Rule::EventTime,
        })
    }

    fn as_slices(&self) -> Option<Window> {
        match self.shape {
            Shape::Even(even) if !self.by_wall_clock => Some(even),
            _ => None,
        }
    }

    fn as_wall_clock(&self) -> Option<Window> {
        match self.shape {
            Shape::Even(even) if self.by_wall_clock && even.tumbles() => Some(even),
            _ => None,
        }
    }

    fn describe(&self) -> String {
        let what = match &self.shape {
            Shape::Even(even) => WindowAssigner::<Row>::describe(even),
            Shape::Session(session) => WindowAssigner::<Row>::describe(session),
            Shape::OwnGap(_) => "session as each record says".to_owned(),
            Shape::Calendar(calendar) => WindowAssigner::<Row>::describe(calendar),
            Shape::Global => "global".to_owned(),
        };
        if self.by_wall_clock { format!("{what}, by processing time") } else { what }
    }

    fn validate(&self) -> Result<(), InvalidWindowing> {
        match &self.shape {
            Shape::Even(even) => WindowAssigner::<Row>::validate(even),
            Shape::Session(session) => WindowAssigner::<Row>::validate(session),
            Shape::OwnGap(_) | Shape::Calendar(_) | Shape::Global => Ok(()),
        }
    }
}
