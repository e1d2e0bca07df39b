//! Records handed on as bytes: the same at any parallelism, whatever the bytes are, and headers of their own.

use super::tests::{any_bytes, check, csv_file, read, refusal};
use super::*;
use crate::scratch::Scratch;
use proptest::prelude::*;

const CSV: RecordEnd = RecordEnd::NewlineOutsideQuotes { delimiter: b',' };

fn text(end: RecordEnd) -> Records<String> {
    Records::new(end, |record| String::from_utf8(record.into()).map_err(|error| error.to_string()))
}

/// One reader over one range.
fn whole(source: &FileSource<String, Records<String>>) -> (Vec<String>, u64) {
    let source = source.clone().on_malformed(Malformed::Skip);
    let splits = source.enumerate(1).unwrap();
    read(&source, splits, 1_000, false).unwrap()
}

fn same_everywhere(bytes: &[u8], parallelism: u32, budget: usize) -> Vec<String> {
    let scratch = Scratch::new();
    let file = scratch.file("records", bytes);
    let mut rows = Vec::new();
    for end in [RecordEnd::Newline, CSV] {
        let source = FileSource::new(&file, text(end));
        let expected = whole(&source);
        check(source, &expected, parallelism, budget);
        rows = expected.0;
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn records_of_a_csv_file_are_the_rows_of_a_plain_reader(
        bytes in csv_file(), parallelism in 1..8_u32, budget in 1..20_usize,
    ) {
        let records = same_everywhere(&bytes, parallelism, budget);
        let mut plain = ::csv::ReaderBuilder::new().has_headers(false).from_reader(&*bytes);
        let rows: Vec<::csv::StringRecord> = plain.records().map(Result::unwrap).collect();
        let cut = |record: &String| {
            let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(record.as_bytes());
            reader.records().map(Result::unwrap).next()
        };
        let again: Vec<_> = records.iter().filter_map(cut).collect();
        prop_assert_eq!(again, rows);
    }

    #[test]
    fn rubbish_gives_the_same_records_wherever_it_was_cut(
        bytes in any_bytes(), parallelism in 1..8_u32, budget in 1..20_usize,
    ) {
        same_everywhere(&bytes, parallelism, budget);
    }
}

fn below_header() -> Records<String> {
    Records::with_header(CSV, |header: &[u8]| {
        if !header.starts_with(b"h") {
            return Err("it must begin with h".to_owned());
        }
        let header = String::from_utf8_lossy(header).into_owned();
        Ok(move |record: &[u8]| Ok(format!("{header}|{}", String::from_utf8_lossy(record))))
    })
}

#[test]
fn each_range_knows_the_header_of_its_file() {
    let scratch = Scratch::new();
    let files = [
        scratch.file("1", "\u{feff}\r\nh1\r\na\r\nb\r\n\r\nc"),
        scratch.file("2", "h2"),
        scratch.file("3", ""),
        scratch.file("4", "\"\n"),
        scratch.file("5", "h5\n\"d\n\"\ne\n"),
    ];
    let source = FileSource::new("", below_header()).range_bytes_min(1);
    let fine = source.clone().paths([&files[0], &files[1], &files[2], &files[4]]);
    for parallelism in 1..6 {
        let splits = fine.enumerate(parallelism).unwrap();
        let (rows, dropped) = read(&fine, splits, 2, true).unwrap();
        assert_eq!(rows, ["h1|a", "h1|b", "h1|c", "h5|\"d\n\"", "h5|e"]);
        assert_eq!(dropped, 0);
    }
    let refused = refusal(source.paths([&files[3]]).enumerate(2));
    assert!(refused.ends_with("is not the header it should be: it must begin with h"), "{refused}");
}

#[test]
fn a_row_without_event_time_is_malformed_and_stands_in_the_dead_letters() {
    let scratch = Scratch::new();
    let file = scratch.file("times", "1\n\n\n2\r\nx\n4\n");
    let letters = scratch.path().join("letters");
    let even = |line: &String| match line.as_str() {
        "2" => Err("the time is odd".to_owned()),
        line => Ok(Timestamp(line.len() as i64)),
    };
    let records = Records::new(RecordEnd::Newline, |record| {
        if record == b"x" {
            Err("an x".to_owned())
        } else {
            Ok(String::from_utf8_lossy(record).into())
        }
    });
    let source = FileSource::new(&file, records).try_timestamp(even);
    let failed = read(&source, source.enumerate(1).unwrap(), 9, false).unwrap_err().to_string();
    assert!(failed.starts_with("malformed row at byte 4 of"), "{failed}");
    assert!(failed.contains("(line 4): the time is odd; correct it"), "{failed}");
    let kept = source.on_malformed(Malformed::DeadLetter(letters.clone()));
    let (rows, dropped) = read(&kept, kept.enumerate(1).unwrap(), 9, false).unwrap();
    assert_eq!((rows, dropped), (vec!["1".to_owned(), "4".to_owned()], 2));
    let letters = std::fs::read_to_string(letters).unwrap();
    let lines: Vec<&str> = letters.lines().collect();
    assert!(lines[0].ends_with(r#""position":4,"bytes":1,"reason":"the time is odd","row":"2"}"#));
    assert!(lines[1].ends_with(r#""position":7,"bytes":1,"reason":"an x","row":"x"}"#));
}

#[test]
fn a_record_that_does_not_end_is_named_with_its_place() {
    let scratch = Scratch::new();
    let open = [&b"1,ok\n2,\""[..], &vec![b'\n'; 17 << 20]].concat();
    let source = FileSource::new(scratch.file("open.csv", open), text(CSV));
    let refused = refusal(source.enumerate(2));
    assert!(refused.contains("the row at byte 5 of"), "{refused}");
    let error = read(&source, source.enumerate(1).unwrap(), 9, false).unwrap_err().to_string();
    assert!(error.contains("longer than 16 MiB"), "{error}");
}
