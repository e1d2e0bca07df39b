//! The thread of a watched folder: it looks, compares with what it knows, and reads what has come.
//!
//! ```text
//! look ──> gone? forget ──> known files still what they were? ──> read from where it stopped ──> rest ──> look
//! ```
//!
//! Laws: all that is known is compared before anything is read, so a name that is used twice is told before the file
//! that has taken over its rows is read as a new one. A look reads up to the lengths that it has seen, and no further;
//! of a file that may grow it takes whole rows only.

use super::look::{Looks, look};
use super::split::{FileProgress, FolderSplit};
use crate::limits::{CHUNK_ROWS, FIRST_BLOCK_BYTES, ROW_BYTES_MAX};
use crate::source::compression::{self, Compression, UNKNOWN_END};
use crate::source::error::SourceError;
use crate::source::feed::Feed;
use crate::source::format::{Format, Row, behind_byte_order_mark, fill};
use crate::source::input::first_block;
use crate::source::malformed::{Judge, Malformed};
use crate::source::range::FileSplit;
use crate::source::reader::TimestampOf;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What travels from the thread at once.
pub(super) enum Portion<T> {
    /// Rows of a file from a position on.
    Rows {
        /// The split's index among those of the reader.
        split: usize,
        name: String,
        from: u64,
        /// The file behind these rows.
        behind: FileProgress,
        rows: Vec<Row<T>>,
    },
    /// A file is not there any more.
    Gone { split: usize, name: String },
}

/// What is watched, and how it is read.
pub(super) struct Watching<T, F> {
    pub(super) folder: PathBuf,
    pub(super) every: Duration,
    pub(super) format: F,
    pub(super) timestamp: TimestampOf<T>,
    pub(super) malformed: Malformed,
}

/// A file of one of the splits.
struct Known {
    split: usize,
    /// What it looked like when it was looked at last, unless that was before this thread.
    looked: Option<Looks>,
    /// How far it has been read; none of one of which nothing has.
    progress: Option<FileProgress>,
}

/// What the thread works on.
struct Watch<'a, T, F> {
    watching: Watching<T, F>,
    judge: Judge,
    feed: &'a Feed<Portion<T>>,
    known: BTreeMap<String, Known>,
}

impl<T, F: Format<T>> Watching<T, F> {
    /// Looks until nobody wants any more.
    pub(super) fn run(
        self,
        splits: &[FolderSplit],
        feed: &Feed<Portion<T>>,
    ) -> Result<(), SourceError> {
        let mut known = BTreeMap::new();
        for (split, of) in splits.iter().enumerate() {
            for (name, progress) in &of.files {
                let file = Known { split, looked: None, progress: Some(progress.clone()) };
                known.insert(name.clone(), file);
            }
        }
        let (every, judge) = (self.every, Judge::new(self.malformed.clone()));
        let mut watch = Watch { watching: self, judge, feed, known };
        while watch.look(splits)? && feed.rest(every) {}
        Ok(())
    }
}

