//! What is kept, what goes, and when nothing may go.

use super::*;
use crate::MemoryStorage;
use crate::fixtures::{Answer, Faulty, NOW, checkpoint, job, open, put_checkpoint};

const NONE: &dyn Fn(&str) -> bool = &|_| false;

struct Fixture {
    memory: MemoryStorage,
    storage: Arc<dyn CheckpointStorage>,
    log: ManifestLog,
    retention: Retention,
}

impl Fixture {
    fn new() -> Self {
        Self::over(MemoryStorage::new(), 1)
    }

    fn over(memory: MemoryStorage, run: u64) -> Self {
        let storage: Arc<dyn CheckpointStorage> = Arc::new(memory.clone());
        let (mut log, _) = ManifestLog::open(Arc::clone(&storage)).expect("readable");
        log.claim(run, &job(), NOW).expect("free");
        let retention = Retention::new(Arc::clone(&storage), 2);
        Self { memory, storage, log, retention }
    }

    fn checkpoint(&mut self, id: CheckpointId) {
        let manifest = put_checkpoint(&*self.storage, id, self.log.latest_run(), b"state");
        self.log.append(manifest).expect("append");
    }

    fn collect(&mut self, protected: &dyn Fn(&str) -> bool) -> Swept {
        self.retention.collect(&mut self.log, protected).expect("memory does not fail")
    }

    fn blobs(&self) -> Vec<String> {
        self.memory.blobs().expect("memory does not fail")
    }
}

#[test]
fn the_newest_checkpoints_stay_and_older_ones_go_manifest_and_blobs() {
    let mut it = Fixture::new();
    for id in 2..=5 {
        it.checkpoint(id);
        it.collect(NONE);
    }
    assert_eq!(it.memory.manifests().expect("list"), [4, 5]);
    assert_eq!(it.blobs(), ["r1-c4-snapshot", "r1-c4-state", "r1-c5-snapshot", "r1-c5-state"]);
    assert_eq!(open(&it.storage).checkpoints().count(), 2, "what is left is a log");
}

#[test]
fn a_blob_that_a_newer_checkpoint_shares_outlives_the_one_that_brought_it() {
    let mut it = Fixture::new();
    it.checkpoint(2);
    let shared = it.log.manifests()[1].parts.clone();
    for id in 3..=5 {
        it.log.append(Manifest { parts: shared.clone(), ..checkpoint(id, 1) }).expect("append");
        it.collect(NONE);
    }
    assert_eq!(it.blobs(), ["r1-c2-snapshot", "r1-c2-state"]);
    it.checkpoint(6);
    it.checkpoint(7);
    it.collect(NONE);
    assert!(!it.blobs().contains(&"r1-c2-state".to_owned()), "nothing shares it any more");
}

#[test]
fn what_is_protected_waits_for_a_later_pass() {
    let mut it = Fixture::new();
    (2..=4).for_each(|id| it.checkpoint(id));
    assert_eq!(it.collect(&|name| name == "r1-c2-state").blobs, 1);
    assert!(it.blobs().contains(&"r1-c2-state".to_owned()));
    assert_eq!(it.collect(NONE).blobs, 1);
}

#[test]
fn what_an_aborted_checkpoint_left_goes_only_when_a_later_one_does_without_it() {
    let mut it = Fixture::new();
    it.checkpoint(2);
    let aborted = put_checkpoint(&*it.storage, 3, 1, b"aborted");
    let names: Vec<String> = aborted.blobs().map(|blob| blob.name.clone()).collect();
    it.retention.abandon(3, names);
    it.collect(NONE);
    assert!(it.blobs().contains(&"r1-c3-state".to_owned()), "the next may build on it");
    // The next checkpoint takes over the keyed delta of the aborted one, not its snapshot.
    let mut next = put_checkpoint(&*it.storage, 4, 1, b"next");
    next.parts[0].keyed[0].chain.insert(0, aborted.parts[0].keyed[0].chain[0].clone());
    it.log.append(next).expect("append");
    it.collect(NONE);
    let blobs = it.blobs();
    assert!(blobs.contains(&"r1-c3-state".to_owned()), "named after all");
    assert!(!blobs.contains(&"r1-c3-snapshot".to_owned()), "named by nobody");
}

