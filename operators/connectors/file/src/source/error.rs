//! Why a file source gave up: what happened, in which file and where in it, and what to do.

use super::range::FileSplit;
use crate::limits::ROW_BYTES_MAX;
use std::io;
use thiserror::Error;
use tidegate_core::sink::Refusal;

/// Why a file source gave up.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The operating system refused.
    #[error("cannot read {file}: {cause}; check that it is there and may be read")]
    Read {
        /// The file.
        file: String,
        /// What the operating system said.
        #[source]
        cause: io::Error,
    },
    /// The file ends before the range does.
    #[error(
        "{file} ends before byte {end}, which it had when the job first started; \
         put the whole file back and resume, or start a new job"
    )]
    Shrunk {
        /// The file.
        file: String,
        /// The end of the range being read.
        end: u64,
    },
    /// A row does not seem to end.
    #[error(
        "the row at byte {position} of {file} is longer than {} MiB; \
         look for a quote that is not closed, or for a file in another format", ROW_BYTES_MAX >> 20
    )]
    RowTooLong {
        /// The file.
        file: String,
        /// Where the row begins.
        position: u64,
    },
    /// A row is not what it should be, and the policy is to fail.
    #[error(
        "malformed row at byte {position} of {file}{}: {reason}; correct it, \
         or leave such rows out: on_malformed(Skip) or on_malformed(DeadLetter(path)), \
         in a topology `malformed: skip` or `malformed: {{file: path}}`",
        line.map_or(String::new(), |line| format!(" (line {line})"))
    )]
    Malformed {
        /// The file.
        file: String,
        /// Where the row begins.
        position: u64,
        /// The number of the line that begins there, from 1, unless it is too far into the file.
        line: Option<u64>,
        /// What is wrong with it.
        reason: String,
    },
    /// The header is not one of the rows wanted.
    #[error("the first row of {file} is not the header it should be: {reason}")]
    Header {
        /// The file.
        file: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// A malformed row could not be kept.
    #[error(
        "cannot write the malformed row at byte {position} of {file} to {dead_letters}: {cause}; \
         make room or name another file for dead letters, then resume"
    )]
    DeadLetter {
        /// The file the row comes from.
        file: String,
        /// Where the row begins.
        position: u64,
        /// Where it should have gone.
        dead_letters: String,
        /// What the operating system said.
        #[source]
        cause: io::Error,
    },
    /// A file of a watched folder lacks rows that have been read.
    #[error(
        "{file} has {length} bytes, and has been read up to byte {read}; files of a watched folder only grow: \
         put the whole file back, or take it away and give new rows a file of another name, then resume"
    )]
    Cut {
        /// The file.
        file: String,
        /// How far it has been read.
        read: u64,
        /// Its length now.
        length: u64,
    },
    /// A file of a watched folder does not begin as it did.
    #[error(
        "{file} begins otherwise than when its rows were read; in a watched folder each name is used once: \
         give the new file a name of its own (a log that is rotated: one with its date), then resume"
    )]
    Replaced {
        /// The file.
        file: String,
    },
    /// A compressed file of a watched folder has changed.
    #[error(
        "the compressed file {file} had {before} bytes when it was read, and has {length} now; \
         it is read once, whole: put it back and give new rows a file of their own, then resume"
    )]
    Recompressed {
        /// The file.
        file: String,
        /// Its length then.
        before: u64,
        /// Its length now.
        length: u64,
    },
    /// A compressed file of a watched folder is not whole.
    #[error(
        "the compressed file {file} ends in its middle: {cause}; write it under a name that begins with . or _, \
         rename it when it is whole, and resume"
    )]
    Torn {
        /// The file.
        file: String,
        /// What the decompression said.
        #[source]
        cause: io::Error,
    },
    /// A file of a watched folder has a name that no checkpoint can keep.
    #[error("{0}")]
    Name(Refusal),
    /// The thread could not be started.
    #[error("cannot start the thread that reads the files: {0}; raise the limit on threads")]
    Thread(#[source] io::Error),
    /// The parser or the timestamp function panicked.
    #[error("reading panicked: {0}; this is a bug in the row type, the parser or the timestamp")]
    Panicked(String),
    /// Polled again after an error.
    #[error("the reader has failed before; it must be made anew from its splits")]
    FailedBefore,
}

impl SourceError {
    /// What `cause` means for `file`: an error of ours that came through an I/O trait, or its own.
    pub(crate) fn from_io(file: &str, cause: io::Error) -> Self {
        cause.downcast().unwrap_or_else(|cause| Self::Read { file: file.to_owned(), cause })
    }

    pub(crate) fn shrunk(split: &FileSplit) -> Self {
        Self::Shrunk { file: split.file.clone(), end: split.end }
    }
}
