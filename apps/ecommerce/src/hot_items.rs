//! Lesson: sliding windows and a ranking.
//!
//! Which items were looked at most within the last hour, told anew every five minutes? Page views are
//! counted per item in windows of an hour that slide by five minutes; the counts of each window are
//! then gathered under the window's own key and ranked. A click touches one slice of five minutes,
//! although it belongs to twelve windows.

use std::path::{Path, PathBuf};
use tidegate::prelude::*;
use tidegate_file::{FileSink, FileSource};
use tidegate_generator::{Behavior, Click, ClickGenerator};

/// An hour that slides by five minutes.
const WINDOW: Window = Window::sliding(3_600_000, 300_000);

/// A row of the result.
pub type HotItem = Ranked<u64, u64>;

/// Where clicks come from and rows go to.
#[derive(Clone, Debug, Default)]
pub struct Ends {
    /// A file of clicks; generated ones without.
    pub input: Option<PathBuf>,
    /// A folder for the rows; the terminal without.
    pub output: Option<PathBuf>,
}

/// Draws the job: the `top` items of every window.
#[must_use]
pub fn job(ends: &Ends, top: usize) -> Job {
    let job = Job::new("hot-items");
    let rows = ranking(&job, ends.input.as_deref(), top);
    match &ends.output {
        Some(folder) => rows.sink("rows", FileSink::lines(folder, tab_separated)),
        None => rows.sink("rows", Print::new(readable)),
    };
    job
}

/// Everything before the sink: clicks, counted and ranked.
#[must_use]
pub fn ranking(job: &Job, input: Option<&Path>, top: usize) -> Stream<HotItem> {
    clicks(job, input)
        .filter(|click| click.behavior == Behavior::Pv)
        .uid("page-views")
        .key_by(|click| click.item_id)
        .window(WINDOW)
        .aggregate(Count::new())
        .uid("count")
        .key_by(|count| count.window)
        // Ties are ordered by the item's id as text.
        .process(move || TopN::new(top, |item: &u64| item.to_string()))
        .uid("rank")
}

/// Clicks of a file, or made up: half an hour of event time a second.
fn clicks(job: &Job, input: Option<&Path>) -> Stream<Click> {
    match input {
        Some(path) => {
            let source = FileSource::csv::<Click>(path)
                .timestamp(|click: &Click| Timestamp(click.timestamp * 1000));
            job.source("clicks", source, WatermarkStrategy::monotonous())
        }
        None => {
            let source = ClickGenerator::new(7).events(4_000_000).events_per_second(100);
            job.source("clicks", source, WatermarkStrategy::bounded_out_of_orderness(10_000))
        }
    }
}

/// A row as it stands in a file: window end, rank, item, count.
#[must_use]
pub fn tab_separated(row: &HotItem) -> String {
    format!("{}\t{}\t{}\t{}", row.window.end.millis(), row.rank, row.key, row.value)
}

/// A table per window, headed by the hour it covers.
fn readable(row: &HotItem) -> String {
    let line = format!("{:>4}  item {:<8} {:>6} views", row.rank, row.key, row.value);
    if row.rank > 1 {
        return line;
    }
    let clock = |at: Timestamp| {
        let minutes = at.millis().rem_euclid(86_400_000) / 60_000;
        format!("{:02}:{:02}", minutes / 60, minutes % 60)
    };
    format!("\n{} to {}\n{line}", clock(row.window.start), clock(row.window.end))
}
