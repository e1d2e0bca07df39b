//! Sinks: files, the terminal, nowhere.

use crate::build::sources::layout;
use crate::flow::Flow;
use crate::registry::Outputs;
use crate::site::Site;
use std::time::Duration;
use tidegate::core::sink::SinkFactory;
use tidegate::prelude::*;
use tidegate_file::FileSink;
use tidegate_row_connectors::{changelog_file_sink, changelog_print_sink, file_sink, print_sink};
use tidegate_topology::plan::SinkPlan;

/// A built-in sink.
pub(super) fn sink(site: Site<'_>, plan: &SinkPlan, input: &Flow) -> Result<Outputs, String> {
    match (plan, input) {
        (SinkPlan::Discard, Flow::Rows(rows)) => end(site, rows, Discard::new()),
        (SinkPlan::Discard, Flow::Changes(changes)) => end(site, changes.changes(), Discard::new()),
        (SinkPlan::Print(format), Flow::Rows(rows)) => end(site, rows, print_sink(&layout(format))),
        (SinkPlan::Print(format), Flow::Changes(changes)) => {
            let print = changelog_print_sink(&layout(format)).map_err(|error| error.to_string())?;
            end(site, changes.changes(), print);
        }
        (
            SinkPlan::File { directory, format, bucket, roll_bytes, roll_ms, .. },
            Flow::Rows(rows),
        ) => {
            let files = file_sink(directory, &layout(format), bucket.clone());
            end(site, rows, rolled(files, *roll_bytes, *roll_ms));
        }
        (
            SinkPlan::File { directory, format, bucket, roll_bytes, roll_ms, .. },
            Flow::Changes(changes),
        ) => {
            let files = changelog_file_sink(directory, &layout(format), bucket.clone());
            let files = files.map_err(|error| error.to_string())?;
            end(site, changes.changes(), rolled(files, *roll_bytes, *roll_ms));
        }
    }
    Ok(Outputs::none())
}

fn end<T: tidegate::core::element::Data, S: SinkFactory<In = T>>(
    site: Site<'_>,
    stream: &Stream<T>,
    sink: S,
) {
    let node = site.node();
    let end = stream.sink(&node.name, sink);
    if let Some(parallelism) = node.parallelism {
        end.parallelism(parallelism);
    }
}

fn rolled<T: tidegate::core::element::Data>(
    files: FileSink<T>,
    bytes: Option<u64>,
    millis: Option<i64>,
) -> FileSink<T> {
    let files = match bytes {
        Some(bytes) => files.roll_bytes(bytes),
        None => files,
    };
    match millis {
        Some(millis) => files.roll_after(Duration::from_millis(millis.unsigned_abs())),
        None => files,
    }
}
