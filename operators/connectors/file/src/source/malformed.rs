//! What becomes of a row that is not what it should be.
//!
//! Dead letters are JSON lines, one per malformed row: `file`, `position` and `bytes` say where it
//! stands, `reason` what is wrong, `row` what it says (bytes that are no UTF-8 replaced).
//!
//! What is guaranteed: a row is in the dead letters, on disk, before any checkpoint counts it, so none
//! is ever missing. Rows read again after a restart are written again; (`file`, `position`) names a
//! row, so such a line is recognisable as a duplicate of the same row.

use super::compression;
use super::error::SourceError;
use super::format::{Flaw, Row};
use super::range::FileSplit;
use crate::limits::COUNT_LINES_BYTES;
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// What becomes of a row that is not what it should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Malformed {
    /// The job fails and says where the row is.
    #[default]
    Fail,
    /// The row is left out and counted.
    Skip,
    /// The row is left out, counted, and appended to this file; the subtasks of a job share it.
    DeadLetter(PathBuf),
}

#[derive(Serialize)]
struct DeadLetter<'a> {
    file: &'a str,
    position: u64,
    bytes: usize,
    reason: &'a str,
    row: &'a str,
}

/// Applies the policy to the rows of one reader.
#[derive(Debug)]
pub(crate) struct Judge {
    policy: Malformed,
    /// Opened when the first dead letter comes.
    dead_letters: Option<File>,
}

impl Judge {
    pub(crate) const fn new(policy: Malformed) -> Self {
        Self { policy, dead_letters: None }
    }

    /// Judges a chunk of rows of `split`. Where the policy is to fail, the rows before the malformed
    /// one stay.
    pub(crate) fn judge<T>(
        &mut self,
        split: &FileSplit,
        rows: &mut Vec<Row<T>>,
    ) -> Result<(), SourceError> {
        let mut flawed = rows.iter().enumerate().filter_map(|(index, row)| {
            let flaw = row.value.as_ref().err()?;
            Some((index, flaw, row.behind))
        });
        match &self.policy {
            Malformed::Skip => Ok(()),
            Malformed::Fail => {
                let Some((index, flaw, behind)) = flawed.next() else { return Ok(()) };
                let error = malformed(split, flaw, behind);
                rows.truncate(index);
                Err(error)
            }
            Malformed::DeadLetter(path) => {
                let failed = |position, cause| SourceError::DeadLetter {
                    file: split.file.clone(),
                    position,
                    dead_letters: path.display().to_string(),
                    cause,
                };
                let mut last = None;
                for (_, flaw, behind) in flawed {
                    let mut keep = || {
                        let (position, bytes) = text_of(split, flaw, behind)?;
                        let row = String::from_utf8_lossy(&bytes);
                        let (file, reason) = (&*split.file, &*flaw.reason);
                        DeadLetter { file, position, bytes: bytes.len(), reason, row: &row }
                            .append(&mut self.dead_letters, path)
                    };
                    keep().map_err(|cause| failed(flaw.position, cause))?;
                    last = Some(flaw.position);
                }
                if let (Some(position), Some(letters)) = (last, &self.dead_letters) {
                    letters.sync_data().map_err(|cause| failed(position, cause))?;
                }
                Ok(())
            }
        }
    }

    /// Judges one malformed row that is not to be had a second time. A dead letter is on disk only behind
    /// [`Self::sync`].
    pub(crate) fn judge_record(
        &mut self,
        source: &str,
        position: u64,
        line: u64,
        row: &[u8],
        reason: &str,
    ) -> Result<(), SourceError> {
        let file = source.to_owned();
        match &self.policy {
            Malformed::Skip => Ok(()),
            Malformed::Fail => {
                let (line, reason) = (Some(line), reason.to_owned());
                Err(SourceError::Malformed { file, position, line, reason })
            }
            Malformed::DeadLetter(path) => {
                let text = String::from_utf8_lossy(row);
                let letter =
                    DeadLetter { file: source, position, bytes: row.len(), reason, row: &text };
                let kept = letter.append(&mut self.dead_letters, path);
                let dead_letters = path.display().to_string();
                kept.map_err(|cause| SourceError::DeadLetter {
                    file,
                    position,
                    dead_letters,
                    cause,
                })
            }
        }
    }

    /// Makes the dead letters durable, the last of which is that of the row at `position`.
    pub(crate) fn sync(&self, source: &str, position: u64) -> Result<(), SourceError> {
        match (&self.policy, &self.dead_letters) {
            (Malformed::DeadLetter(path), Some(letters)) => {
                letters.sync_data().map_err(|cause| SourceError::DeadLetter {
                    file: source.to_owned(),
                    position,
                    dead_letters: path.display().to_string(),
                    cause,
                })
            }
            _ => Ok(()),
        }
    }
}

/// The bytes of a row and where they begin, without the line ends around them.
fn text_of(split: &FileSplit, flaw: &Flaw, behind: u64) -> io::Result<(u64, Vec<u8>)> {
    let mut bytes = Vec::new();
    compression::open(&split.file, flaw.position)?
        .take(behind.saturating_sub(flaw.position))
        .read_to_end(&mut bytes)?;
    let is_line_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let leading = bytes.iter().take_while(|byte| is_line_end(byte)).count();
    bytes.drain(..leading);
    let trailing = bytes.iter().rev().take_while(|byte| is_line_end(byte)).count();
    bytes.truncate(bytes.len() - trailing);
    Ok((flaw.position + leading as u64, bytes))
}

impl DeadLetter<'_> {
    /// Appends one line, in one write, so that subtasks can share the file.
    fn append(&self, letters: &mut Option<File>, path: &Path) -> io::Result<()> {
        let file = match letters {
            Some(file) => file,
            None => letters.insert(open(path)?),
        };
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        file.write_all(&line)
    }
}

/// Opens the dead letters for appending, the file's name durable; a line that a crash has torn is
/// ended first.
fn open(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    if file.metadata()?.len() > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}

fn malformed(split: &FileSplit, flaw: &Flaw, behind: u64) -> SourceError {
    let position = text_of(split, flaw, behind).map_or(flaw.position, |(position, _)| position);
    SourceError::Malformed {
        file: split.file.clone(),
        position,
        line: line_number(split, position),
        reason: flaw.reason.clone(),
    }
}

fn line_number(split: &FileSplit, position: u64) -> Option<u64> {
    if position > COUNT_LINES_BYTES {
        return None;
    }
    let mut before = BufReader::new(compression::open(&split.file, 0).ok()?.take(position));
    let mut line = 1;
    while before.skip_until(b'\n').ok()? > 0 {
        line += 1;
    }
    Some(line)
}
