//! One subtask's reader: a thread that reads and parses ahead, and a `poll` that only moves rows.
//!
//! Invariants: splits are read one after the other; a split's position is behind the last row that was
//! emitted (or left out), never behind one that was merely read ahead; dropping the reader stops the
//! thread and waits for it.

use super::error::SourceError;
use super::feed::{Chunk, Feed, Next, start_thread};
use super::format::{Format, Row, fill};
use super::malformed::{Judge, Malformed};
use super::range::FileSplit;
use std::sync::Arc;
use std::task::Waker;
use std::thread::JoinHandle;
use std::vec;
use tidegate_core::element::Data;
use tidegate_core::operator::BoxError;
use tidegate_core::source::{Source, SourceOutput, SourceStatus};
use tidegate_core::time::Timestamp;

/// What the event time of a row is, or why it has none.
pub(crate) type TimestampOf<T> = Arc<dyn Fn(&T) -> Result<Timestamp, String> + Send + Sync>;

/// One subtask's reader of file ranges.
pub struct FileReader<T> {
    splits: Vec<FileSplit>,
    feed: Arc<Feed<Chunk<T>>>,
    /// The rows being emitted.
    current: Option<Chunk<T>>,
    /// Taken when it is joined.
    thread: Option<JoinHandle<()>>,
    /// Whether the splits that had ended before this reader was made have been told.
    told_ended: bool,
}

impl<T: Data> FileReader<T> {
    /// Starts to read `splits` from their positions.
    pub(crate) fn start<F: Format<T>>(
        splits: Vec<FileSplit>,
        format: F,
        timestamp: TimestampOf<T>,
        malformed: Malformed,
    ) -> Result<Self, SourceError> {
        let feed = Arc::new(Feed::default());
        let given = splits.clone();
        let thread = start_thread("file-source", &feed, move |feed| {
            Fetcher { feed, format, timestamp, judge: Judge::new(malformed) }.run(&given)
        })?;
        let thread = Some(thread);
        Ok(Self { splits, feed, current: None, thread, told_ended: false })
    }
}

/// Emits up to `budget` rows of a split, whose position is behind the last of them then, and says how many it took.
pub(crate) fn emit<T: Data>(
    rows: &mut vec::IntoIter<Row<T>>,
    budget: usize,
    split: usize,
    position: &mut u64,
    out: &mut SourceOutput<T>,
) -> usize {
    let before = rows.len();
    for row in rows.take(budget) {
        *position = row.behind;
        match row.value {
            Ok(value) => out.emit(split, value, row.timestamp),
            Err(_) => out.count_dropped(),
        }
    }
    before - rows.len()
}

/// The thread's part.
struct Fetcher<'a, T, F> {
    feed: &'a Feed<Chunk<T>>,
    format: F,
    timestamp: TimestampOf<T>,
    judge: Judge,
}

impl<T, F: Format<T>> Fetcher<'_, T, F> {
    fn run(mut self, splits: &[FileSplit]) -> Result<(), SourceError> {
        for (index, split) in splits.iter().enumerate().filter(|(_, split)| !split.is_read()) {
            if !self.read(index, split)? {
                break;
            }
        }
        Ok(())
    }

    /// Reads one split; false when nobody wants any more.
    fn read(&mut self, index: usize, split: &FileSplit) -> Result<bool, SourceError> {
        let mut rows = self.format.rows(split)?;
        let mut position = split.position;
        loop {
            let mut chunk = Vec::with_capacity(crate::limits::CHUNK_ROWS);
            let more = fill(&mut rows, position, &mut chunk)?;
            for row in &mut chunk {
                row.stamp(position, &*self.timestamp);
                position = row.behind;
            }
            let verdict = self.judge.judge(split, &mut chunk);
            let ends = !more && verdict.is_ok();
            let wanted = self.feed.push(Chunk { split: index, rows: chunk.into_iter(), ends });
            verdict?;
            if !wanted || ends {
                return Ok(wanted);
            }
        }
    }
}

impl<T: Data> FileReader<T> {
    #[cfg(test)]
    pub(crate) const fn feed(&self) -> &Arc<Feed<Chunk<T>>> {
        &self.feed
    }

    /// Emits up to `budget` rows of the current chunk, and says how many it took.
    fn emit(&mut self, out: &mut SourceOutput<T>, budget: usize) -> usize {
        let Some(chunk) = &mut self.current else { return 0 };
        let split = &mut self.splits[chunk.split];
        let taken = emit(&mut chunk.rows, budget, chunk.split, &mut split.position, out);
        if chunk.rows.len() == 0 {
            if chunk.ends {
                split.position = split.end;
                out.end_split(chunk.split);
            }
            self.current = None;
        }
        taken
    }
}

impl<T: Data> Source for FileReader<T> {
    type Out = T;
    type Split = FileSplit;

    fn poll(
        &mut self,
        out: &mut SourceOutput<T>,
        budget: usize,
        waker: &Waker,
    ) -> Result<SourceStatus, BoxError> {
        if !self.told_ended {
            self.told_ended = true;
            let ended = self.splits.iter().enumerate().filter(|(_, split)| split.is_read());
            ended.for_each(|(index, _)| out.end_split(index));
        }
        let mut left = budget;
        while left > 0 {
            if self.current.is_none() {
                match self.feed.next(waker)? {
                    Next::Chunk(chunk) => self.current = Some(chunk),
                    Next::Pending if left == budget => return Ok(SourceStatus::Pending),
                    Next::Pending => break,
                    Next::End => return Ok(SourceStatus::Ended),
                }
            }
            left -= self.emit(out, left);
        }
        Ok(SourceStatus::Ready)
    }

    fn splits(&self) -> Vec<FileSplit> {
        self.splits.clone()
    }
}

impl<T> Drop for FileReader<T> {
    fn drop(&mut self) {
        self.feed.close();
        if let Some(thread) = self.thread.take() {
            // A panic was caught and told already.
            drop(thread.join());
        }
    }
}
