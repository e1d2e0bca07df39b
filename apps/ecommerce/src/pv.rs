//! Lesson: tumbling windows, and a count that does not hang on one subtask.
//!
//! How many pages were viewed in each hour? There is a single key, `pv`, so all records would meet in a
//! single subtask. They are counted where they are read first, and only the counts of each slice of
//! time travel: that is what a window over an aggregate does by itself.

use crate::clicks::clicks;
use crate::lesson::{Input, Lesson, Output};
use crate::row;
use clap::Args;
use tidegate::prelude::*;
use tidegate_generator::Behavior;

/// Page views per hour.
#[derive(Args, Clone, Debug, Default)]
pub struct Pv {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    output: Output,
}

impl Lesson for Pv {
    const ABOUT: &'static str = "Page views per hour";

    fn job(&self) -> Job {
        let job = Job::new("pv");
        let views = clicks(&job, &self.input)
            .filter(|click| click.behavior == Behavior::Pv)
            .uid("page-views")
            .key_by(|click| click.behavior)
            .window(Window::tumbling(3_600_000))
            .aggregate(Count::new())
            .uid("count");
        self.output.take(&views, row::windowed);
        job
    }
}
