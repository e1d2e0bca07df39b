//! Windows: every kind, every trigger, what they leave out and what comes too late.

use crate::rig::{explain, failure, run, run_with_fault};

/// Event time in milliseconds, in order but for one row; a watermark behind each.
const ROWS: &str = "sources:
  rows:
    parallelism: 1
    inline:
      rows:
        - { user: 1, n: 5, ms: 1000 }
        - { user: 2, n: 7, ms: 2000 }
        - { user: 1, ms: 4000 }
        - { user: 1, n: 3, ms: 6000 }
        - { user: 2, n: 4, ms: 12000 }
        - { user: 1, n: 9, ms: 3000 }
        - { user: 2, n: 1, ms: 13000 }
    schema: { user: int64, n: int64?, ms: int64 }
    event_time: { timestamp: \"TO_TIMESTAMP_LTZ(ms, 3)\", watermark: { bounded_out_of_orderness: 0s }, emit: each-record }
";

/// A window over the rows, with what else the node says.
fn node(common: &str, window: &str) -> String {
    format!(
        "{ROWS}operators: {{ step: {{ inputs: rows, {common} window: {{ {window} }} }} }}
sinks: {{ out: {{ inputs: step, collect: {{}} }} }}
"
    )
}

/// And with what is late.
fn with_late(window: &str) -> String {
    let topology = node("", window);
    topology.replace("sinks: {", "sinks: { late: { inputs: step.late, collect: {} },")
}

/// Without the minute in which everything happens.
fn short(rows: &[String]) -> Vec<String> {
    let short =
        |row: &String| row.replace("1970-01-01 00:00:", "").replace("1969-12-31 23:59:", "-");
    let mut rows: Vec<String> = rows.iter().map(short).collect();
    rows.sort();
    rows
}

fn check(window: &str, expected: &[&str]) {
    let rows = run_with_fault(&node("", window), "step", 3);
    assert_eq!(short(&rows["out"]), expected, "{window}");
}

#[test]
fn windows_side_by_side_have_key_bounds_and_aggregates_and_what_is_late_stays_as_it_was() {
    for one_phase in ["", ", one_phase: true", ", trigger: event-time"] {
        let window = format!(
            "key_by: user, tumbling: {{ size: 5s }}, aggregates: {{ views: count(), total: sum(n), most: max(n) }}{one_phase}"
        );
        let rows = run_with_fault(&with_late(&window), "step", 3);
        let expected = ["1|00|05|2|5|5", "1|05|10|1|3|3", "2|00|05|1|7|7", "2|10|15|2|5|4"];
        assert_eq!(short(&rows["out"]), expected);
        assert_eq!(rows["late"], ["1|9|3000"], "{window}");
    }
}

#[test]
fn all_rows_together_are_one_group() {
    check(
        "tumbling: { size: 5s, offset: 1s }, aggregates: { views: count(), total: sum(n) }",
        &["01|06|3|12", "06|11|1|3", "11|16|2|5"],
    );
}

#[test]
fn windows_that_overlap_deduct_where_they_can() {
    let window = "key_by: [user], sliding: { size: 10s, slide: 5s }, aggregates:";
    check(
        &format!("{window} {{ views: count(), total: sum(n) }}"),
        &[
            "1|-55|05|2|5",
            "1|00|10|3|8",
            "1|05|15|1|3",
            "2|-55|05|1|7",
            "2|00|10|1|7",
            "2|05|15|2|5",
            "2|10|20|2|5",
        ],
    );
    check(
        &format!("{window} {{ most: max(n) }}"),
        &[
            "1|-55|05|5",
            "1|00|10|5",
            "1|05|15|3",
            "2|-55|05|7",
            "2|00|10|7",
            "2|05|15|4",
            "2|10|20|4",
        ],
    );
}

#[test]
fn windows_that_grow() {
    check(
        "key_by: user, cumulate: { size: 10s, step: 5s }, aggregates: { views: count() }",
        &["1|00|05|2", "1|00|10|3", "2|00|05|1", "2|00|10|1", "2|10|15|2", "2|10|20|2"],
    );
}

#[test]
fn sessions_end_by_one_gap_or_by_that_of_each_row() {
    check(
        "key_by: user, session: { gap: 3s }, aggregates: { views: count() }",
        &["1|01|09|3", "2|02|05|1", "2|12|16|2"],
    );
    let own = "CASE WHEN user = 1 THEN 2000 ELSE 500 END";
    check(
        &format!("key_by: user, session: {{ gap_by: {own} }}, aggregates: {{ views: count() }}"),
        &["1|01|03|1", "1|04|08|2", "2|02|02.500|1", "2|12|12.500|1", "2|13|13.500|1"],
    );
}

#[test]
fn days_are_those_of_a_time_zone() {
    check(
        "key_by: user, calendar: { unit: day, time_zone: Asia/Shanghai }, aggregates: { total: sum(n) }",
        &[
            "1|1969-12-31 16:00:00|1970-01-01 16:00:00|17",
            "2|1969-12-31 16:00:00|1970-01-01 16:00:00|12",
        ],
    );
    let units = [
        ("hour", "1970-01-01 01:00:00"),
        ("week", "1970-01-05 00:00:00"),
        ("month", "1970-02-01 00:00:00"),
    ];
    for (unit, end) in units {
        let topology =
            node("", &format!("calendar: {{ unit: {unit} }}, aggregates: {{ views: count() }}"));
        let rows = run(&topology);
        let row = &rows["out"][0];
        assert!(rows["out"].len() == 1 && row.ends_with(&format!("|{end}|7")), "{unit}: {row}");
    }
}

#[test]
fn windows_of_so_many_rows_have_no_bounds() {
    let aggregates = "aggregates: { views: count(), total: sum(n) }";
    check(
        &format!("key_by: user, count: {{ size: 2 }}, {aggregates}"),
        &["1|2|12", "1|2|5", "2|2|11"],
    );
    check(
        &format!("key_by: user, count: {{ size: 3, slide: 1 }}, {aggregates}"),
        &["1|1|5", "1|2|5", "1|3|12", "1|3|8", "2|1|7", "2|2|11", "2|3|12"],
    );
}

#[test]
fn one_window_for_ever_fires_by_its_trigger() {
    let check = |trigger: &str, expected: &[&str]| {
        check(
            &format!(
                "global: {{}}, trigger: {trigger}, aggregates: {{ views: count(), total: sum(n) }}"
            ),
            expected,
        );
    };
    check("end-of-stream", &["7|29"]);
    check("{ count: 3 }", &["3|12", "6|28"]);
    check("{ count: 3 }, purge: true", &["3|12", "3|16"]);
    // Above the threshold, not at it; a row without a number does not count.
    check("{ delta: { by: ms, threshold: 3000 } }", &["4|15", "5|19", "6|28", "7|29"]);
    check("{ delta: { by: n, threshold: 1 } }", &["2|12", "4|15", "6|28", "7|29"]);
    check("{ delta: { by: CAST(n AS DOUBLE), threshold: 1 } }", &["2|12", "4|15", "6|28", "7|29"]);
    check(
        "{ delta: { by: CAST(n AS DECIMAL), threshold: 1.5 } }",
        &["2|12", "4|15", "6|28", "7|29"],
    );
}

#[test]
fn a_window_fires_early_and_forgets_what_it_gave_if_so_asked() {
    let window = "tumbling: { size: 10s }, trigger: { every: 5s }, aggregates: { views: count(), total: sum(n) }";
    check(window, &["00|10|4|15", "00|10|4|15", "10|20|2|5", "10|20|2|5"]);
    check(&format!("{window}, purge: true"), &["00|10|4|15", "10|20|2|5"]);
    check(
        "tumbling: { size: 20s }, trigger: { count: 3 }, aggregates: { views: count() }",
        &["00|20|3", "00|20|6"],
    );
    // By a clock that does not come so far, nothing ever fires.
    check(
        "tumbling: { size: 10s }, trigger: { every-processing-time: 3650d }, aggregates: { views: count() }",
        &[],
    );
    // Sessions that merge add up what has come.
    check(
        "key_by: user, session: { gap: 30s }, trigger: { count: 3 }, aggregates: { views: count() }",
        &["1|01|36|3", "2|02|43|3"],
    );
}

#[test]
fn late_rows_count_as_long_as_they_may() {
    let window = "key_by: user, tumbling: { size: 5s }, aggregates: { views: count(), total: sum(n) }, allowed_lateness:";
    let rows = run_with_fault(&with_late(&format!("{window} 10s")), "step", 3);
    assert_eq!(
        short(&rows["out"]),
        ["1|00|05|2|5", "1|00|05|3|14", "1|05|10|1|3", "2|00|05|1|7", "2|10|15|2|5",]
    );
    assert!(rows["late"].is_empty());
    let rows = run(&with_late(&format!("{window} 5s")));
    assert_eq!((rows["out"].len(), &rows["late"][..]), (4, &["1|9|3000".to_owned()][..]));
    let purged = format!("{window} 10s, trigger: event-time, purge: true");
    check(&purged, &["1|00|05|1|9", "1|00|05|2|5", "1|05|10|1|3", "2|00|05|1|7", "2|10|15|2|5"]);
}

#[test]
fn first_and_last_go_by_event_time_and_nobody_sees_the_column_for_it() {
    let window = "key_by: user, tumbling: { size: 5s }, aggregates: { f: first(n), l: last(n) }";
    let rows = run_with_fault(&with_late(window), "step", 3);
    assert_eq!(short(&rows["out"]), ["1|00|05|5|5", "1|05|10|3|3", "2|00|05|7|7", "2|10|15|4|1"]);
    assert_eq!(rows["late"], ["1|9|3000"]);
    check(
        &format!("{window}, allowed_lateness: 10s"),
        &["1|00|05|5|5", "1|00|05|5|9", "1|05|10|3|3", "2|00|05|7|7", "2|10|15|4|1"],
    );
    check("key_by: user, count: { size: 4 }, aggregates: { f: first(n), l: last(n) }", &["1|5|3"]);
}

#[test]
fn evicted_rows_do_not_count() {
    let check = |evict: &str, expected: &[&str]| {
        check(
            &format!(
                "global: {{}}, trigger: {{ count: 3 }}, evict: {{ {evict} }}, aggregates: {{ views: count(), total: sum(n) }}"
            ),
            expected,
        );
    };
    check("keep_last: 1", &["1|9", "1|NULL"]);
    check("keep_last: 1, when: after", &["3|12", "4|16"]);
    check("keep_time: 3s", &["1|4", "2|7"]);
    check("keep_time: 3s, when: after", &["3|12", "5|23"]);
    check("delta: { by: n, threshold: 3 }", &["3|12", "3|16"]);
    check("delta: { by: n, threshold: 3 }, when: after", &["3|12", "6|28"]);
}

#[test]
fn evicted_windows_know_late_rows_too_and_windows_of_so_many_rows_evict_twice() {
    let window = "key_by: user, tumbling: { size: 5s }, evict: { keep_last: 1 }, aggregates: { total: sum(n) }";
    let rows = run(&with_late(window));
    assert_eq!(short(&rows["out"]), ["1|00|05|NULL", "1|05|10|3", "2|00|05|7", "2|10|15|1"]);
    assert_eq!(rows["late"], ["1|9|3000"]);
    check(
        "key_by: user, count: { size: 3, slide: 2 }, evict: { keep_time: 3s }, aggregates: { views: count() }",
        &["1|1", "1|2", "2|1"],
    );
}

#[test]
fn by_the_wall_clock_a_window_fires_by_its_trigger_before_the_input_ends() {
    let of = |window: &str| {
        let topology = format!(
            "{ROWS}operators:
  step: {{ inputs: rows, window: {{ key_by: user, time: processing-time, {window} }} }}
  plain: {{ inputs: step, project: {{ user: user, views: views, f: f }} }}
sinks: {{ out: {{ inputs: plain, collect: {{}} }} }}
"
        );
        run_with_fault(&topology, "step", 3)["out"].clone()
    };
    let rest = "trigger: { count: 2 }, aggregates: { views: count(), f: last(n) }";
    let expected = ["1|2|5", "1|4|9", "2|2|4"];
    for windows in [
        "tumbling: { size: 3650d }",
        "session: { gap: 3650d }",
        "cumulate: { size: 3650d, step: 3650d }",
    ] {
        assert_eq!(of(&format!("{windows}, {rest}")), expected, "{windows}");
    }
    let at_the_end = "tumbling: { size: 3650d }, trigger: end-of-stream, aggregates: { views: count(), f: last(n) }";
    assert_eq!(of(at_the_end), ["1|4|9", "2|3|1"]);
    // As every window of the wall clock at the end of a bounded input.
    assert!(of("tumbling: { size: 3650d }, aggregates: { views: count(), f: last(n) }").is_empty());
}

#[test]
fn the_fast_ways_are_taken_where_they_are_open() {
    let check = |window: &str, expected: &str| {
        let text = explain(&node("", window));
        assert!(text.contains(expected), "{window}\n{text}");
    };
    let rest = "aggregates: { views: count(), f: first(n) }";
    check(
        &format!("tumbling: {{ size: 5s }}, {rest}"),
        "computed from slices, behind local windows",
    );
    check(
        &format!("tumbling: {{ size: 5s }}, trigger: event-time, {rest}"),
        "behind local windows",
    );
    check(
        &format!("sliding: {{ size: 10s, slide: 5s }}, one_phase: true, {rest}"),
        "sliding, 10000 ms every 5000 ms; computed from slices",
    );
    check(
        &format!("cumulate: {{ size: 10s, step: 5s }}, {rest}"),
        "computed from slices, behind local windows",
    );
    check(
        &format!("tumbling: {{ size: 5s }}, time: processing-time, {rest}"),
        "(wall-clock-window): tumbling, 5000 ms, by processing time; one table per window",
    );
    check(
        &format!(
            "tumbling: {{ size: 5s }}, time: processing-time, trigger: processing-time, {rest}"
        ),
        "one table per window",
    );
    check(
        &format!("tumbling: {{ size: 5s }}, trigger: {{ count: 3 }}, {rest}"),
        "computed one by one: they have a trigger",
    );
    check(
        &format!("key_by: user, session: {{ gap: 5s }}, {rest}"),
        "session with a gap of 5000 ms; computed one by one",
    );
    check(
        &format!("key_by: user, session: {{ gap_by: ms }}, {rest}"),
        "session as each record says",
    );
    check(&format!("calendar: {{ unit: day }}, {rest}"), "calendar days in UTC");
    check(
        &format!("global: {{}}, trigger: {{ count: 3 }}, evict: {{ keep_last: 1 }}, {rest}"),
        "global; computed one by one: they have an evictor",
    );
}

#[test]
fn a_row_that_cannot_be_used_is_left_out_or_fails_the_job() {
    let why = failure(&node("", "tumbling: { size: 5s }, aggregates: { s: sum(12 / (n - 3)) }"));
    assert!(why.contains("the row is [1, 3, 6000]") && why.contains("aggregate `s`"), "{why}");
    let skipped = |window: &str| short(&run(&node("dead_letters: skip,", window))["out"]);
    let rest = "tumbling: { size: 10s }, aggregates: { views: count(), s: sum(12 / (n - 3)) }";
    assert_eq!(skipped(rest), ["00|10|3|9", "10|20|2|6"]);
    let timed = "tumbling: { size: 10s }, aggregates: { views: count(), f: first(12 / (n - 3)) }";
    assert_eq!(skipped(timed), ["00|10|3|6", "10|20|2|12"]);
    let why = failure(&node("", timed));
    assert!(why.contains("the row is [1, 3, 6000]"), "without its time: {why}");
    // A session needs a gap.
    let gap = "key_by: user, session: { gap_by: 1000 * n }, aggregates: { views: count() }";
    assert_eq!(skipped(gap), ["1|01|09|2", "2|02|09|1", "2|12|16|2"]);
    let why = failure(&node("", gap));
    assert!(why.contains("the gap of its session is NULL; the row is [1, NULL, 4000]"), "{why}");
    let delta = "global: {}, trigger: { delta: { by: 12 / (n - 3), threshold: 3 } }, aggregates: { views: count() }";
    assert_eq!(skipped(delta), ["4", "5", "6"]);
    assert!(failure(&node("", delta)).contains("the row is [1, 3, 6000]"));
    let evict = "global: {}, trigger: end-of-stream, evict: { delta: { by: 12 / (n - 3), threshold: 12 } }, aggregates: { views: count() }";
    assert_eq!(skipped(evict), ["4"]);
    assert!(failure(&node("", evict)).contains("the row is [1, 3, 6000]"));
}

#[test]
fn a_result_that_cannot_be_given_is_left_out_or_fails_the_job() {
    let sum =
        "key_by: user, tumbling: { size: 5s }, aggregates: { s: sum(9223372036854775807 - user) }";
    let why = failure(&node("", sum));
    assert!(why.contains("aggregate `s`: the sum") && why.contains("the row is [1,"), "{why}");
    let rows = run(&node("dead_letters: skip,", sum));
    assert_eq!(short(&rows["out"]), ["1|05|10|9223372036854775806", "2|00|05|9223372036854775805"]);
}
