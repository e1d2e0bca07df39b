//! Rows of standard input.

use crate::event_time::event_time;
use crate::layout::Layout;
use tidegate_file::StdinSource;
use tidegate_rows::Row;
use tidegate_rows::expression::TimestampEvaluator;

/// Rows of standard input, up to its end, read by one subtask.
///
/// What was read cannot be read again: while nothing fails each row counts once; a restart or a resume that would need
/// rows again is refused. Malformed rows fail the source unless its `on_malformed` is set.
#[must_use]
pub fn stdin_source(layout: &Layout, at: Option<TimestampEvaluator>) -> StdinSource<Row> {
    let source = StdinSource::new(layout.records());
    match at {
        Some(at) => source.try_timestamp(event_time(at)),
        None => source,
    }
}
