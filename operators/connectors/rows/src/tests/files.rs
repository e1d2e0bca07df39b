//! Files of rows: what is written is read back, and what is no row goes by the policy wherever the file was cut.

use super::drive::{Scratch, expression, parts, read, read_in_ranges, schema, values, write};
use crate::{Layout, changelog_file_sink, file_sink, file_source};
use flate2::write::GzEncoder;
use proptest::collection::vec;
use proptest::prelude::*;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use tidegate_core::changelog::Change;
use tidegate_core::sink::Refusal;
use tidegate_core::source::SourceFactory;
use tidegate_file::source::Malformed;
use tidegate_rows::format::{CsvDialect, TextFormat};
use tidegate_rows::{Decimal, Row, Schema, Value};

fn orders() -> Schema {
    schema(&[
        ("id", "int64"),
        ("name", "string?"),
        ("price", "decimal?"),
        ("share", "float64"),
        ("at", "timestamp?"),
        ("raw", "bytes?"),
        ("paid", "boolean?"),
        ("tags", "list<string?>?"),
        ("place", "struct<city: string, zip: int64?>?"),
    ])
}

fn or_null(values: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop_oneof![3 => values, 1 => Just(Value::Null)]
}

fn order() -> impl Strategy<Value = Row> {
    let text = || "[a,;\"\n\r é\u{feff}{}]{0,7}".prop_map(Value::string);
    let place = (text(), or_null(any::<i64>().prop_map(Value::Int64)));
    let columns = (
        any::<i64>().prop_map(Value::Int64),
        or_null(text()),
        or_null((any::<i64>(), 0..9_u32).prop_map(|(n, s)| Value::Decimal(Decimal::new(n, s)))),
        any::<f64>().prop_map(Value::Float64),
        or_null(any::<i64>().prop_map(Value::Timestamp)),
        or_null(vec(any::<u8>(), 0..9).prop_map(|bytes| Value::Bytes(bytes.into()))),
        or_null(any::<bool>().prop_map(Value::Boolean)),
        or_null(vec(or_null(text()), 0..3).prop_map(Value::list)),
        or_null(place.prop_map(|(city, zip)| Value::structure([city, zip]))),
    );
    columns.prop_map(|(a, b, c, d, e, f, g, h, i)| Row::new([a, b, c, d, e, f, g, h, i]))
}

fn layout(which: usize) -> Layout {
    let semicolon = CsvDialect { delimiter: b';', ..CsvDialect::default() };
    match which {
        0 => Layout::csv(&orders(), CsvDialect::default(), true).unwrap(),
        1 => Layout::csv(&orders(), semicolon, false).unwrap(),
        _ => Layout::json(&orders()),
    }
}

/// Compresses the parts of a folder into files beside them.
fn compressed(scratch: &Scratch, how: usize) -> PathBuf {
    let plain = scratch.path().join("out");
    let folder = scratch.path().join("compressed");
    fs::create_dir(&folder).unwrap();
    for (number, (_, text)) in parts(&plain).into_iter().enumerate() {
        if how == 1 {
            let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(text.as_bytes()).unwrap();
            fs::write(folder.join(format!("{number}.gz")), gzip.finish().unwrap()).unwrap();
        } else {
            let bytes = zstd::encode_all(text.as_bytes(), 1).unwrap();
            fs::write(folder.join(format!("{number}.zst")), bytes).unwrap();
        }
    }
    folder
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn rows_that_were_written_are_read_back(
        rows in vec(order(), 1..40), which in 0..3_usize, compression in 0..3_usize,
        parallelism in 1..7_u32, roll_bytes in prop::sample::select(vec![1, 300, u64::MAX]),
    ) {
        let scratch = Scratch::new();
        let layout = layout(which);
        let out = scratch.path().join("out");
        write(&file_sink(&out, &layout, None).roll_bytes(roll_bytes), rows.clone()).unwrap();
        if roll_bytes == 1 {
            prop_assert_eq!(parts(&out).len(), rows.len());
        }
        let folder = if compression == 0 { out } else { compressed(&scratch, compression) };
        let source = file_source([folder], &layout, None).range_bytes_min(1);
        let mut read = values(read_in_ranges(&source, parallelism));
        let mut rows = rows;
        read.sort();
        rows.sort();
        prop_assert_eq!(read, rows);
    }

    #[test]
    fn lines_of_text_are_read_back(
        lines in vec("[a,;\"\r é\u{feff}{}]{0,6}x", 1..40), parallelism in 1..7_u32,
    ) {
        let scratch = Scratch::new();
        let rows: Vec<Row> = lines
            .iter()
            .map(|line| Row::new([Value::string(line.replace('\r', " "))]))
            .collect();
        write(&file_sink(scratch.path(), &Layout::text(), None), rows.clone()).unwrap();
        // A mark at the beginning of a file is none of its text.
        let is_marked = lines[0].starts_with('\u{feff}');
        let source = file_source([scratch.path()], &Layout::text(), None).range_bytes_min(1);
        let read = values(read_in_ranges(&source, parallelism));
        prop_assert_eq!(&read[1..], &rows[1..]);
        prop_assert!(is_marked || read[0] == rows[0]);
    }

    #[test]
    fn rubbish_is_malformed_wherever_it_was_cut(
        pieces in vec(prop::sample::select(vec![
            &b"1,a"[..], b"\"", b"\n", b"\r\n", b"\r", b",", b"\xff", b"{\"id\":1}", b"[[[[", b"\xef\xbb\xbf", b"\0", b"9e999",
        ]), 0..60),
        parallelism in 1..7_u32,
    ) {
        let scratch = Scratch::new();
        let file = scratch.file("rubbish", pieces.concat());
        let schema = schema(&[("id", "int64"), ("name", "string?")]);
        let csv = Layout::csv(&schema, CsvDialect::default(), false).unwrap();
        let unquoted = CsvDialect { quoting: false, flexible: true, ..CsvDialect::default() };
        let unquoted = Layout::csv(&schema, unquoted, false).unwrap();
        for layout in [csv, unquoted, Layout::json(&schema), Layout::text()] {
            let source = file_source([&file], &layout, None)
                .range_bytes_min(1)
                .on_malformed(Malformed::Skip);
            prop_assert_eq!(read_in_ranges(&source, parallelism), read_in_ranges(&source, 1));
        }
    }
}

