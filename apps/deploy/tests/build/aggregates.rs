//! Aggregates without windows, over rows that stay and over rows that come and go; and what is left of them at the end.

use crate::rig::{failure, run, run_with_fault};

fn topology(rows: &str, operators: &str) -> String {
    format!(
        "sources:
  rows:
    parallelism: 1
    inline: {{ rows: [{rows}] }}
    schema: {{ user: int64?, n: int64? }}
operators:
{operators}
sinks: {{ out: {{ inputs: step, collect: {{}} }} }}
"
    )
}

const ROWS: &str = "{ user: 1, n: 5 }, { n: 2 }, { user: 1, n: 3 }, { user: 1 }, { user: 2 }, { user: 1, n: 8 }, { user: 2, n: 4 }";

fn check(operators: &str, expected: &[&str]) {
    let rows = run_with_fault(&topology(ROWS, operators), "step", 2);
    assert_eq!(rows["out"], expected, "{operators}");
}

#[test]
fn a_result_is_revised_when_it_is_another() {
    for retain in ["forever", "1h"] {
        check(
            &format!(
                "  step: {{ inputs: rows, aggregate: {{ key_by: user, retain: {retain}, aggregates: {{ most: max(n) }} }} }}"
            ),
            &["+I 1|5", "+I 2|NULL", "+I NULL|2", "+U 1|8", "+U 2|4", "-U 1|5", "-U 2|NULL"],
        );
    }
    check(
        "  step: { inputs: rows, aggregate: { retain: forever, aggregates: { all: count(), some: count(n) } } }",
        &[
            "+I 1|1", "+U 2|2", "+U 3|3", "+U 4|3", "+U 5|3", "+U 6|4", "+U 7|5", "-U 1|1",
            "-U 2|2", "-U 3|3", "-U 4|3", "-U 5|3", "-U 6|4",
        ],
    );
    check(
        "  step: { inputs: rows, aggregate: { key_by: [user, n], retain: forever, aggregates: { all: count() } } }",
        &[
            "+I 1|3|1",
            "+I 1|5|1",
            "+I 1|8|1",
            "+I 1|NULL|1",
            "+I 2|4|1",
            "+I 2|NULL|1",
            "+I NULL|2|1",
        ],
    );
}

#[test]
fn first_and_last_go_by_event_time_where_there_is_one_and_else_by_arrival() {
    let of = |time: &str| {
        format!(
            "sources:
  rows:
    parallelism: 1
    inline: {{ rows: [{{ n: 5, ms: 2000 }}, {{ n: 6, ms: 1000 }}, {{ n: 7, ms: 3000 }}] }}
    schema: {{ n: int64, ms: int64 }}
    {time}
operators: {{ step: {{ inputs: rows, aggregate: {{ retain: forever, aggregates: {{ f: first(n), l: last(n) }} }} }} }}
sinks: {{ out: {{ inputs: step, collect: {{}} }} }}
"
        )
    };
    let timed = "event_time: { timestamp: \"TO_TIMESTAMP_LTZ(ms, 3)\", watermark: { bounded_out_of_orderness: 5s } }";
    let rows = run_with_fault(&of(timed), "step", 2);
    assert_eq!(rows["out"], ["+I 5|5", "+U 6|5", "+U 6|7", "-U 5|5", "-U 6|5"]);
    let rows = run_with_fault(&of(""), "step", 2);
    assert_eq!(rows["out"], ["+I 5|5", "+U 5|6", "+U 5|7", "-U 5|5", "-U 5|6"]);
}

/// The last number of each user, and how many users have each.
fn counted(rows: &str, aggregates: &str) -> String {
    topology(
        rows,
        &format!(
            "  last: {{ inputs: rows, parallelism: 1, dedup: {{ last_row: {{ key_by: user, retain: forever }} }} }}
  step: {{ inputs: last, dead_letters: skip, aggregate: {{ key_by: n, retain: forever, aggregates: {{ {aggregates} }} }} }}"
        ),
    )
}

const MOVES: &str =
    "{ user: 1, n: 7 }, { user: 2, n: 7 }, { user: 1, n: 8 }, { user: 2, n: 8 }, { user: 1 }";

