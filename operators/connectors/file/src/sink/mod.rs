//! The file sink: rows become files that appear whole, once, with the checkpoint that holds them.
//!
//! ```
//! use tidegate_file::FileSink;
//!
//! let counts = FileSink::lines("counts", |(item, count): &(u64, u64)| format!("{item}\t{count}"))
//!     .bucket(|(item, _)| format!("shard={}", item % 4))
//!     .roll_bytes(64 << 20);
//! ```
//!
//! Rows go to a pending file that no reader of `part-*` sees. A file that is large or old enough is
//! sealed by a barrier, and renamed once that checkpoint is durable; until then it stays open across
//! checkpoints, each of which knows how long it was at its barrier, so that a restore can publish it up
//! to there. A part is never changed, and never overwritten.
//!
//! Everything in a committable is relative to the output folder, so the folder may be moved between
//! two runs. An output folder belongs to one sink.

mod bucket;
mod committer;
#[cfg(test)]
mod crash_tests;
mod disk;
mod error;
mod lane;
mod name;
mod subtask;
#[cfg(test)]
mod tests;
mod writer;

pub use error::SinkError;
pub use subtask::FileWriter;

use crate::limits::{ROLL_AFTER, ROLL_BYTES};
use committer::FileCommitter;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tidegate_core::element::Data;
use tidegate_core::operator::BoxError;
use tidegate_core::sink::{Committer, SinkFactory, SubtaskIdentity};

/// Writes one row, without its newline.
type Encode<T> = Arc<dyn Fn(&T, &mut Vec<u8>) -> Result<(), String> + Send + Sync>;
/// The sub-folder of a row, or why it has none.
type BucketOf<T> = Arc<dyn Fn(&T) -> Result<String, String> + Send + Sync>;

/// Writes rows to files in a folder, exactly once.
pub struct FileSink<T> {
    folder: PathBuf,
    encode: Encode<T>,
    bucket: Option<BucketOf<T>>,
    /// What each file begins with.
    header: Arc<[u8]>,
    roll_bytes: u64,
    roll_after: Duration,
}

impl<T> Clone for FileSink<T> {
    fn clone(&self) -> Self {
        let (folder, encode) = (self.folder.clone(), Arc::clone(&self.encode));
        let header = Arc::clone(&self.header);
        Self { folder, encode, bucket: self.bucket.clone(), header, ..*self }
    }
}

impl<T: Data> FileSink<T> {
    /// Files in `folder`; `format` appends one row to the buffer, without a newline.
    pub fn new(
        folder: impl Into<PathBuf>,
        format: impl Fn(&T, &mut Vec<u8>) + Send + Sync + 'static,
    ) -> Self {
        Self::fallible(folder, move |value, buffer| {
            format(value, buffer);
            Ok(())
        })
    }

    /// Files of text: `row` gives a line, without its newline.
    pub fn lines(
        folder: impl Into<PathBuf>,
        row: impl Fn(&T) -> String + Send + Sync + 'static,
    ) -> Self {
        Self::new(folder, move |value, buffer| buffer.extend_from_slice(row(value).as_bytes()))
    }

    /// Files with a JSON value per line.
    pub fn json_lines(folder: impl Into<PathBuf>) -> Self
    where
        T: Serialize,
    {
        Self::fallible(folder, |value, buffer| {
            serde_json::to_writer(buffer, value).map_err(|error| error.to_string())
        })
    }

    /// Files in `folder`; `encode` appends one row to the buffer, without a newline, or says why it cannot be written,
    /// which fails the subtask.
    pub fn fallible(
        folder: impl Into<PathBuf>,
        encode: impl Fn(&T, &mut Vec<u8>) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        let (folder, encode) = (folder.into(), Arc::new(encode));
        let header = Arc::default();
        Self {
            folder,
            encode,
            bucket: None,
            header,
            roll_bytes: ROLL_BYTES,
            roll_after: ROLL_AFTER,
        }
    }

    /// Puts each row into a sub-folder, such as `day=26/hour=01`; one that could leave the output
    /// folder or hide in it fails the subtask.
    #[must_use]
    pub fn bucket(self, of: impl Fn(&T) -> String + Send + Sync + 'static) -> Self {
        self.try_bucket(move |row| Ok(of(row)))
    }

    /// The same where a row may have no sub-folder: that fails the subtask, for the reason given.
    #[must_use]
    pub fn try_bucket(
        mut self,
        of: impl Fn(&T) -> Result<String, String> + Send + Sync + 'static,
    ) -> Self {
        self.bucket = Some(Arc::new(of));
        self
    }

    /// The line that each file begins with, without its newline; it is no row. None unless set.
    #[must_use]
    pub fn header(mut self, line: &[u8]) -> Self {
        self.header = [line, b"\n"].concat().into();
        self
    }

    /// A file that has grown to so many bytes takes no more rows; 128 MiB unless set.
    #[must_use]
    pub const fn roll_bytes(mut self, bytes: u64) -> Self {
        self.roll_bytes = bytes;
        self
    }

    /// A file of that age is sealed by the next barrier; one minute unless set.
    #[must_use]
    pub const fn roll_after(mut self, age: Duration) -> Self {
        self.roll_after = age;
        self
    }
}

impl<T: Data> SinkFactory for FileSink<T> {
    type In = T;
    type Sink = FileWriter<T>;

    fn kind(&self) -> &'static str {
        "file-sink"
    }

    fn is_transactional(&self) -> bool {
        true
    }

    fn create(&self, identity: &SubtaskIdentity) -> Result<FileWriter<T>, BoxError> {
        disk::create_folder(&self.folder)?;
        Ok(FileWriter::start(self, identity)?)
    }

    fn committer(&self) -> Result<Box<dyn Committer>, BoxError> {
        Ok(Box::new(FileCommitter::new(self.folder.clone())))
    }
}
