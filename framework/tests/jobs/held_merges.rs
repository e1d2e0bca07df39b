//! A checkpoint is complete before anything is merged for it: here a storage that holds merges back would hold it up.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::task::Waker;
use std::time::Duration;
use tidegate::core::config::JobConfig;
use tidegate::core::key::MaxParallelism;
use tidegate::core::master::JobEnd;
use tidegate::core::plan::Plan;
use tidegate::core::sink::SubtaskIdentity;
use tidegate::core::snapshot::{BlobRef, CheckpointId};
use tidegate::core::source::{Source, SourceFactory, SourceOutput, SourceStatus};
use tidegate::prelude::*;
use tidegate::runtime::{Execution, Stats, execute};
use tidegate::state::storage::BlobWriter;
use tidegate::state::{CheckpointStorage, MemoryStorage, StorageError};
use tokio::sync::mpsc;

/// Keys that are visited once.
const KEYS: u64 = 6_000;
/// Keys that are visited again and again: few enough between two checkpoints for a merge rather than a full capture.
const VISITED: u64 = KEYS / 6;
/// Until when something must have happened that takes a moment.
const DEADLINE: Duration = Duration::from_secs(60);

/// Visits without end.
struct Visits {
    next: u64,
}

impl Source for Visits {
    type Out = u64;
    type Split = u64;

    fn poll(
        &mut self,
        out: &mut SourceOutput<u64>,
        budget: usize,
        _: &Waker,
    ) -> Result<SourceStatus, BoxError> {
        for _ in 0..budget {
            let key = if self.next < KEYS { self.next } else { self.next % VISITED };
            out.emit(0, key, Timestamp::MIN);
            self.next += 1;
        }
        Ok(SourceStatus::Ready)
    }

    fn splits(&self) -> Vec<u64> {
        vec![self.next]
    }
}

struct FromFirst;

impl SourceFactory for FromFirst {
    type Out = u64;
    type Split = u64;
    type Source = Visits;

    fn kind(&self) -> &'static str {
        "visits"
    }

    fn enumerate(&self, _: u32) -> Result<Vec<u64>, BoxError> {
        Ok(vec![0])
    }

    fn create(&self, _: &SubtaskIdentity, splits: Vec<u64>) -> Result<Visits, BoxError> {
        Ok(Visits { next: splits[0] })
    }
}

/// Counts the visits of every key.
#[derive(Default)]
struct CountVisits {
    visits: ValueState<u64, u64>,
}

impl KeyedProcess for CountVisits {
    type Key = u64;
    type In = u64;
    type Out = u64;

    fn process(
        &mut self,
        key: Keyed<'_, u64>,
        _: u64,
        _: &mut KeyedContext<'_, u64, u64>,
    ) -> Result<(), BoxError> {
        *self.visits.get_or_insert_with(key, || 0) += 1;
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("visits", &mut self.visits);
    }
}

/// What is known of merges.
#[derive(Default)]
struct Merges {
    /// The checkpoint after which the first one was begun.
    begun: Option<CheckpointId>,
    let_go: bool,
}

/// A storage that takes no merged blob until merges are let go.
#[derive(Default)]
struct HeldMerges {
    storage: MemoryStorage,
    merges: Mutex<Merges>,
    changed: Condvar,
}

impl HeldMerges {
    fn merges(&self) -> MutexGuard<'_, Merges> {
        self.merges.lock().expect("nobody panics within")
    }

    /// Holds up whoever writes the blob `name`, if that is a merged one.
    fn hold(&self, name: &str) {
        if !name.ends_with("-merged") {
            return;
        }
        let checkpoint = name.split('-').nth(2).and_then(|number| number.parse().ok());
        let mut merges = self.merges();
        merges.begun = merges.begun.or(checkpoint);
        self.changed.notify_all();
        let held = self.changed.wait_while(merges, |merges| !merges.let_go);
        drop(held.expect("nobody panics within"));
    }

    /// The checkpoint after which a merge was begun, which is held.
    fn begun(&self) -> CheckpointId {
        let none = |merges: &mut Merges| merges.begun.is_none();
        let waited = self.changed.wait_timeout_while(self.merges(), DEADLINE, none);
        waited.expect("nobody panics within").0.begun.expect("a merge has begun")
    }

    /// Whether the checkpoint is complete, or becomes so before the deadline.
    fn is_complete(&self, checkpoint: CheckpointId) -> bool {
        let lacks = |_: &mut Merges| !self.manifests().expect("memory").contains(&checkpoint);
        let waited = self.changed.wait_timeout_while(self.merges(), DEADLINE, lacks);
        !waited.expect("nobody panics within").1.timed_out()
    }

    fn let_go(&self) {
        self.merges().let_go = true;
        self.changed.notify_all();
    }
}