#[test]
fn a_sweep_collects_what_a_crashed_run_left() {
    let mut crashed = Fixture::new();
    crashed.checkpoint(2);
    put_checkpoint(&*crashed.storage, 3, 1, b"never completed");
    let mut it = Fixture::over(crashed.memory.clone(), 2);
    let swept = it.retention.sweep(&mut it.log, NONE).expect("memory does not fail");
    assert_eq!((swept.blobs, swept.held), (2, None));
    assert_eq!(it.blobs(), ["r1-c2-snapshot", "r1-c2-state"]);
}

#[test]
fn a_sweep_deletes_the_manifests_of_superseded_runs() {
    let mut it = Fixture::new();
    it.checkpoint(2);
    let mut it = Fixture::over(it.memory.clone(), 2);
    let stray = put_checkpoint(&*it.storage, 9, 1, b"zombie");
    it.memory.create_manifest(9, &stray.to_frame()).expect("free");
    let (log, problems) = ManifestLog::open(Arc::clone(&it.storage)).expect("readable");
    assert_eq!(problems.len(), 1);
    it.log = log;
    let swept = it.retention.sweep(&mut it.log, NONE).expect("memory does not fail");
    assert_eq!((swept.manifests, swept.blobs), (1, 2));
    open(&it.storage);
}

#[test]
fn nothing_is_deleted_while_a_manifest_cannot_be_read() {
    let mut it = Fixture::new();
    (2..=4).for_each(|id| it.checkpoint(id));
    it.memory.create_manifest(5, b"torn").expect("free");
    let mut it = Fixture::over(it.memory.clone(), 9);
    let before = (it.memory.manifests().expect("list"), it.blobs());
    let swept = it.retention.sweep(&mut it.log, NONE).expect("memory does not fail");
    assert!(swept.held.is_some_and(|why| why.contains("manifest 5")));
    assert!(it.collect(NONE).held.is_some());
    assert_eq!((it.memory.manifests().expect("list"), it.blobs()), before);
}

/// A log with checkpoints 2 to 4 over a storage that can misbehave.
fn over_faulty() -> (Arc<Faulty>, ManifestLog, Retention) {
    let faulty = Arc::new(Faulty::default());
    let storage: Arc<dyn CheckpointStorage> = Arc::clone(&faulty) as _;
    let mut log = open(&storage);
    log.claim(1, &job(), NOW).expect("free");
    for id in 2..=4 {
        log.append(put_checkpoint(&*storage, id, 1, b"state")).expect("append");
    }
    (faulty, log, Retention::new(storage, 2))
}

#[test]
fn manifests_are_gone_for_good_before_their_blobs_go() {
    let (faulty, mut log, mut retention) = over_faulty();
    faulty.journal();
    retention.collect(&mut log, NONE).expect("no fault yet");
    let expected = ["delete manifest", "delete manifest", "flush", "delete blob", "delete blob"];
    assert_eq!(faulty.journal(), expected);
}

#[test]
fn nothing_is_deleted_while_an_append_waits_to_be_settled() {
    let (faulty, mut log, mut retention) = over_faulty();
    faulty.answer(vec![Answer::NotWrittenButUnknown]);
    log.append(checkpoint(5, 1)).expect_err("the answer is lost");
    faulty.journal();
    assert!(retention.collect(&mut log, NONE).expect("no fault").held.is_some());
    assert_eq!(faulty.journal(), [""; 0]);
    log.settle(NOW).expect("answered");
    assert_eq!(retention.collect(&mut log, NONE).expect("no fault").blobs, 2);
}
