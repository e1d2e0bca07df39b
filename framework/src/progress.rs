//! Progress on a terminal: one line, once a second, while the job runs.

use std::io::{IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;
use tidegate_core::plan::Plan;
use tidegate_core::time::Timestamp;
use tidegate_runtime::{Stats, clock};

/// The line; it goes away when this is dropped.
pub(crate) struct Progress {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Shows the progress of a job, if standard error is a terminal.
    #[must_use]
    pub(crate) fn start(plan: &Plan, stats: &Stats) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self { stop: None, thread: None };
        }
        let sources: Vec<usize> = (0..plan.vertices.len()).filter(|&v| plan.is_source(v)).collect();
        let (stop, stopped) = mpsc::channel();
        let (stats, second) = (stats.clone(), Duration::from_secs(1));
        let show = move || {
            let mut before = 0;
            while stopped.recv_timeout(second) == Err(RecvTimeoutError::Timeout) {
                let (records, line) = line(&stats, &sources, before);
                before = records;
                // A terminal that cannot be written to is no reason to fail.
                drop(write!(std::io::stderr(), "\r\x1b[2K{line}"));
            }
            drop(write!(std::io::stderr(), "\r\x1b[2K"));
        };
        let thread = std::thread::Builder::new().name("tidegate-progress".into()).spawn(show).ok();
        Self { stop: Some(stop), thread }
    }
}

fn line(stats: &Stats, sources: &[usize], before: u64) -> (u64, String) {
    let (mut records, mut watermark) = (0, Timestamp::MAX);
    for (subtask, subtask_stats) in stats.subtasks() {
        if sources.contains(&subtask.vertex) {
            records += subtask_stats.totals().values().next().map_or(0, |t| t.records_out);
        }
        watermark = watermark.min(subtask_stats.watermark());
    }
    let event_time = match watermark {
        Timestamp::MIN => "no event time yet".to_owned(),
        Timestamp::MAX => "event time has ended".to_owned(),
        watermark => {
            format!("event time {} s behind", clock::now().since(watermark) / 1000)
        }
    };
    let checkpoint = match stats.job.last_checkpoint.get() {
        0 => "no checkpoint yet".to_owned(),
        id => format!("checkpoint {id} in {} ms", stats.job.last_duration_ms.get()),
    };
    let rate = records.saturating_sub(before);
    (records, format!("{rate} records/s, {records} in all; {event_time}; {checkpoint}"))
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The line is decoration: if its thread has panicked, the job has not.
            drop(thread.join());
        }
    }
}
