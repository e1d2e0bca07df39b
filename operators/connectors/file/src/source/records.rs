//! Files whose records are handed on as bytes: for formats whose meaning is not known before the program runs.
//!
//! Apart from `Csv` and `Lines`, which make values of a type of the program's. A header belongs to its file: each range
//! reads it again, so files of one source may have their columns in different orders. Empty lines are no records.

use super::csv::holds_quote;
use super::error::SourceError;
use super::format::{Format, Row, Rows, behind_byte_order_mark, cuts_at_newlines};
use super::input;
use super::range::{FileSplit, RangeReader};
use super::record::{RecordEnd, RecordReader, RecordTooLong};
use crate::limits::READ_BYTES;
use std::fmt;
use std::io::{self, BufReader};
use std::sync::Arc;

/// Makes a value of a record, or says what is wrong with it.
pub(crate) type Decode<T> = Arc<dyn Fn(&[u8]) -> Result<T, String> + Send + Sync>;
type DecodeBehind<T> = Arc<dyn Fn(&[u8]) -> Result<Decode<T>, String> + Send + Sync>;

enum Decoding<T> {
    /// All records are.
    Plain(Decode<T>),
    /// The first record says how the others are read.
    Behind(DecodeBehind<T>),
}

/// Records by a decoder of the user's.
pub struct Records<T> {
    end: RecordEnd,
    decoding: Arc<Decoding<T>>,
}

impl<T> Clone for Records<T> {
    fn clone(&self) -> Self {
        Self { end: self.end, decoding: Arc::clone(&self.decoding) }
    }
}

impl<T> fmt::Debug for Records<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Records(end: {:?}, header: {})", self.end, self.has_header())
    }
}

impl<T> Records<T> {
    /// Records without a header. `decode` takes one without its line end, and says what is wrong with a malformed one.
    pub fn new(
        end: RecordEnd,
        decode: impl Fn(&[u8]) -> Result<T, String> + Send + Sync + 'static,
    ) -> Self {
        Self { end, decoding: Arc::new(Decoding::Plain(Arc::new(decode))) }
    }

    /// Records below a header, of which `decoder` makes what decodes them. A header it refuses is a mistake of the
    /// user's, found before the job starts.
    pub fn with_header<D>(
        end: RecordEnd,
        decoder: impl Fn(&[u8]) -> Result<D, String> + Send + Sync + 'static,
    ) -> Self
    where
        D: Fn(&[u8]) -> Result<T, String> + Send + Sync + 'static,
    {
        let behind = move |header: &[u8]| -> Result<Decode<T>, String> {
            Ok(Arc::new(decoder(header)?) as Decode<T>)
        };
        Self { end, decoding: Arc::new(Decoding::Behind(Arc::new(behind))) }
    }

    pub(crate) fn has_header(&self) -> bool {
        matches!(*self.decoding, Decoding::Behind(_))
    }

    pub(crate) const fn end(&self) -> RecordEnd {
        self.end
    }

    /// What decodes the records of `file`, below its header if it has one.
    pub(crate) fn decode(
        &self,
        file: &str,
        header: Option<&[u8]>,
    ) -> Result<Decode<T>, SourceError> {
        match (&*self.decoding, header) {
            (Decoding::Plain(decode), _) => Ok(Arc::clone(decode)),
            (Decoding::Behind(decoder), Some(header)) => decoder(header)
                .map_err(|reason| SourceError::Header { file: file.to_owned(), reason }),
            // There is no record either.
            (Decoding::Behind(_), None) => Ok(Arc::new(|_| Err("the header is missing".into()))),
        }
    }

    /// The first record of a file, if it has one, and the position behind it.
    fn first(&self, file: &str) -> Result<(Option<Vec<u8>>, u64), SourceError> {
        let body = FileSplit::new(file, behind_byte_order_mark(file)?, input::end(file)?);
        let (mut reader, mut record) = (open(self.end, &body)?, Vec::new());
        let is_there = next(&mut reader, &mut record)?.is_some();
        Ok((is_there.then_some(record), reader.position()))
    }
}

type RangeRecords = RecordReader<BufReader<RangeReader>>;

fn open(end: RecordEnd, split: &FileSplit) -> Result<RangeRecords, SourceError> {
    let reader = BufReader::with_capacity(READ_BYTES, RangeReader::open(split)?);
    Ok(RecordReader::new(reader, end, split.position))
}

/// Reads the next record that is not empty, and says where it begins.
fn next(reader: &mut RangeRecords, record: &mut Vec<u8>) -> Result<Option<u64>, SourceError> {
    loop {
        let begin = reader.position();
        reader.get_mut().get_mut().row_begins(begin);
        match reader.read(record) {
            Ok(false) => return Ok(None),
            Ok(true) if record.is_empty() => {}
            Ok(true) => return Ok(Some(begin)),
            Err(cause) => return Err(failed(reader.get_mut().get_ref().file(), begin, cause)),
        }
    }
}

/// What `cause` means for the record at `position`.
pub(crate) fn failed(file: &str, position: u64, cause: io::Error) -> SourceError {
    match cause.downcast::<RecordTooLong>() {
        Ok(RecordTooLong) => SourceError::RowTooLong { file: file.to_owned(), position },
        Err(cause) => SourceError::from_io(file, cause),
    }
}

impl<T: 'static> Format<T> for Records<T> {
    type Rows = RecordRows<T>;

    fn body_start(&self, file: &str) -> Result<u64, SourceError> {
        if !self.has_header() {
            return behind_byte_order_mark(file);
        }
        let (header, behind) = self.first(file)?;
        self.decode(file, header.as_deref())?;
        Ok(behind)
    }

    fn cuts(&self, body: &FileSplit, nominal: &[u64]) -> Result<Vec<u64>, SourceError> {
        if self.end == RecordEnd::Newline || !holds_quote(body)? {
            return cuts_at_newlines(body, nominal);
        }
        let (mut reader, mut record) = (open(self.end, body)?, Vec::new());
        let mut cuts = Vec::with_capacity(nominal.len());
        while cuts.len() < nominal.len() && next(&mut reader, &mut record)?.is_some() {
            while nominal.get(cuts.len()).is_some_and(|&nominal| nominal <= reader.position()) {
                cuts.push(reader.position());
            }
        }
        Ok(cuts)
    }

    fn rows(&self, split: &FileSplit) -> Result<RecordRows<T>, SourceError> {
        let header = if self.has_header() { self.first(&split.file)?.0 } else { None };
        let decode = self.decode(&split.file, header.as_deref())?;
        Ok(RecordRows { reader: open(self.end, split)?, record: Vec::new(), decode })
    }

    fn is_whole(&self, rows: &[u8]) -> bool {
        self.end.is_behind(rows)
    }
}

/// The records of one range.
pub struct RecordRows<T> {
    reader: RangeRecords,
    /// Reused for every record.
    record: Vec<u8>,
    decode: Decode<T>,
}

impl<T> fmt::Debug for RecordRows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordRows(at byte {})", self.reader.position())
    }
}

impl<T> Rows<T> for RecordRows<T> {
    fn next_row(&mut self) -> Result<Option<Row<T>>, SourceError> {
        let Some(begin) = next(&mut self.reader, &mut self.record)? else { return Ok(None) };
        Ok(Some(Row::new((self.decode)(&self.record), begin, self.reader.position())))
    }
}
