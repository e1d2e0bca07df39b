//! A copy of a sled folder at rest, for who only looks: sled cannot open a folder without its lock and without writing.
//!
//! Apart from opening, which owns what it opens. What lies on the disk at one instant is what a killed process leaves
//! there, and sled opens that. So the files are copied while nobody writes to them: their lengths and times are the
//! same before and after, and the last change was a while ago, because file times are only so fine. No lock is taken.
//! A copy that is torn all the same would be found by sled's checksums and the walk that follows.

use crate::storage::StorageError;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};
use std::{fs, io, thread};

/// Large objects are not copied: each is written once, and read where it is.
const LARGE: &str = "large";

/// A temporary folder; it goes when this is dropped.
#[derive(Debug)]
pub(super) struct Copied(PathBuf);

/// Length and time of each file, by its path.
type Stamps = BTreeMap<PathBuf, (u64, SystemTime)>;

impl Copied {
    /// A copy of the database in `folder`, to which nobody has written for `at_rest`; that is waited for with `patience`.
    pub(super) fn of(
        folder: &Path,
        place: &str,
        at_rest: Duration,
        patience: Duration,
    ) -> Result<Self, StorageError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let to = std::env::temp_dir().join(format!("tidegate-look-{}-{}", name.0, name.1));
        let uncopied = |error: &io::Error| StorageError::Uncopied {
            place: place.to_owned(),
            to: to.display().to_string(),
            why: error.to_string(),
        };
        make_private(&to).map_err(|error| uncopied(&error))?;
        let copied = Self(to.clone());
        let start = Instant::now();
        loop {
            match attempt(folder, &to, at_rest) {
                Ok(true) => return Ok(copied),
                Ok(false) => {}
                // A file has gone between two looks: somebody writes.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(uncopied(&error)),
            }
            if start.elapsed() >= patience {
                return Err(StorageError::Busy { place: place.to_owned() });
            }
            thread::sleep(at_rest);
        }
    }

    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        &self.0
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        // Threads of sled may let go of the database a little later, and write a last file.
        let gone = |_: &u32| !self.0.exists() || fs::remove_dir_all(&self.0).is_ok();
        if (0..3).find(gone).is_none() {
            tracing::warn!(path = %self.0.display(), "a copy that was looked into stays behind");
        }
    }
}

/// What is looked into is nobody else's business.
fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Copies everything, unless somebody writes meanwhile.
fn attempt(from: &Path, to: &Path, at_rest: Duration) -> io::Result<bool> {
    let before = stamps(from)?;
    let last = before.values().map(|(_, written)| *written).max();
    // A time to come is a clock that was set back, and says nothing.
    if last.and_then(|last| last.elapsed().ok()).is_some_and(|since| since < at_rest) {
        return Ok(false);
    }
    fs::remove_dir_all(to)?;
    make_private(to)?;
    for path in before.keys() {
        let target = to.join(path);
        if let Some(above) = target.parent() {
            fs::create_dir_all(above)?;
        }
        fs::copy(from.join(path), target)?;
    }
    Ok(stamps(from)? == before)
}

fn stamps(folder: &Path) -> io::Result<Stamps> {
    let mut stamps = Stamps::new();
    let mut below = vec![PathBuf::new()];
    while let Some(part) = below.pop() {
        for entry in fs::read_dir(folder.join(&part))? {
            let entry = entry?;
            let (path, data) = (part.join(entry.file_name()), entry.metadata()?);
            if data.is_file() {
                stamps.insert(path, (data.len(), data.modified()?));
            } else if data.is_dir() && path != Path::new(LARGE) {
                below.push(path);
            }
        }
    }
    Ok(stamps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::Folder;

    #[test]
    fn what_is_written_to_is_not_copied_and_it_is_said_what_to_do() {
        let folder = Folder::new();
        fs::create_dir(folder.path().join("blobs")).expect("writable");
        fs::write(folder.path().join("blobs/1"), "new").expect("writable");
        let copy = |at_rest| Copied::of(folder.path(), "the place", at_rest, Duration::ZERO);
        let busy = copy(Duration::from_secs(3600)).expect_err("it is not at rest").to_string();
        assert!(busy.starts_with("a running job writes to the place all the time"), "{busy}");
        assert!(busy.contains("stop the job") && busy.contains("--checkpoint-storage"), "{busy}");
        let copied = copy(Duration::ZERO).expect("nobody writes");
        assert_eq!(fs::read(copied.folder().join("blobs/1")).expect("copied"), b"new");
        let kept_at = copied.folder().to_owned();
        drop(copied);
        assert!(!kept_at.exists());
    }
}
