//! Files of rows: read in ranges, published exactly once.

use crate::event_time::event_time;
use crate::layout::Layout;
use crate::signed::SignedError;
use std::path::PathBuf;
use tidegate_core::changelog::Change;
use tidegate_file::{FileSink, FileSource, Records};
use tidegate_rows::expression::{Evaluator, TimestampEvaluator};
use tidegate_rows::{Row, Value};

/// Rows of these files, in this order; a folder stands for its files. Each file has a header of its own.
///
/// Malformed rows, which are also those whose event time is NULL or fails, fail the source unless its `on_malformed` is
/// set. With `watch` it reads one folder, without end.
pub fn file_source<P: Into<PathBuf>>(
    paths: impl IntoIterator<Item = P>,
    layout: &Layout,
    at: Option<TimestampEvaluator>,
) -> FileSource<Row, Records<Row>> {
    let source = FileSource::new("", layout.records()).paths(paths);
    match at {
        Some(at) => source.try_timestamp(event_time(at)),
        None => source,
    }
}

/// Rows in files of this folder; `bucket`, an expression over the rows, gives the sub-folder of each. Where the layout
/// has a header, each file begins with it.
///
/// A row that cannot be written, or whose bucket is NULL, fails the sink.
pub fn file_sink(
    folder: impl Into<PathBuf>,
    layout: &Layout,
    bucket: Option<Evaluator>,
) -> FileSink<Row> {
    let of = layout.clone();
    let sink = FileSink::fallible(folder, move |row, out| of.encode(row, out));
    let sink = match layout.header() {
        Some(header) => sink.header(&header),
        None => sink,
    };
    match bucket {
        Some(bucket) => sink.try_bucket(move |row| folder_of(&bucket, row)),
        None => sink,
    }
}

/// The same for the changes of a result, each row with its sign in the first column, `change`; `bucket` is over the rows
/// without it.
///
/// # Errors
/// When there is no room for the sign.
pub fn changelog_file_sink(
    folder: impl Into<PathBuf>,
    layout: &Layout,
    bucket: Option<Evaluator>,
) -> Result<FileSink<Change<Row>>, SignedError> {
    let signed = layout.signed()?;
    let header = signed.layout().header();
    let sink = FileSink::fallible(folder, move |change, out| signed.encode(change, out));
    let sink = match header {
        Some(header) => sink.header(&header),
        None => sink,
    };
    Ok(match bucket {
        Some(bucket) => sink.try_bucket(move |change| folder_of(&bucket, &change.row)),
        None => sink,
    })
}

fn folder_of(bucket: &Evaluator, row: &Row) -> Result<String, String> {
    match bucket.evaluate(row).map_err(|error| error.to_string())? {
        Value::String(folder) => Ok(folder.into()),
        other => Err(format!("it must be a string, and is {}", other.shown())),
    }
}
