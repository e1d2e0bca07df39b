//! The clicks that most lessons are about: read from a file, or made up.

use crate::lesson::Input;
use tidegate::prelude::*;
use tidegate_file::FileSource;
use tidegate_generator::{Click, ClickGenerator};

/// Clicks in the order of their time, as in the user behaviour data set; made-up ones come up to ten
/// seconds out of order, a hundred for each second of event time.
pub(crate) fn clicks(job: &Job, input: &Input) -> Stream<Click> {
    clicks_late_by(job, input, 0)
}

/// Clicks that come up to `delay_ms` out of order, when they are read from a file.
pub(crate) fn clicks_late_by(job: &Job, input: &Input, delay_ms: i64) -> Stream<Click> {
    match &input.input {
        Some(path) => {
            let source = FileSource::csv::<Click>(path)
                .timestamp(|click: &Click| Timestamp(click.timestamp * 1000));
            job.source("clicks", source, WatermarkStrategy::bounded_out_of_orderness(delay_ms))
        }
        None => {
            let source =
                ClickGenerator::new(7).events(4_000_000).events_per_second(100).disorder_ms(10_000);
            job.source("clicks", source, WatermarkStrategy::bounded_out_of_orderness(10_000))
        }
    }
}
