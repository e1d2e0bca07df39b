//! Which windows a row of either side belongs to: all that a topology can say, as one assigner.
//!
//! Apart, and one type, so that there are two operators for all window joins (pairs, and left rows alone) and not one for
//! each kind of windows. What can be kept in slices still is.

use tidegate::operators::join::Tagged;
use tidegate::operators::window::{
    InvalidWindowing, Trigger, TriggerContext, TriggerResult, WindowAssigner,
};
use tidegate::prelude::*;
use tidegate_rows::expression::Evaluator;
use tidegate_rows::{Row, Value};

/// How time is cut.
#[derive(Clone)]
pub(super) enum Cut {
    /// Into windows of one size.
    At(Window),
    /// After so many milliseconds without a row.
    Sessions(i64),
    /// After as many milliseconds as a row of the left side says, and one of the right side. It has been seen before
    /// that it does.
    SessionsBy(Evaluator, Evaluator),
}

/// The windows of a join.
#[derive(Clone)]
pub(super) struct JoinedWindows {
    pub(super) cut: Cut,
    pub(super) by_wall_clock: bool,
}

type Either = Tagged<Row, Row>;

impl WindowAssigner<Either> for JoinedWindows {
    type Trigger = AtTheEnd;

    fn assign(
        &mut self,
        value: &Either,
        timestamp: Timestamp,
        now: Timestamp,
        windows: &mut Vec<TimeWindow>,
    ) {
        let at = if self.by_wall_clock { now } else { timestamp };
        match &mut self.cut {
            Cut::At(window) => window.assign(value, at, now, windows),
            Cut::Sessions(gap) => Session::with_gap(*gap).assign(value, at, now, windows),
            Cut::SessionsBy(of_left, of_right) => {
                let gap = match value {
                    Tagged::Left(row) => of_left.evaluate(row),
                    Tagged::Right(row) => of_right.evaluate(row),
                };
                let gap = if let Ok(Value::Int64(gap)) = gap { gap } else { 1 };
                let gap = gap.clamp(1, Window::LONGEST_MS);
                windows.push(TimeWindow { start: at, end: at.plus(gap) });
            }
        }
    }

    fn domain(&self) -> TimeDomain {
        if self.by_wall_clock { TimeDomain::Processing } else { TimeDomain::Event }
    }

    fn merges(&self) -> bool {
        !matches!(self.cut, Cut::At(_))
    }

    fn default_trigger(&self) -> AtTheEnd {
        if self.by_wall_clock { AtTheEnd::OfWallClock } else { AtTheEnd::OfEventTime }
    }

    fn as_slices(&self) -> Option<Window> {
        match self.cut {
            Cut::At(window) if !self.by_wall_clock => Some(window),
            _ => None,
        }
    }

    fn describe(&self) -> String {
        let cut = match &self.cut {
            Cut::At(window) => WindowAssigner::<Either>::describe(window),
            Cut::Sessions(gap) => WindowAssigner::<Either>::describe(&Session::with_gap(*gap)),
            Cut::SessionsBy(..) => "session as each record says".to_owned(),
        };
        if self.by_wall_clock { format!("{cut}, by processing time") } else { cut }
    }

    fn validate(&self) -> Result<(), InvalidWindowing> {
        match &self.cut {
            Cut::At(window) => WindowAssigner::<Either>::validate(window),
            Cut::Sessions(gap) => WindowAssigner::<Either>::validate(&Session::with_gap(*gap)),
            Cut::SessionsBy(..) => Ok(()),
        }
    }
}

/// Fires at the end of the window, by the one clock or the other.
#[derive(Clone, Copy)]
pub(super) enum AtTheEnd {
    OfEventTime,
    OfWallClock,
}

impl Trigger<Either> for AtTheEnd {
    type State = ();

    fn on_element(
        &self,
        value: &Either,
        at: Timestamp,
        state: &mut (),
        ctx: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        match self {
            Self::OfEventTime => EventTimeTrigger.on_element(value, at, state, ctx),
            Self::OfWallClock => ProcessingTimeTrigger.on_element(value, at, state, ctx),
        }
    }

    fn on_event_time(
        &self,
        at: Timestamp,
        state: &mut (),
        ctx: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        match self {
            Self::OfEventTime => {
                Trigger::<Either>::on_event_time(&EventTimeTrigger, at, state, ctx)
            }
            Self::OfWallClock => TriggerResult::Continue,
        }
    }

    fn on_processing_time(
        &self,
        at: Timestamp,
        state: &mut (),
        ctx: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        match self {
            Self::OfEventTime => TriggerResult::Continue,
            Self::OfWallClock => {
                Trigger::<Either>::on_processing_time(&ProcessingTimeTrigger, at, state, ctx)
            }
        }
    }

    fn can_merge(&self) -> bool {
        true
    }

    fn on_merge(&self, state: &mut (), ctx: &mut TriggerContext<'_>) {
        match self {
            Self::OfEventTime => Trigger::<Either>::on_merge(&EventTimeTrigger, state, ctx),
            Self::OfWallClock => Trigger::<Either>::on_merge(&ProcessingTimeTrigger, state, ctx),
        }
    }
}
