//! Steps: what is done with one row at a time, in rows that stay and, where it makes sense, in rows that come and go.

use crate::build::event_time::strategy;
use crate::flow::{Flow, OfRow};
use crate::registry::Outputs;
use crate::site::Site;
use crate::unusable::{Policy, unusable};
use std::collections::HashSet;
use std::mem::replace;
use std::sync::Arc;
use tidegate::core::element::{Batch, Data};
use tidegate::core::operator::{Context, Operator};
use tidegate::operators::changelog::ChangelogFilter;
use tidegate::prelude::*;
use tidegate_rows::expression::{EvaluationError, Predicate, TimestampEvaluator};
use tidegate_rows::{Row, Value};
use tidegate_topology::plan::{EventTimePlan, FlatMapPlan, StepColumn};

/// Rows for which a condition is TRUE.
///
/// A changelog is first judged row by row and then filtered by what was found, since an update may concern the result by
/// one half only. A row that cannot be judged is left out there as well, whenever it is put in or taken out.
pub(super) fn filter(site: Site<'_>, predicate: &Predicate, input: &Flow) -> Outputs {
    let predicate = predicate.clone();
    match input {
        Flow::Rows(rows) => {
            let kept = site.step_in_place("filter", rows, move |row: &mut Row| {
                predicate.test(row).map_err(|error| unusable(&error, row))
            });
            Outputs::main(site.own(kept))
        }
        Flow::Changes(changes) => {
            let test = predicate.clone();
            let usable =
                site.step_in_place("usable", changes.changes(), move |change: &mut Change<Row>| {
                    let tested = test.test(&change.row).map(|_| true);
                    tested.map_err(|error| unusable(&error, &change.row))
                });
            let usable = ChangelogStream::from_changes(site.before("usable", 0, usable));
            let kept = usable.changes().operator("changelog-filter", move || {
                let predicate = predicate.clone();
                ChangelogFilter::new(move |row: &Row| predicate.test(row).unwrap_or(false))
            });
            Outputs::main(ChangelogStream::from_changes(site.own(kept)))
        }
    }
}

/// Rows of other columns.
pub(super) fn columns(site: Site<'_>, columns: &[StepColumn], input: &Flow) -> Outputs {
    match input {
        Flow::Rows(rows) => Outputs::main(site.own(projected(site, columns, rows))),
        Flow::Changes(changes) => {
            let changes = site.own(projected(site, columns, changes.changes()));
            Outputs::main(ChangelogStream::from_changes(changes))
        }
    }
}

fn projected<T: OfRow>(site: Site<'_>, columns: &[StepColumn], stream: &Stream<T>) -> Stream<T> {
    let projection = Projection::new(columns);
    site.step_in_place("project", stream, move |record: &mut T| {
        let row = record.row_mut();
        match projection.row(row) {
            Ok(made) => {
                *row = made;
                Ok(true)
            }
            Err(error) => Err(unusable(&error, row)),
        }
    })
}

/// How a row of other columns is made.
#[derive(Clone)]
enum Projection {
    /// Of columns that each go into one place only: their values are moved.
    Moved(Arc<[usize]>),
    Made(Arc<[StepColumn]>),
}

impl Projection {
    fn new(columns: &[StepColumn]) -> Self {
        let same = |column: &StepColumn| match column {
            StepColumn::Same(index) => Some(*index),
            StepColumn::Computed(_) => None,
        };
        let moved: Option<Vec<usize>> = columns.iter().map(same).collect();
        let is_once =
            |moved: &Vec<usize>| moved.iter().collect::<HashSet<_>>().len() == moved.len();
        match moved.filter(is_once) {
            Some(moved) => Self::Moved(moved.into()),
            None => Self::Made(columns.into()),
        }
    }

    /// The row that is made of another, which is as it was if that fails.
    fn row(&self, of: &mut Row) -> Result<Row, EvaluationError> {
        Ok(match self {
            Self::Moved(columns) => {
                let values = of.values_mut();
                let mut taken = |index: &usize| take(&mut values[*index]);
                match &**columns {
                    [only] => Row::one(taken(only)),
                    columns => Row::new(columns.iter().map(taken).collect::<Vec<_>>()),
                }
            }
            Self::Made(columns) => match &**columns {
                [only] => Row::one(column_of(only, of)?),
                columns => {
                    let mut values = Vec::with_capacity(columns.len());
                    for column in columns {
                        values.push(column_of(column, of)?);
                    }
                    Row::new(values)
                }
            },
        })
    }
}

fn take(value: &mut Value) -> Value {
    replace(value, Value::Null)
}

fn column_of(column: &StepColumn, row: &Row) -> Result<Value, EvaluationError> {
    match column {
        StepColumn::Same(index) => Ok(row[*index].clone()),
        StepColumn::Computed(evaluator) => evaluator.evaluate(row),
    }
}

/// A row for each piece.
pub(super) fn flat_map(site: Site<'_>, plan: &FlatMapPlan, rows: &Stream<Row>) -> Outputs {
    let plan = plan.clone();
    let cut = site.step("pieces", rows, move |row: Row| match pieces(&plan, &row) {
        Ok(pieces) => Ok(Some((row, pieces))),
        Err(error) => Err(unusable(&error, &row)),
    });
    let cut: Stream<(Row, Vec<Value>)> = site.before("pieces", 0, cut);
    let flat = cut.flat_map(|(row, pieces)| {
        pieces.into_iter().map(move |piece| {
            let columns = row.values().iter().cloned();
            columns.chain([piece]).collect::<Row>()
        })
    });
    Outputs::main(site.own(flat))
}

