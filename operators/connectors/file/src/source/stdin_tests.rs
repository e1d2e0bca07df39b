//! Standard input: what comes is emitted once, at once, and never silently lost.

use super::tests::{output, poll, refusal, taken};
use super::*;
use crate::scratch::Scratch;
use std::io::{self, Read, Write};
use std::task::Waker;
use tidegate_core::source::{Source, SourceStatus};

fn lines() -> Records<String> {
    Records::new(RecordEnd::Newline, |record| {
        String::from_utf8(record.into()).map_err(|_| "no text".to_owned())
    })
}

fn identity() -> SubtaskIdentity {
    SubtaskIdentity { operator: "in".into(), index: 0, parallelism: 1, run: 1, attempt: 0 }
}

fn source(input: impl Read + Send + 'static) -> StdinSource<String> {
    StdinSource::new(lines()).input(input)
}

fn open(source: &StdinSource<String>) -> StdinReader<String> {
    source.create(&identity(), source.enumerate(3).unwrap()).unwrap()
}

/// All rows up to the end, with the count of those left out.
fn rest(reader: &mut StdinReader<String>) -> Result<(Vec<String>, u64), BoxError> {
    let (mut rows, mut out) = (Vec::new(), output(1));
    while poll(reader, &mut out, 3)? == SourceStatus::Ready {
        assert!(out.len() <= 3);
        rows.extend(taken(&mut out));
    }
    rows.extend(taken(&mut out));
    Ok((rows, out.take_dropped()))
}

#[test]
fn all_that_comes_is_emitted_up_to_the_end() {
    let text = "\u{feff}a\r\n\nb\n".to_owned() + &"x\n".repeat(5_000) + "last";
    let source = source(io::Cursor::new(text.into_bytes()));
    let mut reader = open(&source);
    let (rows, dropped) = rest(&mut reader).unwrap();
    assert_eq!((rows.len(), dropped), (5_003, 0));
    assert_eq!((&*rows[0], &*rows[1], &*rows[5_002]), ("a", "b", "last"));
    // The other subtasks have nothing to read.
    let mut idle = source.create(&identity(), Vec::new()).unwrap();
    assert_eq!(idle.poll(&mut output(0), 1, Waker::noop()).unwrap(), SourceStatus::Ended);
    // An input that has ended is not needed again, also not in another process.
    let resumed = StdinSource::new(lines()).create(&identity(), reader.splits()).unwrap();
    assert_eq!(rest(&mut { resumed }).unwrap().0, Vec::<String>::new());
}

#[test]
fn a_row_is_emitted_before_the_next_one_comes() {
    let (input, mut terminal) = io::pipe().unwrap();
    let source = source(input);
    let (mut reader, mut out) = (open(&source), output(1));
    terminal.write_all(b"1\n2\nhal").unwrap();
    let mut rows: Vec<String> = Vec::new();
    while rows.len() < 2 {
        assert_eq!(poll(&mut reader, &mut out, 9).unwrap(), SourceStatus::Ready);
        rows.extend(taken(&mut out));
    }
    assert_eq!(rows, ["1", "2"]);
    assert_eq!(reader.poll(&mut out, 9, Waker::noop()).unwrap(), SourceStatus::Pending);
    terminal.write_all(b"f\n").unwrap();
    drop(terminal);
    assert_eq!(rest(&mut reader).unwrap().0, ["half"]);
}

#[test]
fn an_attempt_goes_on_where_the_last_one_stopped_and_nowhere_else() {
    let text = "1\n2\n3\n4\n5\n".repeat(1_000);
    let source = source(io::Cursor::new(text.into_bytes()));
    let (mut reader, mut out) = (open(&source), output(1));
    let before = reader.splits();
    assert_eq!(poll(&mut reader, &mut out, 3).unwrap(), SourceStatus::Ready);
    assert_eq!(taken(&mut out).len(), 3);
    let now = reader.splits();
    drop(reader);
    let refused = refusal(source.create(&identity(), before).map(drop));
    assert!(refused.starts_with("standard input cannot be read again from byte 0"), "{refused}");
    assert!(refused.contains("read it up to byte 6"), "{refused}");
    let other = StdinSource::new(lines()).input(io::empty());
    let refused = refusal(other.create(&identity(), now.clone()).map(drop));
    assert!(refused.contains("from byte 6"), "{refused}");
    let mut next = source.create(&identity(), now).unwrap();
    assert_eq!(rest(&mut next).unwrap().0.len(), 4_997);
}

