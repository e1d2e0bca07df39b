//! What is fuzzed of checkpoints: manifests, snapshots and keyed states as they lie in storage. As [`targets`](crate::targets),
//! with less to build; the tests of the workspace run it in `framework/core/tests/rubbish.rs`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tidegate_core::codec::{self, FrameKind};
use tidegate_core::key::{KeyGroup, KeyGroupRange};
use tidegate_core::snapshot::{Manifest, SubtaskSnapshot};
use tidegate_core::state::KeyedState;
use tidegate_core::state::delta::{Delta, Entry, Merged};
use tidegate_core::state::handles::ValueState;
use tidegate_core::state::map::MapState;
use tidegate_core::state::namespaced::NamespacedState;

/// A value whose names stand in the head of its delta.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    count: u64,
    names: Vec<String>,
    within: Option<Box<Self>>,
}

/// A frame, and the body of one: damage is told. What is read comes back when it is written, and takes no more memory
/// than its bytes explain.
///
/// # Panics
/// When that is not so.
pub(crate) fn frame(bytes: &[u8]) {
    let kinds = [FrameKind::KeyedState, FrameKind::Subtask, FrameKind::Manifest];
    let sealed = kinds.map(|kind| codec::seal(kind, bytes));
    for frame in sealed.iter().map(Vec::as_slice).chain([bytes]) {
        if let Ok(manifest) = Manifest::from_frame(frame) {
            assert_eq!(Manifest::from_frame(&manifest.to_frame()), Ok(manifest.clone()));
            assert!(manifest.blobs().count() <= bytes.len());
        }
        if let Ok(snapshot) = SubtaskSnapshot::from_frame(frame) {
            assert_eq!(SubtaskSnapshot::from_frame(&snapshot.to_frame()), Ok(snapshot));
        }
        let delta = Delta::from_frame(frame);
        assert_eq!(Delta::from_owned_frame(frame.to_vec()), delta);
        if let Ok(delta) = delta {
            keyed(&delta, bytes.len());
        }
    }
}

fn keyed(delta: &Delta, most: usize) {
    assert_eq!(Delta::from_frame(&delta.to_frame()).as_ref(), Ok(delta));
    assert!(delta.estimate(KeyGroupRange::ALL) <= most, "{} entries", delta.entries);
    let mut seen = 0;
    let whole = delta.for_each(KeyGroupRange::ALL, |_, _| {
        seen += 1;
        Ok(())
    });
    assert!(seen <= most, "{seen} entries in {most} bytes");
    let merged = Delta::merge(std::slice::from_ref(delta));
    assert_eq!(whole.is_ok(), merged.is_ok());
    if let Ok(merged) = merged {
        let again = [delta.clone(), merged.clone()];
        let mut alive = 0;
        let read = Merged::of(&again).and_then(|both| both.for_each(|_, _| alive += 1));
        read.expect("both are whole");
        assert_eq!(alive, merged.entries);
    }
    let _ = ValueState::<u64, String>::default().restore(delta, KeyGroupRange::ALL);
    let _ = ValueState::<u64, Kept>::default().restore(delta, KeyGroupRange::ALL);
    let _ = MapState::<String, u64, Vec<u8>>::default().restore(delta, KeyGroupRange::ALL);
    let _ = NamespacedState::<i64, u64, (i64, bool)>::default().restore(delta, KeyGroupRange::ALL);
}

/// Bodies of frames of each kind.
pub(crate) fn bodies() -> Vec<Vec<u8>> {
    let entry = |namespace, key, value| Entry { namespace, key, value };
    let delta = Delta::of(true, |into| {
        into.push(KeyGroup(3), entry(b"", b"\x07", Some(b"\x61x")));
        into.push(KeyGroup(9), entry(b"\x01", b"\x18\x20", Some(b"\x82\x01\xf5")));
        into.push(KeyGroup(2), entry(b"", b"\x07", None));
    });
    let kept = Kept { count: 7, names: vec!["x".into()], within: None };
    let kept = Kept { within: Some(Box::new(kept.clone())), ..kept };
    let packed = Delta::of(true, |into| into.put(KeyGroup(5), b"", &8, Some(&kept)));
    let dropping = Delta::of(false, |into| into.drop_namespace(b"\x01".to_vec()));
    let mut snapshot = SubtaskSnapshot::default();
    snapshot.operators.insert("count".into(), Default::default());
    let states = [delta, packed, dropping].map(|delta| delta.to_frame());
    let frames = states.into_iter().chain([snapshot.to_frame(), manifest().to_frame()]);
    frames.map(|frame| frame[codec::FRAME_HEAD_BYTES..].to_vec()).collect()
}

fn manifest() -> Manifest {
    use tidegate_core::key::MaxParallelism;
    use tidegate_core::snapshot::{
        BlobRef, Committable, JobIdentity, KeyedPart, ManifestKind, StoredDelta, SubtaskPart,
    };
    use tidegate_core::time::Timestamp;
    let blob = BlobRef { name: "run-1/state-1".into(), bytes: 300 };
    let keyed = KeyedPart {
        operator: "count".into(),
        state: "counts".into(),
        chain: vec![StoredDelta { blob: blob.clone(), entries: 7 }],
    };
    let committable = Committable { sink: "out".into(), epoch: 3, rows: 2, payload: vec![1, 2] };
    let edges = BTreeMap::from([("clicks>count".to_owned(), 7)]);
    let part = SubtaskPart {
        vertex: "count".into(),
        index: 0,
        snapshot: blob,
        keyed: vec![keyed],
        committables: vec![committable.clone()],
        unsealed: Vec::new(),
        sent: edges.clone(),
        received: edges,
        written: BTreeMap::new(),
    };
    let job = JobIdentity {
        name: "clicks".into(),
        instance: "1".into(),
        max_parallelism: MaxParallelism::DEFAULT,
        operators: BTreeMap::from([("count".into(), "process".into())]),
        inputs: BTreeMap::new(),
        meanings: BTreeMap::new(),
    };
    Manifest {
        id: 3,
        predecessor: Some(2),
        run: 1,
        kind: ManifestKind::Checkpoint,
        job,
        written_at: Timestamp(1_795_786_200_000),
        parts: vec![part],
        committables: vec![committable],
        committed_rows: BTreeMap::new(),
        passed_over: vec![1],
    }
}
