//! Event times by expressions: rows without one go by the policy for malformed ones; inline rows are refused.

use super::drive::{Scratch, expression, read, read_in_ranges, schema, values};
use crate::{InlineRows, Layout, file_source, stdin_source};
use std::fs;
use std::io::Cursor;
use tidegate_core::source::SourceFactory;
use tidegate_core::time::Timestamp;
use tidegate_file::Malformed;
use tidegate_rows::expression::TimestampEvaluator;
use tidegate_rows::{Row, Schema, Value};

fn events() -> Schema {
    schema(&[("at", "timestamp?"), ("ms", "int64?")])
}

fn time(text: &str) -> TimestampEvaluator {
    expression(text, &events()).timestamp().unwrap()
}

const LINES: &str = "{\"at\":\"1970-01-01T00:00:00.005Z\"}\n{}\n\
    {\"at\":\"9223372036854775807 ms\"}\n{\"at\":\"-9223372036854775808 ms\"}\n{\"at\":\"1969-12-31\"}\n";

#[test]
fn rows_whose_event_time_is_null_or_no_time_are_malformed() {
    let scratch = Scratch::new();
    let file = scratch.file("events.json", LINES);
    let source =
        file_source([&file], &Layout::json(&events()), Some(time("at"))).range_bytes_min(1);
    let error = read(&source, source.enumerate(1).unwrap(), 9, false).unwrap_err().to_string();
    let said =
        format!("malformed row at byte 34 of {} (line 2): the event time is NULL", file.display());
    assert!(error.starts_with(&said), "{error}");
    let skipping = source.clone().on_malformed(Malformed::Skip);
    for parallelism in 1..6 {
        let (rows, dropped) = read_in_ranges(&skipping, parallelism);
        let times: Vec<Timestamp> = rows.into_iter().map(|(_, at)| at).collect();
        assert_eq!((times, dropped), (vec![Timestamp(5), Timestamp(-86_400_000)], 3));
    }
    let letters = scratch.path().join("letters");
    let keeping = source.on_malformed(Malformed::DeadLetter(letters.clone()));
    read(&keeping, keeping.enumerate(1).unwrap(), 9, false).unwrap();
    let letters = fs::read_to_string(letters).unwrap();
    let lines: Vec<&str> = letters.lines().collect();
    assert!(lines[0].contains("\"reason\":\"the event time is NULL in `at`\",\"row\":\"{}\""));
    assert!(lines[1].contains("9223372036854775807 ms is beyond what a record can have"));
    assert_eq!(lines.len(), 3);
}

#[test]
fn an_expression_that_fails_makes_its_row_malformed() {
    let scratch = Scratch::new();
    let file = scratch.file("events.json", "{\"ms\":7}\n{\"ms\":0}\n{\"ms\":1}\n");
    let at = time("TO_TIMESTAMP_LTZ(84 / ms, 3)");
    let source = file_source([&file], &Layout::json(&events()), Some(at));
    let (rows, dropped) = read_in_ranges(&source.on_malformed(Malformed::Skip), 3);
    let times: Vec<Timestamp> = rows.into_iter().map(|(_, at)| at).collect();
    assert_eq!((times, dropped), (vec![Timestamp(12), Timestamp(84)], 1));
}

#[test]
fn standard_input_goes_by_the_same_policy() {
    let source = || {
        let source = stdin_source(&Layout::json(&events()), Some(time("at")));
        source.input(Cursor::new(LINES.as_bytes().to_vec()))
    };
    let failing = source();
    let error = read(&failing, failing.enumerate(1).unwrap(), 9, false).unwrap_err().to_string();
    let said = "malformed row at byte 34 of standard input (line 2): the event time is NULL";
    assert!(error.starts_with(said), "{error}");
    let skipping = source().on_malformed(Malformed::Skip);
    let (rows, dropped) = read(&skipping, skipping.enumerate(1).unwrap(), 2, true).unwrap();
    assert_eq!((rows.len(), dropped), (2, 3));
}

#[test]
fn inline_rows_have_their_times_and_what_is_wrong_with_them_is_told() {
    let row = |at: Value, ms: Value| Row::new([at, ms]);
    let rows = vec![
        row(Value::Timestamp(3), Value::Null),
        row(Value::Timestamp(1), Value::Int64(4)),
        row(Value::Timestamp(2), Value::Int64(5)),
    ];
    let source = InlineRows::new(&events(), rows.clone(), Some(time("at"))).unwrap();
    for parallelism in 1..5 {
        let splits = source.enumerate(parallelism).unwrap();
        let (read, _) = read(&source, splits, 2, true).unwrap();
        let times: Vec<i64> = read.iter().map(|(_, at)| at.millis()).collect();
        assert_eq!(times, [3, 1, 2]);
        assert_eq!(values((read, 0)), rows);
    }
    let same = InlineRows::new(&events(), rows.clone(), None).unwrap();
    let other = InlineRows::new(&events(), rows[1..].to_vec(), None).unwrap();
    let fingerprint = |rows: &InlineRows| rows.fingerprint().unwrap().unwrap();
    assert!(source.same_input(&fingerprint(&source), &fingerprint(&same)));
    assert!(!source.same_input(&fingerprint(&source), &fingerprint(&other)));
    let check = |row: Row, expected: &str| {
        let rows = vec![rows[0].clone(), row];
        let error = InlineRows::new(&events(), rows, Some(time("at"))).map(drop).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check(row(Value::Null, Value::Null), "row 2: the event time is NULL in `at`");
    check(Row::new([Value::Null]), "row 2: the row has 1 values, but its schema has 2 columns");
    check(
        row(Value::Null, Value::string("x")),
        "row 2: column `ms` is of type int64?, but the row has 'x' there",
    );
}
