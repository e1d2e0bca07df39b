//! The chain against a model: whatever fails, overlaps or is merged, a checkpoint that can be named
//! restores the state as it was at its capture.

use super::*;
use crate::MemoryStorage;
use crate::fixtures::{Row, delta};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use tidegate_core::key::KeyGroupRange;

type State = BTreeMap<u8, u8>;

#[derive(Clone, Copy, Debug)]
enum Act {
    Put(u8, u8),
    Remove(u8),
    Capture,
    /// The outcome of the oldest upload but `n`.
    Uploaded(usize),
    Failed(usize),
    BeginMerge,
    EndMerge,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        6 => (0..12u8, any::<u8>()).prop_map(|(key, value)| Act::Put(key, value)),
        2 => (0..12u8).prop_map(Act::Remove),
        5 => Just(Act::Capture),
        5 => (0..3usize).prop_map(Act::Uploaded),
        1 => (0..3usize).prop_map(Act::Failed),
        2 => Just(Act::BeginMerge),
        2 => Just(Act::EndMerge),
    ];
    prop::collection::vec(act, 0..80)
}

/// A keyed state with its dirty keys, and the uploads and the merge that are under way.
#[derive(Default)]
struct Subtask {
    storage: MemoryStorage,
    chain: Chain,
    state: State,
    dirty: BTreeSet<u8>,
    uploads: Vec<(Capture, Vec<u8>)>,
    merge: Option<(Compaction, BlobRef)>,
    captured: Vec<(Capture, State)>,
    names: u32,
}

impl Subtask {
    fn name(&mut self) -> String {
        self.names += 1;
        format!("blob-{}", self.names)
    }

    fn put(&mut self, frame: &[u8]) -> BlobRef {
        let name = self.name();
        self.storage.put_blob(&name, frame).expect("memory keeps all")
    }

    fn capture(&mut self) {
        let capture = self.chain.next_capture();
        let dirty = std::mem::take(&mut self.dirty);
        let keys: Vec<u8> = if capture.full {
            self.state.keys().copied().collect()
        } else {
            dirty.into_iter().collect()
        };
        let values: Vec<([u8; 1], Option<[u8; 1]>)> =
            keys.iter().map(|key| ([*key], self.state.get(key).map(|value| [*value]))).collect();
        let entries: Vec<Row<'_>> = values
            .iter()
            .map(|(key, value)| (u16::from(key[0] % 4), &key[..], value.as_ref().map(|v| &v[..])))
            .collect();
        self.uploads.push((capture, delta(capture.full, &entries).to_frame()));
        self.captured.push((capture, self.state.clone()));
    }

    fn step(&mut self, act: Act) {
        match act {
            Act::Put(key, value) => {
                self.state.insert(key, value);
                self.dirty.insert(key);
            }
            Act::Remove(key) => {
                self.state.remove(&key);
                self.dirty.insert(key);
            }
            Act::Capture => self.capture(),
            Act::Uploaded(n) if n < self.uploads.len() => {
                let (capture, frame) = self.uploads.remove(n);
                let blob = self.put(&frame);
                self.chain.uploaded(capture, blob);
            }
            Act::Failed(n) if n < self.uploads.len() => {
                let (capture, _) = self.uploads.remove(n);
                self.chain.failed(capture);
                assert_eq!(self.chain.parts(capture), None, "a lost capture cannot be named");
            }
            Act::BeginMerge if self.merge.is_none() => {
                if let Some(merge) = self.chain.compaction() {
                    let name = self.name();
                    let base = compact(&self.storage, &merge, &name).expect("whole parts");
                    self.merge = Some((merge, base));
                }
            }
            Act::EndMerge => {
                if let Some((merge, base)) = self.merge.take() {
                    self.chain.compacted(&merge, base);
                }
            }
            Act::Uploaded(_) | Act::Failed(_) | Act::BeginMerge => {}
        }
    }

    fn restore(&self, parts: &[BlobRef]) -> State {
        let read =
            |blob| Delta::from_frame(&self.storage.get_blob(blob).expect("kept")).expect("whole");
        let chain: Vec<Delta> = parts.iter().map(read).collect();
        assert!(chain[0].full && chain[1..].iter().all(|delta| !delta.full), "one base, in front");
        let mut state = State::new();
        let merged = Delta::merge(&chain).expect("whole");
        merged
            .for_each(KeyGroupRange::ALL, |_, entry| {
                state.insert(entry.key[0], entry.value.expect("merged")[0]);
                Ok(())
            })
            .expect("whole");
        state
    }

