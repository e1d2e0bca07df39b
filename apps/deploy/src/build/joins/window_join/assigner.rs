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

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate::core::element::{Batch, Record};
    use tidegate::core::operator::{CoOperator, Context, Operator};
    use tidegate::operators::join::WindowJoin;
    use tidegate_rows::expression::{Expression, Functions};
    use tidegate_rows::{DataType, Field, RowKey, Schema};

    fn gap(text: &str) -> Evaluator {
        let schema = Schema::new([Field::required("n", DataType::Int64)]).expect("one name");
        let checked =
            Expression::parse(text).expect("an expression").check(&schema, &Functions::built_in());
        checked.expect("a number").value()
    }

    /// Rows of one key that come at 1, 4, 12 (left) and 2, 6 (right) by the wall clock, which stands at 3 by event time
    /// all the while; then the wall clock comes to 100. The pairs, with their windows.
    fn check(cut: Cut, expected: &[&str]) {
        let windows = JoinedWindows { cut, by_wall_clock: true };
        let name = WindowAssigner::<Either>::describe(&windows);
        let join = WindowJoin::new(windows).into_operator(
            |_: &Row| RowKey::One(Value::Null),
            |_: &Row| RowKey::One(Value::Null),
            |window: &WindowContext<'_, RowKey>, row| {
                let number = |row: Option<&&Row>| row.map_or(Value::Null, |row| row[0].clone());
                format!("{} {} {}", window.window, number(row.left()), number(row.right()))
            },
        );
        let (mut join, mut ctx) = (join.expect("there are such windows"), Context::new(64));
        for (at, is_left) in [(1, true), (2, false), (4, true), (6, false), (12, true)] {
            ctx.set_time(Timestamp(50), Timestamp(at));
            join.on_processing_time(Timestamp(at), &mut ctx).expect("nothing fails");
            let value = Row::new([Value::Int64(at)]);
            let key_hash = RowKey::One(Value::Null).stable_hash();
            let record = Record { value, timestamp: Timestamp(3), key_hash };
            let mut batch = Batch::new(vec![record], vec![]);
            let taken = if is_left {
                join.process(&mut batch, &mut ctx)
            } else {
                join.process_second(&mut batch, &mut ctx)
            };
            taken.expect("nothing fails");
        }
        ctx.set_time(Timestamp(50), Timestamp(100));
        join.on_processing_time(Timestamp(100), &mut ctx).expect("nothing fails");
        let mut rows: Vec<String> = ctx.take().into_iter().map(|record| record.value).collect();
        rows.sort();
        assert_eq!(rows, expected, "{name}");
    }

    #[test]
    fn by_the_wall_clock_a_row_belongs_to_the_windows_in_which_it_comes() {
        check(Cut::At(Window::tumbling(5)), &["[0, 5) 1 2", "[0, 5) 4 2"]);
        check(
            Cut::At(Window::sliding(10, 5)),
            &[
                "[-5, 5) 1 2",
                "[-5, 5) 4 2",
                "[0, 10) 1 2",
                "[0, 10) 1 6",
                "[0, 10) 4 2",
                "[0, 10) 4 6",
                "[5, 15) 12 6",
            ],
        );
        check(Cut::Sessions(3), &["[1, 9) 1 2", "[1, 9) 1 6", "[1, 9) 4 2", "[1, 9) 4 6"]);
        let each = Cut::SessionsBy(gap("n + 1"), gap("n - 6"));
        check(each, &["[1, 3) 1 2", "[4, 9) 4 6"]);
    }

    #[test]
    fn windows_of_event_time_that_are_cut_alike_are_kept_in_slices() {
        let slices = |cut: Cut, by_wall_clock| {
            let windows = JoinedWindows { cut, by_wall_clock };
            WindowAssigner::<Either>::as_slices(&windows).is_some()
        };
        let at = || Cut::At(Window::sliding(10, 5));
        assert_eq!((slices(at(), false), slices(at(), true)), (true, false));
        assert!(!slices(Cut::Sessions(3), false));
    }
}
