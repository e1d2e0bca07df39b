//! What came out of an operator, as text in groups that end at a watermark, a tick or the end.
//!
//! Apart from the runs because the subtasks of a life share it: each writes into the group that it
//! has come to, and a group is what all of them have written between the same two watermarks.

use super::Recording;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tidegate_core::element::{AnyBatch, Barrier, Data, Status, downcast};
use tidegate_core::output::{OutputEdge, Transport};
use tidegate_core::time::Timestamp;

#[derive(Clone, Debug, Default)]
struct Group {
    rows: Vec<String>,
    side_rows: Vec<String>,
    ends_with: Option<String>,
}

/// The groups so far, and in which of them each subtask is.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    groups: Vec<Group>,
    at: Vec<usize>,
    /// Whether everything is one group.
    timeless: bool,
}

impl Log {
    /// Writes down no watermarks.
    pub(super) const fn forget_time(&mut self) {
        self.timeless = true;
    }

    /// A new life of `subtasks` begins where the last one ended.
    pub(super) fn begin(&mut self, subtasks: usize) {
        let at = self.at.first().copied().unwrap_or_default();
        assert!(self.at.iter().all(|other| *other == at), "the subtasks are equally far");
        self.at = vec![at; subtasks];
    }

    fn group(&mut self, subtask: usize) -> &mut Group {
        let at = self.at[subtask];
        if self.groups.len() <= at {
            self.groups.push(Group::default());
        }
        &mut self.groups[at]
    }

    /// `subtask` has come to the end of its group.
    pub(super) fn end_group(&mut self, subtask: usize, with: &str) {
        if self.timeless {
            return;
        }
        let end = self.group(subtask).ends_with.get_or_insert_with(|| with.to_owned());
        assert_eq!(end, with, "all subtasks see the same watermarks");
        self.at[subtask] += 1;
    }

    /// All lines; the rows of a group sorted when `by_row`.
    pub(super) fn lines(&self, by_row: bool) -> Vec<String> {
        let lines = |group: &Group| {
            let Group { mut rows, mut side_rows, ends_with } = group.clone();
            if by_row {
                rows.sort();
                side_rows.sort();
            }
            rows.into_iter().chain(side_rows).chain(ends_with)
        };
        self.groups.iter().flat_map(lines).collect()
    }
}

/// An output edge that writes into the log.
pub(super) struct Recorder<T, F> {
    log: Arc<Mutex<Log>>,
    subtask: usize,
    side: bool,
    show: F,
    fills_up: bool,
    full: AtomicBool,
    of: PhantomData<fn(T)>,
}

impl<T, F: Fn(&T) -> String> Recorder<T, F> {
    pub(super) fn new(recording: &Recording, side: bool, show: F) -> Self {
        let Recording { log, subtask, fills_up } = recording;
        Self {
            log: Arc::clone(log),
            subtask: *subtask,
            side,
            show,
            fills_up: *fills_up,
            full: AtomicBool::new(false),
            of: PhantomData,
        }
    }

    fn end_group(&self, with: &str) {
        if !self.side {
            self.log.lock().expect("no thread has failed").end_group(self.subtask, with);
        }
    }
}

impl<T: Data, F: Fn(&T) -> String + Send> OutputEdge for Recorder<T, F> {
    fn push(&mut self, batch: &mut dyn AnyBatch) {
        let mut log = self.log.lock().expect("no thread has failed");
        let group = log.group(self.subtask);
        let rows = if self.side { &mut group.side_rows } else { &mut group.rows };
        for record in downcast::<T>(batch).take_open() {
            rows.push(format!("{} @{}", (self.show)(&record.value), record.timestamp.millis()));
        }
        self.full.store(self.fills_up, Ordering::Relaxed);
    }

    fn watermark(&mut self, watermark: Timestamp) {
        self.end_group(&format!("W {}", watermark.millis()));
    }

    fn end(&mut self) {
        self.end_group("End");
    }

    fn credit(&mut self, _to: u32, _credits: u32) {
        self.full.store(false, Ordering::Relaxed);
    }

    fn is_blocked(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    fn status(&mut self, status: Status) {
        self.end_group(&format!("{status:?}"));
    }

    fn barrier(&mut self, _barrier: Barrier) {}
    fn took(&mut self, _records: usize) {}
    fn flush(&mut self) {}
    fn transmit(&mut self, _edge: usize, _transport: &mut dyn Transport) {}

    fn sent(&self) -> u64 {
        0
    }

    fn credit_use(&self) -> (u32, u32) {
        (0, 1)
    }
}
