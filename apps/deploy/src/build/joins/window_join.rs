//! `window_join`: every pair in the same window; of the kinds semi and anti, left rows with a partner there or without.

use super::output::{Half, Output};
use super::{LATE_LEFT, LATE_RIGHT, Side, key};
use crate::registry::Outputs;
use crate::site::Site;
use crate::unusable::unusable;
use assigner::{Cut, JoinedWindows};
use tidegate::prelude::*;
use tidegate_rows::expression::Evaluator;
use tidegate_rows::{Row, RowKey, Value};
use tidegate_topology::document::WindowJoinKind;
use tidegate_topology::plan::{JoinWindows, WindowJoinPlan, Windows};

mod assigner;

pub(in crate::build) fn window_join(
    site: Site<'_>,
    plan: &WindowJoinPlan,
    left: &Stream<Row>,
    right: &Stream<Row>,
) -> Result<Outputs, String> {
    let windows = windows(plan)?;
    let (left, right) = match &plan.windows {
        JoinWindows::Each(Windows::SessionBy(of_left), Windows::SessionBy(of_right)) => (
            usable(site, "left-gaps", 0, of_left, left),
            usable(site, "right-gaps", 1, of_right, right),
        ),
        _ => (left.clone(), right.clone()),
    };
    let (left, right) = (left.key_by(key(&plan.keys.left)), right.key_by(key(&plan.keys.right)));
    let (late_left, late_right) = (Side::new(site, LATE_LEFT), Side::new(site, LATE_RIGHT));
    let pairs = |kind| {
        let join = left.window_join(&right, windows.clone()).kind(kind);
        let join = join.allowed_lateness(plan.allowed_lateness_ms);
        let join = late_left.tell(join, |join, tag| join.late_left(tag));
        let join = late_right.tell(join, |join, tag| join.late_right(tag));
        let output = Output::of_pairs(&plan.output);
        let begun = output.clone();
        let rows = join.apply(move |window: &WindowContext<'_, RowKey>, pair| {
            let (left, right) = (pair.left().copied(), pair.right().copied());
            begun.begin(Half::from(left), Half::from(right), &bounds(window))
        });
        (output, site.own(rows))
    };
    let alone = |has_partner: bool| {
        let groups = left.co_group(&right, windows.clone());
        let groups = groups.allowed_lateness(plan.allowed_lateness_ms);
        let groups = late_left.tell(groups, |groups, tag| groups.late_left(tag));
        let groups = late_right.tell(groups, |groups, tag| groups.late_right(tag));
        let output = Output::of_left(&plan.output);
        let begun = output.clone();
        let rows = groups.apply(move |window: &WindowContext<'_, RowKey>, left, right, out| {
            if right.is_empty() == has_partner {
                return;
            }
            let bounds = bounds(window);
            for row in left.iter() {
                out.emit(begun.begin(Half::Shared(row), Half::Absent, &bounds));
            }
        });
        (output, site.own(rows))
    };
    let (output, begun) = match plan.kind {
        WindowJoinKind::Inner => pairs(JoinKind::Inner),
        WindowJoinKind::Left => pairs(JoinKind::Left),
        WindowJoinKind::Right => pairs(JoinKind::Right),
        WindowJoinKind::Full => pairs(JoinKind::Full),
        WindowJoinKind::Semi => alone(true),
        WindowJoinKind::Anti => alone(false),
    };
    let outputs = Outputs::main(output.behind(site, begun.clone()));
    Ok(late_right.add(late_left.add(outputs, &begun), &begun))
}

/// The bounds of a window, as values.
fn bounds(window: &WindowContext<'_, RowKey>) -> [Value; 2] {
    [window.window.start, window.window.end].map(|time| Value::Timestamp(time.millis()))
}

fn windows(plan: &WindowJoinPlan) -> Result<JoinedWindows, String> {
    let cut = match &plan.windows {
        JoinWindows::Same(Windows::Tumbling(size, offset)) => {
            Cut::At(Window::tumbling(*size).offset(*offset))
        }
        JoinWindows::Same(Windows::Sliding(size, slide, offset)) => {
            Cut::At(Window::sliding(*size, *slide).offset(*offset))
        }
        JoinWindows::Same(Windows::Session(gap)) => Cut::Sessions(*gap),
        JoinWindows::Each(Windows::SessionBy(of_left), Windows::SessionBy(of_right)) => {
            Cut::SessionsBy(of_left.clone(), of_right.clone())
        }
        _ => {
            return Err("streams are joined in tumbling and sliding windows and in sessions".into());
        }
    };
    Ok(JoinedWindows { cut, by_wall_clock: plan.by_wall_clock })
}

/// Rows that say how long their gap is.
fn usable(
    site: Site<'_>,
    part: &str,
    input: usize,
    gap: &Evaluator,
    rows: &Stream<Row>,
) -> Stream<Row> {
    let gap = gap.clone();
    let usable = site.step(part, rows, move |row: Row| match gap.evaluate(&row) {
        Ok(Value::Null) => Err(unusable(&"the gap of the session is NULL", &row)),
        Ok(_) => Ok(Some(row)),
        Err(error) => Err(unusable(&error, &row)),
    });
    site.before(part, input, usable)
}