impl<T, F: Format<T>> Watch<'_, T, F> {
    /// One look and what follows from it; false when nobody wants any more.
    fn look(&mut self, splits: &[FolderSplit]) -> Result<bool, SourceError> {
        let found = look(&self.watching.folder)?;
        if found.is_empty() {
            // Cleared away, or not mounted: what is forgotten would be read again when it is back.
            return Ok(self.feed.is_wanted());
        }
        let is_gone = |name: &String| !found.contains_key(name);
        let gone: Vec<String> = self.known.keys().filter(|name| is_gone(name)).cloned().collect();
        for name in gone {
            if let Some(Known { split, progress: Some(_), .. }) = self.known.remove(&name)
                && !self.feed.push(Portion::Gone { split, name })
            {
                return Ok(false);
            }
        }
        let mut waiting = Vec::new();
        for (name, looks) in found {
            let path = self.path(&name);
            let known = match self.known.get(&name) {
                Some(known) => known,
                None => match splits.iter().position(|split| split.holds(&name)) {
                    Some(split) => {
                        let new = Known { split, looked: None, progress: None };
                        self.known.entry(name.clone()).or_insert(new)
                    }
                    None => continue,
                },
            };
            let is_same = known.looked == Some(looks);
            if !is_same && let Some(progress) = &known.progress {
                match recognise(&path, progress, looks.length) {
                    Err(error) if has_vanished(&error, &path) => continue,
                    recognised => recognised?,
                }
            }
            if is_to_be_read(&path, known, looks) {
                waiting.push((name, path, looks));
            } else if let Some(known) = self.known.get_mut(&name) {
                known.looked = Some(looks);
            }
        }
        for (name, path, looks) in waiting {
            match self.read(&name, &path, looks.length) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(error) if has_vanished(&error, &path) => continue,
                Err(error) => return Err(error),
            }
            if let Some(known) = self.known.get_mut(&name) {
                known.looked = Some(looks);
            }
        }
        Ok(self.feed.is_wanted())
    }

    fn path(&self, name: &str) -> String {
        self.watching.folder.join(name).to_string_lossy().into_owned()
    }

    /// Reads a file up to its length at this look; false when nobody wants any more.
    fn read(&mut self, name: &str, path: &str, length: u64) -> Result<bool, SourceError> {
        let Some(known) = self.known.get(name) else { return Ok(true) };
        let split = known.split;
        let compressed = Compression::of(path).is_some().then_some(length);
        let end = if compressed.is_some() { UNKNOWN_END } else { length };
        let start = match &known.progress {
            Some(progress) => progress.position,
            None => match self.begin(path, length, compressed.is_some())? {
                Some(start) => start,
                None => return Ok(true),
            },
        };
        if start >= end {
            return Ok(true);
        }
        let range = FileSplit { file: path.to_owned(), start, position: start, end };
        let mut progress = known.progress.clone().unwrap_or(FileProgress {
            position: start,
            checked: 0,
            checksum: 0,
            compressed,
        });
        let explain = |error| explained(error, path, compressed.is_some(), start);
        let mut rows = self.watching.format.rows(&range).map_err(explain)?;
        loop {
            let from = progress.position;
            let mut chunk = Vec::with_capacity(CHUNK_ROWS);
            let more = fill(&mut rows, from, &mut chunk).map_err(explain)?;
            if compressed.is_none() {
                self.leave_unended(&range, from, &mut chunk)?;
            }
            let mut begin = from;
            for row in &mut chunk {
                row.stamp(begin, &*self.watching.timestamp);
                begin = row.behind;
            }
            let verdict = self.judge.judge(&range, &mut chunk);
            progress.position = chunk.last().map_or(from, |row| row.behind);
            check(path, &mut progress)?;
            if !more && verdict.is_ok() && compressed.is_some() {
                progress.position = UNKNOWN_END;
            }
            let is_news = progress.position > from;
            if let Some(known) = self.known.get_mut(name)
                && is_news
            {
                known.progress = Some(progress.clone());
            }
            let (name, behind) = (name.to_owned(), progress.clone());
            let portion = Portion::Rows { split, name, from, behind, rows: chunk };
            let wanted = !is_news || self.feed.push(portion);
            verdict?;
            if !wanted || !more {
                return Ok(wanted);
            }
        }
    }

    /// Where the first row of a new file begins; none while that cannot be told yet.
    fn begin(
        &self,
        path: &str,
        length: u64,
        is_compressed: bool,
    ) -> Result<Option<u64>, SourceError> {
        match self.watching.format.body_start(path) {
            Ok(start) => Ok(Some(start)),
            // A header that is being written is no header yet.
            Err(SourceError::Header { .. })
                if !is_compressed && !self.has_whole_rows(path, length)? =>
            {
                Ok(None)
            }
            Err(error) => Err(explained(error, path, is_compressed, 0)),
        }
    }

    /// Whether the first line of a file is known to have ended.
    fn has_whole_rows(&self, path: &str, length: u64) -> Result<bool, SourceError> {
        if length > ROW_BYTES_MAX {
            return Ok(true);
        }
        let begin = behind_byte_order_mark(path)?;
        let mut bytes = between(path, begin, length)?;
        let lines = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        bytes.truncate(lines);
        Ok(self.watching.format.is_whole(&bytes))
    }

    /// Leaves the last row of a range for later unless it has come to its end.
    fn leave_unended(
        &self,
        range: &FileSplit,
        from: u64,
        chunk: &mut Vec<Row<T>>,
    ) -> Result<(), SourceError> {
        if chunk.last().is_none_or(|row| row.behind < range.end) {
            return Ok(());
        }
        let begin = chunk.iter().rev().nth(1).map_or(from, |before| before.behind);
        if !self.watching.format.is_whole(&between(&range.file, begin, range.end)?) {
            chunk.pop();
        }
        Ok(())
    }
}