impl CheckpointStorage for HeldMerges {
    fn put_blob(&self, name: &str, bytes: &[u8]) -> Result<BlobRef, StorageError> {
        self.hold(name);
        self.storage.put_blob(name, bytes)
    }

    fn begin_blob(
        &self,
        name: &str,
        head_bytes: usize,
    ) -> Result<Box<dyn BlobWriter + '_>, StorageError> {
        self.hold(name);
        self.storage.begin_blob(name, head_bytes)
    }

    fn get_blob(&self, blob: &BlobRef) -> Result<Vec<u8>, StorageError> {
        self.storage.get_blob(blob)
    }

    fn flush(&self) -> Result<(), StorageError> {
        self.storage.flush()
    }

    fn create_manifest(&self, id: CheckpointId, frame: &[u8]) -> Result<(), StorageError> {
        // Whoever waits looks again when this is let go, behind the manifest.
        let _held = self.merges();
        self.changed.notify_all();
        self.storage.create_manifest(id, frame)
    }

    fn manifests(&self) -> Result<Vec<CheckpointId>, StorageError> {
        self.storage.manifests()
    }

    fn get_manifest(&self, id: CheckpointId) -> Result<Vec<u8>, StorageError> {
        self.storage.get_manifest(id)
    }

    fn delete_manifest(&self, id: CheckpointId) -> Result<(), StorageError> {
        self.storage.delete_manifest(id)
    }

    fn blobs(&self) -> Result<Vec<String>, StorageError> {
        self.storage.blobs()
    }

    fn delete_blob(&self, name: &str) -> Result<(), StorageError> {
        self.storage.delete_blob(name)
    }

    fn remove_unfinished(&self) -> Result<u64, StorageError> {
        self.storage.remove_unfinished()
    }

    fn bytes_on_disk(&self) -> Result<u64, StorageError> {
        self.storage.bytes_on_disk()
    }

    fn describe(&self) -> String {
        "memory that holds merges back".into()
    }
}

fn visits() -> Plan {
    let job = Job::new("visits");
    let visits = job.source("visits", FromFirst, WatermarkStrategy::none());
    let counts = visits.key_by(|key| *key).process(CountVisits::default);
    counts.uid("counts").sink("end", Discard::new());
    let graph = job.into_graph().expect("sound");
    Plan::new(graph, 1, MaxParallelism::DEFAULT).expect("it can be planned")
}

#[test]
fn a_checkpoint_is_complete_while_the_merge_after_it_is_held() {
    let storage = Arc::new(HeldMerges::default());
    let (stop, stopped) = mpsc::unbounded_channel();
    let mut config = JobConfig::default();
    config.checkpoint.interval_ms = 10;
    let execution = Execution {
        plan: visits(),
        config,
        storage: Arc::<HeldMerges>::clone(&storage),
        incremental: true,
        slots: 1,
        fault: None,
        stats: Stats::default(),
        rate: None,
        stop: stopped,
    };
    let job = std::thread::spawn(move || execute(execution).map_err(|error| error.to_string()));
    let checkpoint = storage.begun();
    let was_complete = storage.is_complete(checkpoint);
    storage.let_go();
    stop.send(()).expect("the job listens");
    let report = job.join().expect("no panic").expect("it runs");
    assert!(matches!(report.end, JobEnd::Stopped), "{:?}", report.end);
    assert!(was_complete, "checkpoint {checkpoint} waits for the merge after it");
}
