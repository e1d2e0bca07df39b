//! `interval_join`: pairs within bounds of time, late records, and what is kept for how long.

use super::Way;
use super::drive::{self, Subject};
use crate::harness::life::Saved;
use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_core::operator::OutputTag;
use tidegate_operators::join::{Interval, IntervalJoin, Joined};

const SIDES: &[&str] = &["left_late", "right_late"];

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Operator {
    IntervalJoin {
        key: String,
        lower_bound_ms_inclusive: i64,
        upper_bound_ms_inclusive: i64,
        left_late_side_output: Option<String>,
        right_late_side_output: Option<String>,
        function: String,
    },
    IntervalJoinState {
        lower_bound_ms_inclusive: i64,
        upper_bound_ms_inclusive: i64,
    },
}

const PAIRS: &str = "emit [left,right]; output timestamp = max(left.ts,right.ts)";

pub(super) fn run(case: &Value, way: Way) -> Result<(), String> {
    drive::run(case, way, |operator| match operator {
        Operator::IntervalJoin {
            key,
            lower_bound_ms_inclusive,
            upper_bound_ms_inclusive,
            left_late_side_output,
            right_late_side_output,
            function,
        } => {
            if key != "all elements share one key" || function != PAIRS {
                return Err(format!("cannot be run: `{function}` by `{key}` is not known"));
            }
            let interval = Interval::between(*lower_bound_ms_inclusive, *upper_bound_ms_inclusive);
            let tags = [
                tag(left_late_side_output.as_deref(), SIDES[0])?,
                tag(right_late_side_output.as_deref(), SIDES[1])?,
            ];
            subject(interval, tags)
        }
        Operator::IntervalJoinState { lower_bound_ms_inclusive, upper_bound_ms_inclusive } => {
            let interval = Interval::between(*lower_bound_ms_inclusive, *upper_bound_ms_inclusive);
            subject(interval, [None, None])
        }
    })
}

fn tag(wanted: Option<&str>, known: &'static str) -> Result<Option<OutputTag<Value>>, String> {
    match wanted {
        None => Ok(None),
        Some(name) if name == known => Ok(Some(OutputTag::new(known))),
        Some(name) => Err(format!("cannot be run: a side output `{name}`")),
    }
}

fn subject(interval: Interval, late: [Option<OutputTag<Value>>; 2]) -> Result<Subject, String> {
    let join = IntervalJoin::new(interval).map_err(|error| format!("cannot be run: {error}"))?;
    let [left, right] = late;
    let join = left.into_iter().fold(join, IntervalJoin::side_output_late_left);
    let join = right.into_iter().fold(join, IntervalJoin::side_output_late_right);
    let make = move || join.clone().into_operator(|_: &Value| (), |_: &Value| ());
    Ok(Subject::with_two_inputs(make, shown, SIDES).keyed_by(|_| ()).keeps(kept))
}

fn shown(row: &Joined<Value, Value>) -> Value {
    json!([row.left(), row.right()])
}

/// The timestamps of what waits on one side, as a snapshot holds it: a list of records for each side,
/// a record's timestamp first.
fn kept(saved: &Saved, buffer: &str) -> Result<Vec<i64>, String> {
    let mut kept = Vec::new();
    for sides in saved.values::<Value>("waiting")? {
        let records = sides[buffer].as_array().ok_or(format!("no buffer `{buffer}`"))?;
        let timestamp = |record: &Value| record[0].as_i64().ok_or("a record without a timestamp");
        for record in records {
            kept.push(timestamp(record)?);
        }
    }
    kept.sort_unstable();
    Ok(kept)
}
