//! Bytes cut into records, whatever these mean.
//!
//! Apart from the formats because it is the one rule by which a file is cut into ranges *and* read, so that rubbish
//! gives the same records wherever a range begins; and standard input is cut by it too.

use crate::limits::ROW_BYTES_MAX;
use memchr::memchr;
use std::io::{self, BufRead, Read};
use thiserror::Error;

/// Where a record ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordEnd {
    /// At each newline.
    Newline,
    /// At each newline outside of quotes, as in CSV. A field is in quotes if it begins with one.
    NewlineOutsideQuotes {
        /// What stands between fields.
        delimiter: u8,
    },
}

impl RecordEnd {
    /// Whether `records` end where a record ends.
    pub(crate) fn is_behind(self, records: &[u8]) -> bool {
        let Self::NewlineOutsideQuotes { delimiter } = self else {
            return records.ends_with(b"\n");
        };
        let mut open = false;
        for line in records.split_inclusive(|byte| *byte == b'\n') {
            open = is_open_behind(open, line, delimiter);
        }
        !open && records.ends_with(b"\n")
    }
}

/// A record that does not seem to end.
#[derive(Debug, Error)]
#[error("a record is longer than {} MiB", ROW_BYTES_MAX >> 20)]
pub(crate) struct RecordTooLong;

/// Cuts bytes into records.
pub(crate) struct RecordReader<R> {
    reader: R,
    end: RecordEnd,
    position: u64,
}

impl<R: BufRead> RecordReader<R> {
    /// `position` is that of the first byte of `reader`.
    pub(crate) const fn new(reader: R, end: RecordEnd, position: u64) -> Self {
        Self { reader, end, position }
    }

    /// Behind the record read last.
    pub(crate) const fn position(&self) -> u64 {
        self.position
    }

    pub(crate) const fn get_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    /// Reads one record, without its line end; false when there is none. An empty line is an empty record.
    pub(crate) fn read(&mut self, record: &mut Vec<u8>) -> io::Result<bool> {
        record.clear();
        let mut open = false;
        loop {
            let before = record.len();
            let room = ROW_BYTES_MAX + 1 - before as u64;
            let read = self.reader.by_ref().take(room).read_until(b'\n', record)?;
            self.position += read as u64;
            if record.len() as u64 > ROW_BYTES_MAX {
                return Err(io::Error::other(RecordTooLong));
            }
            if read > 0
                && let RecordEnd::NewlineOutsideQuotes { delimiter } = self.end
            {
                open = is_open_behind(open, &record[before..], delimiter);
                if open {
                    continue;
                }
            }
            break;
        }
        let is_there = !record.is_empty();
        if record.last() == Some(&b'\n') {
            record.pop();
        }
        if record.last() == Some(&b'\r') {
            record.pop();
        }
        Ok(is_there)
    }
}

/// What the bytes so far are the end of.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    /// Nothing: a field begins.
    Between,
    /// A field without quotes, or what follows those of one.
    Bare,
    Quoted,
    /// A quote within quotes: their end, unless another follows.
    Quote,
}

/// Whether quotes are open behind `text`; it is a record's beginning unless they were `open` before it.
fn is_open_behind(open: bool, text: &[u8], delimiter: u8) -> bool {
    if memchr(b'"', text).is_none() {
        return open;
    }
    let mut part = if open { Part::Quoted } else { Part::Between };
    for &byte in text {
        part = match part {
            Part::Quoted if byte == b'"' => Part::Quote,
            Part::Quoted => Part::Quoted,
            Part::Between | Part::Quote if byte == b'"' => Part::Quoted,
            _ if byte == delimiter => Part::Between,
            _ => Part::Bare,
        };
    }
    part == Part::Quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(bytes: &[u8], end: RecordEnd) -> Vec<Vec<u8>> {
        let (mut reader, mut record) = (RecordReader::new(bytes, end, 0), Vec::new());
        let mut records = Vec::new();
        while reader.read(&mut record).unwrap() {
            records.push(record.clone());
        }
        assert_eq!(reader.position(), bytes.len() as u64);
        records
    }

    const CSV: RecordEnd = RecordEnd::NewlineOutsideQuotes { delimiter: b',' };

    #[test]
    fn a_newline_in_quotes_is_part_of_its_record() {
        let text = b"a,\"b\r\n\"\"\n\"\r\n\nc\"\n\"d\"e\n,\"";
        let records = cut(text, CSV);
        let expected: [&[u8]; 5] = [b"a,\"b\r\n\"\"\n\"", b"", b"c\"", b"\"d\"e", b",\""];
        assert_eq!(records, expected);
        assert_eq!(cut(text, RecordEnd::Newline).len(), 7);
    }

    #[test]
    fn a_record_without_an_end_is_an_error_before_it_fills_the_memory() {
        let endless = io::BufReader::new(io::repeat(b'x'));
        let mut reader = RecordReader::new(endless, RecordEnd::Newline, 0);
        let error = reader.read(&mut Vec::new()).unwrap_err();
        assert!(error.downcast::<RecordTooLong>().is_ok());
        let quoted = io::BufReader::new(b"\"".chain(io::repeat(b'\n')));
        let mut reader = RecordReader::new(quoted, CSV, 0);
        let error = reader.read(&mut Vec::new()).unwrap_err();
        assert!(error.downcast::<RecordTooLong>().is_ok());
    }

    proptest! {
        #[test]
        fn what_a_csv_writer_wrote_is_cut_into_its_records(
            rows in prop::collection::vec(prop::collection::vec("[a,\"\n\r é]{0,6}", 2), 0..12),
        ) {
            let one = |row: &Vec<String>| {
                let mut writer = csv::Writer::from_writer(Vec::new());
                writer.write_record(row).unwrap();
                writer.into_inner().unwrap()
            };
            let records: Vec<Vec<u8>> = rows.iter().map(one).collect();
            let cut = cut(&records.concat(), CSV);
            let bare: Vec<&[u8]> = records.iter().map(|record| &record[..record.len() - 1]).collect();
            prop_assert_eq!(cut, bare);
        }
    }
}
