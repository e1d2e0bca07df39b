//! Where events come from: the generator or a recording.

use crate::recorded;
use clap::Args;
use std::path::PathBuf;
use tidegate::prelude::*;
use tidegate_file::FileSource;
use tidegate_generator::{Bid, Event, NexmarkGenerator};
use tidegate_topology::tree::Variables;

/// How long the watermark waits for events that are late, in milliseconds.
const DELAY_MS: i64 = 4_000;

/// How far one subtask of the source may run ahead of another, in milliseconds of event time. Both are
/// replayed as fast as they can be: what one is ahead by, joins keep as state (ADR 0016).
const DRIFT_MS: i64 = 2_000;

/// The uid of the source.
pub(crate) const SOURCE: &str = "events";

/// The variable that has the path of a recording.
const INPUT: &str = "INPUT";

/// The event time of a recorded event, whichever it is: its line has none in a column of its own.
const RECORDED_TIME: &str = "COALESCE(bid.dateTime, auction.dateTime, person.dateTime)";

/// Which events.
#[derive(Args, Clone, Debug)]
pub(crate) struct Input {
    /// How many events are made up
    #[arg(long, default_value_t = 20_000_000, value_name = "N", conflicts_with = "input")]
    events: u64,
    /// How many events fall into a second of event time
    #[arg(long, default_value_t = 10_000, value_name = "N", conflicts_with = "input")]
    events_per_second: u64,
    /// Another seed makes other events
    #[arg(long, default_value_t = 1, value_name = "N", conflicts_with = "input")]
    seed: u64,
    /// Events arrive out of order within blocks of so many
    #[arg(long, default_value_t = 1, value_name = "N", conflicts_with = "input")]
    out_of_order: u64,
    /// Recorded events instead, a JSON value per line; may end in .gz or .zst
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
}

impl Input {
    /// The stream of events, whose subtasks keep pace in event time if they are to be `aligned`.
    pub(crate) fn events(&self, job: &Job, aligned: bool) -> Stream<Event> {
        let mut strategy = WatermarkStrategy::bounded_out_of_orderness(DELAY_MS);
        if aligned {
            strategy = strategy.aligned(SOURCE, DRIFT_MS);
        }
        match &self.input {
            Some(path) => {
                let recording = FileSource::lines(path, recorded::event);
                job.source(SOURCE, recording.timestamp(Event::date_time), strategy)
            }
            None => {
                let generator = NexmarkGenerator::new(self.seed)
                    .events(self.events)
                    .events_per_second(self.events_per_second)
                    .out_of_order(self.out_of_order);
                job.source(SOURCE, generator, strategy)
            }
        }
    }

    /// The same for a topology: what overrides its source.
    pub(crate) fn overrides(&self) -> Vec<String> {
        if self.input.is_some() {
            return vec![
                format!("{SOURCE}.file={{ path: \"${{{INPUT}}}\", format: json }}"),
                format!("{SOURCE}.schema.dateTime=timestamp?"),
                format!("{SOURCE}.event_time.timestamp={RECORDED_TIME}"),
            ];
        }
        let said = [
            ("events", self.events),
            ("events_per_second", self.events_per_second),
            ("seed", self.seed),
            ("out_of_order", self.out_of_order),
        ];
        let generator = said.map(|(key, n)| format!("{SOURCE}.generator.nexmark.{key}={n}"));
        generator.into()
    }

    /// The variables that these ask for: a path may hold anything, and so does not stand in YAML itself.
    pub(crate) fn variables(&self) -> Variables {
        let path = self.input.as_ref().map(|path| path.to_string_lossy().into_owned());
        path.into_iter().map(|path| (INPUT, path)).collect()
    }
}

/// The bids among the events.
pub(crate) trait Bids {
    /// All bids.
    fn bids(&self) -> Stream<Bid>;
}

impl Bids for Stream<Event> {
    fn bids(&self) -> Stream<Bid> {
        self.filter_map(Event::bid).uid("bids")
    }
}
