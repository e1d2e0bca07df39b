//! Lesson: the smallest windowed job there is.
//!
//! How often was each thing done (viewed, put into the cart, marked, bought) in each ten minutes? A key,
//! a window, an aggregate.

use crate::clicks::clicks;
use crate::lesson::{Input, Lesson, Output};
use crate::row;
use clap::Args;
use tidegate::prelude::*;

/// Clicks of each behaviour in each ten minutes.
#[derive(Args, Clone, Debug, Default)]
pub struct BehaviorCounts {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    output: Output,
}

impl Lesson for BehaviorCounts {
    const ABOUT: &'static str = "Clicks of each behaviour in each ten minutes";

    fn job(&self) -> Job {
        let job = Job::new("behavior-counts");
        let counts = clicks(&job, &self.input)
            .key_by(|click| click.behavior)
            .window(Window::tumbling(600_000))
            .aggregate(Count::new())
            .uid("count");
        self.output.take(&counts, row::windowed);
        job
    }
}
