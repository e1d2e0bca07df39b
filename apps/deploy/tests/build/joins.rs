//! Joins of two streams: every kind, columns that are moved and computed, rows that stay alone.

mod late;
mod tables;
mod windows;

use crate::rig::{Rows, Run, failure, run, run_once, run_with_fault};
use std::collections::BTreeMap;

/// Orders and payments: `a` is paid in half a second and once more much later, and so is NULL, once.
const STREAMS: &str = "sources:
  orders:
    inline: { rows: [{ k: a, at: 1000, o: 1 }, { k: b, at: 2000, o: 2 }, { at: 3000, o: 3 }, { k: d, at: 4000, o: 4 }] }
    schema: { k: string?, at: int64, o: int64 }
    event_time: { timestamp: 'TO_TIMESTAMP_LTZ(at, 3)', watermark: monotonous }
  payments:
    inline: { rows: [{ k: a, paid: 1500, p: 10 }, { paid: 3500, p: 12 }, { k: e, paid: 5000, p: 13 }, { k: a, paid: 9000, p: 11 }] }
    schema: { k: string?, paid: int64, p: int64 }
    event_time: { timestamp: 'TO_TIMESTAMP_LTZ(paid, 3)', watermark: monotonous }
";

const PAIRS: [&str; 2] = ["NULL|3000|3|3500|12", "a|1000|1|1500|10"];
const LEFT: [&str; 2] = ["b|2000|2|NULL|NULL", "d|4000|4|NULL|NULL"];
const RIGHT: [&str; 2] = ["a|NULL|NULL|9000|11", "e|NULL|NULL|5000|13"];

/// A topology in which `join` is of this kind, with these options beside the keys.
fn join(kind: &str, options: &str) -> String {
    join_with(kind, options, "")
}

fn join_with(kind: &str, options: &str, common: &str) -> String {
    format!(
        "{STREAMS}operators:
  join: {{ inputs: [orders, payments], {common} {kind}: {{ on: {{ left: k, right: k }}, {options} }} }}
sinks: {{ out: {{ inputs: join, collect: {{}} }} }}
"
    )
}

/// What comes out of both sides where those stay alone that the kind says.
fn of_kind(kind: &str) -> Vec<&'static str> {
    let mut rows = PAIRS.to_vec();
    if matches!(kind, "left" | "full") {
        rows.extend(LEFT);
    }
    if matches!(kind, "right" | "full") {
        rows.extend(RIGHT);
    }
    rows.sort_unstable();
    rows
}

const KINDS: [&str; 4] = ["inner", "left", "right", "full"];

#[test]
fn an_interval_join_has_pairs_near_each_other_and_who_stays_alone() {
    for kind in KINDS {
        let options = format!("kind: {kind}, between: {{ lower: 0s, upper: 1s }}");
        let rows = run_with_fault(&join("interval_join", &options), "join", 2);
        assert_eq!(rows["out"], of_kind(kind), "{kind}");
    }
}

#[test]
fn the_bounds_of_an_interval_are_in_it_unless_left_out() {
    let check = |bounds: &str, expected: &[&str]| {
        let options = format!("between: {{ {bounds} }}");
        assert_eq!(run(&join("interval_join", &options))["out"], expected, "{bounds}");
    };
    check("lower: 500ms, upper: 500ms", &PAIRS);
    check("lower: -1s, upper: 500ms, upper_exclusive: true", &[]);
    check("lower: 500ms, upper: 1s, lower_exclusive: true", &[]);
    check("lower: 8s, upper: 8s", &["a|1000|1|9000|11"]);
}

#[test]
fn the_columns_of_a_join_are_moved_repeated_and_computed() {
    let options = "between: { lower: 0s, upper: 1s }, kind: full, columns: { key: left.k, also: left.k, p: right.p }";
    let rows = run(&join("interval_join", options));
    let expected =
        ["NULL|NULL|11", "NULL|NULL|12", "NULL|NULL|13", "a|a|10", "b|b|NULL", "d|d|NULL"];
    assert_eq!(rows["out"], expected);
    let options = "between: { lower: 0s, upper: 1s }, kind: full, columns: { o: left.o, sum: left.o + right.p, lone: 'left IS NULL OR right IS NULL', p: right.p }";
    let rows = run_with_fault(&join("interval_join", options), "join", 2);
    let expected = [
        "1|11|FALSE|10",
        "2|NULL|TRUE|NULL",
        "3|15|FALSE|12",
        "4|NULL|TRUE|NULL",
        "NULL|NULL|TRUE|11",
        "NULL|NULL|TRUE|13",
    ];
    assert_eq!(rows["out"], expected);
}

/// Joins of the pairs (1, 10) and (3, 12).
const JOINS: [(&str, &str); 5] = [
    ("interval_join", "between: { lower: 0s, upper: 1s },"),
    ("outer_join", "left_waits: 1s, right_waits: 0s, kind: inner,"),
    ("reconcile", "within: { lower: 0s, upper: 1s },"),
    ("window_join", "tumbling: { size: 5s },"),
    ("window_join", "session: { gap: 1s },"),
];

