//! One subtask's reader of a watched folder: what its thread has read becomes records, and progress in the splits.
//!
//! Invariants: progress is behind the last row that was emitted (or left out), never behind one that was merely read
//! ahead; what a split says of a file changes in the order in which the thread saw it; dropping the reader stops the
//! thread and waits for it, which takes no longer than what it reads at that moment.

use super::fetch::{Portion, Watching};
use super::split::{FileProgress, FolderSplit};
use crate::source::error::SourceError;
use crate::source::feed::{Feed, Next, start_thread};
use crate::source::format::{Format, Row};
use crate::source::reader::emit;
use std::sync::Arc;
use std::task::Waker;
use std::thread::JoinHandle;
use std::vec;
use tidegate_core::element::Data;
use tidegate_core::operator::BoxError;
use tidegate_core::source::{Source, SourceOutput, SourceStatus};

/// One subtask's reader of a watched folder.
pub struct FolderReader<T> {
    splits: Vec<FolderSplit>,
    feed: Arc<Feed<Portion<T>>>,
    /// The rows being emitted.
    current: Option<Current<T>>,
    /// Taken when it is joined; a subtask without splits has none.
    thread: Option<JoinHandle<()>>,
}

/// Rows of one file.
struct Current<T> {
    split: usize,
    name: String,
    rows: vec::IntoIter<Row<T>>,
    /// Where the file stands behind the last of them.
    behind: u64,
}

impl<T: Data> FolderReader<T> {
    /// Starts to look at the files of `splits`.
    pub(super) fn start<F: Format<T>>(
        splits: Vec<FolderSplit>,
        watching: Watching<T, F>,
    ) -> Result<Self, SourceError> {
        let feed = Arc::new(Feed::default());
        let thread = if splits.is_empty() {
            None
        } else {
            let given = splits.clone();
            let work = move |feed: &Feed<Portion<T>>| watching.run(&given, feed);
            Some(start_thread("watched-folder", &feed, work)?)
        };
        Ok(Self { splits, feed, current: None, thread })
    }

    #[cfg(test)]
    pub(super) const fn feed(&self) -> &Arc<Feed<Portion<T>>> {
        &self.feed
    }

    fn take(&mut self, portion: Portion<T>) {
        match portion {
            Portion::Gone { split, name } => {
                self.splits[split].files.remove(&name);
            }
            Portion::Rows { split, name, from, behind, rows } => {
                // Whole rows that are there: also before the first of them is emitted it is this file.
                let begun = FileProgress { position: from, ..behind };
                self.splits[split].files.insert(name.clone(), begun);
                let (rows, behind) = (rows.into_iter(), behind.position);
                self.current = Some(Current { split, name, rows, behind });
            }
        }
    }

    /// Emits up to `budget` rows of the current portion, and says how many it took.
    fn emit(&mut self, out: &mut SourceOutput<T>, budget: usize) -> usize {
        let Some(current) = &mut self.current else { return 0 };
        let files = &mut self.splits[current.split].files;
        let file = files.get_mut(&current.name).expect("it is put there with its portion");
        let taken = emit(&mut current.rows, budget, current.split, &mut file.position, out);
        if current.rows.len() == 0 {
            file.position = current.behind;
            self.current = None;
        }
        taken
    }
}

impl<T: Data> Source for FolderReader<T> {
    type Out = T;
    type Split = FolderSplit;

    fn poll(
        &mut self,
        out: &mut SourceOutput<T>,
        budget: usize,
        waker: &Waker,
    ) -> Result<SourceStatus, BoxError> {
        if self.splits.is_empty() {
            return Ok(SourceStatus::Ended);
        }
        let mut left = budget;
        while left > 0 {
            if self.current.is_none() {
                match self.feed.next(waker)? {
                    Next::Chunk(portion) => self.take(portion),
                    Next::Pending if left == budget => return Ok(SourceStatus::Pending),
                    Next::Pending => break,
                    Next::End => unreachable!("the thread ends when the reader is dropped"),
                }
            }
            left -= self.emit(out, left);
        }
        Ok(SourceStatus::Ready)
    }

    fn splits(&self) -> Vec<FolderSplit> {
        self.splits.clone()
    }
}

impl<T> Drop for FolderReader<T> {
    fn drop(&mut self) {
        self.feed.close();
        if let Some(thread) = self.thread.take() {
            // A panic was caught and told already.
            drop(thread.join());
        }
    }
}
