//! Files that are compressed, told by their names: `.gz` and `.zst`.
//!
//! A position in such a file counts the bytes that come out of it. There is no way to them but through all
//! that lie before, so the file is one range, and a resumed reader decompresses up to its position once more.

use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use zstd::stream::read::Decoder;

/// The end of a compressed file, of which nobody knows where it is before it has been read.
pub(crate) const UNKNOWN_END: u64 = u64::MAX;

/// How the bytes of a file were compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstandard,
}

impl Compression {
    pub(crate) fn of(file: &str) -> Self {
        match Path::new(file).extension().and_then(|extension| extension.to_str()) {
            Some("gz") => Self::Gzip,
            Some("zst") => Self::Zstandard,
            _ => Self::None,
        }
    }

    pub(crate) fn is_some(self) -> bool {
        self != Self::None
    }
}

/// Reads `file` from `position` on.
pub(crate) fn open(file: &str, position: u64) -> io::Result<Box<dyn Read + Send>> {
    let mut raw = File::open(file)?;
    let mut bytes: Box<dyn Read + Send> = match Compression::of(file) {
        Compression::None => {
            raw.seek(SeekFrom::Start(position))?;
            return Ok(Box::new(raw));
        }
        Compression::Gzip => Box::new(MultiGzDecoder::new(BufReader::new(raw))),
        Compression::Zstandard => Box::new(Decoder::new(raw)?),
    };
    io::copy(&mut bytes.by_ref().take(position), &mut io::sink())?;
    Ok(bytes)
}
