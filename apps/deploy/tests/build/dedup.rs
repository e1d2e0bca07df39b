//! One row of each key.

use crate::rig::{failure, run, run_with_fault};

fn topology(dedup: &str) -> String {
    format!(
        "sources:
  rows:
    parallelism: 1
    inline:
      rows:
        - {{ user: 1, n: 5, ms: 2000 }}
        - {{ user: 2, n: 7, ms: 3000 }}
        - {{ user: 1, n: 6, ms: 1000 }}
        - {{ n: 7, ms: 3000 }}
        - {{ user: 2, n: 8, ms: 9000 }}
        - {{ user: 3, n: 5, ms: 500 }}
        - {{ n: 1, ms: 9500 }}
    schema: {{ user: int64?, n: int64, ms: int64 }}
    event_time: {{ timestamp: \"TO_TIMESTAMP_LTZ(ms, 3)\", watermark: {{ bounded_out_of_orderness: 2s }}, emit: each-record }}
operators: {{ step: {{ inputs: rows, {dedup} }} }}
sinks: {{ out: {{ inputs: step, collect: {{}} }} }}
"
    )
}

fn check(dedup: &str, expected: &[&str]) {
    let rows = run_with_fault(&topology(&format!("dedup: {{ {dedup} }}")), "step", 2);
    assert_eq!(rows["out"], expected, "{dedup}");
}

#[test]
fn the_first_row_of_each_key_to_arrive() {
    let expected = ["1|5|2000", "2|7|3000", "3|5|500", "NULL|7|3000"];
    for rest in ["retain: forever", "retain: 1h", "retain: 1h, refreshed_by_duplicates: true"] {
        check(&format!("first_row: {{ key_by: user, {rest} }}"), &expected);
    }
    check("bloom: { key_by: user, expected: 1000, false_positives: 0.001 }", &expected);
    check(
        "first_row: { key_by: [user, n], retain: forever }",
        &["1|5|2000", "1|6|1000", "2|7|3000", "2|8|9000", "3|5|500", "NULL|1|9500", "NULL|7|3000"],
    );
}

#[test]
fn the_first_row_of_each_key_by_event_time_and_those_that_are_too_late() {
    let first =
        topology("dedup: { first_row: { key_by: user, time: event-time, retain: RETAIN } }");
    let first = first.replace("sinks: {", "sinks: { late: { inputs: step.late, collect: {} },");
    let rows = run_with_fault(&first.replace("RETAIN", "forever"), "step", 2);
    assert_eq!(rows["out"], ["1|6|1000", "2|7|3000", "NULL|7|3000"]);
    assert_eq!(rows["late"], ["3|5|500"]);
    let rows = run(&first.replace("RETAIN", "5s"));
    assert_eq!(rows["out"], ["1|6|1000", "2|7|3000", "2|8|9000", "NULL|1|9500", "NULL|7|3000"]);
    check(
        "first_row: { key_by: user, time: event-time, retain: forever }",
        &["1|6|1000", "2|7|3000", "NULL|7|3000"],
    );
}

#[test]
fn the_last_row_of_each_key_as_it_changes() {
    check(
        "last_row: { key_by: user, retain: forever }",
        &[
            "+I 1|5|2000",
            "+I 2|7|3000",
            "+I 3|5|500",
            "+I NULL|7|3000",
            "+U 1|6|1000",
            "+U 2|8|9000",
            "+U NULL|1|9500",
            "-U 1|5|2000",
            "-U 2|7|3000",
            "-U NULL|7|3000",
        ],
    );
    check(
        "last_row: { key_by: user, time: event-time, retain: 1h }",
        &[
            "+I 1|5|2000",
            "+I 2|7|3000",
            "+I 3|5|500",
            "+I NULL|7|3000",
            "+U 2|8|9000",
            "+U NULL|1|9500",
            "-U 2|7|3000",
            "-U NULL|7|3000",
        ],
    );
}

#[test]
fn the_first_row_of_each_number() {
    check("bitmap: { id: n }", &["1|5|2000", "1|6|1000", "2|7|3000", "2|8|9000", "NULL|1|9500"]);
    check(
        "bitmap: { id: n * 1000000007 }",
        &["1|5|2000", "1|6|1000", "2|7|3000", "2|8|9000", "NULL|1|9500"],
    );
}

#[test]
fn a_row_without_a_number_is_left_out_or_fails_the_job() {
    for (id, expected, reason) in [
        ("n - 6", vec!["1|6|1000", "2|7|3000", "2|8|9000"], "the id -1 is below zero"),
        ("user", vec!["1|5|2000", "2|7|3000", "3|5|500"], "the id is NULL"),
        ("12 / (n - 5)", vec!["1|6|1000", "2|7|3000", "2|8|9000"], "the row is [1, 5, 2000]"),
    ] {
        let rows =
            run(&topology(&format!("dead_letters: skip, dedup: {{ bitmap: {{ id: {id} }} }}")));
        assert_eq!(rows["out"], expected, "{id}");
        let why = failure(&topology(&format!("dedup: {{ bitmap: {{ id: {id} }} }}")));
        assert!(why.contains(reason) && why.contains("the row is ["), "{why}");
    }
}