#[test]
fn malformed_records_go_by_the_policy() {
    let scratch = Scratch::new();
    let input = || io::Cursor::new(&b"1\n\n\xff\xfe\n3\n"[..]);
    let failing = source(input());
    let mut reader = open(&failing);
    let mut out = output(1);
    assert_eq!(poll(&mut reader, &mut out, 1).unwrap(), SourceStatus::Ready);
    assert_eq!(taken::<String>(&mut out), ["1"]);
    let error = poll(&mut reader, &mut out, 1).unwrap_err().to_string();
    let said = "malformed row at byte 3 of standard input (line 3): no text; correct it";
    assert!(error.starts_with(said), "{error}");
    let refused = refusal(failing.create(&identity(), reader.splits()).map(drop));
    assert_eq!(refused, error, "the next attempt tells why there is none");
    let skipping = source(input()).on_malformed(Malformed::Skip);
    assert_eq!(rest(&mut open(&skipping)).unwrap(), (vec!["1".to_owned(), "3".to_owned()], 1));
    let letters = scratch.path().join("letters");
    let keeping = source(input()).on_malformed(Malformed::DeadLetter(letters.clone()));
    assert_eq!(rest(&mut open(&keeping)).unwrap().1, 1);
    let letter = "{\"file\":\"standard input\",\"position\":3,\"bytes\":2,\"reason\":\"no text\",\
                  \"row\":\"\u{fffd}\u{fffd}\"}\n";
    assert_eq!(std::fs::read_to_string(letters).unwrap(), letter);
}

#[test]
fn a_header_and_an_event_time_are_taken_as_in_a_file() {
    let end = RecordEnd::NewlineOutsideQuotes { delimiter: b',' };
    let records = || {
        Records::with_header(end, |header: &[u8]| {
            let columns = header.split(|byte| *byte == b',').count();
            if columns == 1 {
                return Err("one column is too few".to_owned());
            }
            Ok(move |record: &[u8]| Ok(format!("{columns}: {}", String::from_utf8_lossy(record))))
        })
    };
    let text: &[u8] = b"\xef\xbb\xbf\"a\n\",b\n\"1\n\",2\nx,y\n";
    let source = StdinSource::new(records()).input(text).on_malformed(Malformed::Skip);
    let source = source.try_timestamp(|row| {
        if row.contains('x') { Err("no time".to_owned()) } else { Ok(Timestamp(7)) }
    });
    assert_eq!(rest(&mut open(&source)).unwrap(), (vec!["2: \"1\n\",2".to_owned()], 1));
    let narrow = StdinSource::new(records()).input(&b"a\n1\n"[..]);
    let error = rest(&mut open(&narrow)).unwrap_err().to_string();
    assert!(error.contains("the first row of standard input is not the header"), "{error}");
}

#[test]
fn nobody_reads_standard_input_beside_another() {
    let (first, second) = (StdinSource::new(lines()), StdinSource::new(lines()));
    drop(first.create(&identity(), first.enumerate(1).unwrap()).unwrap());
    let refused = refusal(second.create(&identity(), second.enumerate(1).unwrap()).map(drop));
    assert!(refused.starts_with("standard input is read by another source"), "{refused}");
}

#[test]
fn a_thread_that_nobody_wants_ends() {
    let source = source(io::repeat(b'\n').take(u64::MAX));
    let held = Arc::downgrade(&source.owned_feed());
    drop(open(&source));
    drop(source);
    // The thread finds the feed closed at its next read.
    while held.strong_count() > 0 {
        std::thread::yield_now();
    }
}
