//! Lesson: long windows that slide by little.
//!
//! Through which channels do users come, and what do they do? Events of an app are counted per channel
//! and behaviour over the last hour, anew every ten seconds; who uninstalls is left out. Each event
//! belongs to 360 windows. It is counted once all the same, in the one slice of ten seconds that it falls
//! into, and each window follows from the one before: what enters is added, what leaves is taken away.
//!
//! With `--total` all events are counted together, under the one key of a stream without keys. No subtask
//! is overrun by that: events are counted where they are read, and only the counts of the slices meet.

use crate::lesson::{Lesson, Output};
use crate::row;
use clap::Args;
use std::path::PathBuf;
use tidegate::prelude::*;
use tidegate_file::FileSource;
use tidegate_generator::{AppEvent, AppEventGenerator};

/// An hour that slides by ten seconds.
const WINDOW: Window = Window::sliding(3_600_000, 10_000);

/// Under this name stand the totals, as channel and as behaviour.
const ALL: &str = "all\tall";

/// Events of each channel and behaviour of the last hour, every ten seconds.
#[derive(Args, Clone, Debug)]
pub struct ChannelStats {
    /// Events: user,behavior,channel,timestamp (seconds), in order, no header [default: made up]
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Counts the events of all channels and behaviours together
    #[arg(long)]
    total: bool,
    #[command(flatten)]
    output: Output,
}

impl ChannelStats {
    fn events(&self, job: &Job) -> Stream<AppEvent> {
        let in_order = WatermarkStrategy::bounded_out_of_orderness(0);
        match &self.input {
            Some(path) => {
                let source = FileSource::csv::<AppEvent>(path)
                    .timestamp(|event: &AppEvent| Timestamp(event.timestamp * 1000));
                job.source("events", source, in_order)
            }
            None => {
                let source = AppEventGenerator::new(7).events(1_000_000).events_per_second(50);
                job.source("events", source, in_order)
            }
        }
    }
}

impl Lesson for ChannelStats {
    const ABOUT: &'static str =
        "Events of each channel and behaviour of the last hour, every ten seconds";

    fn job(&self) -> Job {
        let job = Job::new("channel-stats");
        let events = self.events(&job).filter(|event| event.behavior != "UNINSTALL").uid("stayed");
        let rows = if self.total {
            let counts = events.window_all(WINDOW).aggregate(Count::new()).uid("count");
            counts.map(|row| row::under(row.window, ALL, row.value))
        } else {
            let counts = events
                .key_by(|event| (event.channel.clone(), event.behavior.clone()))
                .window(WINDOW)
                .aggregate(Count::new())
                .uid("count");
            counts.map(|row| {
                let (channel, behavior) = &row.key;
                row::under(row.window, format_args!("{channel}\t{behavior}"), row.value)
            })
        };
        self.output.take(&rows.uid("rows-as-text"), String::clone);
        job
    }
}