#[test]
fn a_row_that_is_taken_back_no_longer_counts_and_the_last_one_takes_the_result_along() {
    let check = |aggregates: &str, expected: &[&str]| {
        let rows = run_with_fault(&counted(MOVES, aggregates), "step", 2);
        assert_eq!(rows["out"], expected, "{aggregates}");
    };
    check(
        "users: count()",
        &[
            "+I 7|1",
            "+I 8|1",
            "+I NULL|1",
            "+U 7|1",
            "+U 7|2",
            "+U 8|1",
            "+U 8|2",
            "-D 7|1",
            "-U 7|1",
            "-U 7|2",
            "-U 8|1",
            "-U 8|2",
        ],
    );
    check(
        "a: sum(user), b: avg(user), c: count_distinct(user), d: 'top_k(user, 1)', e: 'percentile(user, 0.5)'",
        &[
            "+I 7|1|1.0|1|[(1, 1)]|1.0",
            "+I 8|1|1.0|1|[(1, 1)]|1.0",
            "+I NULL|1|1.0|1|[(1, 1)]|1.0",
            "+U 7|2|2.0|1|[(2, 1)]|2.0",
            "+U 7|3|1.5|2|[(1, 1)]|1.0",
            "+U 8|2|2.0|1|[(2, 1)]|2.0",
            "+U 8|3|1.5|2|[(1, 1)]|1.0",
            "-D 7|2|2.0|1|[(2, 1)]|2.0",
            "-U 7|1|1.0|1|[(1, 1)]|1.0",
            "-U 7|3|1.5|2|[(1, 1)]|1.0",
            "-U 8|1|1.0|1|[(1, 1)]|1.0",
            "-U 8|3|1.5|2|[(1, 1)]|1.0",
        ],
    );
    // A row that cannot be used is left out when it comes and when it goes.
    check("share: sum(12 / (user - 1))", &["+I 7|12", "+I 8|12", "-D 7|12"]);
}

#[test]
fn what_is_kept_of_rows_that_come_and_go_survives_a_checkpoint() {
    // Of 20,000 rows the last of each of 50 keys, cut into ten groups and counted; the job has many checkpoints.
    let sections = "sources: { rows: { parallelism: 1, generator: { sequence: { records: 20000, keys: 50 } } } }
operators:
  numbered: { inputs: rows, parallelism: 1, aggregate: { key_by: key, retain: forever, aggregates: { often: count() } } }
  step: { inputs: numbered, aggregate: { retain: forever, aggregates: { keys: count(), different: count_distinct(key), all: sum(often) } } }
  final: { inputs: step, materialize: { key_by: keys } }
sinks: { out: { inputs: final, collect: {} } }
";
    let rows = run_with_fault(sections, "step", 15_000);
    assert_eq!(rows["out"], ["50|50|20000"]);
}

#[test]
fn a_row_that_cannot_be_used_is_left_out_or_fails_the_job() {
    let share = |common: &str| {
        topology(
            ROWS,
            &format!(
                "  step: {{ inputs: rows, {common} aggregate: {{ retain: forever, aggregates: {{ s: sum(12 / (n - 3)) }} }} }}"
            ),
        )
    };
    let rows = run(&share("dead_letters: skip,"));
    assert_eq!(rows["out"], ["+I 6", "+U -4", "+U -6", "+U 8", "-U -4", "-U -6", "-U 6"]);
    let why = failure(&share(""));
    assert!(why.contains("the row is [1, 3]") && why.contains("aggregate `s`"), "{why}");
}

#[test]
fn a_result_that_cannot_be_given_leaves_the_one_before_or_fails_the_job() {
    let rows = "{ n: 9223372036854775807 }, { n: 2 }, { n: -2 }, { n: -1 }";
    let sum = |common: &str| {
        topology(
            rows,
            &format!(
                "  step: {{ inputs: rows, {common} aggregate: {{ retain: forever, aggregates: {{ s: sum(n) }} }} }}"
            ),
        )
    };
    let rows = run_with_fault(&sum("dead_letters: skip,"), "step", 2);
    assert_eq!(
        rows["out"],
        ["+I 9223372036854775807", "+U 9223372036854775806", "-U 9223372036854775807",]
    );
    let why = failure(&sum(""));
    assert!(why.contains("aggregate `s`: the sum 9223372036854775809 is no int64"), "{why}");
}

#[test]
fn a_changelog_amounts_to_its_final_rows() {
    let check = |materialize: &str, expected: &[&str]| {
        let operators = format!(
            "  last: {{ inputs: rows, parallelism: 1, dedup: {{ last_row: {{ key_by: user, retain: forever }} }} }}
  step: {{ inputs: last, materialize: {{ {materialize} }} }}"
        );
        assert_eq!(run_with_fault(&topology(MOVES, &operators), "step", 2)["out"], expected);
    };
    check("key_by: user", &["1|NULL", "2|8"]);
    check("key_by: user, primary_key: true", &["1|NULL", "2|8"]);
    check("key_by: n", &["1|NULL", "2|8"]);
    // Rows that stay are what they are, or the last of their key.
    let plain = |materialize: &str| {
        let operators = format!(
            "  all: {{ inputs: rows, parallelism: 1, to_changelog: {{}} }}
  step: {{ inputs: all, materialize: {{ {materialize} }} }}"
        );
        run(&topology("{ user: 1, n: 7 }, { user: 1, n: 7 }, { user: 1, n: 9 }", &operators))
    };
    assert_eq!(plain("key_by: user")["out"], ["1|7", "1|7", "1|9"]);
    assert_eq!(plain("key_by: user, primary_key: true")["out"], ["1|9"]);
}
