//! The file source against plain readers of the same bytes, at any parallelism, restored anywhere.

use super::*;
use crate::scratch::Scratch;
use proptest::prelude::*;
use serde::Deserialize;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::thread::{self, Thread};
use tidegate_core::element::{Element, downcast};
use tidegate_core::source::{Source, SourceOutput, SourceStatus};
use tidegate_core::watermark::{SplitWatermark, WatermarkStrategy};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

pub(super) fn identity() -> SubtaskIdentity {
    SubtaskIdentity { operator: "read".into(), index: 0, parallelism: 1, run: 1, attempt: 0 }
}

pub(super) fn output<T: Data>(splits: usize) -> SourceOutput<T> {
    let fresh = vec![(SplitWatermark::default(), false); splits];
    SourceOutput::new(WatermarkStrategy::none(), fresh, Timestamp::MIN)
}

/// One poll that emits, ends or fails.
pub(super) fn poll<S: Source>(
    reader: &mut S,
    out: &mut SourceOutput<S::Out>,
    budget: usize,
) -> Result<SourceStatus, BoxError> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match reader.poll(out, budget, &waker)? {
            SourceStatus::Pending => thread::park(),
            status => return Ok(status),
        }
    }
}

pub(super) fn taken<T: Data>(out: &mut SourceOutput<T>) -> Vec<T> {
    let mut values = Vec::new();
    for element in out.take() {
        let Element::Batch(mut batch) = element else { continue };
        values.extend(downcast::<T>(&mut *batch).take_open().map(|record| record.value));
    }
    values
}

/// All rows and the number of rows left out; with `restore`, a new reader goes on after every poll.
pub(super) fn read<T: Data, F: Format<T>>(
    source: &FileSource<T, F>,
    splits: Vec<FileSplit>,
    budget: usize,
    restore: bool,
) -> Result<(Vec<T>, u64), BoxError> {
    let (mut rows, mut dropped) = (Vec::new(), 0);
    let mut reader = source.create(&identity(), splits)?;
    loop {
        let mut out = output(reader.splits().len());
        let status = poll(&mut reader, &mut out, budget)?;
        assert!(out.len() <= budget);
        rows.extend(taken(&mut out));
        dropped += out.take_dropped();
        if status == SourceStatus::Ended {
            assert!(reader.splits().iter().all(FileSplit::is_read));
            return Ok((rows, dropped));
        }
        if restore {
            reader = source.create(&identity(), reader.splits())?;
        }
    }
}

fn all<T: Data, F: Format<T>>(source: &FileSource<T, F>) -> Vec<T> {
    read(source, source.enumerate(1).unwrap(), 100, false).unwrap().0
}

pub(super) type Fields = Vec<String>;

/// What a plain reader makes of the bytes, and how many rows it cannot make anything of.
pub(super) fn plain_csv(bytes: &[u8]) -> (Vec<Fields>, u64) {
    let mut reader =
        ::csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let (mut rows, mut malformed) = (Vec::new(), 0);
    for record in reader.byte_records() {
        match record.unwrap().deserialize(None) {
            Ok(row) => rows.push(row),
            Err(_) => malformed += 1,
        }
    }
    (rows, malformed)
}

