//! The first rows of each window, and of each key at any moment.

use crate::rig::{Run, failure, run, run_once, run_with_fault};

/// Who has got how many votes within ten seconds.
const VOTES: &str = "sources:
  votes:
    parallelism: 1
    inline:
      rows: [{ to: a, ms: 1 }, { to: b, ms: 2 }, { to: c, ms: 3 }, { to: a, ms: 4 }, { to: d, ms: 5 }, { to: b, ms: 6 }, { ms: 7 }, { to: a, ms: 12000 }]
    schema: { to: string?, ms: int64 }
    event_time: { timestamp: \"TO_TIMESTAMP_LTZ(ms, 3)\", watermark: { bounded_out_of_orderness: 0s }, emit: each-record }
";

fn ranking(common: &str, top: &str) -> String {
    format!(
        "{VOTES}operators:
  step: {{ inputs: votes, {common} window: {{ key_by: to, tumbling: {{ size: 10s }}, aggregates: {{ n: count() }}, top_n: {{ {top} }} }} }}
  plain: {{ inputs: step, project: {{ to: to, n: n, rank: rank }} }}
sinks: {{ out: {{ inputs: plain, collect: {{}} }} }}
"
    )
}

#[test]
fn each_window_has_its_first_rows() {
    let check = |top: &str, expected: &[&str]| {
        let rows = run_with_fault(&ranking("", top), "step", 2);
        assert_eq!(rows["out"], expected, "{top}");
        let rows = run_with_fault(&ranking("", top), "step.ranking", 2);
        assert_eq!(rows["out"], expected, "{top}");
    };
    // Of rows that rank alike the one with the smallest values, and NULL is the smallest.
    check("n: 1, order_by: [n desc]", &["a|1|1", "a|2|1"]);
    check("n: 3, order_by: [n desc]", &["NULL|1|3", "a|1|1", "a|2|1", "b|2|2"]);
    check("n: 2, order_by: [n, to desc]", &["a|1|1", "c|1|2", "d|1|1"]);
    check("n: 9, order_by: [to]", &["NULL|1|1", "a|1|1", "a|2|2", "b|2|3", "c|1|4", "d|1|5"]);
    let ties = ", with_ties: true";
    check(&format!("n: 1, order_by: [n desc]{ties}"), &["a|1|1", "a|2|1", "b|2|1"]);
    check(
        &format!("n: 3, order_by: [n desc]{ties}"),
        &["NULL|1|3", "a|1|1", "a|2|1", "b|2|1", "c|1|3", "d|1|3"],
    );
    check(&format!("n: 2, order_by: [n, to]{ties}"), &["NULL|1|1", "a|1|1", "c|1|2"]);
}

#[test]
fn a_result_that_cannot_be_ranked_is_left_out_or_fails_the_job() {
    for ties in ["", ", with_ties: true"] {
        let top = format!("n: 5, order_by: [10 / (n - 1)]{ties}");
        let rows = run(&ranking("dead_letters: skip,", &top));
        let second = if ties.is_empty() { "b|2|2" } else { "b|2|1" };
        assert_eq!(rows["out"], ["a|2|1", second]);
        let why = failure(&ranking("", &top));
        assert!(why.contains("the row is ["), "{why}");
    }
}

#[test]
fn a_late_row_moves_the_ranking_that_is_out() {
    let topology = |ties: &str| {
        format!(
            "sources:
  votes:
    parallelism: 1
    inline: {{ rows: [{{ to: b, ms: 1 }}, {{ to: a, ms: 2 }}, {{ to: x, ms: 12000 }}, {{ to: b, ms: 3 }}] }}
    schema: {{ to: string, ms: int64 }}
    event_time: {{ timestamp: \"TO_TIMESTAMP_LTZ(ms, 3)\", watermark: {{ bounded_out_of_orderness: 0s }}, emit: each-record }}
operators:
  step: {{ inputs: votes, window: {{ key_by: to, tumbling: {{ size: 10s }}, allowed_lateness: 1h, aggregates: {{ n: count() }}, top_n: {{ n: 2, order_by: [n desc]{ties} }} }} }}
  plain: {{ inputs: step, project: {{ to: to, n: n, rank: rank }} }}
sinks: {{ out: {{ inputs: plain, collect: {{}} }} }}
"
        )
    };
    // With two subtasks the update may come before the other one has given out its part.
    let of = |ties: &str| {
        let run = run_once(
            &topology(ties),
            Run { parallelism: 1, fault: Some(("step.ranking", 2)), ..Run::default() },
        );
        run.expect("no mistake")["out"].clone()
    };
    assert_eq!(of(""), ["a|1|1", "a|1|2", "b|1|2", "b|2|1", "x|1|1"]);
    assert_eq!(of(", with_ties: true"), ["a|1|1", "a|1|2", "b|1|1", "b|2|1", "x|1|1"]);
}

fn top(rows: &str, common: &str, top: &str) -> String {
    format!(
        "sources:
  rows:
    parallelism: 1
    inline: {{ rows: [{rows}] }}
    schema: {{ user: int64, n: int64? }}
operators: {{ step: {{ inputs: rows, {common} top_n: {{ {top} }} }} }}
sinks: {{ out: {{ inputs: step, collect: {{}} }} }}
"
    )
}

const ROWS: &str =
    "{ user: 1, n: 5 }, { user: 2, n: 7 }, { user: 3 }, { user: 3, n: 6 }, { user: 4, n: 7 }";

#[test]
fn a_ranking_is_revised_with_each_row() {
    let check = |topology: &str, expected: &[&str]| {
        assert_eq!(run_with_fault(topology, "step", 2)["out"], expected, "{topology}");
    };
    check(
        &top(ROWS, "", "n: 2, order_by: n desc, with_rank: true"),
        &[
            "+I 1|5|1", "+I 1|5|2", "+U 2|7|1", "+U 3|6|2", "+U 4|7|2", "-U 1|5|1", "-U 1|5|2",
            "-U 3|6|2",
        ],
    );
    check(
        &top(ROWS, "", "n: 2, order_by: n desc"),
        &["+I 1|5", "+I 2|7", "+I 3|6", "+I 4|7", "-D 1|5", "-D 3|6"],
    );
    check(
        &top(ROWS, "", "n: 1, key_by: user, order_by: [n desc, user]"),
        &["+I 1|5", "+I 2|7", "+I 3|6", "+I 3|NULL", "+I 4|7", "-D 3|NULL"],
    );
    let again = "{ user: 1, n: 5 }, { user: 2, n: 7 }, { user: 1, n: 9 }";
    for rising in ["", ", only_rising: true"] {
        check(
            &top(
                again,
                "",
                &format!("n: 2, order_by: n desc, unique_by: user, with_rank: true{rising}"),
            ),
            &[
                "+I 1|5|1", "+I 1|5|2", "+U 1|9|1", "+U 2|7|1", "+U 2|7|2", "-U 1|5|1", "-U 1|5|2",
                "-U 2|7|1",
            ],
        );
    }
    check(
        &top(again, "", "n: 1, order_by: n desc, unique_by: user"),
        &["+I 1|5", "+I 1|9", "+I 2|7", "-D 1|5", "-D 2|7"],
    );
}

#[test]
fn a_ranking_of_rows_that_come_and_go() {
    let rows = "{ user: 1, n: 5 }, { user: 2, n: 7 }, { user: 1, n: 1 }, { user: 2, n: 0 }";
    let topology = |top: &str| {
        format!(
            "sources:
  rows:
    parallelism: 1
    inline: {{ rows: [{rows}] }}
    schema: {{ user: int64, n: int64? }}
operators:
  last: {{ inputs: rows, parallelism: 1, dedup: {{ last_row: {{ key_by: user, retain: forever }} }} }}
  step: {{ inputs: last, dead_letters: skip, top_n: {{ {top} }} }}
sinks: {{ out: {{ inputs: step, collect: {{}} }} }}
"
        )
    };
    let ranked = run_with_fault(&topology("n: 1, order_by: n desc, with_rank: true"), "step", 3);
    assert_eq!(ranked["out"], ["+I 1|5|1", "+U 1|1|1", "+U 2|7|1", "-U 1|5|1", "-U 2|7|1"]);
    let alone = run_with_fault(&topology("n: 1, order_by: n desc"), "step", 3);
    assert_eq!(alone["out"], ["+I 1|1", "+I 1|5", "+I 2|7", "-D 1|5", "-D 2|7"]);
    // What cannot be ranked is left out when it comes and when it goes.
    let some = run(&topology("n: 1, order_by: 10 / (n - 7)"));
    assert_eq!(some["out"], ["+I 1|1", "+I 1|5", "-D 1|5"]);
}

#[test]
fn a_row_that_cannot_be_ranked_is_left_out_or_fails_the_job() {
    let order = "n: 1, order_by: 10 / (n - 5) desc";
    let rows = run(&top(ROWS, "dead_letters: skip,", order));
    assert_eq!(rows["out"], ["+I 2|7", "+I 3|6", "-D 2|7"]);
    let why = failure(&top(ROWS, "", order));
    assert!(why.contains("the row is [1, 5]"), "{why}");
}