    fn check(&self) {
        for (capture, state) in &self.captured {
            if let Some(parts) = self.chain.parts(*capture) {
                assert_eq!(self.restore(&parts), *state, "capture {capture:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn whatever_can_be_named_restores_the_state_at_its_capture(acts in acts()) {
        let mut subtask = Subtask::default();
        for act in acts {
            subtask.step(act);
            subtask.check();
        }
        // However torn it is: one capture whose uploads all succeed makes it whole again.
        subtask.capture();
        while !subtask.uploads.is_empty() {
            subtask.step(Act::Uploaded(0));
        }
        let (last, state) = subtask.captured.last().cloned().expect("just captured");
        let parts = subtask.chain.parts(last).expect("everything is stored");
        prop_assert_eq!(subtask.restore(&parts), state);
    }
}

proptest! {
    #[test]
    fn a_chain_stays_within_twice_its_base_and_one_delta(sizes in prop::collection::vec(1..200u64, 1..60)) {
        let mut chain = Chain::default();
        for (number, size) in sizes.into_iter().enumerate() {
            let capture = chain.next_capture();
            chain.uploaded(capture, blob(&format!("{number}"), if capture.full { 300 } else { size }));
            let parts = chain.parts(capture).expect("stored");
            let bytes: u64 = parts.iter().map(|part| part.bytes).sum();
            let last = if capture.full { 0 } else { size };
            prop_assert!(bytes - last <= 600, "{:?}", parts);
        }
    }
}

fn blob(name: &str, bytes: u64) -> BlobRef {
    BlobRef { name: name.into(), bytes }
}

#[test]
fn a_chain_begins_full_and_begins_anew_when_its_deltas_outweigh_the_base() {
    let mut chain = Chain::default();
    let base = chain.next_capture();
    assert!(base.full);
    chain.uploaded(base, blob("base", 100));
    for name in ["one", "two"] {
        let capture = chain.next_capture();
        assert!(!capture.full, "{name} fits");
        chain.uploaded(capture, blob(name, 51));
    }
    assert!(chain.next_capture().full, "102 bytes of deltas on a base of 100");
}

#[test]
fn an_aborted_checkpoint_leaves_its_delta_in_the_next() {
    let mut chain = Chain::default();
    let base = chain.next_capture();
    chain.uploaded(base, blob("base", 100));
    let aborted = chain.next_capture();
    chain.uploaded(aborted, blob("aborted", 1));
    let next = chain.next_capture();
    assert_eq!(chain.parts(next), None, "still being uploaded");
    chain.uploaded(next, blob("next", 1));
    let expected =
        ["base", "aborted", "next"].map(|name| blob(name, if name == "base" { 100 } else { 1 }));
    assert_eq!(chain.parts(next).as_deref(), Some(&expected[..]));
}

#[test]
fn a_lost_delta_takes_those_behind_it_along_and_makes_the_next_capture_full() {
    let mut chain = Chain::restored(vec![blob("base", 100)]);
    let (lost, behind) = (chain.next_capture(), chain.next_capture());
    assert!(chain.uploaded(behind, blob("behind", 1)));
    assert_eq!(chain.failed(lost), [blob("behind", 1)], "garbage");
    assert_eq!(chain.parts(behind), None);
    let full = chain.next_capture();
    assert!(full.full && !chain.next_capture().full, "one full capture heals it");
}

#[test]
fn a_merge_replaces_what_it_read_and_yields_to_a_newer_base() {
    let mut chain = Chain::restored(vec![blob("base", 100), blob("d1", 40), blob("d2", 20)]);
    let merge = chain.compaction().expect("60 bytes on a base of 100");
    let later = chain.next_capture();
    chain.uploaded(later, blob("d3", 1));
    assert!(chain.compacted(&merge, blob("merged", 110)));
    assert_eq!(chain.parts(later), Some(vec![blob("merged", 110), blob("d3", 1)]));
    assert!(!chain.compacted(&merge, blob("again", 110)), "its parts are no longer there");
    assert_eq!(chain.compaction(), None, "1 byte on a base of 110");
}

#[test]
fn a_state_that_only_grows_is_merged_less_and_less_until_something_is_superseded() {
    let mut chain = Chain::default();
    let mut bytes = 0;
    let mut rewritten = 0;
    for number in 0..200 {
        let capture = chain.next_capture();
        bytes += 10;
        let size = if capture.full { bytes } else { 10 };
        rewritten += if capture.full { bytes } else { 0 };
        chain.uploaded(capture, blob(&format!("{number}"), size));
        if let Some(merge) = chain.compaction() {
            assert!(chain.compacted(&merge, blob(&format!("merged {number}"), bytes)));
            rewritten += bytes;
        }
        let parts = chain.parts(capture).expect("stored");
        assert_eq!(parts.iter().map(|part| part.bytes).sum::<u64>(), bytes);
    }
    assert!(rewritten < 2 * bytes, "{rewritten} bytes rewritten of {bytes}");
    // From now on each delta is all there is.
    let (mut heaviest, mut last) = (0, 0);
    for number in 200..300 {
        let capture = chain.next_capture();
        chain.uploaded(capture, blob(&format!("{number}"), bytes));
        let parts = chain.parts(capture).expect("stored");
        last = parts.iter().map(|part| part.bytes).sum();
        heaviest = heaviest.max(last);
    }
    assert!(heaviest <= (2 + PATIENCE_MAX) * bytes && last <= 3 * bytes, "{heaviest}, then {last}");
}

#[test]
fn a_chain_of_very_many_small_deltas_is_merged() {
    let mut chain = Chain::restored(vec![blob("base", 1_000_000)]);
    for number in 1..CHAIN_BLOBS {
        let capture = chain.next_capture();
        chain.uploaded(capture, blob(&format!("{number}"), 1));
        assert_eq!(chain.compaction().is_some(), number == CHAIN_BLOBS - 1, "{number}");
    }
}
