//! Opens a sled folder with the caution it needs: patience for its lock, a walk through all of it, and
//! torn snapshots out of the way.
//!
//! Apart because it happens once, before there is a storage.

use crate::folder;
use crate::limits::{
    SLED_FLUSH_EVERY_MS, SLED_LOCK_PATIENCE, SLED_LOCK_RETRY, SLED_WALK_BYTES_PER_SECOND,
};
use sled::{Db, IVec, Tree};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Sled has no error of its own for a held lock, only these words in an `Io` error.
pub(super) fn is_lock(message: &str) -> bool {
    message.contains("could not acquire lock")
}

/// What walking through the database may take on top of opening it.
pub(super) fn walk_time(folder: &Path) -> Duration {
    let bytes = std::fs::metadata(folder.join("db")).map_or(0, |db| db.len());
    Duration::from_secs(bytes / SLED_WALK_BYTES_PER_SECOND)
}

/// Opens the database and visits every page of it: a broken one is met here, not in the middle of a job.
///
/// Forwards a walk goes from leaf to leaf, backwards it asks the index for each leaf. Where the two were
/// written at different times, only one of them may lead to what has been lost.
pub(super) fn open_whole(folder: &Path, cache_bytes: u64) -> sled::Result<(Db, [Tree; 4])> {
    let (db, trees) = open_patiently(folder, cache_bytes)?;
    for tree in &trees {
        walk(tree.iter().keys(), |last, key| last < key)?;
        walk(tree.iter().keys().rev(), |last, key| last > key)?;
    }
    Ok((db, trees))
}

fn walk(
    keys: impl Iterator<Item = sled::Result<IVec>>,
    in_order: impl Fn(&IVec, &IVec) -> bool,
) -> sled::Result<()> {
    let mut last: Option<IVec> = None;
    for key in keys {
        let key = key?;
        if last.is_some_and(|last| !in_order(&last, &key)) {
            return Err(sled::Error::ReportableBug("its keys are out of order".into()));
        }
        last = Some(key);
    }
    Ok(())
}

fn open_patiently(folder: &Path, cache_bytes: u64) -> sled::Result<(Db, [Tree; 4])> {
    let folder = folder::create(folder)?;
    let config = sled::Config::new()
        .path(&folder)
        .cache_capacity(cache_bytes)
        .flush_every_ms(Some(SLED_FLUSH_EVERY_MS));
    let patience = Instant::now();
    let db = loop {
        match config.open() {
            Err(error)
                if is_lock(&error.to_string()) && patience.elapsed() < SLED_LOCK_PATIENCE =>
            {
                thread::sleep(SLED_LOCK_RETRY);
            }
            // Sled had the lock when it found this, so the snapshot is nobody's who lives.
            Err(sled::Error::Corruption { .. }) if remove_torn_snapshots(&folder)? => {}
            answer => break answer?,
        }
    };
    // Sled syncs its files, not their names.
    folder::sync(&folder)?;
    let tree = |name: &str| db.open_tree(name);
    let trees = [
        tree("blob-heads")?,
        tree("blob-chunks")?,
        tree("manifest-heads")?,
        tree("manifest-chunks")?,
    ];
    Ok((db, trees))
}

/// Removes what a killed process left of a snapshot of sled's own, and says whether there was any.
/// Sled takes such a file for its newest snapshot and, when it is torn, refuses to open; the log from
/// which the snapshot was made is whole.
fn remove_torn_snapshots(folder: &Path) -> std::io::Result<bool> {
    let mut removed = false;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            std::fs::remove_file(entry.path())?;
            removed = true;
        }
    }
    Ok(removed)
}
