//! The writing thread: appends to pending files, and makes them durable at a barrier.
//!
//! Invariants: only this thread writes to its pending files; a file that was acknowledged is durable
//! under its name, which takes an fsync of the file and of every folder on its way from the output
//! folder; the length on disk is the length the sink has counted.

use super::committer::LOCK;
use super::disk;
use super::error::SinkError;
use super::lane::{CutFile, Lane, Work};
use super::name::FileId;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

struct Pending {
    file: File,
    path: PathBuf,
    bytes: u64,
    /// Written to since the last fsync.
    touched: bool,
    /// Its name is not durable yet.
    new: bool,
}

pub(crate) struct Writer {
    folder: PathBuf,
    lane: Arc<Lane>,
    pending: BTreeMap<FileId, Pending>,
}

impl Writer {
    pub(crate) const fn new(folder: PathBuf, lane: Arc<Lane>) -> Self {
        Self { folder, lane, pending: BTreeMap::new() }
    }

    /// Works until the sink is gone or a step has failed, and tells so.
    pub(crate) fn run(self) {
        let lane = Arc::clone(&self.lane);
        let worked = catch_unwind(AssertUnwindSafe(|| self.work()));
        if let Err(failure) = worked.unwrap_or(Err(Arc::new(SinkError::Panicked))) {
            lane.fail(failure);
        }
    }

    fn work(mut self) -> Result<(), Arc<SinkError>> {
        while let Some(work) = self.lane.next() {
            match work {
                Work::Append { id, bucket, rows } => self.append(id, &bucket, &rows)?,
                Work::Cut { files, done } => {
                    let cut = self.cut(&files).map_err(Arc::new);
                    // The one who asked may be gone.
                    drop(done.send(cut.clone().map_err(SinkError::Failed)));
                    cut?;
                }
            }
        }
        Ok(())
    }

    fn append(&mut self, id: FileId, bucket: &str, rows: &[u8]) -> Result<(), SinkError> {
        let pending = match self.pending.get_mut(&id) {
            Some(pending) => pending,
            None => {
                let folder = self.folder.join(bucket);
                disk::create_folder(&folder)?;
                self.check_own(&folder)?;
                let path = folder.join(id.pending());
                let file = disk::create(&path)?;
                let pending = Pending { file, path, bytes: 0, touched: false, new: true };
                self.pending.entry(id).or_insert(pending)
            }
        };
        disk::write(&mut pending.file, &pending.path, rows)?;
        pending.bytes += rows.len() as u64;
        pending.touched = true;
        Ok(())
    }

    /// Refuses a bucket that lies in the folder of another sink: recovery does not look there.
    fn check_own(&self, bucket: &Path) -> Result<(), SinkError> {
        let inside = bucket.ancestors().take_while(|at| *at != self.folder);
        let taken = inside.map(|at| at.join(LOCK)).find(|lock| lock.exists());
        taken.map_or(Ok(()), |lock| Err(SinkError::Shared { path: lock.display().to_string() }))
    }

    fn cut(&mut self, files: &[CutFile]) -> Result<(), SinkError> {
        let mut folders = BTreeSet::new();
        for pending in self.pending.values_mut().filter(|pending| pending.touched) {
            disk::sync(&pending.file, &pending.path)?;
            pending.touched = false;
            if std::mem::take(&mut pending.new) {
                // Another subtask may have made a folder on the way and not come to its fsync yet.
                let above = pending.path.ancestors().skip(1);
                folders.extend(
                    above.take_while(|at| at.starts_with(&self.folder)).map(Path::to_owned),
                );
            }
        }
        folders.iter().rev().try_for_each(|folder| disk::sync_folder(folder))?;
        for cut in files {
            let bytes = self.pending.get(&cut.id).map(|pending| pending.bytes);
            assert_eq!(bytes, Some(cut.bytes), "all rows of {:?} were handed over", cut.id);
            if cut.sealed {
                self.pending.remove(&cut.id);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_bucket_in_the_folder_of_another_sink_is_refused() {
        let scratch = Scratch::new();
        disk::create_folder(&scratch.path().join("late")).unwrap();
        let locks = ["", "late/"].map(|folder| scratch.file(&format!("{folder}{LOCK}"), ""));
        let mut writer = Writer::new(scratch.path().to_owned(), Arc::default());
        let mut append = |seq, bucket| {
            writer.append(FileId { run: 1, attempt: 1, subtask: 0, seq }, bucket, b"1\n")
        };
        append(0, "").unwrap();
        append(1, "early/today").unwrap();
        for bucket in ["late", "late/today"] {
            let refused = append(2, bucket).unwrap_err();
            let SinkError::Shared { path } = refused else { panic!("{bucket}: {refused}") };
            assert_eq!(Path::new(&path), locks[1]);
        }
        assert!(!scratch.path().join("late/.pending-1-1-0-2").exists(), "nothing was written");
    }
}
