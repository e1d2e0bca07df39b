//! Lesson: rules that reach every subtask. How often were advertisements clicked in each province?
//!
//! Clicks are counted per province in windows of an hour that slide by five minutes; the log is out of
//! order by up to ten seconds.
//!
//! With `--blacklist`, a user who has clicked one advertisement more than a hundred times within a UTC day
//! is blacklisted: from the second of the hundred and first click on, until the day ends, that user's
//! clicks on it do not count. Whoever finds that out tells it to every subtask that lets clicks through:
//! the blacklist is *broadcast*, by one subtask, so that all see the same list grow. When such a rule
//! arrives is a matter of chance, and it must not matter. So a click waits until event time has come to it
//! both in the log and in the stream of rules, and is judged by the rules of its own moment: the rows
//! are the same in every run, at any parallelism, whatever fails. The rows `BLACKLIST`, user,
//! advertisement, time say who it was.
//!
//! With `--rules FILE`, a list of users and advertisements is given that never count. The list has no
//! event time and needs none: clicks wait until all of it has been read.

use crate::ad_blacklist::{Allowed, Detector, Forbidden, Judge};
use crate::ad_click::{AdClick, Blacklisting};
use crate::lesson::{Lesson, Output};
use crate::row;
use clap::Args;
use std::path::PathBuf;
use tidegate::prelude::*;
use tidegate_file::FileSource;

/// How far the click log is out of order.
const DISORDER_MS: i64 = 10_000;

/// An hour that slides by five minutes.
const WINDOW: Window = Window::sliding(3_600_000, 300_000);

/// Clicks of one subtask that may wait until the list of rules has been read.
const CLICKS_HELD: usize = 1_000_000;

/// Clicks on advertisements per province.
#[derive(Args, Clone, Debug)]
pub struct AdClicks {
    /// Click log: user,advertisement,province,city,timestamp (seconds), no header
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// Leave out whoever clicks one advertisement more than 100 times a day, from then on
    #[arg(long)]
    blacklist: bool,
    /// Leave out what is listed: user,advertisement, no header
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

impl Lesson for AdClicks {
    const ABOUT: &'static str = "Clicks on advertisements of each hour, per province";

    fn job(&self) -> Job {
        let job = Job::new("ad-clicks");
        let log = FileSource::csv::<AdClick>(&self.input).timestamp(AdClick::timestamp);
        let delay = WatermarkStrategy::bounded_out_of_orderness(DISORDER_MS);
        let mut clicks = job.source("clicks", log, delay);
        if let Some(rules) = &self.rules {
            let rules = FileSource::csv::<Forbidden>(rules);
            let rules = job.source("rules", rules, WatermarkStrategy::none()).parallelism(1);
            let clicks_and_rules = clicks.connect_broadcast(&rules).hold_until_rules(CLICKS_HELD);
            clicks = clicks_and_rules.process(|| Allowed).uid("allowed");
        }
        let rows = if self.blacklist {
            let blacklist = clicks
                .key_by(|click| (click.user, click.ad))
                .process(Detector::default)
                .uid("detector")
                .map(|blacklisting| blacklisting)
                .uid("blacklist")
                .parallelism(1);
            let by_user = clicks.key_by(|click| click.user).connect_broadcast(&blacklist);
            let believed = by_user.process(Judge::default).uid("believed");
            counts(&believed).union(&blacklist.map(|row| blacklisted(&row)).uid("blacklist-rows"))
        } else {
            counts(&clicks)
        };
        self.output.take(&rows, String::clone);
        job
    }
}

fn counts(clicks: &Stream<AdClick>) -> Stream<String> {
    let windows = clicks.key_by(|click| click.province.clone()).window(WINDOW);
    windows.aggregate(Count::new()).uid("count").map(|row| row::windowed(&row)).uid("count-rows")
}

fn blacklisted(Blacklisting { user, ad, since }: &Blacklisting) -> String {
    format!("BLACKLIST\t{user}\t{ad}\t{}", since.millis())
}
