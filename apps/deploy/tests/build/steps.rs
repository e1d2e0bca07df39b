//! What is done with one row at a time.

use crate::rig::{failure, run, run_with_fault};

const NUMBERS: &str = "sources:
  numbers:
    inline: { rows: [{ n: 1, text: 'a,b' }, { n: 2, text: c }, { n: 3 }, { n: 0, text: '' }, { n: 4, text: 'd,e,f' }] }
    schema: { n: int64, text: string? }
";

fn topology(rest: &str) -> String {
    format!("{NUMBERS}{rest}")
}

#[test]
fn rows_are_kept_cut_and_made_anew() {
    let rows = run_with_fault(
        &topology(
            "operators:
  small: { inputs: numbers, filter: n < 4 }
  cut: { inputs: small, flat_map: { split: { text: text, by: ',', as: piece } } }
  made: { inputs: cut, project: { piece: UPPER(piece), twice: n * 2 } }
  more: { inputs: made, map: { set: { next: twice + 1 }, drop: twice } }
sinks: { out: { inputs: more, collect: {} } }
",
        ),
        "made",
        2,
    );
    assert_eq!(rows["out"], ["A|3", "B|3", "C|5", "|1"]);
}

#[test]
fn each_row_goes_one_way_and_ways_meet_again() {
    let rows = run(&topology(
        "operators:
  ways: { inputs: numbers, split: { even: n % 2 = 0, large: n > 2 } }
  both: { inputs: [ways, ways.large], union: {} }
sinks:
  even: { inputs: ways.even, collect: {} }
  all: { inputs: both, collect: {} }
",
    ));
    assert_eq!(rows["even"], ["0|", "2|c", "4|d,e,f"]);
    assert_eq!(rows["all"], ["1|a,b", "3|NULL"]);
}

#[test]
fn a_row_that_cannot_be_used_fails_the_job_and_is_shown() {
    let why = failure(&topology(
        "operators: { step: { inputs: numbers, project: { share: 12 / n } } }
sinks: { out: { inputs: step, collect: {} } }
",
    ));
    assert!(why.contains("step") && why.contains("the row is [0, ''"), "{why}");
}

#[test]
fn a_row_that_cannot_be_used_is_left_out_if_so_asked() {
    let steps =
        ["filter: 12 / n > 4", "split: { some: 12 / n > 4 }", "map: { set: { n: 12 / n } }"];
    for step in steps {
        let rows = run(&topology(&format!(
            "operators: {{ step: {{ inputs: numbers, dead_letters: skip, {step} }} }}
sinks: {{ out: {{ inputs: step, collect: {{}} }} }}
"
        )));
        let expected = match step {
            "filter: 12 / n > 4" => vec!["1|a,b", "2|c"],
            "split: { some: 12 / n > 4 }" => vec!["3|NULL", "4|d,e,f"],
            _ => vec!["12|a,b", "3|d,e,f", "4|NULL", "6|c"],
        };
        assert_eq!(rows["out"], expected, "{step}");
    }
}

#[test]
fn what_is_done_to_rows_is_done_to_changes() {
    let rows = run(&topology(
        "operators:
  changes: { inputs: numbers, to_changelog: {} }
  some: { inputs: changes, dead_letters: skip, filter: 12 / n > 3 }
  made: { inputs: some, project: { n: n + 10 } }
  all: { inputs: [made, plain], union: {} }
  plain: { inputs: numbers, project: { n: n } }
sinks: { out: { inputs: all, collect: {} } }
",
    ));
    assert_eq!(rows["out"], ["+I 0", "+I 1", "+I 11", "+I 12", "+I 13", "+I 2", "+I 3", "+I 4"]);
}
