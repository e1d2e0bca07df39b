//! Lookup joins: what a registered lookup knows about the key of a row.

use crate::rig::{Rows, Run, run_as, run_once};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tidegate_deploy::Registry;
use tidegate_rows::{DataType, Field, Row, RowKey, Schema, Value};

/// Names of numbers: that of 1 and of NULL. What is asked of 2 is not known, of 3 fails, of 4 is never answered, and of 5
/// is no name.
#[derive(Deserialize, JsonSchema)]
struct Names {
    /// How many calls for a key fail.
    #[serde(default)]
    failing: u64,
    /// What makes it impossible.
    #[serde(default)]
    impossible: Option<String>,
}

fn names(registry: &mut Registry) {
    let columns =
        [Field::required("name", DataType::String), Field::required("calls", DataType::Int64)];
    let columns = Schema::new(columns).expect("two names");
    let registered = registry.lookup("names", columns, |names: &Names| {
        if let Some(why) = &names.impossible {
            return Err(why.clone());
        }
        let (failing, calls) = (names.failing, Arc::new(Mutex::new(HashMap::new())));
        Ok(move |key: RowKey| {
            let mut calls = calls.lock().expect("no test panics within");
            let call: &mut u64 = calls.entry(key.clone()).or_default();
            *call += 1;
            let call = *call;
            async move {
                if call <= failing {
                    return Err(format!("call {call} fails").into());
                }
                let row = |name: &str| {
                    let calls = i64::try_from(call).expect("few calls");
                    Ok(Some(Row::new([Value::string(name), Value::Int64(calls)])))
                };
                match key.values() {
                    [Value::Int64(1)] => row("one"),
                    [Value::Null] => row("nothing"),
                    [Value::Int64(3)] => Err("three is not to be spoken of".into()),
                    [Value::Int64(4)] => std::future::pending().await,
                    [Value::Int64(5)] => Ok(Some(Row::new([Value::Int64(5)]))),
                    _ => Ok(None),
                }
            }
        })
    });
    registered.expect("a new name");
}

fn lookup(numbers: &str, lookup: &str, options: &str, sinks: &str) -> String {
    format!(
        "sources:
  numbers:
    inline: {{ rows: [{numbers}] }}
    schema: {{ n: int64?, id: int64 }}
operators:
  join: {{ inputs: numbers, lookup_join: {{ key_by: n, lookup: {{ names: {{ {lookup} }} }}, timeout: 1h, {options} }} }}
sinks:
  out: {{ inputs: join, collect: {{}} }}
{sinks}"
    )
}

const NUMBERS: &str = "{ n: 1, id: 1 }, { n: 2, id: 2 }, { id: 3 }, { n: 1, id: 4 }";

fn run(sections: &str) -> Rows {
    run_as(sections, Run { brings: Some(names), ..Run::default() })
}

fn failure(sections: &str) -> String {
    let run = Run { parallelism: 1, brings: Some(names), ..Run::default() };
    run_once(sections, run).expect_err("the job should have failed")
}

#[test]
fn each_row_is_joined_with_what_is_known_about_its_key() {
    let columns = "columns: { id: left.id, name: right.name }";
    for order in ["ordered", "unordered"] {
        let options = format!("order: {order}, capacity: 2, {columns}");
        let topology = lookup(NUMBERS, "", &options, "");
        let all = ["1|one", "2|NULL", "3|nothing", "4|one"];
        assert_eq!(run(&topology)["out"], all, "{order}");
        let fault =
            Run { parallelism: 2, fault: Some(("join", 2)), brings: Some(names), ..Run::default() };
        assert_eq!(run_once(&topology, fault).expect("it goes on")["out"], all, "{order}");
        let options = format!("order: {order}, kind: inner, {columns}");
        let known = ["1|one", "3|nothing", "4|one"];
        assert_eq!(run(&lookup(NUMBERS, "", &options, ""))["out"], known, "{order}");
    }
}

#[test]
fn what_is_known_can_be_computed_with() {
    let options = "columns: { text: \"COALESCE(right.name, '?') || CAST(left.id AS STRING)\" }";
    assert_eq!(run(&lookup(NUMBERS, "", options, ""))["out"], ["?2", "nothing3", "one1", "one4"]);
}

#[test]
fn a_key_is_asked_for_once_as_long_as_its_answer_is_kept() {
    let numbers = "{ n: 1, id: 1 }, { n: 1, id: 2 }, { n: 1, id: 3 }";
    let kept = lookup(numbers, "", "cache: { entries: 10, ttl: 1h }", "");
    assert_eq!(run(&kept)["out"], ["1|1|one|1", "1|2|one|1", "1|3|one|1"]);
    let asked = lookup(numbers, "", "columns: { calls: right.calls }", "");
    assert_eq!(run(&asked)["out"], ["1", "2", "3"]);
    let missing = "{ n: 2, id: 1 }, { n: 2, id: 2 }";
    let options = "cache: { entries: 10, ttl: 1h, missing: false }";
    assert_eq!(run(&lookup(missing, "", options, ""))["out"], ["2|1|NULL|NULL", "2|2|NULL|NULL"]);
}

#[test]
fn a_call_that_fails_is_made_again_as_often_as_said() {
    let retries = [
        "retry: { fixed-delay: { calls: 3, delay: 1ms } }",
        "retry: { exponential: { calls: 3, first: 1ms, most: 2ms } }",
    ];
    for retry in retries {
        let rows = run(&lookup("{ n: 1, id: 1 }", "failing: 2", retry, ""));
        assert_eq!(rows["out"], ["1|1|one|3"], "{retry}");
        let why = failure(&lookup("{ n: 1, id: 1 }", "failing: 3", retry, ""));
        assert!(why.contains("the lookup `names` of [1] failed: call 3 fails"), "{why}");
    }
    let why = failure(&lookup("{ n: 1, id: 1 }", "failing: 1", "", ""));
    assert!(why.contains("join") && why.contains("call 1 fails"), "{why}");
}

#[test]
fn rows_without_an_answer_go_to_their_side_output() {
    let numbers = "{ n: 3, id: 1 }, { n: 1, id: 2 }, { n: 4, id: 3 }, { n: 5, id: 4 }";
    let sinks = "  failed: { inputs: join.failed, collect: {} }\n";
    let topology = lookup(numbers, "", "", sinks).replace("timeout: 1h", "timeout: 1s");
    let rows = run(&topology);
    assert_eq!(rows["out"], ["1|2|one|1"]);
    assert_eq!(rows["failed"], ["3|1", "4|3", "5|4"]);
}

#[test]
fn a_lookup_tells_why_it_fails() {
    let why = failure(&lookup("{ n: 5, id: 4 }", "", "", ""));
    assert!(why.contains("its answer is not of the columns it was registered with"), "{why}");
    let why = failure(&lookup("{ n: 1, id: 1 }", "impossible: no names today", "", ""));
    assert_eq!(why, "the node `join` cannot be built: no names today");
    let silent = lookup("{ n: 4, id: 1 }", "", "", "").replace("timeout: 1h", "timeout: 10ms");
    assert!(failure(&silent).contains("not answered within its timeout"));
}
