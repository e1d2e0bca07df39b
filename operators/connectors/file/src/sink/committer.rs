//! Publishing: pending files become parts with their checkpoint, and pending again when a restore goes
//! back behind it.
//!
//! Laws:
//! - a commit never overwrites; source gone and target there is *done*, so it can be done again;
//! - a recovery looks at everything before it changes anything, so a refusal leaves all as it was;
//! - every order of steps below can be cut off anywhere and done again with the same outcome;
//! - files whose names are not ours are never touched, nor is a folder inside that is another sink's.

use super::error::SinkError;
use super::name::{self, FileId};
use super::{bucket, disk};
use crate::limits::{BUCKET_DEPTH_MAX, LOCK_PATIENCE, LOCK_RETRY};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;
use tidegate_core::codec;
use tidegate_core::operator::BoxError;
use tidegate_core::sink::{Committer, RecoveryPoint, Refusal};
use tidegate_core::snapshot::{CheckpointId, Committable};

/// The meaning of a committable's payload.
#[derive(Serialize, Deserialize)]
struct Payload {
    bucket: String,
    file: FileId,
    /// Its length at the barrier.
    bytes: u64,
    /// Whether it was complete then; else what follows those bytes belongs to later epochs.
    sealed: bool,
}

/// The payload that has `file` published with its first `bytes`.
pub(crate) fn payload(bucket: &str, file: FileId, bytes: u64, sealed: bool) -> Vec<u8> {
    codec::to_cbor(&Payload { bucket: bucket.to_owned(), file, bytes, sealed })
}

/// A file that is to be published.
struct Target {
    bucket: String,
    file: FileId,
    bytes: u64,
    /// Longer than `bytes` is wrong, not to be cut off.
    sealed: bool,
    epoch: CheckpointId,
}

impl Target {
    fn of(committable: &Committable) -> Result<Self, SinkError> {
        let payload = codec::from_cbor(&committable.payload).map_err(SinkError::Committable)?;
        let Payload { bucket, file, bytes, sealed } = payload;
        bucket::check(&bucket)?;
        Ok(Self { bucket, file, bytes, sealed, epoch: committable.epoch })
    }

    /// Refuses to publish a file that is not what the checkpoint says it is.
    fn check(&self, folder: &Path, found: &[Found]) -> Result<(), Refusal> {
        let name = Path::new(&self.bucket).join(self.file.part(self.epoch));
        let (name, folder, bytes) = (name.display(), folder.display(), self.bytes);
        let refuse = |what: String| {
            Err(Refusal(format!(
                "{what}; restore the output folder {folder} as the checkpoint left it, \
                 or start anew with --fresh"
            )))
        };
        let [found] = found else {
            let pending = self.file.pending();
            return refuse(match found {
                [] => format!("the output {name} is gone, and so is {pending} that held its rows"),
                _ => format!("the output {name} is there twice, also as {pending}"),
            });
        };
        let published = found.epoch == Some(self.epoch);
        let length = found.bytes;
        if length < bytes || (length > bytes && (self.sealed || published)) {
            return refuse(format!(
                "the output {name} has {length} bytes, its checkpoint says {bytes}"
            ));
        }
        Ok(())
    }
}

/// A file of ours.
#[derive(Clone, Copy)]
struct Found {
    /// The epoch under which it is published.
    epoch: Option<CheckpointId>,
    bytes: u64,
}

/// Every file of ours, by bucket and id.
type Inventory = BTreeMap<(String, FileId), Vec<Found>>;

pub(crate) struct FileCommitter {
    folder: PathBuf,
    /// Held from the first recovery until the job has ended: two jobs would take each other's
    /// files for their own. Names the job whose output this is.
    lock: Mutex<Option<File>>,
}

/// The file that is locked, and says who owns the folder; its name is not one of ours, so it is never
/// taken for output.
pub(super) const LOCK: &str = ".tidegate-lock";

impl FileCommitter {
    pub(crate) const fn new(folder: PathBuf) -> Self {
        Self { folder, lock: Mutex::new(None) }
    }

