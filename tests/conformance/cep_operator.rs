//! `cep_operator`: patterns in a keyed stream, with watermarks, late events and time-outs.

use super::Way;
use super::cep_pattern::{Skip, Stage, pattern};
use super::drive::{self, Subject};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tidegate_core::operator::OutputTag;
use tidegate_core::time::Timestamp;
use tidegate_operators::cep::{Cep, Matched};

const MATCHES: &str = "emit the match as a map pattern name -> list of events";
const TIME_OUTS: &str = "main output: match map; timed-out partial matches go to a side output as \
                         [map, timeout timestamp]";

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Operator {
    CepOperator {
        key: String,
        time: Time,
        after_match_skip: Skip,
        emit_timeouts: bool,
        late_side_output: Option<String>,
        pattern: Vec<Stage>,
        function: String,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Time {
    EventTime,
    ProcessingTime,
}

pub(super) fn run(case: &Value, way: Way) -> Result<(), String> {
    drive::run(case, way, |operator| {
        let Operator::CepOperator {
            key,
            time,
            after_match_skip,
            emit_timeouts,
            late_side_output,
            pattern: stages,
            function,
        } = operator;
        if key != "field id" || ![MATCHES, TIME_OUTS].contains(&function.as_str()) {
            return Err(format!("cannot be run: `{function}` by `{key}` is not known"));
        }
        let pattern = pattern(stages, after_match_skip)?;
        let mut cep = Cep::new(&pattern).map_err(|error| format!("cannot be run: {error}"))?;
        let mut sides = Vec::new();
        if let Some(late) = late_side_output {
            let late = forever(late);
            cep = cep.side_output_late(OutputTag::new(late));
            sides.push(late);
        }
        if *emit_timeouts {
            for tag in told_sides(case).filter(|tag| Some(*tag) != late_side_output.as_deref()) {
                let tag = forever(tag);
                let row = |_: &u64, partial: &Matched<'_, Value>, at: Timestamp| {
                    json!([shown(partial), at.millis()])
                };
                cep = cep.side_output_timed_out(OutputTag::<Value>::new(tag), row);
                sides.push(tag);
            }
        }
        if *time == Time::ProcessingTime || !tells_event_time(case) {
            cep = cep.processing_time();
        }
        let make = move || cep.clone().into_operator(id, |_, matched| shown(matched));
        Ok(Subject::new(make, Value::clone, sides.leak()).keyed_by(id))
    })
}

fn id(event: &Value) -> u64 {
    event["id"].as_u64().unwrap_or_default()
}

fn shown(matched: &Matched<'_, Value>) -> Value {
    let mut events = BTreeMap::<&str, Vec<&Value>>::new();
    for (stage, event) in matched.iter() {
        events.entry(stage).or_default().push(event);
    }
    json!(events)
}

/// Names of outputs live as long as the program; those of the cases are few.
fn forever(name: &str) -> &'static str {
    name.to_owned().leak()
}

fn steps(case: &Value) -> impl Iterator<Item = &Value> {
    case["steps"].as_array().into_iter().flatten()
}

/// The side outputs on which the case expects something, each once.
fn told_sides(case: &Value) -> impl Iterator<Item = &str> {
    let emissions = steps(case).filter_map(|step| step["expect"].as_array()).flatten();
    let tags = emissions.filter_map(|emission| emission["tag"].as_str());
    tags.collect::<std::collections::BTreeSet<_>>().into_iter()
}

/// Where no watermark comes, nothing could be matched by event time; two of Flink's tests give records
/// timestamps, but have the operator go by the wall clock, which then stands still.
fn tells_event_time(case: &Value) -> bool {
    steps(case).any(|step| step["op"] == "watermark")
}
