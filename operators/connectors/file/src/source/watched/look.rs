//! One look at a folder: which files are in it, and how long they are.
//!
//! Apart from reading because a look is over before the first file is read: what is longer by then waits for the next.

use crate::source::error::SourceError;
use crate::source::input::{is_visible, text};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What a file looks like from outside. One that looks the same as before is not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Looks {
    /// In bytes.
    pub(super) length: u64,
    /// Where the file system knows it.
    pub(super) modified: Option<SystemTime>,
}

/// The visible files of the folder, by their names; sub-folders are not entered.
pub(super) fn look(folder: &Path) -> Result<BTreeMap<String, Looks>, SourceError> {
    let unreadable = |path: &Path, cause| SourceError::Read { file: shown(path), cause };
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(|cause| unreadable(folder, cause))? {
        let entry = entry.map_err(|cause| unreadable(folder, cause))?;
        if !is_visible(&entry.file_name()) {
            continue;
        }
        let path = entry.path();
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            // It has gone in the meantime.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => continue,
            Err(cause) => return Err(unreadable(&path, cause)),
        };
        if metadata.is_file() {
            let name = text(&PathBuf::from(entry.file_name())).map_err(SourceError::Name)?;
            let looks = Looks { length: metadata.len(), modified: metadata.modified().ok() };
            files.insert(name, looks);
        }
    }
    Ok(files)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