    /// Makes the folder this process's own.
    fn lock(&self) -> Result<(), BoxError> {
        let mut held = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_some() {
            return Ok(());
        }
        if !self.is_there()? {
            disk::create_folder(&self.folder).map_err(no_permission)?;
        }
        let path = self.folder.join(LOCK);
        let failed = |cause| SinkError::disk("lock", &path, cause);
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(failed).map_err(no_permission)?;
        let patience = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if patience.elapsed() < LOCK_PATIENCE => {
                    thread::sleep(LOCK_RETRY);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(Box::new(Refusal(format!(
                        "the output folder {} is in use by a running job; choose another folder, \
                         or wait for that job to end",
                        self.folder.display()
                    ))));
                }
                Err(TryLockError::Error(cause)) => return Err(failed(cause).into()),
            }
        }
        *held = Some(file);
        Ok(())
    }

    /// Who owns the folder; nobody does when that is empty.
    fn owner(&self) -> Result<String, SinkError> {
        let path = self.folder.join(LOCK);
        match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
            read => read.map_err(|cause| SinkError::disk("read", &path, cause)),
        }
    }

    /// Says who owns the folder from now on. Cut off half way it says nobody or a beginning of the
    /// name, both of which the same owner may overwrite.
    fn set_owner(&self, owner: &str) -> Result<(), SinkError> {
        let path = self.folder.join(LOCK);
        let write = || {
            let mut file = File::options().write(true).truncate(true).open(&path)?;
            file.write_all(owner.as_bytes())?;
            file.sync_all()
        };
        write().map_err(|cause| SinkError::disk("write", &path, cause))
    }

    /// Refuses output that belongs to a job that is not `owner`.
    fn check_owner(&self, owner: &str, inventory: &Inventory) -> Result<(), BoxError> {
        let is = self.owner()?;
        if inventory.is_empty() || owner.starts_with(&is) {
            return Ok(());
        }
        Err(Box::new(Refusal(format!(
            "the output folder {} holds output of another job ({is}, this is {owner}); \
             choose another folder, or pass --fresh to remove that output",
            self.folder.display()
        ))))
    }

    /// Whether the folder exists; something else in its place is refused.
    fn is_there(&self) -> Result<bool, BoxError> {
        let is_folder = match fs::metadata(&self.folder) {
            Ok(metadata) => metadata.is_dir(),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) if error.kind() == ErrorKind::NotADirectory => false,
            Err(error) => return Err(SinkError::disk("look at", &self.folder, error).into()),
        };
        if is_folder {
            return Ok(true);
        }
        Err(Box::new(Refusal(format!(
            "the output {} is not a folder, or lies in something that is none; \
             choose another folder for the output",
            self.folder.display()
        ))))
    }

    fn pending(&self, bucket: &str, file: FileId) -> PathBuf {
        self.folder.join(bucket).join(file.pending())
    }

    fn part(&self, bucket: &str, file: FileId, epoch: CheckpointId) -> PathBuf {
        self.folder.join(bucket).join(file.part(epoch))
    }

    /// Publishes what is not published yet.
    fn publish(&self, target: &Target) -> Result<(), BoxError> {
        let pending = self.pending(&target.bucket, target.file);
        let part = self.part(&target.bucket, target.file, target.epoch);
        let (waiting, published) = (disk::length(&pending)?, disk::length(&part)?);
        let waiting_file = waiting.map(|bytes| Found { epoch: None, bytes });
        let published_file = published.map(|bytes| Found { epoch: Some(target.epoch), bytes });
        let found: Vec<_> = waiting_file.into_iter().chain(published_file).collect();
        target.check(&self.folder, &found)?;
        if published.is_none() {
            if waiting.is_some_and(|length| length > target.bytes) {
                disk::truncate(&pending, target.bytes)?;
            }
            disk::publish(&pending, &part)?;
        }
        Ok(())
    }

    fn publish_all(&self, targets: &[Target]) -> Result<(), BoxError> {
        targets.iter().try_for_each(|target| self.publish(target))?;
        // Also for what was there already: the crash may have come before this.
        self.sync(targets.iter().map(|target| target.bucket.as_str()))
    }

    fn sync<'a>(&self, buckets: impl Iterator<Item = &'a str>) -> Result<(), BoxError> {
        let folders: BTreeSet<_> = buckets.map(|bucket| self.folder.join(bucket)).collect();
        folders.iter().try_for_each(|folder| Ok(disk::sync_folder(folder)?))
    }

    fn inventory(&self) -> Result<Inventory, BoxError> {
        let mut inventory = Inventory::new();
        if self.is_there()? {
            self.look_into("", BUCKET_DEPTH_MAX, &mut inventory)?;
        }
        Ok(inventory)
    }

    fn look_into(
        &self,
        bucket: &str,
        depth: usize,
        inventory: &mut Inventory,
    ) -> Result<(), SinkError> {
        let folder = if bucket.is_empty() { self.folder.clone() } else { self.folder.join(bucket) };
        let failed = |cause| SinkError::disk("list", &folder, cause);
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            // A name that is not UTF-8 is not ours.
            let Ok(name) = entry.file_name().into_string() else { continue };
            if kind.is_dir() && depth > 0 && !name.starts_with('.') {
                // Another sink of the job may write into a folder of ours; its files look like ours.
                if !entry.path().join(LOCK).exists() {
                    let below = if bucket.is_empty() { name } else { format!("{bucket}/{name}") };
                    self.look_into(&below, depth - 1, inventory)?;
                }
            } else if kind.is_file()
                && let Some((file, epoch)) = name::parse(&name)
            {
                let bytes = entry.metadata().map_err(failed)?.len();
                let found = inventory.entry((bucket.to_owned(), file)).or_default();
                found.push(Found { epoch, bytes });
            }
        }
        Ok(())
    }

    /// Renames every part back that was published after `checkpoint`.
    fn unpublish(
        &self,
        inventory: &Inventory,
        checkpoint: Option<CheckpointId>,
    ) -> Result<(), BoxError> {
        let mut touched = BTreeSet::new();
        for ((bucket, file), found) in inventory {
            for epoch in found.iter().filter_map(|found| found.epoch) {
                if is_after(epoch, checkpoint) {
                    let part = self.part(bucket, *file, epoch);
                    disk::unpublish(&part, &self.pending(bucket, *file))?;
                    touched.insert(bucket.as_str());
                }
            }
        }
        self.sync(touched.into_iter())
    }

    fn delete_pending(&self) -> Result<(), BoxError> {
        let inventory = self.inventory()?;
        let is_left = |found: &[Found]| found.iter().any(|found| found.epoch.is_none());
        let left = inventory.iter().filter(|(_, found)| is_left(found));
        let left: Vec<_> = left.map(|((bucket, file), _)| (bucket.as_str(), *file)).collect();
        for (bucket, file) in &left {
            disk::delete(&self.pending(bucket, *file))?;
        }
        self.sync(left.iter().map(|(bucket, _)| *bucket))
    }

    /// Refuses what [`Self::recover`] could not bring to `point`.
    fn check(
        &self,
        inventory: &Inventory,
        targets: &[Target],
        checkpoint: Option<CheckpointId>,
    ) -> Result<(), Refusal> {
        for target in targets {
            let found = inventory.get(&(target.bucket.clone(), target.file));
            let mut found = found.cloned().unwrap_or_default();
            // What is published under another epoch that stays is another cut of the same file.
            found.retain(|found| {
                let stays = |epoch| epoch == target.epoch || is_after(epoch, checkpoint);
                found.epoch.is_none_or(stays)
            });
            target.check(&self.folder, &found)?;
        }
        let twice = inventory.iter().find(|(_, found)| found.len() > 1);
        twice.map_or(Ok(()), |((bucket, file), _)| {
            Err(Refusal(format!(
                "the output {} is there twice; remove the copies that were made of it",
                self.pending(bucket, *file).display()
            )))
        })
    }
}

