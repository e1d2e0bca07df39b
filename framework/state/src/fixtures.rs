//! What the tests of this crate share: folders that vanish, and checkpoints small enough to read.

use crate::manifest_log::ManifestLog;
use crate::storage::CheckpointStorage;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tidegate_core::key::{KeyGroup, MaxParallelism};
use tidegate_core::snapshot::{
    BlobRef, CheckpointId, JobIdentity, KeyedPart, Manifest, ManifestKind, SubtaskPart,
    SubtaskSnapshot,
};
use tidegate_core::state::delta::{Delta, DeltaBuilder, Entry};
use tidegate_core::time::Timestamp;

/// A folder of its own for one test, removed at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tidegate-state-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("the temporary folder is writable");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that stays behind in the system's temporary place is no failure of the test.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);

pub(crate) fn job() -> JobIdentity {
    JobIdentity {
        name: "test".into(),
        max_parallelism: MaxParallelism::DEFAULT,
        operators: BTreeMap::new(),
        inputs: BTreeMap::new(),
    }
}

/// A checkpoint manifest without parts.
pub(crate) fn checkpoint(id: CheckpointId, run: u64) -> Manifest {
    Manifest {
        id,
        predecessor: None,
        run,
        kind: ManifestKind::Checkpoint,
        job: job(),
        written_at: NOW,
        parts: Vec::new(),
        committables: Vec::new(),
        committed_rows: BTreeMap::new(),
    }
}

/// A part with an empty snapshot blob and these chains of keyed state `count` of operator `op`.
pub(crate) fn part(index: u32, snapshot: BlobRef, chain: Vec<BlobRef>) -> SubtaskPart {
    SubtaskPart {
        vertex: "op".into(),
        index,
        snapshot,
        keyed: vec![KeyedPart { operator: "op".into(), state: "count".into(), chain }],
        committables: Vec::new(),
        unsealed: Vec::new(),
        sent: BTreeMap::new(),
        received: BTreeMap::new(),
        written: BTreeMap::new(),
    }
}

/// Puts the two blobs of a one-subtask checkpoint and returns its manifest, not yet appended.
pub(crate) fn put_checkpoint(
    storage: &dyn CheckpointStorage,
    id: CheckpointId,
    run: u64,
    payload: &[u8],
) -> Manifest {
    let snapshot = SubtaskSnapshot::default().to_frame();
    let snapshot = storage.put_blob(&format!("r{run}-c{id}-snapshot"), &snapshot).expect("put");
    let state = delta(true, &[(1, b"payload", Some(payload))]).to_frame();
    let state = storage.put_blob(&format!("r{run}-c{id}-state"), &state).expect("put");
    Manifest { parts: vec![part(0, snapshot, vec![state])], ..checkpoint(id, run) }
}

/// Key group, key, and value or deletion.
pub(crate) type Row<'a> = (u16, &'a [u8], Option<&'a [u8]>);

/// A base or delta of these rows.
pub(crate) fn delta(full: bool, rows: &[Row<'_>]) -> Delta {
    let mut builder = DeltaBuilder::new(full);
    for &(group, key, value) in rows {
        builder.push(KeyGroup(group), Entry { namespace: b"", key, value });
    }
    builder.finish()
}

pub(crate) fn open(storage: &Arc<dyn CheckpointStorage>) -> ManifestLog {
    let (log, problems) = ManifestLog::open(Arc::clone(storage)).expect("readable");
    assert_eq!(problems, [], "an undamaged log has no problems");
    log
}
