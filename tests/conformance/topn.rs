//! `topn`: the changes that a continuous ranking makes, record by record.
//!
//! A case tells all changes at once and not after which record each came; they are told here partition by
//! partition, and what they amount to must be the ranking of the input.

use super::Way;
use super::case::{Emission, Step, read};
use super::drive::{Drive, Subject};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tidegate_core::changelog::Change;
use tidegate_operators::continuous_top_n::{ContinuousTopN, RankedRow};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    #[serde(rename = "id")]
    _id: String,
    #[serde(rename = "hidden")]
    _hidden: bool,
    #[serde(rename = "origin")]
    _origin: String,
    operator: Operator,
    input_values: Vec<Value>,
    expect_changelog: Vec<Expected>,
    order: Order,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Operator {
    Topn { partition_by: String, order_by: String, order: Direction, n: usize, emit_rank: bool },
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Direction {
    Asc,
    Desc,
}

#[derive(Deserialize)]
enum Order {
    #[serde(rename = "exact changelog per partition key; applying it must give the final top-n")]
    PerPartition,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    kind: String,
    value: Value,
}

/// Changes by partition, in order.
type Changes = BTreeMap<String, Vec<Expected>>;

pub(super) fn run(case: &Value, way: Way) -> Result<(), String> {
    let case: Described = read(case)?;
    let Order::PerPartition = case.order;
    let Operator::Topn { partition_by, order_by, order, n, emit_rank } = case.operator;
    if partition_by != "value[0]" || order_by != "value[2]" {
        return Err(format!("cannot be run: `{order_by}` in `{partition_by}` is not known"));
    }
    let compare = comparison(&case.input_values, order)?;
    let top = ContinuousTopN::ordered(n, compare);
    let subject = if emit_rank {
        Subject::new(move || top.clone().ranked_rows(partition), ranked, &[])
    } else {
        Subject::new(move || top.clone().rows(partition), row, &[])
    };
    let emitted = drive(&subject.keyed_by(partition), &case.input_values, way)?;
    let told = |changes: &[Expected]| {
        let mut told = Changes::new();
        for change in changes {
            told.entry(partition(&change.value)).or_default().push(change.clone());
        }
        told
    };
    let (emitted, expected) = (told(&emitted), told(&case.expect_changelog));
    if emitted != expected {
        return Err(format!("expected {expected:?}, got {emitted:?}"));
    }
    for (of, changes) in emitted {
        let rows = case.input_values.iter().filter(|value| partition(value) == of);
        let mut best: Vec<Value> = rows.cloned().collect();
        best.sort_by(comparison(&case.input_values, order)?);
        best.truncate(n);
        if emit_rank {
            (1..).zip(&mut best).for_each(|(rank, row)| push(row, rank));
        }
        let sorted = |mut rows: Vec<Value>| {
            rows.sort_by_key(Value::to_string);
            rows
        };
        let (applied, best) = (sorted(applied(&changes)?), sorted(best));
        if applied != best {
            return Err(format!("`{of}` amounts to {applied:?} and not to {best:?}"));
        }
    }
    Ok(())
}

fn partition(value: &Value) -> String {
    value[0].to_string()
}

/// The order of rows by their third field, which is a number in all of them or a text in all of them.
fn comparison(
    rows: &[Value],
    order: Direction,
) -> Result<impl Fn(&Value, &Value) -> std::cmp::Ordering + Send + Sync + use<>, String> {
    let all = |is: fn(&Value) -> bool| rows.iter().all(|row| is(&row[2]));
    let compare: fn(&Value, &Value) -> std::cmp::Ordering = if all(Value::is_i64) {
        |left, right| left[2].as_i64().cmp(&right[2].as_i64())
    } else if all(Value::is_number) {
        |left, right| {
            let number = |row: &Value| row[2].as_f64().unwrap_or(f64::NAN);
            number(left).total_cmp(&number(right))
        }
    } else if all(Value::is_string) {
        |left, right| left[2].as_str().cmp(&right[2].as_str())
    } else {
        return Err("cannot be run: rows are ordered by numbers or by texts".into());
    };
    Ok(move |left: &Value, right: &Value| match order {
        Direction::Asc => compare(left, right),
        Direction::Desc => compare(right, left),
    })
}

fn push(row: &mut Value, rank: u32) {
    if let Some(fields) = row.as_array_mut() {
        fields.push(json!(rank));
    }
}

fn ranked(change: &Change<RankedRow<Value>>) -> Value {
    let mut value = change.row.row.clone();
    push(&mut value, change.row.rank);
    json!([change.kind.to_string(), value])
}

fn row(change: &Change<Value>) -> Value {
    json!([change.kind.to_string(), change.row])
}

/// All changes in the order in which they are emitted.
fn drive(subject: &Subject, rows: &[Value], way: Way) -> Result<Vec<Expected>, String> {
    let mut drive = Drive::begin(subject, way)?;
    let mut emitted = Vec::new();
    for value in rows {
        let (value, expect) = (value.clone(), Vec::new());
        drive.step(&Step::Element { input: 0, value, ts: None, expect, expect_error: None })?;
        for emission in drive.take().concat() {
            let Emission::Record { value, .. } = emission else { continue };
            emitted.push(Expected {
                kind: value[0].as_str().unwrap_or_default().to_owned(),
                value: value[1].clone(),
            });
        }
        drive.after_step()?;
    }
    Ok(emitted)
}

/// The rows that the changes amount to.
fn applied(changes: &[Expected]) -> Result<Vec<Value>, String> {
    let mut rows: Vec<Value> = Vec::new();
    for Expected { kind, value } in changes {
        if kind.starts_with('+') {
            rows.push(value.clone());
        } else {
            let found = rows.iter().position(|row| row == value);
            rows.remove(found.ok_or_else(|| format!("{kind} of {value}, which is not there"))?);
        }
    }
    Ok(rows)
}
