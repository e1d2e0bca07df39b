//! A byte range of a file: the split of a file source, and the stream of bytes it stands for.
//!
//! Invariants: both ends and the position lie on row boundaries, so a range can be read without
//! looking at anything outside it; and what a file gains behind its last range is never read.

use super::compression::{self, UNKNOWN_END};
use super::error::SourceError;
use crate::limits::{READ_BYTES, ROW_BYTES_MAX};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{self, Read};

/// A range of a file, read up to `position`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSplit {
    /// The file's path, as the job was given it.
    pub file: String,
    /// Where the range begins.
    pub start: u64,
    /// Behind the last row emitted.
    pub position: u64,
    /// Where the range ends: the first byte that is not in it. `u64::MAX` for the end of a compressed
    /// file; positions count what comes out of it.
    pub end: u64,
}

impl FileSplit {
    pub(crate) fn new(file: &str, start: u64, end: u64) -> Self {
        Self { file: file.to_owned(), start, position: start, end }
    }

    /// Whether all of it has been emitted.
    #[must_use]
    pub const fn is_read(&self) -> bool {
        self.position >= self.end
    }
}

/// The bytes of a split from its position to its end.
pub(crate) struct RangeReader {
    split: FileSplit,
    bytes: Box<dyn Read + Send>,
    /// Where the next byte comes from.
    at: u64,
    /// Where the row being read began.
    row: u64,
}

impl RangeReader {
    pub(crate) fn open(split: &FileSplit) -> Result<Self, SourceError> {
        let bytes = compression::open(&split.file, split.position);
        let bytes = bytes.map_err(|cause| SourceError::from_io(&split.file, cause))?;
        Ok(Self { split: split.clone(), bytes, at: split.position, row: split.position })
    }

    /// Says where the row begins that is read from now on, so that one without an end is noticed.
    pub(crate) const fn row_begins(&mut self, position: u64) {
        self.row = position;
    }

    pub(crate) fn file(&self) -> &str {
        &self.split.file
    }
}

impl fmt::Debug for RangeReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RangeReader({:?} at {})", self.split, self.at)
    }
}

impl Read for RangeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.split.end.saturating_sub(self.at);
        if left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        if self.at.saturating_sub(self.row) > ROW_BYTES_MAX + READ_BYTES as u64 {
            let (file, position) = (self.split.file.clone(), self.row);
            return Err(io::Error::other(SourceError::RowTooLong { file, position }));
        }
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.bytes.read(&mut buffer[..wanted])?;
        if read == 0 && self.split.end != UNKNOWN_END {
            return Err(io::Error::other(SourceError::shrunk(&self.split)));
        }
        self.at += read as u64;
        Ok(read)
    }
}
