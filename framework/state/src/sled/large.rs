//! Large objects: files beside the database, each written once and under a number of its own.
//!
//! Apart because sled is not made for them: it rewrites its leaves as they fill and split, so that each byte
//! was written 3.4 times at 4 CPU seconds per GB; a file takes it once at 0.5. What an object is called,
//! how long it is and where it lies stands in sled, as for all others (`framework/docs/adr/0008-large-objects.md`).
//!
//! A file is whole and synced before sled hears of it, and goes only when sled has durably forgotten it:
//! whatever a crash leaves behind is a file that nothing names.

use crate::folder;
use crate::points::reach;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The folder of large objects.
#[derive(Debug)]
pub(super) struct LargeObjects {
    folder: PathBuf,
    /// Whether there are files whose names have not been synced.
    unsynced: AtomicBool,
    /// Files that sled has forgotten, perhaps not durably.
    forgotten: Mutex<Vec<u64>>,
}

impl LargeObjects {
    /// Those in the folder `large` within `database`.
    pub(super) fn open(database: &Path) -> io::Result<Self> {
        let folder = folder::create(&database.join("large"))?;
        Ok(Self { folder, unsynced: AtomicBool::new(false), forgotten: Mutex::default() })
    }

    /// Those that there are, to be read: the folder may be missing.
    pub(super) fn existing(database: &Path) -> Self {
        let folder = database.join("large");
        Self { folder, unsynced: AtomicBool::new(false), forgotten: Mutex::default() }
    }

    fn path(&self, write: u64) -> PathBuf {
        self.folder.join(write.to_string())
    }

    fn forgotten(&self) -> MutexGuard<'_, Vec<u64>> {
        self.forgotten.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins the file of a write number.
    pub(super) fn create(&self, write: u64) -> io::Result<LargeWriter> {
        let path = self.path(write);
        let file = File::create_new(&path)?;
        // Not before: another flush would take it back, and not find the name.
        self.unsynced.store(true, Ordering::Release);
        Ok(LargeWriter { file, path, whole: false })
    }

    /// The content of a file; `None` when it is not there.
    pub(super) fn read(&self, write: u64) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.path(write)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes a file; one that is not there is fine.
    pub(super) fn remove(&self, write: u64) -> io::Result<()> {
        match fs::remove_file(self.path(write)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Notes a file that sled has forgotten.
    pub(super) fn forget(&self, write: u64) {
        self.forgotten().push(write);
    }

    /// Files that sled has forgotten until now: to be asked for before sled is flushed.
    pub(super) fn take_forgotten(&self) -> Vec<u64> {
        std::mem::take(&mut self.forgotten())
    }

    /// Makes the names of all files durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        if self.unsynced.swap(false, Ordering::AcqRel) {
            folder::sync(&self.folder).inspect_err(|_| {
                self.unsynced.store(true, Ordering::Release);
            })?;
        }
        Ok(())
    }

    /// Removes what is forgotten durably. What cannot be removed harms no checkpoint: it stays until the next
    /// run of the job.
    pub(super) fn remove_forgotten(&self, forgotten: &[u64]) {
        for write in forgotten {
            if let Err(error) = self.remove(*write) {
                let path = self.path(*write);
                tracing::warn!(%error, path = %path.display(), "a file that is not needed stays behind");
            }
            reach("sled.file.removed");
        }
    }

    /// Removes all files but those of `living`; returns how many.
    pub(super) fn remove_all_but(&self, living: &HashSet<u64>) -> io::Result<u64> {
        let mut removed = 0;
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if number.is_none_or(|write: u64| !living.contains(&write)) {
                fs::remove_file(entry.path())?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Bytes of all files.
    pub(super) fn bytes(&self) -> io::Result<u64> {
        let mut bytes = 0;
        for entry in fs::read_dir(&self.folder)? {
            // A file may go while they are counted.
            bytes += entry?.metadata().map_or(0, |data| data.len());
        }
        Ok(bytes)
    }
}

/// A large object that is being written. Dropped before it is whole, it is gone.
#[derive(Debug)]
pub(super) struct LargeWriter {
    file: File,
    path: PathBuf,
    whole: bool,
}

impl LargeWriter {
    /// Writes `head` over the beginning and syncs the file; returns its length.
    pub(super) fn finish(mut self, head: &[u8]) -> io::Result<u64> {
        self.file.rewind()?;
        self.file.write_all(head)?;
        reach("sled.file.written");
        self.file.sync_data()?;
        reach("sled.file.synced");
        self.whole = true;
        Ok(self.file.metadata()?.len())
    }
}

impl Write for LargeWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LargeWriter {
    fn drop(&mut self) {
        if !self.whole
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(%error, path = %self.path.display(), "an unfinished file stays behind");
        }
    }
}