fn logins() -> Schema {
    schema(&[("user", "int64"), ("outcome", "string?")])
}

fn login(user: i64, outcome: &str) -> Row {
    Row::new([Value::Int64(user), Value::string(outcome)])
}

#[test]
fn each_file_is_read_by_its_own_header_whatever_ends_its_lines() {
    let scratch = Scratch::new();
    let files = [
        scratch.file("1", "\u{feff}outcome,user,noise\r\nok,1,x\r\n\r\n\"fa\r\nil\",2,"),
        scratch.file("2", "user\n3\n4"),
        scratch.file("3", "noise,\"user\",outcome\n"),
        scratch.file("4", "user,outcome"),
        scratch.file("5", ""),
        scratch.file("6", "\u{feff}"),
        scratch.file("7", "user,outcome\n\"5\",\"\"\n6,\n"),
    ];
    let layout = Layout::csv(&logins(), CsvDialect::default(), true).unwrap();
    let source = file_source(&files, &layout, None).range_bytes_min(1);
    let null = |user| Row::new([Value::Int64(user), Value::Null]);
    let expected = [login(1, "ok"), login(2, "fa\r\nil"), null(3), null(4), login(5, ""), null(6)];
    for parallelism in 1..9 {
        assert_eq!(values(read_in_ranges(&source, parallelism)), expected);
    }
}

#[test]
fn json_lines_and_text_bear_marks_and_any_line_end() {
    let scratch = Scratch::new();
    let json = "\u{feff}{\"user\":1,\"outcome\":\"ok\"}\r\n\r\n{\"outcome\":\"no\\n\",\"user\":2}";
    let file = scratch.file("json", json);
    let source = file_source([&file], &Layout::json(&logins()), None).range_bytes_min(1);
    let text = file_source([&file], &Layout::text(), None).range_bytes_min(1);
    for parallelism in 1..5 {
        assert_eq!(
            values(read_in_ranges(&source, parallelism)),
            [login(1, "ok"), login(2, "no\n")]
        );
        let lines = values(read_in_ranges(&text, parallelism));
        assert_eq!(lines[0][0], Value::string("{\"user\":1,\"outcome\":\"ok\"}"));
        assert_eq!(lines.len(), 2);
    }
    assert_eq!(Layout::text().schema(), TextFormat::schema());
}

