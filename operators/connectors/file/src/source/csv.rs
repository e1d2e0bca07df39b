//! Comma-separated values, RFC 4180: a quoted field may hold delimiters, quotes and newlines.
//!
//! So a newline need not end a row. Where a file holds no quote at all, which a search at the speed
//! of memory tells, every newline does; otherwise the rows before a cut must be read once, in order.
//!
//! Every row has as many columns as the first one of its file, as other CSV readers want it too; this
//! is judged by the first row of the *file*, so that it does not depend on where a range begins.

use super::error::SourceError;
use super::format::{Format, Row, Rows, behind_byte_order_mark, cuts_at_newlines};
use super::input;
use super::range::{FileSplit, RangeReader};
use crate::limits::READ_BYTES;
use csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder};
use serde::de::DeserializeOwned;
use std::io::{self, Chain, Read};
use std::marker::PhantomData;

/// A byte no row can be changed by, in front of every range: the parser takes a byte order mark off
/// the first bytes it sees, but in the middle of a file those bytes are data.
const EMPTY_LINE: &[u8] = b"\n";

type RangeParser = Reader<Chain<&'static [u8], RangeReader>>;

/// The dialect.
#[derive(Clone, Debug)]
pub struct Csv {
    pub(crate) header: bool,
    pub(crate) delimiter: u8,
    pub(crate) quoting: bool,
    pub(crate) flexible: bool,
}

impl Default for Csv {
    fn default() -> Self {
        Self { header: false, delimiter: b',', quoting: true, flexible: false }
    }
}

/// A parser over one range that knows where in the file it is.
#[derive(Debug)]
struct Parser {
    reader: RangeParser,
    origin: u64,
}

impl Parser {
    fn open(dialect: &Csv, split: &FileSplit) -> Result<Self, SourceError> {
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(dialect.delimiter)
            .quoting(dialect.quoting)
            .buffer_capacity(READ_BYTES)
            .from_reader(EMPTY_LINE.chain(RangeReader::open(split)?));
        Ok(Self { reader, origin: split.position })
    }

    /// Behind the row read last; between the two bytes of a CRLF if it ended with one.
    fn position(&self) -> u64 {
        let read = self.reader.position().byte().saturating_sub(EMPTY_LINE.len() as u64);
        self.origin + read
    }

    fn read(&mut self, record: &mut ByteRecord) -> Result<bool, SourceError> {
        let position = self.position();
        self.reader.get_mut().get_mut().1.row_begins(position);
        self.reader.read_byte_record(record).map_err(|error| {
            let cause = match error.into_kind() {
                ErrorKind::Io(cause) => cause,
                other => io::Error::other(format!("{other:?}")),
            };
            SourceError::from_io(self.reader.get_ref().get_ref().1.file(), cause)
        })
    }
}

impl Csv {
    /// The first row of a file and the position behind it.
    fn first_row(&self, file: &str) -> Result<(ByteRecord, u64), SourceError> {
        let end = input::end(file)?;
        let body = FileSplit::new(file, behind_byte_order_mark(file)?, end);
        let (mut parser, mut record) = (Parser::open(self, &body)?, ByteRecord::new());
        parser.read(&mut record)?;
        Ok((record, parser.position()))
    }
}

/// Whether a newline may be part of a field.
pub(crate) fn holds_quote(body: &FileSplit) -> Result<bool, SourceError> {
    let (mut reader, mut block) = (RangeReader::open(body)?, vec![0; READ_BYTES]);
    let mut position = body.start;
    loop {
        reader.row_begins(position);
        let read = reader.read(&mut block);
        let read = read.map_err(|cause| SourceError::from_io(&body.file, cause))?;
        if read == 0 || memchr::memchr(b'"', &block[..read]).is_some() {
            return Ok(read > 0);
        }
        position += read as u64;
    }
}

impl<T: DeserializeOwned + 'static> Format<T> for Csv {
    type Rows = CsvRows<T>;

    fn body_start(&self, file: &str) -> Result<u64, SourceError> {
        if self.header { Ok(self.first_row(file)?.1) } else { behind_byte_order_mark(file) }
    }

    fn cuts(&self, body: &FileSplit, nominal: &[u64]) -> Result<Vec<u64>, SourceError> {
        if !self.quoting || !holds_quote(body)? {
            return cuts_at_newlines(body, nominal);
        }
        let (mut parser, mut record) = (Parser::open(self, body)?, ByteRecord::new());
        let mut cuts = Vec::with_capacity(nominal.len());
        while cuts.len() < nominal.len() && parser.read(&mut record)? {
            while nominal.get(cuts.len()).is_some_and(|&nominal| nominal <= parser.position()) {
                cuts.push(parser.position());
            }
        }
        Ok(cuts)
    }

    fn rows(&self, split: &FileSplit) -> Result<CsvRows<T>, SourceError> {
        let (first, _) = self.first_row(&split.file)?;
        Ok(CsvRows {
            parser: Parser::open(self, split)?,
            record: ByteRecord::new(),
            columns: (!self.flexible).then_some(first.len()),
            header: self.header.then_some(first),
            of: PhantomData,
        })
    }

    fn is_whole(&self, rows: &[u8]) -> bool {
        if !rows.ends_with(b"\n") && !rows.ends_with(b"\r") {
            return false;
        }
        // A field in quotes that are open takes in what follows.
        let next = if self.delimiter == b'x' { b"y" } else { b"x" };
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.delimiter)
            .quoting(self.quoting)
            .from_reader(EMPTY_LINE.chain(rows).chain(&next[..]));
        let (mut record, mut is_apart) = (ByteRecord::new(), false);
        while matches!(reader.read_byte_record(&mut record), Ok(true)) {
            is_apart = record.len() == 1 && record.get(0) == Some(&next[..]);
        }
        is_apart
    }
}

/// The rows of one range.
#[derive(Debug)]
pub struct CsvRows<T> {
    parser: Parser,
    /// Reused for every row.
    record: ByteRecord,
    columns: Option<usize>,
    header: Option<ByteRecord>,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> CsvRows<T> {
    #[inline]
    fn value(&self) -> Result<T, String> {
        if let Some(expected) = self.columns
            && expected != self.record.len()
        {
            let found = self.record.len();
            return Err(format!("{found} columns, the first row of the file has {expected}"));
        }
        self.record.deserialize(self.header.as_ref()).map_err(|error| match error.kind() {
            ErrorKind::Deserialize { err, .. } => match err.field() {
                Some(field) => format!("column {}: {}", field + 1, err.kind()),
                None => err.kind().to_string(),
            },
            _ => error.to_string(),
        })
    }
}

impl<T: DeserializeOwned> Rows<T> for CsvRows<T> {
    fn next_row(&mut self) -> Result<Option<Row<T>>, SourceError> {
        let begin = self.parser.position();
        if !self.parser.read(&mut self.record)? {
            return Ok(None);
        }
        Ok(Some(Row::new(self.value(), begin, self.parser.position())))
    }
}
