//! The state folder: one job's checkpoints, its lock, and a mark that says whose it is.
//!
//! Nothing in it is touched before it is certain that the folder is ours and nobody else uses it.

use crate::settings::CheckpointStorageChoice;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tidegate_core::codec::FORMAT_VERSION;
use tidegate_core::operator::BoxError;
use tidegate_core::sink::Refusal;
use tidegate_state::upload::describe;
use tidegate_state::{
    CheckpointStorage, ManifestLog, MemoryStorage, ObjectStorage, SledOptions, SledStorage,
    StorageError,
};

pub(crate) const MARK: &str = "tidegate.json";
/// The mark while it is written: a crash may leave it.
pub(crate) const NEW_MARK: &str = "tidegate.json.new";
pub(crate) const LOCK: &str = "lock";
pub(crate) const CHECKPOINTS: &str = "checkpoints";

/// What the mark says.
#[derive(Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) format: u16,
    pub(crate) job: String,
}

/// An open and locked state folder.
pub(crate) struct StateFolder {
    path: PathBuf,
    job: String,
    temporary: bool,
    /// Held until the folder is closed or the process ends.
    _lock: File,
}

impl StateFolder {
    /// Opens `path` for `job`, or makes a temporary folder. With `fresh`, state of another format
    /// version will do, as it is forgotten.
    ///
    /// # Errors
    /// [`Refusal`] when the folder is not this job's to use; nothing was changed then.
    pub(crate) fn open(path: Option<&Path>, job: &str, fresh: bool) -> Result<Self, BoxError> {
        let temporary = path.is_none();
        let path = match path {
            Some(path) => path.to_owned(),
            None => temporary_path(),
        };
        let known = read(&path, job, fresh)?;
        fs::create_dir_all(&path).map_err(|error| cannot("be made", &path, &error))?;
        let lock = lock(&path)?;
        if !known || fresh {
            mark(&path, job)?;
        }
        Ok(Self { path, job: job.to_owned(), temporary, _lock: lock })
    }

    /// The storage that was asked for. With `fresh`, what a job left in it is forgotten.
    ///
    /// # Errors
    /// [`Refusal`] when another process uses it; other errors when it cannot be opened.
    pub(crate) fn storage(
        &self,
        choice: &CheckpointStorageChoice,
        fresh: bool,
    ) -> Result<Arc<dyn CheckpointStorage>, BoxError> {
        let outside = matches!(choice, CheckpointStorageChoice::Folder(_));
        if fresh && !outside {
            self.forget()?;
        }
        let storage: Result<Arc<dyn CheckpointStorage>, StorageError> = match choice {
            CheckpointStorageChoice::Memory => Ok(Arc::new(MemoryStorage::new())),
            CheckpointStorageChoice::Sled => {
                SledStorage::open(self.path.join(CHECKPOINTS), SledOptions::default())
                    .map(|storage| Arc::new(storage) as _)
            }
            CheckpointStorageChoice::Folder(path) => {
                ObjectStorage::folder(path).map(|storage| Arc::new(storage) as _)
            }
        };
        let storage = storage.map_err(|error| Refusal(describe(&error)))?;
        if fresh && outside {
            self.forget_outside(&storage)?;
            self.forget()?;
        }
        Ok(storage)
    }

    /// Where it is.
    #[cfg(test)]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the checkpoints in the folder.
    fn forget(&self) -> Result<(), BoxError> {
        match fs::remove_dir_all(self.path.join(CHECKPOINTS)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(cannot("be emptied", &self.path, &error))
            }
            _ => Ok(()),
        }
    }

    /// Removes the checkpoints in storage elsewhere, if they are this job's.
    fn forget_outside(&self, storage: &Arc<dyn CheckpointStorage>) -> Result<(), BoxError> {
        let (log, _) = ManifestLog::open(Arc::clone(storage)).map_err(|e| describe(&e))?;
        if let Some(last) = log.manifests().last().filter(|last| last.job.name != self.job) {
            return Err(Refusal(format!(
                "{} holds job `{}`, this is job `{}`; choose another --checkpoint-storage",
                storage.describe(),
                last.job.name,
                self.job
            ))
            .into());
        }
        let forget = || -> Result<(), StorageError> {
            for id in storage.manifests()? {
                storage.delete_manifest(id)?;
            }
            storage.flush()
        };
        Ok(forget().map_err(|error| describe(&error))?)
    }
}

impl Drop for StateFolder {
    /// Removes a temporary folder.
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "temporary state is left behind");
        }
    }
}

