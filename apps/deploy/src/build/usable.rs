//! What must have a value in a row before a stateful operator gets it.
//!
//! Apart because windows and aggregates ask the same: expressions are tried in a stage in front, where the policy of the
//! node applies, so that what is evaluated again in the operator does not fail.

use crate::flow::OfRow;
use crate::site::Site;
use crate::unusable::{Policy, unusable};
use tidegate::core::element::{Batch, Data};
use tidegate::core::operator::{Context, Operator};
use tidegate::prelude::*;
use tidegate_rows::aggregate::RowAggregate;
use tidegate_rows::expression::Evaluator;
use tidegate_rows::{Row, Value};
use tidegate_topology::plan::Aggregation;

/// What is called the stage in front.
const USABLE: &str = "usable";

/// What is asked of a row.
#[derive(Clone)]
pub(super) struct Needs {
    aggregate: RowAggregate,
    /// Values that may be NULL.
    values: Vec<Evaluator>,
    /// Numbers that may not, with what they are called.
    numbers: Vec<(&'static str, Evaluator)>,
}

impl Needs {
    /// What an aggregate asks.
    pub(super) fn of(aggregate: &RowAggregate) -> Self {
        Self { aggregate: aggregate.clone(), values: Vec::new(), numbers: Vec::new() }
    }

    /// A value that may be NULL.
    pub(super) fn value(mut self, value: &Evaluator) -> Self {
        self.values.push(value.clone());
        self
    }

    /// A value that is called so in errors, and may not be NULL.
    pub(super) fn number(mut self, what: &'static str, value: &Evaluator) -> Self {
        self.numbers.push((what, value.clone()));
        self
    }

    fn are_always_met(&self) -> bool {
        self.aggregate.never_fails() && self.values.is_empty() && self.numbers.is_empty()
    }

    /// Why the row cannot be used, if it cannot.
    fn test(&self, row: &Row) -> Result<(), String> {
        self.aggregate.check(row).map_err(|error| error.to_string())?;
        for value in &self.values {
            value.evaluate(row).map_err(|error| error.to_string())?;
        }
        for (what, number) in &self.numbers {
            if number.evaluate(row).map_err(|error| error.to_string())?.is_null() {
                return Err(format!("{what} is NULL"));
            }
        }
        Ok(())
    }
}

/// The records whose rows have all that is needed; the stream itself where all have.
pub(super) fn usable<T: OfRow>(site: Site<'_>, stream: &Stream<T>, needs: Needs) -> Stream<T> {
    if needs.are_always_met() {
        return stream.clone();
    }
    let usable = site.step_in_place(USABLE, stream, move |record: &mut T| {
        let met = needs.test(record.row()).map(|()| true);
        met.map_err(|reason| unusable(&reason, record.row()))
    });
    site.before(USABLE, 0, usable)
}

/// As [`usable`], for rows; they get their event time as one more column, the last, if the aggregates go by it.
pub(super) fn usable_rows(
    site: Site<'_>,
    rows: &Stream<Row>,
    aggregation: &Aggregation,
    needs: Needs,
) -> Stream<Row> {
    if !aggregation.carries_time {
        return usable(site, rows, needs);
    }
    let policy = site.policy();
    let make = move || Timed { needs: needs.clone(), policy: policy.clone() };
    let timed = site.with_policy(rows.operator("timed", make));
    site.before("timed", 0, timed)
}

/// Appends the event time to usable rows.
struct Timed {
    needs: Needs,
    policy: Policy,
}

impl Operator for Timed {
    type In = Row;
    type Out = Row;

    fn process(&mut self, input: &mut Batch<Row>, ctx: &mut Context<Row>) -> Result<(), BoxError> {
        while !ctx.is_full()
            && let Some(record) = input.take()
        {
            let time = Value::Timestamp(record.timestamp.millis());
            let row = extended(record.value, time);
            match self.needs.test(&row) {
                Ok(()) => ctx.emit(row, record.timestamp),
                Err(reason) => {
                    let error = unusable(&reason, &shortened(row));
                    self.policy.judge(error, record.timestamp, ctx)?;
                }
            }
        }
        Ok(())
    }
}

/// A row with one more value behind its own.
pub(super) fn extended(row: Row, value: Value) -> Row {
    let mut values = Vec::with_capacity(row.len() + 1);
    row.append_to(&mut values);
    values.push(value);
    Row::new(values)
}

/// A row without its last value.
pub(super) fn shortened(row: Row) -> Row {
    let mut values = row.into_values();
    values.pop();
    Row::new(values)
}

/// A side output, without the time that rows carry in the operator, if they do.
pub(super) fn as_it_came<T: Data>(
    site: Site<'_>,
    of: &Stream<T>,
    tag: &OutputTag<Row>,
    carries_time: bool,
) -> Stream<Row> {
    let rows = of.side_output(tag);
    if carries_time { site.behind(tag.name(), rows.map(shortened)) } else { rows }
}