fn pieces(plan: &FlatMapPlan, row: &Row) -> Result<Vec<Value>, EvaluationError> {
    Ok(match plan {
        FlatMapPlan::Explode(list) => match list.evaluate(row)? {
            Value::List(elements) => elements.to_vec(),
            _ => Vec::new(),
        },
        FlatMapPlan::Split(text, by) => match text.evaluate(row)? {
            Value::String(text) => text.split(by.as_str()).map(Value::string).collect(),
            _ => Vec::new(),
        },
    })
}

/// Another event time in mid-stream.
pub(super) fn assign(site: Site<'_>, time: &EventTimePlan, rows: &Stream<Row>) -> Outputs {
    let rows = match &time.timestamp {
        Some(of) => {
            let (policy, of) = (site.policy(), of.clone());
            let timed = rows.operator("event-time", move || EventTimes {
                of: of.clone(),
                policy: policy.clone(),
            });
            let timed = site.with_policy(timed);
            site.before("event-time", 0, timed)
        }
        None => rows.clone(),
    };
    let assigned = rows.assign_timestamps_and_watermarks(strategy(Some(time)), |_, at| at);
    Outputs::main(site.own(assigned))
}

/// Gives each row its event time; apart from a [`crate::unusable::Step`] because that keeps the one it has.
struct EventTimes {
    of: TimestampEvaluator,
    policy: Policy,
}

impl Operator for EventTimes {
    type In = Row;
    type Out = Row;

    fn process(&mut self, input: &mut Batch<Row>, ctx: &mut Context<Row>) -> Result<(), BoxError> {
        while !ctx.is_full()
            && let Some(record) = input.take()
        {
            let error = match self.of.evaluate(&record.value).map(Timestamp) {
                Ok(at) if at > Timestamp::MIN && at < Timestamp::MAX => {
                    ctx.emit(record.value, at);
                    continue;
                }
                Ok(at) => {
                    let reason = format!("the event time {} ms is no time", at.millis());
                    unusable(&reason, &record.value)
                }
                Err(error) => unusable(&error, &record.value),
            };
            self.policy.judge(error, record.timestamp, ctx)?;
        }
        Ok(())
    }
}

/// All inputs as one. Rows that stay become changes where others come and go.
pub(super) fn union(site: Site<'_>, inputs: &[Flow]) -> Outputs {
    let streams: Option<Vec<&Stream<Row>>> = inputs
        .iter()
        .map(|input| match input {
            Flow::Rows(rows) => Some(rows),
            Flow::Changes(_) => None,
        })
        .collect();
    if let Some([first, rest @ ..]) = streams.as_deref() {
        return Outputs::main(all(rest.iter().copied(), (*first).clone()));
    }
    let changes = inputs.iter().enumerate().map(|(at, input)| match input {
        Flow::Changes(changes) => changes.changes().clone(),
        Flow::Rows(rows) => inserts(site, &format!("changes-{}", at + 1), at, rows),
    });
    let mut changes = changes.collect::<Vec<_>>().into_iter();
    let Some(first) = changes.next() else { return Outputs::none() };
    let rest: Vec<_> = changes.collect();
    Outputs::main(ChangelogStream::from_changes(all(rest.iter(), first)))
}

fn all<'a, T: Data>(rest: impl Iterator<Item = &'a Stream<T>>, first: Stream<T>) -> Stream<T> {
    rest.fold(first, |all, one| all.union(one))
}

fn inserts(site: Site<'_>, part: &str, input: usize, rows: &Stream<Row>) -> Stream<Change<Row>> {
    site.before(part, input, rows.map(Change::insert))
}

/// Each row to the output of the first condition that is TRUE for it, else to the main one.
pub(super) fn split(site: Site<'_>, ways: &[Predicate], rows: &Stream<Row>) -> Outputs {
    let sides = site.node().outputs.iter().filter_map(|port| port.side.clone());
    let tags: Vec<OutputTag<Row>> = sides.take(ways.len()).map(OutputTag::named).collect();
    let (policy, ways, to) = (site.policy(), ways.to_vec(), tags.clone());
    let make = move || Split { ways: ways.clone(), tags: to.clone(), policy: policy.clone() };
    let rest = site.own(site.with_policy(rows.operator("split", make)));
    let outputs = Outputs::main(rest.clone());
    let used = tags.iter().filter(|tag| site.uses(tag.name()));
    used.fold(outputs, |outputs, tag| outputs.side(tag.name(), rest.side_output(tag)))
}

struct Split {
    ways: Vec<Predicate>,
    tags: Vec<OutputTag<Row>>,
    policy: Policy,
}

impl Split {
    fn way(&self, row: &Row) -> Result<Option<&OutputTag<Row>>, BoxError> {
        for (way, tag) in self.ways.iter().zip(&self.tags) {
            if way.test(row).map_err(|error| unusable(&error, row))? {
                return Ok(Some(tag));
            }
        }
        Ok(None)
    }
}

impl Operator for Split {
    type In = Row;
    type Out = Row;

    fn process(&mut self, input: &mut Batch<Row>, ctx: &mut Context<Row>) -> Result<(), BoxError> {
        while !ctx.is_full()
            && let Some(record) = input.take()
        {
            match self.way(&record.value) {
                Ok(None) => ctx.emit(record.value, record.timestamp),
                Ok(Some(tag)) => {
                    ctx.emit_side(tag, record.value, record.timestamp);
                }
                Err(error) => self.policy.judge(error, record.timestamp, ctx)?,
            }
        }
        Ok(())
    }
}

/// Rows as changes that only add.
pub(super) fn to_changelog(site: Site<'_>, rows: &Stream<Row>) -> Outputs {
    Outputs::main(ChangelogStream::from_changes(site.own(rows.map(Change::insert))))
}
