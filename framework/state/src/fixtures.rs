//! What the tests of this crate share: folders that vanish, checkpoints small enough to read, and a
//! storage that misbehaves when told to.

use crate::MemoryStorage;
use crate::manifest_log::ManifestLog;
use crate::storage::{CheckpointStorage, StorageError};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tidegate_core::key::{KeyGroup, MaxParallelism};
use tidegate_core::snapshot::{
    BlobRef, CheckpointId, JobIdentity, KeyedPart, Manifest, ManifestKind, StoredDelta,
    SubtaskPart, SubtaskSnapshot,
};
use tidegate_core::state::delta::{Delta, Entry};
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
        instance: String::new(),
        max_parallelism: MaxParallelism::DEFAULT,
        operators: BTreeMap::new(),
        inputs: BTreeMap::new(),
        meanings: BTreeMap::new(),
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
        passed_over: Vec::new(),
    }
}

/// A part with an empty snapshot blob and these chains of keyed state `count` of operator `op`.
pub(crate) fn part(index: u32, snapshot: BlobRef, chain: Vec<BlobRef>) -> SubtaskPart {
    SubtaskPart {
        vertex: "op".into(),
        index,
        snapshot,
        keyed: vec![KeyedPart {
            operator: "op".into(),
            state: "count".into(),
            chain: chain.into_iter().map(|blob| StoredDelta { blob, entries: 1 }).collect(),
        }],
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

/// The checksum of a frame, bit by bit, to seal one of another format version.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    let shift = |crc: u32, _| (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg());
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), shift))
}

/// Key group, key, and value or deletion.
pub(crate) type Row<'a> = (u16, &'a [u8], Option<&'a [u8]>);

/// A base or delta of these rows.
pub(crate) fn delta(full: bool, rows: &[Row<'_>]) -> Delta {
    Delta::of(full, |into| {
        for &(group, key, value) in rows {
            into.push(KeyGroup(group), Entry { namespace: b"", key, value });
        }
    })
}

pub(crate) fn open(storage: &Arc<dyn CheckpointStorage>) -> ManifestLog {
    let (log, problems) = ManifestLog::open(Arc::clone(storage)).expect("readable");
    assert_eq!(problems, [], "an undamaged log has no problems");
    log
}

/// What a [`Faulty`] storage makes of one attempt to create a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Honest,
    WrittenButUnknown,
    NotWrittenButUnknown,
    /// The answer was lost, and the client underneath has tried again.
    WrittenTwice,
}

/// Memory that loses answers, goes silent, and notes the order of deletions and flushes.
#[derive(Default)]
pub(crate) struct Faulty {
    memory: MemoryStorage,
    answers: Mutex<Vec<Answer>>,
    silent: AtomicBool,
    journal: Mutex<Vec<&'static str>>,
}

impl Faulty {
    /// The answers to the next creations of a manifest, last one first.
    pub(crate) fn answer(&self, answers: Vec<Answer>) {
        *self.answers.lock().expect("no panic") = answers;
    }

    pub(crate) fn fail_reads(&self, silent: bool) {
        self.silent.store(silent, Ordering::Relaxed);
    }

    pub(crate) fn journal(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.journal.lock().expect("no panic"))
    }

    fn note(&self, what: &'static str) {
        self.journal.lock().expect("no panic").push(what);
    }

    fn heard(&self) -> Result<(), StorageError> {
        if self.silent.load(Ordering::Relaxed) {
            return Err(StorageError::Read { doing: "answer".into(), source: "silent".into() });
        }
        Ok(())
    }
}

impl CheckpointStorage for Faulty {
    fn put_blob(&self, name: &str, bytes: &[u8]) -> Result<BlobRef, StorageError> {
        self.memory.put_blob(name, bytes)
    }
    fn get_blob(&self, blob: &BlobRef) -> Result<Vec<u8>, StorageError> {
        self.heard()?;
        self.memory.get_blob(blob)
    }
    fn flush(&self) -> Result<(), StorageError> {
        self.note("flush");
        self.memory.flush()
    }
    fn create_manifest(&self, id: CheckpointId, frame: &[u8]) -> Result<(), StorageError> {
        let answer = self.answers.lock().expect("no panic").pop().unwrap_or(Answer::Honest);
        if answer != Answer::NotWrittenButUnknown {
            self.memory.create_manifest(id, frame)?;
        }
        match answer {
            Answer::Honest => Ok(()),
            Answer::WrittenTwice => Err(StorageError::ManifestExists(id)),
            _ => Err(StorageError::Unknown { doing: "answer".into(), source: "lost".into() }),
        }
    }
    fn manifests(&self) -> Result<Vec<CheckpointId>, StorageError> {
        self.heard()?;
        self.memory.manifests()
    }
    fn get_manifest(&self, id: CheckpointId) -> Result<Vec<u8>, StorageError> {
        self.heard()?;
        self.memory.get_manifest(id)
    }
    fn delete_manifest(&self, id: CheckpointId) -> Result<(), StorageError> {
        self.note("delete manifest");
        self.memory.delete_manifest(id)
    }
    fn blobs(&self) -> Result<Vec<String>, StorageError> {
        self.memory.blobs()
    }
    fn delete_blob(&self, name: &str) -> Result<(), StorageError> {
        self.note("delete blob");
        self.memory.delete_blob(name)
    }
    fn remove_unfinished(&self) -> Result<u64, StorageError> {
        self.memory.remove_unfinished()
    }
    fn bytes_on_disk(&self) -> Result<u64, StorageError> {
        self.memory.bytes_on_disk()
    }
    fn describe(&self) -> String {
        self.memory.describe()
    }
}
