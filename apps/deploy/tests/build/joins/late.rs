//! Rows that come when event time has gone past them.
//!
//! Two inputs have no order between them, and event time is that of the slower one. So the slow input comes first, as a
//! whole: the fast one is held until a row has come that the end of the slow one has brought about. On one thread, what was
//! sent first has then also arrived first. The join takes a batch from each input in turn: so the late row stands many
//! batches behind the first ones.

use crate::rig::{Rows, Run, run_as};

/// So many rows are some batches.
const MANY: usize = 5_000;

/// `fast` has a row of 500 ms behind many of 100 s, which are not shown; `slow` has all come before.
fn late(inputs: &str, kind: &str, options: &str, sides: [&str; 2]) -> Rows {
    let [first, second] = sides;
    let columns = if first == second {
        "o: left.o".to_owned()
    } else {
        format!("o: {first}.o, p: {second}.p")
    };
    let topology = format!(
        "sources:
  slow_rows:
    inline: {{ rows: [{{ k: a, paid: 1500, p: 10 }}] }}
    schema: {{ k: string, paid: int64, p: int64 }}
    parallelism: 1
    event_time: {{ timestamp: 'TO_TIMESTAMP_LTZ(paid, 3)', watermark: monotonous }}
  fast_rows:
    inline: {{ rows: [{{ k: a, at: 1000, o: 1, many: '' }}, {{ k: a, at: 100000, o: 2, many: '{many}' }}, {{ k: a, at: 500, o: 3, many: '' }}] }}
    schema: {{ k: string, at: int64, o: int64, many: string }}
    parallelism: 1
operators:
  slow: {{ inputs: slow_rows, parallelism: 1, filter: p > 0 }}
  none: {{ inputs: slow_rows, parallelism: 1, filter: p < 0 }}
  ended:
    inputs: [slow, none]
    parallelism: 1
    outer_join: {{ on: {{ left: k, right: k }}, left_waits: 1d, right_waits: 0s, kind: left, columns: {{ p: left.p }} }}
  pieces: {{ inputs: fast_rows, parallelism: 1, flat_map: {{ split: {{ text: many, by: ',', as: piece }} }} }}
  whole: {{ inputs: pieces, parallelism: 1, project: {{ k: k, at: at, o: o }} }}
  held: {{ inputs: [whole, ended], parallelism: 1, broadcast: {{ on: {{ left: o, right: p }}, kind: anti, hold: 10000 }} }}
  fast:
    inputs: held
    parallelism: 1
    assign_timestamps: {{ timestamp: 'TO_TIMESTAMP_LTZ(at, 3)', watermark: monotonous, emit: each-record }}
  join: {{ inputs: {inputs}, {kind}: {{ on: {{ left: k, right: k }}, columns: {{ {columns} }}, {options} }} }}
  shown: {{ inputs: join, filter: o <> 2 }}
sinks:
  out: {{ inputs: shown, collect: {{}} }}
  late: {{ inputs: join.{late}, collect: {{}} }}
",
        many = ",".repeat(MANY),
        late = match (kind, first) {
            ("temporal_join", "right") => "late_versions",
            (_, "left") => "late_left",
            _ => "late_right",
        }
    );
    run_as(&topology, Run { one_thread: true, ..Run::default() })
}

fn late_left(kind: &str, options: &str) -> Rows {
    late("[fast, slow]", kind, options, ["left", "right"])
}

fn late_right(kind: &str, options: &str) -> Rows {
    late("[slow, fast]", kind, options, ["right", "left"])
}

#[test]
fn a_late_row_goes_to_the_side_output_of_its_side() {
    for (kind, of_left, of_right) in [
        (
            "interval_join",
            "between: { lower: 0s, upper: 1s }",
            "between: { lower: -1s, upper: 0s }",
        ),
        (
            "outer_join",
            "left_waits: 1s, right_waits: 0s, kind: inner",
            "left_waits: 0s, right_waits: 1s, kind: inner",
        ),
        ("window_join", "tumbling: { size: 5s }", "tumbling: { size: 5s }"),
        ("window_join", "session: { gap: 1s }", "session: { gap: 1s }"),
    ] {
        for rows in [late_left(kind, of_left), late_right(kind, of_right)] {
            assert_eq!(rows["out"], ["1|10"], "{kind}");
            assert_eq!(rows["late"], ["a|500|3"], "{kind}");
        }
    }
}

#[test]
fn late_rows_of_semi_and_anti_joins_go_there_too() {
    for (kind, expected) in [("semi", vec!["1"]), ("anti", vec![])] {
        let options = format!("tumbling: {{ size: 5s }}, kind: {kind}");
        // Only left rows come out.
        let rows = late("[fast, slow]", "window_join", &options, ["left", "left"]);
        let expected: Vec<&str> = expected;
        assert_eq!(rows["out"], expected, "{kind}");
        assert_eq!(rows["late"], ["a|500|3"], "{kind}");
    }
}

#[test]
fn late_rows_and_late_versions_of_a_temporal_join_are_told_apart() {
    let validity = "validity: until-replaced, left_outer: true";
    let rows = late_left("temporal_join", validity);
    assert_eq!(rows["out"], ["1|NULL"]);
    assert_eq!(rows["late"], ["a|500|3"]);
    let rows = late_right("temporal_join", validity);
    assert_eq!(rows["out"], ["1|10"]);
    assert_eq!(rows["late"], ["a|500|3"]);
}

#[test]
fn within_the_allowed_lateness_a_window_fires_again() {
    let rows = late_left("window_join", "tumbling: { size: 5s }, allowed_lateness: 1d");
    assert_eq!(rows["out"], ["1|10", "1|10", "3|10"]);
    assert_eq!(rows["late"], [""; 0]);
}
