//! The file source: rows of CSV, JSON lines or text, read in ranges by parallel subtasks.
//!
//! ```
//! use serde::Deserialize;
//! use tidegate_core::time::Timestamp;
//! use tidegate_file::{FileSource, Malformed};
//!
//! #[derive(Clone, Deserialize)]
//! struct Login { user: u64, ip: String, outcome: String, seconds: i64 }
//!
//! let logins = FileSource::csv::<Login>("logins.csv")
//!     .timestamp(|login| Timestamp(login.seconds * 1_000))
//!     .on_malformed(Malformed::Skip);
//! ```
//!
//! The input is what the files hold when the job first starts, up to their last byte then: a last row
//! without a newline is a row. What is appended later is not read, and does no harm. Files named `*.gz` or
//! `*.zst` are decompressed; each is read by one subtask, and must not grow.
//!
//! What comes later is read by a [`WatchedFolder`], which [`FileSource::watch`] makes.

mod compression;
#[cfg(test)]
mod compression_tests;
mod csv;
mod error;
mod feed;
mod format;
mod input;
mod lines;
mod malformed;
mod range;
mod reader;
mod record;
mod records;
#[cfg(test)]
mod records_tests;
mod stdin;
#[cfg(test)]
mod stdin_tests;
#[cfg(test)]
mod tests;
mod watched;

pub use self::csv::{Csv, CsvRows};
pub use error::SourceError;
pub use format::{Flaw, Format, Row, Rows};
pub use lines::{LineRows, Lines};
pub use malformed::Malformed;
pub use range::FileSplit;
pub use reader::FileReader;
pub use record::RecordEnd;
pub use records::{RecordRows, Records};
pub use stdin::{StdinReader, StdinSource, StdinSplit};
pub use watched::{FileProgress, FolderReader, FolderSplit, WatchedFolder};

use crate::limits::RANGE_BYTES_MIN;
use reader::TimestampOf;
use serde::de::DeserializeOwned;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tidegate_core::element::Data;
use tidegate_core::operator::BoxError;
use tidegate_core::sink::{Refusal, SubtaskIdentity};
use tidegate_core::source::SourceFactory;
use tidegate_core::time::Timestamp;

/// Reads rows of type `T` in format `F` from files.
#[derive(Clone)]
pub struct FileSource<T, F> {
    paths: Vec<PathBuf>,
    format: F,
    timestamp: TimestampOf<T>,
    malformed: Malformed,
    range_bytes_min: u64,
}

impl FileSource<(), ()> {
    /// Comma-separated values without a header, the columns being the fields of `T` in order.
    pub fn csv<T: Data + DeserializeOwned>(path: impl Into<PathBuf>) -> FileSource<T, Csv> {
        FileSource::new(path, Csv::default())
    }

    /// A JSON value per line.
    pub fn json_lines<T: Data + DeserializeOwned>(
        path: impl Into<PathBuf>,
    ) -> FileSource<T, Lines<T>> {
        FileSource::new(path, Lines::json())
    }

    /// A line per row, in the user's own format; `parse` says what is wrong with a malformed one.
    pub fn lines<T: Data>(
        path: impl Into<PathBuf>,
        parse: impl Fn(&str) -> Result<T, String> + Send + Sync + 'static,
    ) -> FileSource<T, Lines<T>> {
        FileSource::new(path, Lines::text(parse))
    }
}

impl<T> FileSource<T, Csv> {
    /// Whether each file begins with the names of its columns; fields are then found by name.
    #[must_use]
    pub const fn with_header(mut self, header: bool) -> Self {
        self.format.header = header;
        self
    }

    /// What stands between two fields; a comma unless set.
    #[must_use]
    pub const fn delimiter(mut self, delimiter: u8) -> Self {
        self.format.delimiter = delimiter;
        self
    }

    /// Whether a field may be quoted; yes unless set.
    #[must_use]
    pub const fn quoting(mut self, quoting: bool) -> Self {
        self.format.quoting = quoting;
        self
    }

    /// Whether a row may have more or fewer columns than the first one; no unless set.
    #[must_use]
    pub const fn flexible(mut self, flexible: bool) -> Self {
        self.format.flexible = flexible;
        self
    }
}

impl<T: Data, F: Format<T>> FileSource<T, F> {
    /// A source in a format of the user's.
    pub fn new(path: impl Into<PathBuf>, format: F) -> Self {
        Self {
            paths: vec![path.into()],
            format,
            timestamp: Arc::new(|_| Ok(Timestamp::MIN)),
            malformed: Malformed::default(),
            range_bytes_min: RANGE_BYTES_MIN,
        }
    }

    /// Reads these files instead, in this order; a folder stands for its files.
    #[must_use]
    pub fn paths<P: Into<PathBuf>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.paths = paths.into_iter().map(Into::into).collect();
        self
    }

    /// What the event time of a row is; none unless set.
    #[must_use]
    pub fn timestamp(mut self, of: impl Fn(&T) -> Timestamp + Send + Sync + 'static) -> Self {
        self.timestamp = Arc::new(move |row| Ok(of(row)));
        self
    }

    /// What the event time of a row is, where not each has one: a row without is malformed, for the reason given.
    #[must_use]
    pub fn try_timestamp(
        mut self,
        of: impl Fn(&T) -> Result<Timestamp, String> + Send + Sync + 'static,
    ) -> Self {
        self.timestamp = Arc::new(of);
        self
    }

    /// What becomes of malformed rows.
    #[must_use]
    pub fn on_malformed(mut self, malformed: Malformed) -> Self {
        self.malformed = malformed;
        self
    }

    /// Watches the folder instead, without end: looks `every` so often which files have come and what has been
    /// appended. [`WatchedFolder`] says what counts.
    #[must_use]
    pub fn watch(self, every: Duration) -> WatchedFolder<T, F> {
        WatchedFolder::new(self, every)
    }

    /// Cuts no file into ranges shorter than this; with `u64::MAX` every file is read as one.
    #[must_use]
    pub const fn range_bytes_min(mut self, bytes: u64) -> Self {
        self.range_bytes_min = bytes;
        self
    }
}

impl<T: Data, F: Format<T>> SourceFactory for FileSource<T, F> {
    type Out = T;
    type Split = FileSplit;
    type Source = FileReader<T>;

    fn kind(&self) -> &'static str {
        "file-source"
    }

    fn enumerate(&self, parallelism: u32) -> Result<Vec<FileSplit>, BoxError> {
        let mut splits = Vec::new();
        for file in input::files(&self.paths)? {
            let ranges = input::ranges(&self.format, &file, parallelism, self.range_bytes_min);
            splits.extend(ranges.map_err(|error| Refusal(error.to_string()))?);
        }
        Ok(splits)
    }

    fn fingerprint(&self) -> Result<Option<String>, BoxError> {
        let fingerprint = input::fingerprint(&input::files(&self.paths)?);
        Ok(Some(fingerprint.map_err(|error| Refusal(error.to_string()))?))
    }

    fn same_input(&self, before: &str, now: &str) -> bool {
        input::same_files(before, now)
    }

    fn create(
        &self,
        _identity: &SubtaskIdentity,
        splits: Vec<FileSplit>,
    ) -> Result<FileReader<T>, BoxError> {
        let (format, timestamp) = (self.format.clone(), Arc::clone(&self.timestamp));
        Ok(FileReader::start(splits, format, timestamp, self.malformed.clone())?)
    }
}
