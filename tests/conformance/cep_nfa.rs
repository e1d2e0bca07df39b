//! `cep_nfa`: patterns, matched by the automaton alone.

use super::Way;
use super::case::{Order, read};
use super::cep_pattern::{Skip, Stage, pattern};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tidegate_core::codec;
use tidegate_core::time::Timestamp;
use tidegate_operators::cep::{Matched, Nfa, Outcome, PartialMatches};

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
    events: BTreeMap<String, Value>,
    steps: Vec<Step>,
    order: Order,
    total_matches: usize,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Operator {
    CepNfa { after_match_skip: Skip, emit_timeouts: bool, pattern: Vec<Stage> },
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
enum Step {
    Element {
        event: String,
        ts: i64,
        #[serde(default)]
        expect: Expected,
    },
    AdvanceTime {
        ts: i64,
        #[serde(default)]
        expect: Expected,
    },
}

/// Stage to events, by their labels.
type Labels = BTreeMap<String, Vec<String>>;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    #[serde(default)]
    matches: Vec<Labels>,
    #[serde(default)]
    timeouts: Vec<TimedOut>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimedOut {
    partial: Labels,
    ts: i64,
}

impl Expected {
    fn sorted(mut self) -> Self {
        self.matches.sort();
        self.timeouts.sort();
        self
    }
}

/// The label travels with the event, but for conditions, which read its own fields, it is not there.
const LABEL: &str = "label of the case";

pub(super) fn run(case: &Value, way: Way) -> Result<(), String> {
    let Described { operator, events, steps, order, total_matches, .. } = read(case)?;
    let Operator::CepNfa { after_match_skip, emit_timeouts, pattern: stages } = operator;
    if order != Order::Unordered {
        return Err("cannot be run: the order of matches within a step is not told".into());
    }
    let pattern = pattern(&stages, &after_match_skip)?;
    let mut nfa = pattern.build().map_err(|error| format!("cannot be run: {error}"))?;
    let mut matches = PartialMatches::default();
    let mut total = 0;
    for (number, step) in (1..).zip(steps) {
        let (event, ts, expected) = match step {
            Step::Element { event, ts, expect } => {
                let mut value = events.get(&event).ok_or("a label without an event")?.clone();
                value[LABEL] = json!(event);
                (Some(value), ts, expect)
            }
            Step::AdvanceTime { ts, expect } => (None, ts, expect),
        };
        let mut found = step_by(&mut nfa, &mut matches, event, Timestamp(ts))?;
        if !emit_timeouts {
            found.timeouts.clear();
        }
        total += found.matches.len();
        let (found, expected) = (found.sorted(), expected.sorted());
        if found != expected {
            return Err(format!("step {number}: expected {expected:?}, got {found:?}"));
        }
        if way == Way::Restored {
            let saved = codec::to_cbor(&matches);
            matches = codec::from_cbor(&saved).map_err(|error| error.to_string())?;
        }
    }
    let differs = format!("expected {total_matches} matches in all, got {total}");
    if total == total_matches { Ok(()) } else { Err(differs) }
}

fn step_by(
    nfa: &mut Nfa<Value>,
    matches: &mut PartialMatches<Value>,
    event: Option<Value>,
    at: Timestamp,
) -> Result<Expected, String> {
    let mut found = Expected::default();
    let mut emit = |outcome: Outcome<'_, Value>| match outcome {
        Outcome::Matched(matched) => found.matches.push(labels(&matched)),
        Outcome::TimedOut { partial, at } => {
            found.timeouts.push(TimedOut { partial: labels(&partial), ts: at.millis() });
        }
    };
    let fails = |error| format!("fails: {error}");
    nfa.advance_time(matches, at, &mut emit).map_err(fails)?;
    if let Some(event) = event {
        nfa.process(matches, event, at, &mut emit).map_err(fails)?;
    }
    Ok(found)
}

fn labels(matched: &Matched<'_, Value>) -> Labels {
    let mut labels = Labels::new();
    for (stage, event) in matched.iter() {
        let label = event[LABEL].as_str().unwrap_or_default().to_owned();
        labels.entry(stage.to_owned()).or_default().push(label);
    }
    labels
}
