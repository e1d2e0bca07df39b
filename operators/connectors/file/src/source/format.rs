//! What a format must know to be read in ranges: where its rows begin, and what they mean.
//!
//! Apart because it is the seam between the files' bytes and everything that does not care about them:
//! enumerator, thread and reader are the same for every format.

use super::compression;
use super::error::SourceError;
use super::range::FileSplit;
use crate::limits::{CHUNK_BYTES, CHUNK_ROWS};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use tidegate_core::time::Timestamp;

/// The mark some editors put at the beginning of a file; no part of the first row.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How bytes become rows.
pub trait Format<T>: Clone + Send + Sync + 'static {
    /// Reads one range.
    type Rows: Rows<T>;

    /// Where the first row of `file` begins, behind any byte order mark and header.
    ///
    /// # Errors
    /// When the file cannot be read.
    fn body_start(&self, file: &str) -> Result<u64, SourceError>;

    /// The first row boundary at or behind each of the `nominal` positions, which ascend within
    /// `body`.
    ///
    /// # Errors
    /// When the file cannot be read.
    fn cuts(&self, body: &FileSplit, nominal: &[u64]) -> Result<Vec<u64>, SourceError>;

    /// The rows of `split` from its position on.
    ///
    /// # Errors
    /// When the file cannot be read.
    fn rows(&self, split: &FileSplit) -> Result<Self::Rows, SourceError>;

    /// Whether the last of `rows`, which begin at a row boundary, has come to its end: where a file still grows, it
    /// is none before. A row is at an end with its line unless a format knows better.
    fn is_whole(&self, rows: &[u8]) -> bool {
        rows.ends_with(b"\n")
    }
}

/// The rows of one range, in order.
pub trait Rows<T> {
    /// The next row; `None` at the end of the range. A malformed row is a row.
    ///
    /// # Errors
    /// When the file cannot be read.
    fn next_row(&mut self) -> Result<Option<Row<T>>, SourceError>;
}

/// One row.
#[derive(Debug)]
pub struct Row<T> {
    /// What it says, or what is wrong with it.
    pub value: Result<T, Box<Flaw>>,
    /// Its event time; set behind the format.
    pub timestamp: Timestamp,
    /// The position behind it.
    pub behind: u64,
}

/// Why a row is malformed.
#[derive(Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Where the row begins; empty lines may precede it there.
    pub position: u64,
    /// What is wrong.
    pub reason: String,
}

impl<T> Row<T> {
    /// The row from `position` to `behind`.
    pub(crate) fn new(value: Result<T, String>, position: u64, behind: u64) -> Self {
        let value = value.map_err(|reason| Box::new(Flaw { position, reason }));
        Self { value, timestamp: Timestamp::MIN, behind }
    }

    /// Gives the row from `position` on its event time; without one it is malformed.
    #[inline]
    pub(crate) fn stamp(
        &mut self,
        position: u64,
        of: &(dyn Fn(&T) -> Result<Timestamp, String> + Send + Sync),
    ) {
        let Ok(value) = &self.value else { return };
        match of(value) {
            Ok(timestamp) => self.timestamp = timestamp,
            Err(reason) => self.value = Err(Box::new(Flaw { position, reason })),
        }
    }
}

/// Reads a chunk of rows, the first of which begins at `position`; false at the end of the range.
pub(crate) fn fill<T, R: Rows<T>>(
    rows: &mut R,
    position: u64,
    chunk: &mut Vec<Row<T>>,
) -> Result<bool, SourceError> {
    while chunk.len() < CHUNK_ROWS {
        let Some(row) = rows.next_row()? else { return Ok(false) };
        let full = row.behind.saturating_sub(position) >= CHUNK_BYTES;
        chunk.push(row);
        if full {
            break;
        }
    }
    Ok(true)
}

/// Where `file` begins, behind a byte order mark.
pub(crate) fn behind_byte_order_mark(file: &str) -> Result<u64, SourceError> {
    let read = || {
        let mut first = Vec::new();
        compression::open(file, 0)?.take(BYTE_ORDER_MARK.len() as u64).read_to_end(&mut first)?;
        Ok(if first == BYTE_ORDER_MARK { first.len() as u64 } else { 0 })
    };
    read().map_err(|cause| SourceError::from_io(file, cause))
}

/// The first beginning of a line at or behind each of the `nominal` positions.
pub(crate) fn cuts_at_newlines(body: &FileSplit, nominal: &[u64]) -> Result<Vec<u64>, SourceError> {
    let find = |nominal: u64| {
        // The byte before the position may be the newline.
        let from = nominal.saturating_sub(1).max(body.start);
        let mut file = File::open(&body.file)?;
        file.seek(SeekFrom::Start(from))?;
        let mut reader = BufReader::new(file.take(body.end.saturating_sub(from)));
        Ok(from + reader.skip_until(b'\n')? as u64)
    };
    let cuts: std::io::Result<_> = nominal.iter().map(|&nominal| find(nominal)).collect();
    cuts.map_err(|cause| SourceError::from_io(&body.file, cause))
}
