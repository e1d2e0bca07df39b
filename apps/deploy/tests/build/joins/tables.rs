//! Joins with a table: the version of a row's time, and a table that every subtask has.

use super::STREAMS;
use crate::rig::{failure, run, run_with_fault};

fn temporal(options: &str, common: &str) -> String {
    format!(
        "{STREAMS}  rates:
    inline: {{ rows: [{{ k: a, since: 0, v: 1 }}, {{ k: b, since: 0, v: 5 }}, {{ since: 0, v: 7 }}, {{ k: b, since: 1500, v: 0 }}, {{ k: a, since: 2000, v: 2 }}] }}
    schema: {{ k: string?, since: int64, v: int64 }}
    event_time: {{ timestamp: 'TO_TIMESTAMP_LTZ(since, 3)', watermark: monotonous }}
operators:
  join: {{ inputs: [orders, rates], {common} temporal_join: {{ on: {{ left: k, right: k }}, {options} }} }}
sinks:
  out: {{ inputs: join, collect: {{}} }}
  unpaid: {{ inputs: payments, discard: {{}} }}
"
    )
}

#[test]
fn each_row_gets_the_version_of_its_time() {
    let check = |options: &str, expected: &[&str]| {
        let options = format!("columns: {{ o: left.o, v: right.v }}, {options}");
        let rows = run_with_fault(&temporal(&options, ""), "join", 2);
        assert_eq!(rows["out"], expected, "{options}");
    };
    check("validity: until-replaced", &["1|1", "2|0", "3|7"]);
    check("validity: until-replaced, left_outer: true", &["1|1", "2|0", "3|7", "4|NULL"]);
    check("validity: { at-most: 1500ms }", &["1|1", "2|0"]);
    check("validity: until-replaced, tombstones: v = 0", &["1|1", "3|7"]);
    check(
        "validity: until-replaced, left_outer: true, tombstones: v = 0",
        &["1|1", "2|NULL", "3|7", "4|NULL"],
    );
}

#[test]
fn a_version_of_which_it_cannot_be_said_whether_it_deletes_fails_the_job_or_is_left_out() {
    let options = "validity: until-replaced, tombstones: 12 / v = 99";
    let why = failure(&temporal(options, ""));
    assert!(why.contains("the row is ['b', 1500, 0]"), "{why}");
    let rows = run(&temporal(options, "dead_letters: skip,"));
    assert_eq!(rows["out"], ["NULL|3000|3|0|7", "a|1000|1|0|1", "b|2000|2|0|5"]);
}

fn broadcast(table: &str, parallelism: u32, options: &str) -> String {
    format!(
        "{STREAMS}  table:
    inline: {{ rows: [{table}] }}
    schema: {{ k: string?, name: string }}
    parallelism: {parallelism}
operators:
  known: {{ inputs: table, parallelism: {parallelism}, filter: name <> 'nobody' }}
  join: {{ inputs: [orders, known], broadcast: {{ on: {{ left: k, right: k }}, hold: 100, {options} }} }}
sinks:
  out: {{ inputs: join, collect: {{}} }}
  unpaid: {{ inputs: payments, discard: {{}} }}
"
    )
}

#[test]
fn every_subtask_has_the_table() {
    let check = |options: &str, expected: &[&str]| {
        let rows = run_with_fault(&broadcast("{ k: b, name: Bo }", 1, options), "join", 1);
        assert_eq!(rows["out"], expected, "{options}");
    };
    check("kind: inner", &["b|2000|2|Bo"]);
    check("", &["b|2000|2|Bo"]);
    check("kind: left", &["NULL|3000|3|NULL", "a|1000|1|NULL", "b|2000|2|Bo", "d|4000|4|NULL"]);
    check("kind: semi", &["b|2000|2"]);
    check("kind: anti", &["NULL|3000|3", "a|1000|1", "d|4000|4"]);
    check(
        "kind: left, columns: { o: left.o, who: \"COALESCE(right.name, '?')\" }",
        &["1|?", "2|Bo", "3|?", "4|?"],
    );
    check("kind: anti, columns: { o: left.o * 10 }", &["10", "30", "40"]);
}

#[test]
fn a_table_may_have_a_row_for_null_or_none_at_all() {
    let rows = run(&broadcast("{ name: Nil }", 1, ""));
    assert_eq!(rows["out"], ["NULL|3000|3|Nil"]);
    let rows = run(&broadcast("{ k: b, name: nobody }", 1, "kind: anti"));
    assert_eq!(rows["out"], ["NULL|3000|3", "a|1000|1", "b|2000|2", "d|4000|4"]);
}

#[test]
fn a_table_whose_order_does_not_matter_comes_from_several_subtasks() {
    let rows = run(&broadcast("{ k: b, name: Bo }", 2, "kind: semi, commutative: true"));
    assert_eq!(rows["out"], ["b|2000|2"]);
}

#[test]
fn a_column_of_a_pair_with_the_table_that_cannot_be_computed_fails_the_job_or_is_left_out() {
    let table = "{ k: b, name: Bo }";
    let options = "kind: left, columns: { share: 12 / (left.o - 1) }";
    let why = failure(&broadcast(table, 1, options));
    assert!(why.contains("the row is [('a', 1000, 1), NULL]"), "{why}");
    let topology =
        broadcast(table, 1, options).replace("broadcast:", "dead_letters: skip, broadcast:");
    assert_eq!(run(&topology)["out"], ["12", "4", "6"]);
}