/// Whether there may be something to read.
fn is_to_be_read(path: &str, known: &Known, looks: Looks) -> bool {
    let is_same = known.looked == Some(looks);
    match &known.progress {
        Some(progress) => !is_same && progress.position != UNKNOWN_END,
        // Half a compressed file cannot be told from a whole one before it is read.
        None if Compression::of(path).is_some() => is_same && looks.length > 0,
        None => !is_same,
    }
}

/// Whether a file is still the one that has been read.
fn recognise(path: &str, progress: &FileProgress, length: u64) -> Result<(), SourceError> {
    let file = || path.to_owned();
    match progress.compressed {
        Some(before) if before != length => {
            return Err(SourceError::Recompressed { file: file(), before, length });
        }
        None if length < progress.position.max(progress.checked) => {
            let read = progress.position.max(progress.checked);
            return Err(SourceError::Cut { file: file(), read, length });
        }
        _ => {}
    }
    let now = first_block(path, progress.checked);
    if now.map_err(|cause| SourceError::from_io(path, cause))? != progress.checksum {
        return Err(SourceError::Replaced { file: file() });
    }
    Ok(())
}

/// Recognises a file by as much of it as its progress allows.
fn check(path: &str, progress: &mut FileProgress) -> Result<(), SourceError> {
    let most = progress.compressed.unwrap_or(progress.position).min(FIRST_BLOCK_BYTES);
    if most > progress.checked {
        let checksum = first_block(path, most);
        progress.checksum = checksum.map_err(|cause| SourceError::from_io(path, cause))?;
        progress.checked = most;
    }
    Ok(())
}

/// The bytes of a file from one position to another, or as many of them as there are.
fn between(path: &str, begin: u64, end: u64) -> Result<Vec<u8>, SourceError> {
    let read = || {
        let mut bytes = Vec::new();
        compression::open(path, begin)?.take(end.saturating_sub(begin)).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|cause| SourceError::from_io(path, cause))
}

/// Whether a file could not be read because it has been taken away since the look.
fn has_vanished(error: &SourceError, path: &str) -> bool {
    matches!(error, SourceError::Read { cause, .. } if cause.kind() == io::ErrorKind::NotFound)
        && !Path::new(path).exists()
}

/// What an error of reading means for a file that is watched.
fn explained(error: SourceError, path: &str, is_compressed: bool, read: u64) -> SourceError {
    match error {
        SourceError::Read { file, cause }
            if is_compressed && cause.kind() == io::ErrorKind::UnexpectedEof =>
        {
            SourceError::Torn { file, cause }
        }
        SourceError::Shrunk { file, .. } => {
            let length = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
            SourceError::Cut { file, read, length }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;
    use crate::source::Lines;
    use std::fs;
    use std::sync::Arc;
    use tidegate_core::time::Timestamp;

    #[test]
    fn what_is_gone_is_forgotten_but_not_while_the_folder_is_empty() {
        let scratch = Scratch::new();
        let watching = Watching {
            folder: scratch.path().to_owned(),
            every: Duration::ZERO,
            format: Lines::text(|line: &str| Ok(line.to_owned())),
            timestamp: Arc::new(|_: &String| Ok(Timestamp::MIN)),
            malformed: Malformed::default(),
        };
        let (judge, feed) = (Judge::new(Malformed::default()), Feed::default());
        let mut watch = Watch { watching, judge, feed: &feed, known: BTreeMap::new() };
        let splits = [FolderSplit { bucket: 0, buckets: 1, files: [].into() }];
        let mut known = || {
            assert!(watch.look(&splits).expect("readable"));
            watch.known.keys().cloned().collect::<Vec<_>>()
        };
        let file = |name| scratch.path().join(name);
        fs::write(file("a"), "one\n").expect("writable");
        assert_eq!(known(), ["a"]);
        // Not mounted, perhaps.
        fs::rename(file("a"), file(".a")).expect("renamed");
        assert_eq!(known(), ["a"]);
        fs::write(file("b"), "two\n").expect("writable");
        assert_eq!(known(), ["b"]);
    }
}