#[test]
fn a_header_that_lacks_a_column_is_refused_before_anything_runs() {
    let scratch = Scratch::new();
    let file = scratch.file("logins.csv", "User,outcome\n1,ok\n");
    let layout = Layout::csv(&logins(), CsvDialect::default(), true).unwrap();
    let error = file_source([&file], &layout, None).enumerate(2).unwrap_err();
    assert!(error.downcast_ref::<Refusal>().is_some());
    let expected = format!(
        "the first row of {} is not the header it should be: the header has no column `user`; did you \
         mean `User`?; it names 'User, outcome'; correct the schema or the file, or set `header: false`",
        file.display()
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn malformed_rows_fail_are_skipped_or_kept_and_always_counted() {
    let scratch = Scratch::new();
    let deep = "[".repeat(100_000);
    let text = format!(
        "{{\"user\":1}}\n{{\"user\":\"2\"}}\n{deep}\n{{\"user\":99999999999999999999}}\n{{\"user\":3}}\n"
    );
    let file = scratch.file("logins.json", text);
    let source = file_source([&file], &Layout::json(&logins()), None).range_bytes_min(1);
    let error = read(&source, source.enumerate(1).unwrap(), 9, false).unwrap_err().to_string();
    let said = format!("malformed row at byte 11 of {} (line 2): column `user`: ", file.display());
    assert!(error.starts_with(&said), "{error}");
    assert!(error.contains("`malformed: skip`"), "{error}");
    let letters = scratch.path().join("letters.jsonl");
    for (number, policy) in
        [Malformed::Skip, Malformed::DeadLetter(letters.clone())].iter().enumerate()
    {
        let source = source.clone().on_malformed(policy.clone());
        let splits = source.enumerate(4).unwrap();
        let (rows, dropped) = read(&source, splits, 9, false).unwrap();
        assert_eq!((rows.len(), dropped), (2, 3), "policy {number}");
    }
    let letters = fs::read_to_string(letters).unwrap();
    assert_eq!(letters.lines().count(), 3);
    let first = letters.lines().next().unwrap();
    assert!(first.contains("\"position\":11,") && first.contains("column `user`"), "{first}");
}

#[test]
fn each_part_has_the_header_and_lies_in_its_bucket() {
    let scratch = Scratch::new();
    let layout = Layout::csv(&logins(), CsvDialect::default(), true).unwrap();
    let bucket = expression("outcome || '/' || CAST(user % 2 AS STRING)", &logins());
    let rows = vec![login(1, "ok"), login(2, "ok"), login(4, "ok"), login(3, "no,")];
    let sink = file_sink(scratch.path().join("out"), &layout, Some(bucket.value()));
    write(&sink, rows).unwrap();
    let parts = parts(&scratch.path().join("out"));
    let expected = [
        ("no,/1/", "user,outcome\n3,\"no,\"\n"),
        ("ok/0/", "user,outcome\n2,ok\n4,ok\n"),
        ("ok/1/", "user,outcome\n1,ok\n"),
    ];
    let parts: Vec<_> = parts.iter().map(|(bucket, text)| (&**bucket, &**text)).collect();
    assert_eq!(parts, expected);
}

#[test]
fn a_row_without_a_bucket_or_that_cannot_be_written_fails_the_sink() {
    let scratch = Scratch::new();
    let json = Layout::json(&logins());
    let check = |bucket: Option<&str>, layout: &Layout, row: Row, expected: &str| {
        let bucket = bucket.map(|text| expression(text, &logins()).value());
        let sink = file_sink(scratch.path(), layout, bucket);
        assert_eq!(write(&sink, vec![row]).unwrap_err().to_string(), expected);
    };
    let nobody = Row::new([Value::Int64(1), Value::Null]);
    let help = "change the bucket expression or filter such records out";
    let said = format!("a record has no bucket: it must be a string, and is NULL; {help}");
    check(Some("outcome"), &json, nobody, &said);
    let said = "the bucket \"../x\" cannot be a folder: a level begins with a dot; change the bucket expression";
    check(Some("'../' || outcome"), &json, login(1, "x"), said);
    let unquoted = CsvDialect { quoting: false, ..CsvDialect::default() };
    let unquoted = Layout::csv(&logins(), unquoted, false).unwrap();
    let said = "a record cannot be written: column `outcome`: the value has a delimiter or a line end within, \
                and quoting is off; correct the format or filter such records out";
    check(None, &unquoted, login(1, "a,b"), said);
}

#[test]
fn changes_are_written_with_their_signs() {
    let scratch = Scratch::new();
    let layout = Layout::csv(&logins(), CsvDialect::default(), true).unwrap();
    let changes = vec![
        Change::insert(login(1, "ok")),
        Change::update_before(login(1, "ok")),
        Change::update_after(Row::new([Value::Int64(1), Value::Null])),
        Change::delete(Row::new([Value::Int64(1), Value::Null])),
    ];
    let csv = changelog_file_sink(scratch.path().join("csv"), &layout, None).unwrap();
    write(&csv, changes.clone()).unwrap();
    let text = &parts(&scratch.path().join("csv"))[0].1;
    assert_eq!(text, "change,user,outcome\n+,1,ok\n-,1,ok\n+,1,\n-,1,\n");
    let bucket = expression("COALESCE(outcome, 'none')", &logins()).value();
    let json = Layout::json(&logins());
    let json = changelog_file_sink(scratch.path().join("json"), &json, Some(bucket)).unwrap();
    write(&json, changes).unwrap();
    let parts = parts(&scratch.path().join("json"));
    assert_eq!(parts[0].0, "none/");
    let first = "{\"change\":\"+\",\"user\":1,\"outcome\":\"ok\"}\n";
    assert!(parts[1].1.starts_with(first), "{}", parts[1].1);
}

#[test]
fn changes_without_room_for_a_sign_are_refused() {
    let text = changelog_file_sink("out", &Layout::text(), None).map(drop).unwrap_err().to_string();
    assert_eq!(text, "a line of text has no room for the sign of a change; write CSV or JSON");
    let taken = Layout::json(&schema(&[("change", "int64")])).signed().unwrap_err().to_string();
    assert!(taken.starts_with("the rows have a column `change` already"), "{taken}");
}
