//! Formats with one row per line: JSON lines, and text with a parser of the user's.
//!
//! A line ends with a newline, with or without a carriage return before it, or with the range. Empty
//! lines are no rows.

use super::error::SourceError;
use super::format::{Format, Row, Rows, behind_byte_order_mark, cuts_at_newlines};
use super::range::{FileSplit, RangeReader};
use crate::limits::READ_BYTES;
use serde::de::DeserializeOwned;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::sync::Arc;

type Parse<T> = Arc<dyn Fn(&[u8]) -> Result<T, String> + Send + Sync>;

/// One row per line.
pub struct Lines<T> {
    parse: Parse<T>,
}

impl<T> Clone for Lines<T> {
    fn clone(&self) -> Self {
        Self { parse: Arc::clone(&self.parse) }
    }
}

impl<T> fmt::Debug for Lines<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lines")
    }
}

impl<T> Lines<T> {
    pub(crate) fn text(parse: impl Fn(&str) -> Result<T, String> + Send + Sync + 'static) -> Self {
        let parse = move |line: &[u8]| {
            parse(str::from_utf8(line).map_err(|error| format!("not UTF-8: {error}"))?)
        };
        Self { parse: Arc::new(parse) }
    }
}

impl<T: DeserializeOwned> Lines<T> {
    pub(crate) fn json() -> Self {
        let parse = |line: &[u8]| serde_json::from_slice(line).map_err(|error| error.to_string());
        Self { parse: Arc::new(parse) }
    }
}

impl<T: 'static> Format<T> for Lines<T> {
    type Rows = LineRows<T>;

    fn body_start(&self, file: &str) -> Result<u64, SourceError> {
        behind_byte_order_mark(file)
    }

    fn cuts(&self, body: &FileSplit, nominal: &[u64]) -> Result<Vec<u64>, SourceError> {
        cuts_at_newlines(body, nominal)
    }

    fn rows(&self, split: &FileSplit) -> Result<LineRows<T>, SourceError> {
        let reader = BufReader::with_capacity(READ_BYTES, RangeReader::open(split)?);
        let parse = Arc::clone(&self.parse);
        Ok(LineRows { reader, position: split.position, line: Vec::new(), parse })
    }
}

/// The lines of one range.
pub struct LineRows<T> {
    reader: BufReader<RangeReader>,
    position: u64,
    line: Vec<u8>,
    parse: Parse<T>,
}

impl<T> fmt::Debug for LineRows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LineRows({} at byte {})", self.reader.get_ref().file(), self.position)
    }
}

impl<T> Rows<T> for LineRows<T> {
    fn next_row(&mut self) -> Result<Option<Row<T>>, SourceError> {
        loop {
            let begin = self.position;
            self.line.clear();
            self.reader.get_mut().row_begins(begin);
            let read = self.reader.read_until(b'\n', &mut self.line);
            let read = read.map_err(|e| SourceError::from_io(self.reader.get_ref().file(), e))?;
            if read == 0 {
                return Ok(None);
            }
            self.position += read as u64;
            let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if !line.is_empty() {
                return Ok(Some(Row::new((self.parse)(line), begin, self.position)));
            }
        }
    }
}