/// A folder that may not be written to is for the user to decide about: it is no better at the next attempt.
fn no_permission(error: SinkError) -> BoxError {
    let SinkError::Disk { cause, .. } = &error else { return error.into() };
    match cause.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Refusal(error.to_string()).into()
        }
        _ => error.into(),
    }
}

/// Whether a part of `epoch` is not part of what a restore to `checkpoint` finds.
fn is_after(epoch: CheckpointId, checkpoint: Option<CheckpointId>) -> bool {
    checkpoint.is_none_or(|checkpoint| epoch > checkpoint)
}

impl Committer for FileCommitter {
    fn commit(&self, committables: &[Committable]) -> Result<(), BoxError> {
        let targets: Result<Vec<_>, _> = committables.iter().map(Target::of).collect();
        self.publish_all(&targets?)
    }

    fn recover(&self, point: RecoveryPoint<'_>) -> Result<(), BoxError> {
        if !point.fresh {
            self.lock()?;
        }
        let inventory = self.inventory()?;
        if point.fresh && !inventory.is_empty() {
            return Err(Box::new(Refusal(format!(
                "the output folder {} holds output of another job, or of a run whose state is gone \
                 (only with --state-dir it is kept); choose an empty folder, or pass --fresh to remove that \
                 output",
                self.folder.display()
            ))));
        }
        let published = inventory.values().flatten().any(|found| found.epoch.is_some());
        if point.checkpoint.is_none() && published {
            return Err(Box::new(Refusal(format!(
                "the output folder {} holds published rows, and there is no checkpoint that they \
                 could belong to; choose an empty folder, or pass --fresh to remove that output",
                self.folder.display()
            ))));
        }
        let targets: Result<Vec<_>, _> = point.committables.iter().map(Target::of).collect();
        let targets = targets?;
        if !point.fresh {
            self.check_owner(point.owner, &inventory)?;
        }
        self.check(&inventory, &targets, point.checkpoint)?;
        if !point.fresh {
            self.set_owner(point.owner)?;
        }
        self.unpublish(&inventory, point.checkpoint)?;
        self.publish_all(&targets)?;
        self.delete_pending()
    }

    fn discard(&self) -> Result<(), BoxError> {
        if !self.is_there()? {
            return Ok(());
        }
        self.lock()?;
        let inventory = self.inventory()?;
        for ((bucket, file), found) in &inventory {
            for found in found {
                let path = match found.epoch {
                    Some(epoch) => self.part(bucket, *file, epoch),
                    None => self.pending(bucket, *file),
                };
                disk::delete(&path)?;
            }
        }
        self.set_owner("")?;
        self.sync(inventory.keys().map(|(bucket, _)| bucket.as_str()))
    }
}
