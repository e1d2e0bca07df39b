//! A watched folder: files that come and lines that are appended are read as they come, without end.
//!
//! ```
//! use serde::Deserialize;
//! use std::time::Duration;
//! use tidegate_core::time::Timestamp;
//! use tidegate_file::FileSource;
//!
//! #[derive(Clone, Deserialize)]
//! struct Login { user: u64, seconds: i64 }
//!
//! let logins = FileSource::csv::<Login>("logins")
//!     .timestamp(|login| Timestamp(login.seconds * 1_000))
//!     .watch(Duration::from_secs(1));
//! ```
//!
//! What counts as input: the visible files of the folder (no name that begins with a dot or an underscore: writers
//! hide a file so and rename it when it is ready), not those of its sub-folders. The folder is looked at again and
//! again; each look reads what has come, the files one after the other in the order of their names. A row counts when
//! its line end is there, so the last line of a file waits until it is ended. A compressed file is read once, when it
//! has looked the same at two looks; its last line needs no end.
//!
//! A name is a file for ever: a file grows, and does nothing else. One that has got shorter, or begins otherwise than
//! it did, is an error, and so is a compressed one that has changed after it was read. (A change behind the first
//! 4 KiB that takes no byte away is not seen.) A file that is taken out of the folder is forgotten, so that state
//! stays as small as the folder: take one away when a checkpoint has been completed after its last row, and do not
//! bring it back, for it would be a new one. While the folder is empty nothing is forgotten: it may not be mounted. A log that is rotated by renaming is not for a watched folder; one that
//! has its date in its name is.
//!
//! Subtasks share the files by their names, in as many buckets as there are subtasks when the job first starts; with
//! more subtasks later some have nothing to read. Event time goes on by bucket, over all its files, so rows of files
//! that grow at the same time are out of order by as much as goes on between two looks, and files that are found
//! together are in order if their names are. A bucket without files, and one to which nothing comes, holds event time
//! back unless the watermark strategy says when it is idle.

mod fetch;
mod look;
mod reader;
mod split;
#[cfg(test)]
mod tests;

pub use reader::FolderReader;
pub use split::{FileProgress, FolderSplit};

use super::{FileSource, Format, Malformed};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tidegate_core::element::Data;
use tidegate_core::operator::BoxError;
use tidegate_core::sink::{Refusal, SubtaskIdentity};
use tidegate_core::source::SourceFactory;

/// Reads rows of type `T` in format `F` from a folder, without end: made by [`FileSource::watch`].
#[derive(Clone)]
pub struct WatchedFolder<T, F> {
    files: FileSource<T, F>,
    every: Duration,
}

impl<T: Data, F: Format<T>> WatchedFolder<T, F> {
    pub(super) const fn new(files: FileSource<T, F>, every: Duration) -> Self {
        Self { files, every }
    }

    /// The folder; refused unless there is one, and it can be looked at.
    fn folder(&self) -> Result<&Path, Refusal> {
        let [folder] = self.files.paths.as_slice() else {
            let several = self.files.paths.len();
            return Err(Refusal(format!(
                "a source watches one folder, and {several} are named; make a source for each"
            )));
        };
        let shown = folder.display();
        match fs::metadata(folder) {
            Ok(metadata) if !metadata.is_dir() => {
                return Err(Refusal(format!(
                    "{shown} is no folder that could be watched; read a file without watching, \
                     or name the folder it is in"
                )));
            }
            _ => {}
        }
        fs::read_dir(folder).map_err(|cause| {
            Refusal(format!(
                "cannot watch the folder {shown}: {cause}; make it before the job starts, \
                 or check the path of the source"
            ))
        })?;
        if let Malformed::DeadLetter(letters) = &self.files.malformed
            && is_input(folder, letters)
        {
            return Err(Refusal(format!(
                "the malformed rows of the folder {shown} would be read as new rows, because they are \
                 kept in it, in {}; keep them elsewhere, or under a name that begins with _",
                letters.display()
            )));
        }
        Ok(folder)
    }
}

/// Whether a file at this path would be one of the folder's.
fn is_input(folder: &Path, file: &Path) -> bool {
    let parent = match file.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return false,
    };
    let is_same = match (fs::canonicalize(folder), fs::canonicalize(parent)) {
        (Ok(folder), Ok(parent)) => folder == parent,
        // Where it is not there, it will not be written either.
        _ => false,
    };
    is_same && file.file_name().is_some_and(super::input::is_visible)
}

impl<T: Data, F: Format<T>> SourceFactory for WatchedFolder<T, F> {
    type Out = T;
    type Split = FolderSplit;
    type Source = FolderReader<T>;

    fn kind(&self) -> &'static str {
        "watched-folder-source"
    }

    fn enumerate(&self, parallelism: u32) -> Result<Vec<FolderSplit>, BoxError> {
        self.folder()?;
        let buckets = parallelism.max(1);
        let split = |bucket| FolderSplit { bucket, buckets, files: [].into() };
        Ok((0..buckets).map(split).collect())
    }

    /// The folder's path: what is in it may be anything by now.
    fn fingerprint(&self) -> Result<Option<String>, BoxError> {
        Ok(Some(self.folder()?.display().to_string()))
    }

    fn create(
        &self,
        _identity: &SubtaskIdentity,
        splits: Vec<FolderSplit>,
    ) -> Result<FolderReader<T>, BoxError> {
        let folder: PathBuf = self.folder()?.to_owned();
        let watching = fetch::Watching {
            folder,
            every: self.every,
            format: self.files.format.clone(),
            timestamp: Arc::clone(&self.files.timestamp),
            malformed: self.files.malformed.clone(),
        };
        Ok(FolderReader::start(splits, watching)?)
    }
}
