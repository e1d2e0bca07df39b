//! Lesson: a ranking over data that is out of order.
//!
//! Which pages were asked for most within the last ten minutes, told anew every minute? As in `hot-items`
//! pages are counted in sliding windows and the counts of each window ranked. But the log of a web server
//! holds requests in the order in which they were answered, up to a minute late: the watermark waits for
//! that long, so no window is ranked before all of its requests are in. What a page brings along (styles,
//! scripts, pictures) nobody has asked for.

use crate::access_log::Request;
use crate::lesson::{Lesson, Output};
use clap::Args;
use std::path::PathBuf;
use tidegate::prelude::*;
use tidegate_file::FileSource;

/// Ten minutes that slide by one.
const WINDOW: Window = Window::sliding(600_000, 60_000);

/// How late a request may be in the log.
const DISORDER_MS: i64 = 60_000;

/// What addresses end in that are no pages.
const PARTS_OF_PAGES: [&str; 4] = [".css", ".js", ".png", ".ico"];

/// The most requested pages of each ten minutes, every minute.
#[derive(Args, Clone, Debug)]
pub struct HotPages {
    /// Access log: address - user time zone method url, separated by spaces
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    #[command(flatten)]
    output: Output,
    /// Pages per window
    #[arg(long, default_value_t = 3, value_name = "N")]
    top: usize,
}

impl Lesson for HotPages {
    const ABOUT: &'static str = "The most requested pages of each ten minutes, every minute";

    fn job(&self) -> Job {
        let job = Job::new("hot-pages");
        let top = self.top;
        let log = FileSource::lines(&self.input, Request::parse).timestamp(Request::timestamp);
        let rows = job
            .source("requests", log, WatermarkStrategy::bounded_out_of_orderness(DISORDER_MS))
            .filter(is_page)
            .uid("pages")
            .key_by(|request| request.url.clone())
            .window(WINDOW)
            .aggregate(Count::new())
            .uid("count")
            .key_by(|count| count.window)
            // Ties are ordered by the page's address.
            .process(move || TopN::new(top, String::clone))
            .uid("rank");
        self.output.take(&rows, tab_separated);
        job
    }
}

fn is_page(request: &Request) -> bool {
    request.method == "GET" && !PARTS_OF_PAGES.iter().any(|part| request.url.ends_with(part))
}

/// A row as it stands in a file: window end, rank, page, count.
fn tab_separated(row: &Ranked<String, u64>) -> String {
    format!("{}\t{}\t{}\t{}", row.window.end.millis(), row.rank, row.key, row.value)
}