/// Reads the mark; says whether the folder is known to be this job's.
fn read(path: &Path, job: &str, fresh: bool) -> Result<bool, BoxError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(cannot("be read", path, &error)),
    };
    let mut marked = false;
    for entry in entries {
        let name = entry.map_err(|error| cannot("be read", path, &error))?.file_name();
        match name.to_str() {
            Some(MARK) => marked = true,
            Some(LOCK | CHECKPOINTS | NEW_MARK) => {}
            _ => {
                return Err(refuse(
                    path,
                    &format!(
                        "holds `{}`, which is no part of a job's state; choose an empty folder \
                         or one that a job has made",
                        name.to_string_lossy()
                    ),
                ));
            }
        }
    }
    if !marked {
        return Ok(false);
    }
    let file = path.join(MARK);
    let bytes = fs::read(&file).map_err(|error| cannot("be read", &file, &error))?;
    let mark: Mark = serde_json::from_slice(&bytes)
        .map_err(|error| refuse(&file, &format!("is no mark of a state folder ({error})")))?;
    if mark.format != FORMAT_VERSION && !fresh {
        return Err(refuse(
            path,
            &format!(
                "is in format version {}, this build reads version {FORMAT_VERSION}; run it with the \
                 release that wrote it, or pass --fresh to start over",
                mark.format
            ),
        ));
    }
    if mark.job != job {
        return Err(refuse(
            path,
            &format!(
                "belongs to job `{}`, this is job `{job}`; choose another --state-dir",
                mark.job
            ),
        ));
    }
    Ok(true)
}

/// Marks the folder as the job's; a crash leaves the whole mark or none.
fn mark(path: &Path, job: &str) -> Result<(), BoxError> {
    let mark = serde_json::to_vec_pretty(&Mark { format: FORMAT_VERSION, job: job.to_owned() })?;
    let write = || {
        let mut file = File::create(path.join(NEW_MARK))?;
        file.write_all(&mark)?;
        file.sync_all()?;
        fs::rename(path.join(NEW_MARK), path.join(MARK))?;
        File::open(path)?.sync_all()
    };
    write().map_err(|error| cannot("be written", path, &error))
}

fn lock(path: &Path) -> Result<File, BoxError> {
    let file = path.join(LOCK);
    let lock = File::options().create(true).truncate(false).write(true).open(&file);
    let lock = lock.map_err(|error| cannot("be locked", path, &error))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(fs::TryLockError::WouldBlock) => Err(refuse(
            path,
            "is in use by a running job; wait for it to end, or choose another --state-dir",
        )),
        Err(fs::TryLockError::Error(error)) => Err(cannot("be locked", path, &error)),
    }
}

fn temporary_path() -> PathBuf {
    let nanos = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    std::env::temp_dir().join(format!("tidegate-{}-{nanos}", std::process::id()))
}

fn refuse(path: &Path, what: &str) -> BoxError {
    Refusal(format!("state folder {} {what}", path.display())).into()
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> BoxError {
    Refusal(format!("state folder {} cannot {what}: {error}", path.display())).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(result: Result<StateFolder, BoxError>) -> String {
        result.err().map_or_else(|| "opened".to_owned(), |error| error.to_string())
    }

    #[test]
    fn a_folder_is_opened_by_its_own_job_only_and_by_one_process_only() {
        let path = temporary_path();
        let open = |job| StateFolder::open(Some(&path), job, false);
        let first = open("a").expect("a new folder");
        assert!(refusal(open("a")).contains("in use by a running job"));
        drop(first);
        drop(open("a").expect("the same job"));
        assert!(refusal(open("b")).contains("belongs to job `a`"));
        fs::write(path.join("notes.txt"), "mine").expect("writable");
        assert!(refusal(open("a")).contains("holds `notes.txt`"));
        assert_eq!(fs::read(path.join("notes.txt")).expect("untouched"), b"mine");
        fs::remove_file(path.join("notes.txt")).expect("removable");
        fs::write(path.join(MARK), r#"{"format":99,"job":"a"}"#).expect("writable");
        assert!(refusal(open("a")).contains("format version 99"));
        drop(StateFolder::open(Some(&path), "a", true).expect("fresh"));
        drop(open("a").expect("marked anew"));
        fs::write(path.join(NEW_MARK), "{").expect("writable");
        drop(open("a").expect("a crash while marking does no harm"));
        fs::remove_dir_all(&path).expect("removable");
    }
}
