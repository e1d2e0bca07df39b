//! Every step the sink takes on the disk, each between two crash points.
//!
//! Apart so that nothing durable happens anywhere else: what is tested at each of these points is
//! tested everywhere.

use super::error::SinkError;
use crate::crash::reach;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

struct Step {
    before: &'static str,
    after: &'static str,
    action: &'static str,
}

impl Step {
    fn take<T>(&self, path: &Path, act: impl FnOnce() -> io::Result<T>) -> Result<T, SinkError> {
        reach(self.before);
        let done = act().map_err(|cause| SinkError::disk(self.action, path, cause))?;
        reach(self.after);
        Ok(done)
    }
}

/// Makes a pending file; its name is new, so one that is there is somebody else's.
pub(crate) fn create(path: &Path) -> Result<File, SinkError> {
    reach("file-sink.before-create");
    let made = OpenOptions::new().create_new(true).append(true).open(path);
    let file = made.map_err(|cause| SinkError::create(path, cause))?;
    reach("file-sink.after-create");
    Ok(file)
}

/// Appends to a pending file.
pub(crate) fn write(file: &mut File, path: &Path, bytes: &[u8]) -> Result<(), SinkError> {
    const WRITE: Step = Step {
        before: "file-sink.before-write",
        after: "file-sink.after-write",
        action: "write to",
    };
    WRITE.take(path, || file.write_all(bytes))
}

/// Makes what was written to a file durable.
pub(crate) fn sync(file: &File, path: &Path) -> Result<(), SinkError> {
    const FSYNC: Step =
        Step { before: "file-sink.before-fsync", after: "file-sink.after-fsync", action: "fsync" };
    FSYNC.take(path, || file.sync_all())
}

/// Makes a folder and those above it, durably.
pub(crate) fn create_folder(folder: &Path) -> Result<(), SinkError> {
    const CREATE: Step = Step {
        before: "file-sink.before-folder-create",
        after: "file-sink.after-folder-create",
        action: "create the folder",
    };
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
    let above = above.unwrap_or(Path::new("."));
    create_folder(above)?;
    CREATE.take(folder, || match fs::create_dir(folder) {
        // Another subtask was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        made => made,
    })?;
    sync_folder(above)
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), SinkError> {
    const FSYNC: Step = Step {
        before: "file-sink.before-folder-fsync",
        after: "file-sink.after-folder-fsync",
        action: "fsync the folder",
    };
    FSYNC.take(folder, || File::open(folder)?.sync_all())
}

/// Cuts a pending file down to what a checkpoint knows of it, durably.
pub(crate) fn truncate(path: &Path, bytes: u64) -> Result<(), SinkError> {
    const TRUNCATE: Step = Step {
        before: "file-sink.before-truncate",
        after: "file-sink.after-truncate",
        action: "truncate",
    };
    TRUNCATE.take(path, || {
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(bytes)?;
        file.sync_all()
    })
}

/// Publishes a pending file. The caller has seen that `part` is not there.
pub(crate) fn publish(pending: &Path, part: &Path) -> Result<(), SinkError> {
    const RENAME: Step = Step {
        before: "file-sink.before-rename",
        after: "file-sink.after-rename",
        action: "publish",
    };
    RENAME.take(pending, || fs::rename(pending, part))
}

/// Takes a published file back. The caller has seen that `pending` is not there.
pub(crate) fn unpublish(part: &Path, pending: &Path) -> Result<(), SinkError> {
    const UNPUBLISH: Step = Step {
        before: "file-sink.before-unpublish",
        after: "file-sink.after-unpublish",
        action: "take back",
    };
    UNPUBLISH.take(part, || fs::rename(part, pending))
}

/// Removes a file.
pub(crate) fn delete(path: &Path) -> Result<(), SinkError> {
    const DELETE: Step = Step {
        before: "file-sink.before-delete",
        after: "file-sink.after-delete",
        action: "delete",
    };
    DELETE.take(path, || fs::remove_file(path))
}

/// The length of a file, if it is there.
pub(crate) fn length(path: &Path) -> Result<Option<u64>, SinkError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(SinkError::disk("look at", path, cause)),
    }
}
