//! Lesson: distinct users, exactly, on any number of subtasks.
//!
//! How many different users viewed a page in each hour? Users are dealt out to shards; each shard counts
//! its own exactly; a second window adds up the shards. No user is in two shards, so the sum is exact. (Where
//! users are numbered without large gaps, `Distinct` does with a bit or two for each of them.)

use crate::clicks::clicks;
use crate::lesson::{Input, Lesson, Output};
use crate::row;
use clap::Args;
use tidegate::operators::aggregate::{DistinctWide, Sum};
use tidegate::prelude::*;
use tidegate_generator::{Behavior, Click};

/// As many as any machine has cores, and a few more, so that they spread evenly.
const SHARDS: u64 = 64;

const HOUR: Window = Window::tumbling(3_600_000);

/// Distinct users per hour.
#[derive(Args, Clone, Debug, Default)]
pub struct Uv {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    output: Output,
}

impl Lesson for Uv {
    const ABOUT: &'static str = "Distinct users per hour";

    fn job(&self) -> Job {
        let job = Job::new("uv");
        let users = clicks(&job, &self.input)
            .filter(|click| click.behavior == Behavior::Pv)
            .uid("page-views")
            .key_by(|click| click.user_id % SHARDS)
            .window(HOUR)
            .aggregate(DistinctWide::of(|click: &Click| click.user_id))
            .uid("shards")
            .window_all(HOUR)
            .aggregate(Sum::of(|shard: &Windowed<u64, u64>| shard.value))
            .uid("all");
        self.output.take(&users, uv_row);
        job
    }
}

fn uv_row(row: &Windowed<(), u64>) -> String {
    row::under(row.window, "uv", row.value)
}
