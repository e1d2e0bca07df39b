//! Dies at every crash point in turn, in a process of its own, and looks at what is left: each
//! checkpoint that was acknowledged is there and whole, or a newer one; the log has no problems; and
//! a sweep leaves exactly what the log names.

use crate::fixtures::{Folder, NOW, job, open, put_checkpoint};
use crate::{
    CheckpointStorage, ManifestLog, ObjectStorage, Restore, Retention, SledOptions, SledStorage,
    newest_whole, points,
};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use tidegate_core::key::KeyGroupRange;
use tidegate_core::snapshot::CheckpointId;

const RETAINED: usize = 2;
const CHECKPOINTS: u64 = 9;
const KIND: &str = "TIDEGATE_TEST_STORAGE";
const FOLDER: &str = "TIDEGATE_TEST_FOLDER";

fn storage(kind: &str, folder: &Path) -> Arc<dyn CheckpointStorage> {
    let options = SledOptions { cache_bytes: 8 << 20, ..SledOptions::default() };
    match kind {
        "sled" => Arc::new(SledStorage::open(folder, options).expect("sled opens")),
        _ => Arc::new(ObjectStorage::folder(folder).expect("the folder opens")),
    }
}

/// Large enough for several chunks, or for a file; different for each checkpoint.
fn payload(id: CheckpointId) -> Vec<u8> {
    id.to_le_bytes().repeat(if id.is_multiple_of(4) { 20_000 } else { 70_000 })
}

/// One run of a small job: some checkpoints, one of them aborted, garbage collected after each.
fn run(storage: &Arc<dyn CheckpointStorage>, acknowledged: &dyn Fn(CheckpointId)) -> ManifestLog {
    let mut log = open(storage);
    let number = log.next_run();
    let start = log.claim(number, &job(), NOW).expect("nobody else is here");
    let mut retention = Retention::new(Arc::clone(storage), RETAINED);
    retention.sweep(&mut log, &|_| false).expect("sweep");
    for id in start + 1..=start + CHECKPOINTS {
        let manifest = put_checkpoint(&**storage, id, number, &payload(id));
        if id == start + 3 {
            retention.abandon(id, manifest.blobs().map(|blob| blob.name.clone()));
            continue;
        }
        storage.flush().expect("flush");
        log.append(manifest).expect("append");
        acknowledged(id);
        retention.collect(&mut log, &|_| false).expect("collect");
    }
    storage.flush().expect("flush");
    log
}

/// What a run that died left behind is a log to go on from.
fn check(kind: &str, folder: &Path, acknowledged: CheckpointId, case: &str) {
    let storage = storage(kind, folder);
    let log = open(&storage);
    let found = newest_whole(&log, &*storage).expect("readable");
    assert_eq!(found.skipped, [], "{case}: every checkpoint is whole");
    let newest = found.manifest.as_ref().map_or(0, |manifest| manifest.id);
    assert!(newest >= acknowledged, "{case}: {acknowledged} was acknowledged, {newest} is there");
    if let Some(manifest) = found.manifest {
        let restore = Restore::open(&*storage, manifest).expect("whole");
        let states = restore.keyed(&*storage, "op", 0, 1).expect("whole");
        let mut values = Vec::new();
        for delta in states["count"].iter().flatten() {
            let visit = |_, entry: tidegate_core::state::delta::Entry<'_>| {
                values.push(entry.value.map(<[u8]>::to_vec));
                Ok(())
            };
            delta.for_each(KeyGroupRange::ALL, visit).expect("whole");
        }
        assert!(values == [Some(payload(newest))], "{case}: the state of checkpoint {newest}");
    }
    let log = run(&storage, &|_| ());
    let named: BTreeSet<String> =
        log.manifests().iter().flat_map(|m| m.blobs()).map(|blob| blob.name.clone()).collect();
    let kept: BTreeSet<String> = storage.blobs().expect("list").into_iter().collect();
    assert_eq!(kept, named, "{case}: nothing is left over and nothing is missing");
    assert_eq!(storage.remove_unfinished().expect("sweep"), 0, "{case}: no pieces");
    assert_eq!(log.checkpoints().count(), RETAINED, "{case}");
}

/// The process that dies.
fn child(kind: &str) {
    let folder = std::env::var_os(FOLDER).expect("the parent names the folder");
    run(&storage(kind, Path::new(&folder)), &|id| println!("acknowledged {id}"));
}

#[test]
fn dying_at_any_point_loses_no_acknowledged_checkpoint_and_leaves_no_garbage() {
    if let Ok(kind) = std::env::var(KIND) {
        return child(&kind);
    }
    let name =
        "crash_matrix::dying_at_any_point_loses_no_acknowledged_checkpoint_and_leaves_no_garbage";
    for kind in ["sled", "object"] {
        for point in
            points::ALL.iter().filter(|point| kind == "sled" || !point.starts_with("sled."))
        {
            for passing in [1, 4] {
                let case = format!("{kind} at {point}:{passing}");
                let folder = Folder::new();
                let died = Command::new(std::env::current_exe().expect("a test binary"))
                    .args(["--exact", name, "--nocapture", "--test-threads=1"])
                    .env(KIND, kind)
                    .env(FOLDER, folder.path())
                    .env(points::VARIABLE, format!("{point}:{passing}"))
                    .output()
                    .expect("the test binary starts");
                let said = String::from_utf8_lossy(&died.stdout);
                assert!(!died.status.success() && !said.contains("panicked"), "{case}: {said}");
                let acknowledged = said
                    .lines()
                    .filter_map(|line| line.split_once("acknowledged ")?.1.parse().ok())
                    .max();
                check(kind, folder.path(), acknowledged.unwrap_or(0), &case);
            }
        }
    }
}
