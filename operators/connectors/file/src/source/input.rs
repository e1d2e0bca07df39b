//! Which files a source reads, how they are cut into splits, and how they are recognised later.
//!
//! Apart from the reader because it runs once, before any subtask exists, and whatever is wrong here
//! is for the user to decide: every error becomes a refusal.

use super::compression::{Compression, UNKNOWN_END};
use super::error::SourceError;
use super::format::Format;
use super::range::FileSplit;
use crate::limits::FIRST_BLOCK_BYTES;
use std::ffi::OsStr;
use std::fs::{self, File, FileType};
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use tidegate_core::sink::Refusal;

/// The files that `paths` name: a file itself, a folder its visible files in the order of their names.
/// Sub-folders are not entered; names that begin with a dot or an underscore are not visible.
pub(crate) fn files(paths: &[PathBuf]) -> Result<Vec<String>, Refusal> {
    let mut files = Vec::new();
    for path in paths {
        let unreadable = |cause| {
            let path = path.display();
            Refusal(format!("cannot read the input {path}: {cause}; check the path of the source"))
        };
        let kind = fs::metadata(path).map_err(unreadable)?.file_type();
        if !kind.is_file() && !kind.is_dir() {
            // To open a pipe that nobody writes to would be to wait for ever.
            return Err(Refusal(format!(
                "the input {} is {}, not a file: what is read from it is gone and could not be read again after a failure; \
                 write it to a file first, or read it as standard input",
                path.display(),
                what(kind)
            )));
        }
        if kind.is_file() {
            File::open(path).map_err(unreadable)?;
            files.push(text(path)?);
            continue;
        }
        let found = visible(path).map_err(unreadable)?;
        if found.is_empty() {
            return Err(Refusal(format!(
                "the input folder {} holds no files; check the path of the source \
                 (sub-folders and names that begin with . or _ do not count)",
                path.display()
            )));
        }
        for file in found {
            files.push(text(&file)?);
        }
    }
    Ok(files)
}

/// What is neither file nor folder, in words.
fn what(kind: FileType) -> &'static str {
    if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

fn visible(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if is_visible(&entry.file_name()) && fs::metadata(entry.path())?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// Whether a file of this name counts: writers hide one by a dot or an underscore until it is ready.
pub(crate) fn is_visible(name: &OsStr) -> bool {
    !matches!(name.as_encoded_bytes().first(), Some(b'.' | b'_'))
}

/// A split keeps the path in the checkpoint, as text.
pub(crate) fn text(path: &Path) -> Result<String, Refusal> {
    let named = path.to_str().map(str::to_owned);
    named.ok_or_else(|| Refusal(format!("the path {} is not UTF-8; rename it", path.display())))
}

/// Where `file` ends at present.
pub(crate) fn end(file: &str) -> Result<u64, SourceError> {
    let metadata = fs::metadata(file).map_err(|cause| SourceError::from_io(file, cause))?;
    let compressed = Compression::of(file).is_some();
    Ok(if compressed { UNKNOWN_END } else { metadata.len() })
}

/// The ranges of `file`: at most `wanted`, none shorter than `shortest` unless the file is.
pub(crate) fn ranges<T, F: Format<T>>(
    format: &F,
    file: &str,
    wanted: u32,
    shortest: u64,
) -> Result<Vec<FileSplit>, SourceError> {
    let body = FileSplit::new(file, format.body_start(file)?, end(file)?);
    if body.end == UNKNOWN_END {
        return Ok(vec![body]);
    }
    let bytes = body.end.saturating_sub(body.start);
    let wanted = u64::from(wanted).min(bytes / shortest.max(1)).max(1);
    let nominal =
        |n: u64| body.start + (u128::from(bytes) * u128::from(n) / u128::from(wanted)) as u64;
    let nominal: Vec<u64> = (1..wanted).map(nominal).collect();
    let mut bounds = vec![body.start];
    if !nominal.is_empty() {
        bounds.extend(format.cuts(&body, &nominal)?);
    }
    bounds.push(body.end);
    bounds.dedup();
    Ok(bounds.windows(2).map(|ends| FileSplit::new(file, ends[0], ends[1])).collect())
}

/// What a file is recognised by.
#[derive(Debug, PartialEq, Eq)]
struct Fingerprint<'a> {
    size: u64,
    checksum: u32,
    file: &'a str,
}

impl<'a> Fingerprint<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.splitn(3, ' ');
        let size = fields.next()?.parse().ok()?;
        let checksum = u32::from_str_radix(fields.next()?, 16).ok()?;
        Some(Self { size, checksum, file: fields.next()? })
    }

    /// Whether the file that was `self` is still its own beginning in `now`.
    fn continues_in(&self, now: &Self) -> bool {
        if self.file != now.file || now.size < self.size {
            return false;
        }
        if now.size > self.size && Compression::of(self.file).is_some() {
            return false;
        }
        if self.size.min(FIRST_BLOCK_BYTES) == now.size.min(FIRST_BLOCK_BYTES) {
            return self.checksum == now.checksum;
        }
        // It grew within the first block, so today's checksum covers more than the old one did.
        first_block(self.file, self.size).is_ok_and(|checksum| checksum == self.checksum)
    }
}

/// The checksum of so many first bytes, at most those of the first block.
pub(crate) fn first_block(file: &str, bytes: u64) -> io::Result<u32> {
    let mut block = Vec::new();
    File::open(file)?.take(bytes.min(FIRST_BLOCK_BYTES)).read_to_end(&mut block)?;
    Ok(crc32c::crc32c(&block))
}

/// A line per file: size, checksum of the first block, path.
pub(crate) fn fingerprint(files: &[String]) -> Result<String, SourceError> {
    let mut lines = String::new();
    for file in files {
        let read = || Ok((fs::metadata(file)?.len(), first_block(file, FIRST_BLOCK_BYTES)?));
        let (size, checksum) = read().map_err(|cause| SourceError::from_io(file, cause))?;
        // A line end in a path is escaped, not to be taken for the end of the line.
        lines.push_str(&format!("{size} {checksum:08x} {}\n", file.replace('\n', "\\n")));
    }
    Ok(lines)
}

/// Whether the files of `before` are still there, in the same order, none shrunk or replaced.
pub(crate) fn same_files(before: &str, now: &str) -> bool {
    let (mut before, mut now) = (before.lines(), now.lines());
    loop {
        match (before.next(), now.next()) {
            (None, None) => return true,
            (Some(before), Some(now)) => {
                let parsed = (Fingerprint::parse(before), Fingerprint::parse(now));
                let (Some(before), Some(now)) = parsed else { return false };
                if !before.continues_in(&now) {
                    return false;
                }
            }
            _ => return false,
        }
    }
}
