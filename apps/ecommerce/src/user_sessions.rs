//! Lesson: session windows. A session has no fixed length: it ends when its user pauses.
//!
//! How often does a user click before pausing for half an hour? Each click opens a window of half an hour
//! that merges with those it touches. Clicks may be far out of order (in the data set they are grouped by user):
//! two sessions then become one when the click between them comes.

use crate::clicks::clicks_late_by;
use crate::lesson::{Input, Lesson, Output};
use crate::row;
use clap::Args;
use std::time::Duration;
use tidegate::parse_duration;
use tidegate::prelude::*;

/// Clicks of each user between two pauses.
#[derive(Args, Clone, Debug)]
pub struct UserSessions {
    #[command(flatten)]
    input: Input,
    /// How far a click in the file may come behind a later one; the data set needs nine days and a half
    #[arg(long, default_value = "240h", value_name = "TIME", value_parser = parse_duration)]
    disorder: Duration,
    #[command(flatten)]
    output: Output,
}

impl Lesson for UserSessions {
    const ABOUT: &'static str = "Clicks of each user between two pauses of half an hour";

    fn job(&self) -> Job {
        let job = Job::new("user-sessions");
        let disorder_ms = i64::try_from(self.disorder.as_millis()).unwrap_or(i64::MAX);
        let sessions = clicks_late_by(&job, &self.input, disorder_ms)
            .key_by(|click| click.user_id)
            .window(Session::with_gap(1_800_000))
            .aggregate(Count::new())
            .uid("sessions");
        self.output.take(&sessions, row::windowed);
        job
    }
}
