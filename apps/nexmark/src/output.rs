//! Where rows go: nowhere, for a measurement, or exactly once into files, for a result.
//!
//! A row stands in the files as a line of CSV behind a sign: `+` for one that is put in, `-` for one that is
//! taken out. The result file makes rows of that ([`crate::result_file`]).

use crate::csv::Csv;
use std::path::{Path, PathBuf};
use tidegate::core::element::Data;
use tidegate::prelude::*;
use tidegate_file::FileSink;

/// The uid of the sink.
pub(crate) const SINK: &str = "rows";

/// Writes a row.
pub(crate) type Write<T> = for<'r, 'c> fn(&'r T, Csv<'c>) -> Csv<'c>;

/// Where rows go.
#[derive(Clone, Debug)]
pub struct Output {
    /// The folder of the signed lines, beside the result file.
    folder: Option<PathBuf>,
    /// Whether a later start may go on with the folder.
    resumable: bool,
}

impl Output {
    /// Rows for the result file `file`, if there is to be one.
    pub(crate) fn new(file: Option<&Path>, resumable: bool) -> Self {
        let folder = file.map(|file| {
            let mut name = file.as_os_str().to_owned();
            name.push(".parts");
            PathBuf::from(name)
        });
        Self { folder, resumable }
    }

    /// Where the signed lines are.
    pub(crate) fn rows_folder(&self) -> PathBuf {
        self.folder.clone().unwrap_or_default()
    }

    /// Removes the signed lines of a run that no other goes on from.
    pub(crate) fn clear(&self) -> Result<(), BoxError> {
        match &self.folder {
            Some(folder) if !self.resumable => Ok(std::fs::remove_dir_all(folder)?),
            _ => Ok(()),
        }
    }

    /// Ends a stream of rows.
    pub(crate) fn rows<T: Data>(&self, rows: &Stream<T>, write: Write<T>) {
        match self.lines(move |row, line| signed(true, row, write, line)) {
            Some(sink) => rows.sink(SINK, sink),
            None => rows.sink(SINK, Discard::new()),
        };
    }

    /// Ends a stream of rows in files of their own, each in the sub-folder that `bucket` says.
    pub(crate) fn bucketed<T: Data>(
        &self,
        rows: &Stream<T>,
        bucket: impl Fn(&T) -> String + Send + Sync + 'static,
        write: Write<T>,
    ) {
        match self.lines(move |row, line| signed(true, row, write, line)) {
            Some(sink) => rows.sink(SINK, sink.bucket(bucket)),
            None => rows.sink(SINK, Discard::new()),
        };
    }

    /// Ends a changelog.
    pub(crate) fn changes<T: Data>(&self, changes: &ChangelogStream<T>, write: Write<T>) {
        let lines = move |change: &Change<T>, line: &mut Vec<u8>| {
            signed(change.is_addition(), &change.row, write, line);
        };
        match self.lines(lines) {
            Some(sink) => changes.sink(SINK, sink),
            None => changes.sink(SINK, Discard::new()),
        };
    }

    fn lines<T: Data>(
        &self,
        line: impl Fn(&T, &mut Vec<u8>) + Send + Sync + 'static,
    ) -> Option<FileSink<T>> {
        self.folder.as_ref().map(|folder| FileSink::new(folder, line))
    }
}

fn signed<T>(addition: bool, row: &T, write: Write<T>, line: &mut Vec<u8>) {
    line.push(if addition { b'+' } else { b'-' });
    write(row, Csv::new(line));
}