#[test]
fn a_pair_of_which_a_column_cannot_be_computed_fails_the_job_or_is_left_out() {
    for (kind, options) in JOINS {
        let options = format!("{options} columns: {{ share: 12 / (right.p - 10), o: left.o }}");
        let why = failure(&join(kind, &options));
        let shown =
            why.contains("join") && why.contains("the row is [('a', 1000, 1), ('a', 1500, 10)");
        assert!(shown, "{kind}: {why}");
        let rows = run(&join_with(kind, &options, "dead_letters: skip,"));
        assert_eq!(rows["out"], ["6|3"], "{kind}");
    }
}

#[test]
fn a_stream_is_joined_with_itself_by_several_columns() {
    let rows = run_with_fault(
        &format!(
            "{STREAMS}operators:
  twice: {{ inputs: payments, flat_map: {{ split: {{ text: \"'x,y'\", by: ',', as: way }} }} }}
  join:
    inputs: [twice, twice]
    parallelism: 2
    chaining: false
    interval_join:
      on: {{ left: [k, p, way], right: [k, p, way] }}
      between: {{ lower: 0s, upper: 0s }}
      columns: {{ k: left.k, p: right.p, way: left.way }}
sinks:
  out: {{ inputs: join, collect: {{}} }}
  orders_out: {{ inputs: orders, discard: {{}} }}
"
        ),
        "join",
        3,
    );
    let expected =
        ["NULL|12|x", "NULL|12|y", "a|10|x", "a|10|y", "a|11|x", "a|11|y", "e|13|x", "e|13|y"];
    assert_eq!(rows["out"], expected);
}

#[test]
fn who_waits_in_vain_in_an_outer_join_comes_out_as_the_kind_says() {
    for kind in KINDS {
        let options = format!("kind: {kind}, left_waits: 1s, right_waits: 0s");
        let rows = run_with_fault(&join("outer_join", &options), "join", 2);
        assert_eq!(rows["out"], of_kind(kind), "{kind}");
    }
}

#[test]
fn by_the_wall_clock_rows_wait_until_the_end_of_the_input() {
    let options = "time: processing-time, left_waits: 1d, right_waits: 1d, pairing: many-to-many";
    let rows = run(&join("outer_join", options));
    let expected = [
        "NULL|3000|3|3500|12",
        "a|1000|1|1500|10",
        "a|1000|1|9000|11",
        "b|2000|2|NULL|NULL",
        "d|4000|4|NULL|NULL",
        "e|NULL|NULL|5000|13",
    ];
    assert_eq!(rows["out"], expected);
}

#[test]
fn a_row_of_an_outer_join_has_as_many_partners_as_its_pairing_says() {
    let check = |pairing: &str, expected: &[&str]| {
        let rows = run(&format!(
            "sources:
  left:
    inline: {{ rows: [{{ k: 1, at: 0, o: 1 }}, {{ k: 1, at: 100, o: 2 }}] }}
    schema: {{ k: int64, at: int64, o: int64 }}
    parallelism: 1
    event_time: {{ timestamp: 'TO_TIMESTAMP_LTZ(at, 3)', watermark: monotonous }}
  right:
    inline: {{ rows: [{{ k: 1, at: 200, p: 1 }}, {{ k: 1, at: 300, p: 2 }}] }}
    schema: {{ k: int64, at: int64, p: int64 }}
    parallelism: 1
    event_time: {{ timestamp: 'TO_TIMESTAMP_LTZ(at, 3)', watermark: monotonous }}
operators:
  join:
    inputs: [left, right]
    outer_join:
      on: {{ left: k, right: k }}
      left_waits: 1s
      right_waits: 1s
      pairing: {pairing}
      columns: {{ o: left.o, p: right.p }}
sinks: {{ out: {{ inputs: join, collect: {{}} }} }}
"
        ));
        assert_eq!(rows["out"], expected, "{pairing}");
    };
    check("one-to-one", &["1|1", "2|2"]);
    check("one-to-many", &["1|1", "1|2", "2|NULL"]);
    check("many-to-one", &["1|1", "2|1", "NULL|2"]);
    check("many-to-many", &["1|1", "1|2", "2|1", "2|2"]);
}

#[test]
fn what_has_no_counterpart_is_shown_and_the_books_balance() {
    // No watermark before the end: the books are told once.
    let sources = STREAMS.replace("monotonous", "monotonous, emit: { every-records: 1000 }");
    let rows = run_with_fault(
        &format!(
            "{sources}operators:
  join:
    inputs: [orders, payments]
    parallelism: 1
    reconcile: {{ on: {{ left: k, right: k }}, within: {{ lower: 0s, upper: 1s }}, books: {{ every: 1h }} }}
sinks:
  out: {{ inputs: join, collect: {{}} }}
  unpaid: {{ inputs: join.unmatched_left, collect: {{}} }}
  unknown: {{ inputs: join.unmatched_right, collect: {{}} }}
  books: {{ inputs: join.books, collect: {{}} }}
"
        ),
        "join",
        2,
    );
    assert_eq!(rows["out"], PAIRS);
    assert_eq!(rows["unpaid"], ["b|2000|2", "d|4000|4"]);
    assert_eq!(rows["unknown"], ["a|9000|11", "e|5000|13"]);
    assert_eq!(rows["books"], ["(4, 2, 2, 0, 0)|(4, 2, 2, 0, 0)"]);
}

/// What changes amount to. In which order rows came is not said, so what was taken back in between is not either.
fn amount(rows: &Rows, sink: &str) -> Vec<String> {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for change in &rows[sink] {
        let (kind, row) = change.split_once(' ').expect("a kind and a row");
        let count = counts.entry(row).or_default();
        *count += if matches!(kind, "+I" | "+U") { 1 } else { -1 };
    }
    let rows = counts.into_iter().flat_map(|(row, count)| {
        let count = usize::try_from(count).expect("nothing is taken back that was not there");
        std::iter::repeat_n(row.to_owned(), count)
    });
    rows.collect()
}

fn amounts(sections: &str, expected: &[&str]) {
    for (parallelism, fault) in [(1, None), (2, None), (2, Some(("join", 2)))] {
        let run = Run { parallelism, fault, ..Run::default() };
        let rows = run_once(sections, run).expect("the job goes through");
        assert_eq!(amount(&rows, "out"), expected, "parallelism {parallelism}, {fault:?}");
    }
}

#[test]
fn an_inner_join_without_bounds_has_every_pair() {
    let rows = run_with_fault(&join("unbounded_join", "retain: forever"), "join", 2);
    assert_eq!(rows["out"], ["NULL|3000|3|3500|12", "a|1000|1|1500|10", "a|1000|1|9000|11"]);
    let options = "retain: 24h, columns: { sum: left.o + right.p }";
    assert_eq!(run(&join("unbounded_join", options))["out"], ["11", "12", "15"]);
    let options = "retain: forever, columns: { share: 12 / (right.p - 10) }";
    let rows = run(&join_with("unbounded_join", options, "dead_letters: skip,"));
    assert_eq!(rows["out"], ["12", "6"]);
}

#[test]
fn where_one_comes_once_another_of_its_key_is_not_paired() {
    // Of two payments of `a` the first one that comes stands: with one subtask of the source, in its order.
    let options = "retain: forever, pairing: many-to-one";
    let topology = join("unbounded_join", options);
    let topology = topology.replace("    schema:", "    parallelism: 1\n    schema:");
    let rows = run_with_fault(&topology, "join", 2);
    assert_eq!(rows["out"], ["NULL|3000|3|3500|12", "a|1000|1|1500|10"]);
    let options = "retain: forever, pairing: many-to-many";
    assert_eq!(run(&join("unbounded_join", options))["out"].len(), 3);
}

#[test]
fn outer_joins_without_bounds_revise_what_they_have_said() {
    for kind in ["left", "right", "full"] {
        let mut expected = vec!["NULL|3000|3|3500|12", "a|1000|1|1500|10", "a|1000|1|9000|11"];
        if kind != "right" {
            expected.extend(LEFT);
        }
        if kind != "left" {
            expected.push("e|NULL|NULL|5000|13");
        }
        let options = format!("kind: {kind}, retain: forever");
        amounts(&join("unbounded_join", &options), &expected);
        // From one subtask to two.
        let apart = join_with("unbounded_join", &options, "parallelism: 2, chaining: false,");
        amounts(&apart.replace("    schema:", "    parallelism: 1\n    schema:"), &expected);
    }
}

#[test]
fn a_join_without_bounds_takes_changes_and_takes_back_what_follows_from_them() {
    let topology = |columns: &str, common: &str| {
        format!(
            "{STREAMS}operators:
  revised: {{ inputs: [orders, payments], unbounded_join: {{ on: {{ left: k, right: k }}, kind: left, retain: forever }} }}
  join:
    inputs: [revised, names]
    {common}
    unbounded_join: {{ on: {{ left: p, right: q }}, kind: inner, retain: forever, columns: {columns} }}
  names: {{ inputs: payments, project: {{ q: 'CASE WHEN p > 11 THEN p END', name: p * 2 }} }}
sinks: {{ out: {{ inputs: join, collect: {{}} }} }}
"
        )
    };
    // Orders that are not paid have NULL there, and so have two names.
    let columns = "{ o: left.o, name: right.name }";
    amounts(&topology(columns, ""), &["2|20", "2|22", "3|24", "4|20", "4|22"]);
    let columns = "{ share: 12 / (left.o - 2), name: right.name }";
    amounts(&topology(columns, "dead_letters: skip"), &["12|24", "6|20", "6|22"]);
    assert!(
        failure(&topology(columns, ""))
            .contains("the row is [('b', 2000, 2, NULL, NULL), (NULL, 2")
    );
}
