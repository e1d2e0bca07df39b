//! Lesson: late data. A window that has fired fires again; what is later still goes aside.
//!
//! How often was each method used in each ten seconds? The log is out of order by up to a minute, and the
//! job waits for one second only. A request that comes up to ten seconds after its window has fired makes
//! the window fire again, with the new count (a reader takes the last row of a window). Whatever
//! comes later goes into a side output, from which a nightly job could correct the counts.
//!
//! Which requests are late depends on the order in which they are read, so the log is read by one
//! subtask, with a watermark behind each request.

use crate::access_log::Request;
use crate::lesson::{Lesson, Output};
use crate::row;
use clap::Args;
use std::path::PathBuf;
use tidegate::prelude::*;
use tidegate_file::FileSource;

/// Requests that came too late.
const LATE: OutputTag<Request> = OutputTag::new("late");

/// Requests of each method in each ten seconds, with late corrections.
#[derive(Args, Clone, Debug)]
pub struct LogMethods {
    /// Access log: address - user time zone method url, separated by spaces
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    #[command(flatten)]
    output: Output,
}

impl Lesson for LogMethods {
    const ABOUT: &'static str =
        "Requests of each method in each ten seconds, with late corrections";

    fn job(&self) -> Job {
        let job = Job::new("log-methods");
        let log = FileSource::lines(&self.input, Request::parse).timestamp(Request::timestamp);
        let one_second = WatermarkStrategy::bounded_out_of_orderness(1_000).each_record();
        let counts = job
            .source("requests", log, one_second)
            .parallelism(1)
            .key_by(|request| request.method.clone())
            .window(Window::tumbling(10_000).allowed_lateness(10_000))
            .late_output(&LATE)
            .aggregate(Count::new())
            .uid("count");
        let late = counts.side_output(&LATE).map(late_line).uid("late-rows");
        let rows = counts.map(|row| format!("MAIN\t{}", row::windowed(&row))).uid("main-rows");
        self.output.take(&rows.union(&late), String::clone);
        job
    }
}

fn late_line(Request { ip, method, url, at }: Request) -> String {
    format!("LATE\t{at}\t{method}\t{ip}\t{url}")
}
