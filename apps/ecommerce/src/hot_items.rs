//! Lesson: sliding windows and a ranking.
//!
//! Which items were looked at most within the last hour, told anew every five minutes? Page views are
//! counted per item in windows of an hour that slide by five minutes; the counts of each window are
//! then gathered under the window's own key and ranked. A click touches one slice of five minutes,
//! although it belongs to twelve windows.

use crate::clicks::clicks;
use crate::lesson::{Input, Lesson, Output};
use clap::Args;
use tidegate::prelude::*;
use tidegate_generator::Behavior;

/// An hour that slides by five minutes.
const WINDOW: Window = Window::sliding(3_600_000, 300_000);

/// A row of the result.
type HotItem = Ranked<u64, u64>;

/// The most viewed items of each hour, every five minutes.
#[derive(Args, Clone, Debug)]
pub struct HotItems {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    output: Output,
    /// Items per window
    #[arg(long, default_value_t = 5, value_name = "N")]
    top: usize,
}

impl HotItems {
    /// The `top` items of made-up clicks, on the terminal.
    #[must_use]
    pub fn made_up(top: usize) -> Self {
        Self { input: Input::default(), output: Output::default(), top }
    }
}

impl Lesson for HotItems {
    const ABOUT: &'static str = "The most viewed items of each hour, every five minutes";

    fn job(&self) -> Job {
        let job = Job::new("hot-items");
        let top = self.top;
        let rows = clicks(&job, &self.input)
            .filter(|click| click.behavior == Behavior::Pv)
            .uid("page-views")
            .key_by(|click| click.item_id)
            .window(WINDOW)
            .aggregate(Count::new())
            .uid("count")
            .key_by(|count| count.window)
            // Ties are ordered by the item's id as text.
            .process(move || TopN::new(top, |item: &u64| item.to_string()))
            .uid("rank");
        self.output.take_readable(&rows, tab_separated, readable);
        job
    }
}

/// A row as it stands in a file: window end, rank, item, count.
fn tab_separated(row: &HotItem) -> String {
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
