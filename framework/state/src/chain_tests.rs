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
    uploads: Vec<(Capture, Delta)>,
    merge: Option<(Compaction, StoredDelta)>,
    captured: Vec<(Capture, State)>,
    names: u32,
}

impl Subtask {
    fn name(&mut self) -> String {
        self.names += 1;
        format!("blob-{}", self.names)
    }

    fn put(&mut self, delta: &Delta) -> StoredDelta {
        let name = self.name();
        let blob = self.storage.put_blob(&name, &delta.to_frame()).expect("memory keeps all");
        StoredDelta { blob, entries: delta.entries }
    }

    fn capture(&mut self) {
        let capture = self.chain.next_capture(self.state.len() as u64);
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
        self.uploads.push((capture, delta(capture.full, &entries)));
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
                let (capture, delta) = self.uploads.remove(n);
                let stored = self.put(&delta);
                self.chain.uploaded(capture, stored);
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

    fn restore(&self, parts: &[StoredDelta]) -> State {
        let read = |part: &StoredDelta| {
            let frame = self.storage.get_blob(&part.blob).expect("kept");
            Delta::from_frame(&frame).expect("whole")
        };
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
    fn a_chain_stays_within_twice_what_is_alive_and_one_delta(
        steps in prop::collection::vec((0..40u64, 0..40u64, 0..40u64), 1..60),
    ) {
        let (mut chain, mut live) = (Chain::default(), 100_u64);
        for (number, (added, changed, removed)) in steps.into_iter().enumerate() {
            let (before, removed) = (live, removed.min(live));
            live = live + added - removed;
            let capture = chain.next_capture(live);
            let changes = added + removed + changed.min(live);
            let entries = if capture.full { live } else { changes };
            chain.uploaded(capture, stored(&format!("{number}"), entries));
            let parts = chain.parts(capture).expect("stored");
            let all: u64 = parts.iter().map(|part| part.entries).sum();
            prop_assert!(all <= 2 * before.max(live) + entries, "{:?} for {}", parts, live);
            if let Some(merge) = chain.compaction() {
                let merged = stored(&format!("merged {number}"), live);
                prop_assert!(chain.compacted(&merge, merged));
                prop_assert_eq!(chain.compaction(), None, "one merge is enough");
            }
        }
    }
}

fn stored(name: &str, entries: u64) -> StoredDelta {
    StoredDelta { blob: BlobRef { name: name.into(), bytes: 10 * entries }, entries }
}

#[test]
fn a_chain_begins_full_and_begins_anew_when_more_is_superseded_than_alive() {
    let mut chain = Chain::default();
    let base = chain.next_capture(100);
    assert!(base.full);
    chain.uploaded(base, stored("base", 100));
    for name in ["one", "two", "three", "four", "five"] {
        let capture = chain.next_capture(100);
        assert!(!capture.full, "{name} fits");
        chain.uploaded(capture, stored(name, 25));
        assert_eq!(chain.compaction().is_some(), matches!(name, "three" | "four" | "five"));
    }
    assert!(chain.next_capture(100).full, "125 entries are superseded and 100 alive");
}

#[test]
fn a_state_of_which_much_changes_is_captured_anew_and_not_merged() {
    let mut chain = Chain::restored(vec![stored("base", 100)]);
    for name in ["one", "two"] {
        let capture = chain.next_capture(100);
        assert!(!capture.full, "{name} fits");
        chain.uploaded(capture, stored(name, 26));
        assert_eq!(chain.compaction(), None, "{name}");
    }
    assert!(chain.next_capture(100).full, "52 entries are superseded and 100 alive");
}

#[test]
fn an_aborted_checkpoint_leaves_its_delta_in_the_next() {
    let mut chain = Chain::default();
    let base = chain.next_capture(100);
    chain.uploaded(base, stored("base", 100));
    let aborted = chain.next_capture(100);
    chain.uploaded(aborted, stored("aborted", 1));
    let next = chain.next_capture(100);
    assert_eq!(chain.parts(next), None, "still being uploaded");
    chain.uploaded(next, stored("next", 1));
    let expected = [("base", 100), ("aborted", 1), ("next", 1)].map(|(name, n)| stored(name, n));
    assert_eq!(chain.parts(next).as_deref(), Some(&expected[..]));
}

#[test]
fn a_lost_delta_takes_those_behind_it_along_and_makes_the_next_capture_full() {
    let mut chain = Chain::restored(vec![stored("base", 100)]);
    let (lost, behind) = (chain.next_capture(100), chain.next_capture(100));
    assert!(chain.uploaded(behind, stored("behind", 1)));
    assert_eq!(chain.failed(lost), [stored("behind", 1).blob], "garbage");
    assert_eq!(chain.parts(behind), None);
    let full = chain.next_capture(100);
    assert!(full.full && !chain.next_capture(100).full, "one full capture heals it");
}

#[test]
fn a_merge_replaces_what_it_read_and_yields_to_a_newer_base() {
    let mut chain = Chain::restored(vec![stored("base", 100), stored("d1", 40), stored("d2", 20)]);
    assert_eq!(chain.compaction(), None, "how many of the 160 are alive is not known yet");
    let later = chain.next_capture(105);
    let merge = chain.compaction().expect("55 superseded, 105 alive");
    assert!(chain.uploaded(later, stored("d3", 1)));
    assert!(chain.compacted(&merge, stored("merged", 105)));
    assert_eq!(chain.parts(later), Some(vec![stored("merged", 105), stored("d3", 1)]));
    assert!(!chain.compacted(&merge, stored("again", 105)), "its parts are no longer there");
    assert_eq!(chain.compaction(), None, "1 superseded, 105 alive");
}

#[test]
fn a_state_that_only_grows_is_never_rewritten_for_its_size() {
    let mut chain = Chain::restored(vec![stored("base", 10), stored("restored", 10)]);
    for number in 3..CHAIN_BLOBS as u64 {
        let capture = chain.next_capture(number * 10);
        assert!(!capture.full);
        assert!(chain.uploaded(capture, stored(&format!("{number}"), 10)));
        assert_eq!(chain.compaction(), None, "blob {number}");
    }
    // Emptied at once, it is a base of nothing.
    assert!(!chain.next_capture(0).full, "the last stored capture was of much");
    let emptied = Capture { number: CHAIN_BLOBS as u64, full: false };
    assert!(chain.uploaded(emptied, stored("emptied", 1)));
    assert!(chain.next_capture(0).full);
}

#[test]
fn a_chain_of_very_many_small_deltas_is_merged() {
    let mut chain = Chain::restored(vec![stored("base", 1_000_000)]);
    for number in 1..CHAIN_BLOBS {
        let capture = chain.next_capture(1_000_000);
        chain.uploaded(capture, stored(&format!("{number}"), 1));
        assert_eq!(chain.compaction().is_some(), number == CHAIN_BLOBS - 1, "{number}");
    }
}
