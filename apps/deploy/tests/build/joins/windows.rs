//! Joins window by window.

use super::{KINDS, PAIRS, join, join_with, of_kind};
use crate::rig::{failure, run, run_with_fault};

#[test]
fn a_window_join_has_the_pairs_of_a_window_and_who_stays_alone_in_it() {
    for kind in KINDS {
        let options = format!("kind: {kind}, tumbling: {{ size: 5s }}");
        let rows = run_with_fault(&join("window_join", &options), "join", 2);
        assert_eq!(rows["out"], of_kind(kind), "{kind}");
    }
}

#[test]
fn semi_and_anti_joins_give_out_left_rows_with_a_partner_or_without() {
    for (windows, fault) in [("tumbling: { size: 5s }", 2), ("session: { gap: 1s }", 3)] {
        let with = join("window_join", &format!("kind: semi, {windows}"));
        assert_eq!(run_with_fault(&with, "join", fault)["out"], ["NULL|3000|3", "a|1000|1"]);
        let without = join("window_join", &format!("kind: anti, {windows}"));
        assert_eq!(run_with_fault(&without, "join", fault)["out"], ["b|2000|2", "d|4000|4"]);
    }
    let options = "kind: semi, tumbling: { size: 5s }, columns: { next: left.o + 1, o: left.o, start: window_start, end: window_end }";
    let rows = run(&join("window_join", options));
    let bounds = "1970-01-01 00:00:00|1970-01-01 00:00:05";
    assert_eq!(rows["out"], [format!("2|1|{bounds}"), format!("4|3|{bounds}")]);
}

#[test]
fn a_row_has_as_many_partners_as_windows_that_overlap() {
    let options = "sliding: { size: 2s, slide: 1s }";
    let rows = run_with_fault(&join("window_join", options), "join", 2);
    assert_eq!(rows["out"], [PAIRS[0], PAIRS[0], PAIRS[1], PAIRS[1]]);
    let options = "tumbling: { size: 800ms }";
    assert_eq!(run(&join("window_join", options))["out"], [PAIRS[1]]);
    let options = "tumbling: { size: 800ms, offset: 500ms }";
    assert_eq!(run(&join("window_join", options))["out"], [PAIRS[0]]);
}

#[test]
fn the_bounds_of_its_windows_are_columns() {
    let columns = "columns: { o: left.o, p: right.p, start: window_start, end: window_end }";
    let rows = run(&join("window_join", &format!("kind: full, session: {{ gap: 1s }}, {columns}")));
    let time = |second: &str| format!("1970-01-01 00:00:{second}");
    let expected = [
        format!("1|10|{}|{}", time("01"), time("02.500")),
        format!("2|NULL|{}|{}", time("02"), time("03")),
        format!("3|12|{}|{}", time("03"), time("04.500")),
        format!("4|NULL|{}|{}", time("04"), time("05")),
        format!("NULL|11|{}|{}", time("09"), time("10")),
        format!("NULL|13|{}|{}", time("05"), time("06")),
    ];
    assert_eq!(rows["out"], expected);
}

#[test]
fn each_row_says_how_long_its_session_waits() {
    let gaps = "session: { gap_by: \"CASE WHEN k = 'a' THEN 400 ELSE 1000 END\" }";
    let rows = run_with_fault(&join("window_join", gaps), "join", 2);
    assert_eq!(rows["out"], [PAIRS[0]]);
    let alone = join("window_join", &format!("kind: anti, {gaps}"));
    assert_eq!(run(&alone)["out"], ["a|1000|1", "b|2000|2", "d|4000|4"]);
    // Below a millisecond there is none, and none is longer than a window can be.
    let gaps = "session: { gap_by: \"CASE WHEN k = 'a' THEN -5 ELSE 9223372036854775807 END\" }";
    assert_eq!(run(&join("window_join", gaps))["out"], [PAIRS[0]]);
}

#[test]
fn a_row_that_does_not_say_how_long_fails_the_job_or_is_left_out() {
    let missing = "kind: full, session: { gap_by: \"CASE WHEN k = 'a' THEN 1000 END\" }";
    let why = failure(&join("window_join", missing));
    assert!(why.contains("the gap of the session is NULL; the row is ["), "{why}");
    let rows = run(&join_with("window_join", missing, "dead_letters: skip,"));
    assert_eq!(rows["out"], ["a|1000|1|1500|10", "a|NULL|NULL|9000|11"]);
    let broken = "kind: full, session: { gap_by: \"1000 / CASE WHEN k = 'a' THEN 1 ELSE 0 END\" }";
    let rows = run(&join_with("window_join", broken, "dead_letters: skip,"));
    assert_eq!(rows["out"], ["a|1000|1|1500|10", "a|NULL|NULL|9000|11"]);
}

#[test]
fn a_window_of_the_wall_clock_that_is_not_over_gives_out_nothing() {
    for windows in ["tumbling: { size: 36500d }", "session: { gap: 36500d }"] {
        for kind in ["full", "anti"] {
            let options = format!("kind: {kind}, time: processing-time, {windows}");
            assert_eq!(run(&join("window_join", &options))["out"], [""; 0], "{options}");
        }
    }
}
