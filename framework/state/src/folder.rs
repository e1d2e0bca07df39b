//! Folders that are still there after a power cut.
//!
//! Apart because both local storages need it: a file is synced by who writes it, but its name lies in
//! the folder, and the folder's in the one above.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Creates `folder` and what is missing above it, durably; returns its absolute path.
pub(crate) fn create(folder: &Path) -> io::Result<PathBuf> {
    let folder = std::path::absolute(folder)?;
    let missing = folder.ancestors().take_while(|above| !above.exists()).count();
    fs::create_dir_all(&folder)?;
    folder.ancestors().take(missing + 1).try_for_each(sync)?;
    Ok(folder)
}

/// Makes the names in `folder` durable. A no-op where the system cannot sync a folder.
pub(crate) fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { fs::File::open(folder)?.sync_all() } else { Ok(()) }
}