pub(super) fn plain_lines(bytes: &[u8]) -> (Vec<String>, u64) {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let lines = bytes.split(|byte| *byte == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let parsed = lines.filter(|line| !line.is_empty()).map(|line| String::from_utf8(line.into()));
    let (rows, malformed): (Vec<_>, Vec<_>) = parsed.partition(Result::is_ok);
    (rows.into_iter().flatten().collect(), malformed.len() as u64)
}

fn plain_json(bytes: &[u8]) -> (Vec<i64>, u64) {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let lines = bytes.split(|byte| *byte == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let parsed = lines.filter(|line| !line.is_empty()).map(serde_json::from_slice);
    let (rows, malformed): (Vec<_>, Vec<_>) = parsed.partition(Result::is_ok);
    (rows.into_iter().flatten().collect(), malformed.len() as u64)
}

/// Reads `file` in every way that must make no difference.
pub(super) fn check<T, F>(
    source: FileSource<T, F>,
    expected: &(Vec<T>, u64),
    parallelism: u32,
    budget: usize,
) where
    T: Data + std::fmt::Debug + PartialEq,
    F: Format<T>,
{
    let source = source.range_bytes_min(1).on_malformed(Malformed::Skip);
    let splits = source.enumerate(parallelism).unwrap();
    assert!(splits.len() <= parallelism as usize);
    let whole = read(&source, splits.clone(), budget, true).unwrap();
    assert_eq!(whole, *expected, "one reader, restored after each poll, ranges {splits:?}");
    let mut apart = (Vec::new(), 0);
    for split in splits {
        let (rows, dropped) = read(&source, vec![split], budget, false).unwrap();
        apart.0.extend(rows);
        apart.1 += dropped;
    }
    assert_eq!(apart, *expected, "a reader for each range");
}

pub(super) fn csv_file() -> impl Strategy<Value = Vec<u8>> {
    let field = proptest::collection::vec(
        prop::sample::select(vec!["a", ",", "\"", "\n", "\r", "é", " "]),
        0..5,
    );
    let row = proptest::collection::vec(field.prop_map(|parts| parts.concat()), 3);
    let rows = proptest::collection::vec(row, 0..40);
    (rows, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(rows, crlf, cut, mark)| {
        let ends = if crlf { ::csv::Terminator::CRLF } else { ::csv::Terminator::Any(b'\n') };
        let mut writer = ::csv::WriterBuilder::new().terminator(ends).from_writer(Vec::new());
        rows.iter().for_each(|row| writer.write_record(row).unwrap());
        let mut bytes = writer.into_inner().unwrap();
        if cut {
            let end = bytes.trim_ascii_end().len();
            bytes.truncate(end);
        }
        let mark: &[u8] = if mark { b"\xef\xbb\xbf" } else { b"" };
        [mark, &bytes].concat()
    })
}

pub(super) fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> =
        vec![b"a", b",", b"\"", b"\n", b"\r", b"\r\n", b"1", b"-", b"\xff", b"\xef\xbb\xbf", b"\0"];
    let pieces = proptest::collection::vec(prop::sample::select(pieces), 0..120);
    pieces.prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn any_parallelism_and_any_restore_give_the_rows_of_a_plain_csv_reader(
        bytes in csv_file(), parallelism in 1..8_u32, budget in 1..20_usize,
    ) {
        let scratch = Scratch::new();
        let source = FileSource::csv::<Fields>(scratch.file("rows.csv", &bytes));
        check(source, &plain_csv(&bytes), parallelism, budget);
    }

    #[test]
    fn no_bytes_make_a_reader_panic_or_depend_on_where_it_was_cut(
        bytes in any_bytes(), parallelism in 1..8_u32, budget in 1..20_usize,
    ) {
        let scratch = Scratch::new();
        let file = scratch.file("bytes", &bytes);
        let csv = FileSource::csv::<Fields>(&file).flexible(true);
        check(csv, &plain_csv(&bytes), parallelism, budget);
        let lines = FileSource::lines(&file, |line| Ok(line.to_owned()));
        check(lines, &plain_lines(&bytes), parallelism, budget);
        check(FileSource::json_lines::<i64>(&file), &plain_json(&bytes), parallelism, budget);
    }
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
struct Login {
    user: u64,
    outcome: String,
}

#[test]
fn fields_are_found_by_name_under_a_header_that_is_never_a_row() {
    let scratch = Scratch::new();
    let first = scratch.file("1.csv", "\u{feff}outcome;user;noise\nsuccess;1;x\nfail;2;x\n");
    let second = scratch.file("2.csv", "user;outcome;noise\r\n3;fail;x");
    let empty = scratch.file("3.csv", "user;outcome\r\n");
    let source = FileSource::csv::<Login>(&first).paths([first, second, empty]);
    let source = source.with_header(true).delimiter(b';').range_bytes_min(1);
    for parallelism in 1..5 {
        let splits = source.enumerate(parallelism).unwrap();
        let rows = read(&source, splits, 2, true).unwrap().0;
        let login = |user, outcome: &str| Login { user, outcome: outcome.into() };
        assert_eq!(rows, [login(1, "success"), login(2, "fail"), login(3, "fail")]);
    }
}

#[test]
fn a_malformed_row_fails_the_source_with_its_place_after_the_rows_before_it() {
    let scratch = Scratch::new();
    let file = scratch.file("logins.csv", "1,ok\r\n\r\n2,ok\r\nthree,ok\r\n4,ok\r\n");
    let source = FileSource::csv::<Login>(&file);
    let mut reader = source.create(&identity(), source.enumerate(1).unwrap()).unwrap();
    let mut out = output(1);
    poll(&mut reader, &mut out, 2).unwrap();
    assert_eq!(taken(&mut out).len(), 2);
    let error = poll(&mut reader, &mut out, 2).unwrap_err().to_string();
    let expected = format!(
        "malformed row at byte 14 of {} (line 4): column 1: invalid digit found in string; correct it, \
         or leave such rows out: on_malformed(Skip) or on_malformed(DeadLetter(path)), \
         in a topology `malformed: skip` or `malformed: {{file: path}}`",
        file.display()
    );
    assert_eq!(error, expected);
    assert!(poll(&mut reader, &mut out, 2).unwrap_err().to_string().contains("failed before"));
}

#[test]
fn a_row_with_another_number_of_columns_is_malformed_unless_asked_otherwise() {
    let scratch = Scratch::new();
    let file = scratch.file("logins.csv", "1,ok\n2,ok,more\n");
    let strict = FileSource::csv::<Login>(&file);
    let error = read(&strict, strict.enumerate(1).unwrap(), 9, false).unwrap_err().to_string();
    assert!(error.contains("3 columns, the first row of the file has 2"), "{error}");
    assert_eq!(all(&strict.flexible(true)).len(), 2);
}

#[test]
fn dead_letters_hold_each_malformed_row_with_its_place() {
    let scratch = Scratch::new();
    let file = scratch.file("logins.csv", b"1,ok\n\n\"x\",\"a\nb\"\r\n2,ok\n\xff,ok\n");
    let letters = scratch.file("letters.jsonl", "{\"torn\":");
    let source =
        FileSource::csv::<Login>(&file).on_malformed(Malformed::DeadLetter(letters.clone()));
    let (rows, dropped) = read(&source, source.enumerate(1).unwrap(), 9, false).unwrap();
    assert_eq!((rows.len(), dropped), (2, 2));
    let name = file.display();
    let expected = format!(
        "{{\"torn\":\n\
         {{\"file\":\"{name}\",\"position\":6,\"bytes\":9,\
         \"reason\":\"column 1: invalid digit found in string\",\"row\":\"\\\"x\\\",\\\"a\\nb\\\"\"}}\n\
         {{\"file\":\"{name}\",\"position\":22,\"bytes\":4,\
         \"reason\":\"column 1: invalid utf-8 sequence of 1 bytes from index 0\",\
         \"row\":\"\u{fffd},ok\"}}\n"
    );
    assert_eq!(fs::read_to_string(&letters).unwrap(), expected);
}

pub(super) fn refusal<T>(result: Result<T, BoxError>) -> String {
    let Err(error) = result else { panic!("it was not refused") };
    assert!(error.downcast_ref::<Refusal>().is_some(), "no refusal: {error}");
    error.to_string()
}

#[test]
fn a_missing_file_and_an_empty_folder_are_refused() {
    let scratch = Scratch::new();
    let missing = scratch.path().join("missing.csv");
    let refused = refusal(FileSource::csv::<Fields>(missing).enumerate(1));
    assert!(refused.contains("missing.csv: No such file"), "{refused}");
    let refused = refusal(FileSource::csv::<Fields>(scratch.path()).enumerate(1));
    assert!(refused.contains("holds no files"), "{refused}");
}

#[test]
fn what_cannot_be_read_twice_is_refused_without_waiting_for_it() {
    let scratch = Scratch::new();
    let pipe = scratch.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let socket = scratch.path().join("socket");
    let _bound = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let cases = [(pipe, "a named pipe"), (socket, "a socket"), ("/dev/zero".into(), "a device")];
    for (path, what) in cases {
        let expected = format!("the input {} is {what}, not a file", path.display());
        let source = FileSource::csv::<Fields>(&path);
        let refused = refusal(source.enumerate(1));
        assert!(refused.starts_with(&expected), "{refused}");
        assert_eq!(refusal(source.fingerprint()), refused);
    }
}

#[test]
fn a_folder_stands_for_its_visible_files_in_order_of_name() {
    let scratch = Scratch::new();
    for name in ["b", "a", ".hidden", "_temporary", "c"] {
        scratch.file(name, name);
    }
    fs::create_dir(scratch.path().join("folder")).unwrap();
    let source = FileSource::lines(scratch.path(), |line| Ok(line.to_owned()));
    assert_eq!(all(&source), ["a", "b", "c"]);
}

fn fingerprint(file: &Path) -> String {
    FileSource::csv::<Fields>(file).fingerprint().unwrap().unwrap()
}

#[test]
fn a_grown_file_is_the_same_input_and_a_shrunk_or_changed_one_is_not() {
    let scratch = Scratch::new();
    let source = FileSource::csv::<Fields>("any");
    for length in [0, 10, 5_000] {
        let old = vec![b'x'; length];
        let file = scratch.file("data", &old);
        let before = fingerprint(&file);
        assert!(source.same_input(&before, &before));
        scratch.file("data", [&old[..], &[b'y'; 6_000]].concat());
        assert!(source.same_input(&before, &fingerprint(&file)), "grown from {length}");
        if length > 0 {
            scratch.file("data", &old[1..]);
            assert!(!source.same_input(&before, &fingerprint(&file)), "shrunk from {length}");
            scratch.file("data", [b"z", &old[1..], b"more"].concat());
            assert!(!source.same_input(&before, &fingerprint(&file)), "changed at {length}");
        }
    }
    let other = scratch.file("other", "x");
    assert!(!source.same_input(&fingerprint(&other), &fingerprint(&scratch.file("data", "x"))));
}

#[test]
fn what_is_appended_after_the_first_start_is_not_read() {
    let scratch = Scratch::new();
    let file = scratch.file("lines", "one\ntwo");
    let source = FileSource::lines(&file, |line| Ok(line.to_owned()));
    let splits = source.enumerate(2).unwrap();
    scratch.file("lines", "one\ntwo\nthree\n");
    assert_eq!(read(&source, splits, 9, false).unwrap().0, ["one", "two"]);
}

#[test]
fn a_file_that_has_shrunk_since_is_an_error_and_no_end() {
    let scratch = Scratch::new();
    let file = scratch.file("lines", "one\ntwo\n");
    let source = FileSource::lines(&file, |line| Ok(line.to_owned()));
    let splits = source.enumerate(1).unwrap();
    scratch.file("lines", "one\n");
    let error = read(&source, splits, 9, false).unwrap_err().to_string();
    assert!(error.contains("ends before byte 8"), "{error}");
}

#[test]
fn a_quote_that_is_never_closed_is_named_before_it_fills_the_memory() {
    let scratch = Scratch::new();
    let file = scratch.file("open.csv", [&b"1,ok\n2,\""[..], &vec![b'x'; 17 << 20]].concat());
    let source = FileSource::csv::<Login>(&file);
    let refused = refusal(source.enumerate(2));
    assert!(refused.contains("the row at byte 5 of"), "{refused}");
    let error = read(&source, source.enumerate(1).unwrap(), 9, false).unwrap_err().to_string();
    assert!(error.contains("longer than 16 MiB"), "{error}");
}

#[test]
fn a_reader_dropped_in_the_middle_stops_its_thread() {
    let scratch = Scratch::new();
    let source = FileSource::lines(scratch.file("lines", "x\n".repeat(100_000)), |_| Ok(()));
    let mut reader = source.create(&identity(), source.enumerate(1).unwrap()).unwrap();
    let mut out = output(1);
    poll(&mut reader, &mut out, 10).unwrap();
    let feed = Arc::downgrade(reader.feed());
    drop(reader);
    assert_eq!(feed.strong_count(), 0, "the thread still holds its end of the queue");
}

#[test]
fn a_panic_of_the_parser_is_an_error_of_the_source() {
    let scratch = Scratch::new();
    let file = scratch.file("lines", "x\n");
    let source = FileSource::lines::<()>(file, |_| panic!("cannot be parsed"));
    let error = read(&source, source.enumerate(1).unwrap(), 9, false).unwrap_err().to_string();
    assert!(error.contains("reading panicked: cannot be parsed"), "{error}");
}

#[test]
fn rows_carry_their_event_time_and_ended_splits_hold_none_back() {
    let scratch = Scratch::new();
    let file = scratch.file("times", "5\n9\n");
    let source = FileSource::json_lines::<i64>(&file).timestamp(|at| Timestamp(*at));
    let read = FileSplit { position: 4, ..FileSplit::new("gone", 0, 4) };
    let splits = [vec![read], source.enumerate(1).unwrap()].concat();
    let mut reader = source.create(&identity(), splits).unwrap();
    let strategy = WatermarkStrategy::monotonous().each_record();
    let fresh = vec![(SplitWatermark::default(), false); 2];
    let mut out = SourceOutput::new(strategy, fresh, Timestamp::MIN);
    poll(&mut reader, &mut out, 1).unwrap();
    let mut elements = out.take();
    let Some(Element::Batch(batch)) = elements.first_mut() else { panic!("no batch") };
    let record = downcast::<i64>(&mut **batch).take().unwrap();
    assert_eq!(record.timestamp, Timestamp(5));
    assert_eq!(batch.take_mark(), Some(Timestamp(4)));
}
