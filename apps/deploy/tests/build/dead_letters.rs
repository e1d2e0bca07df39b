//! Rows that cannot be used, put aside: every family gives them to `dead_letters`, with the reason, and goes on.

use crate::rig::{failure, run, run_with_fault};

/// Numbers with their own time, some of them zero, and a step over them whose dead letters are kept.
fn topology(step: &str) -> String {
    format!(
        "sources:
  numbers:
    parallelism: 1
    inline: {{ rows: [{{ k: 1, n: 4, t: 1 }}, {{ k: 2, n: 0, t: 2 }}, {{ k: 1, n: 6, t: 3 }}, {{ k: 2, n: 3, t: 1001 }}] }}
    schema: {{ k: int64, n: int64, t: int64 }}
    event_time: {{ timestamp: 'to_timestamp_ltz(t, 3)', watermark: monotonous }}
operators:
  step: {{ inputs: numbers, dead_letters: aside, {step} }}
sinks:
  out: {{ inputs: step, collect: {{}} }}
  dead: {{ inputs: step.dead_letters, collect: {{}} }}
"
    )
}

#[track_caller]
fn check(step: &str, out: &[&str], dead: &[&str]) {
    let rows = run_with_fault(&topology(step), "step", 2);
    assert_eq!(rows["out"], out, "{step}");
    let told = |row: &String| row.split('|').map(str::to_owned).collect::<Vec<_>>();
    let found: Vec<Vec<String>> = rows["dead"].iter().map(told).collect();
    assert_eq!(found.len(), dead.len(), "{step}: {found:?}");
    for (letter, expected) in found.iter().zip(dead) {
        let [node, reason, row] = letter.as_slice() else { panic!("{letter:?}") };
        assert_eq!(node, "step");
        assert!(reason.contains("division by zero"), "{step}: {reason}");
        assert_eq!(row, expected, "{step}");
    }
}

#[test]
fn steps_put_rows_aside() {
    let row = "[2, 0, 2]";
    check("filter: 12 / n > 2", &["1|4|1", "2|3|1001"], &[row]);
    check("project: { x: 12 / n, k: k }", &["2|1", "3|1", "4|2"], &[row]);
    check("map: { set: { x: 12 / n }, drop: t }", &["1|4|3", "1|6|2", "2|3|4"], &[row]);
    let rows = run_with_fault(
        &topology("split: { many: 12 / n < 3 }")
            .replace("sinks:\n", "sinks:\n  many: { inputs: step.many, collect: {} }\n"),
        "step",
        1,
    );
    assert_eq!(rows["many"], ["1|6|3"]);
    assert_eq!(rows["out"], ["1|4|1", "2|3|1001"]);
    assert_eq!(rows["dead"].len(), 1);
}

#[test]
fn what_keeps_state_puts_rows_aside_in_front_and_behind() {
    let window = "window: { key_by: k, tumbling: { size: 1s }, aggregates: { x: sum(12 / n) } }";
    let bounds =
        |second: i64| format!("1970-01-01 00:00:0{second}|1970-01-01 00:00:0{}", second + 1);
    let out = [format!("1|{}|5", bounds(0)), format!("2|{}|4", bounds(1))];
    check(window, &[&out[0], &out[1]], &["[2, 0, 2]"]);
    let ranked = "window: { key_by: k, tumbling: { size: 1s }, aggregates: { x: sum(n) }, top_n: { n: 1, order_by: 12 / x } }";
    let out = [format!("1|{}|10|1", bounds(0)), format!("2|{}|3|1", bounds(1))];
    check(ranked, &[&out[0], &out[1]], &["[2, 1970-01-01 00:00:00, 1970-01-01 00:00:01, 0]"]);
    let changes = ["+I 1|3", "+I 2|4", "+U 1|5", "-U 1|3"];
    check(
        "aggregate: { key_by: k, retain: forever, aggregates: { x: sum(12 / n) } }",
        &changes,
        &["[2, 0, 2]"],
    );
}

#[test]
fn dead_letters_flow_on_like_other_rows() {
    let counted = topology("filter: 12 / n > 2").replace(
        "sinks:\n",
        "  counted: { inputs: step.dead_letters, window: { key_by: node, tumbling: { size: 1s }, aggregates: { n: count() } } }
sinks:\n  counts: { inputs: counted, collect: {} }\n",
    );
    let rows = run_with_fault(&counted, "step", 2);
    assert_eq!(rows["counts"], ["step|1970-01-01 00:00:00|1970-01-01 00:00:01|1"]);
}

#[test]
fn a_node_in_which_nothing_fails_gives_no_dead_letters_and_one_that_nobody_takes_counts_them() {
    check("materialize: { key_by: k }", &["1|4|1", "1|6|3", "2|0|2", "2|3|1001"], &[]);
    let unused = topology("filter: 12 / n > 2")
        .replace("  dead: { inputs: step.dead_letters, collect: {} }\n", "");
    assert_eq!(run(&unused)["out"], ["1|4|1", "2|3|1001"]);
    let why = failure(&unused.replace("aside", "fail"));
    assert!(why.contains("division by zero"), "{why}");
}
