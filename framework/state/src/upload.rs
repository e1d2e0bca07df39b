//! A subtask's part of a checkpoint on its way to storage: sinks are prepared, keyed state is encoded
//! and written, and the part that the coordinator will put into the manifest is made.
//!
//! Apart from the actor because it blocks, and from the task because it does I/O. The simulation runs
//! the same code over a simulated disk.

use crate::chain::{Capture as ChainCapture, Chain, compact, put_delta};
use crate::storage::{CheckpointStorage, StorageError};
use std::collections::BTreeMap;
use tidegate_core::key::MaxParallelism;
use tidegate_core::operator::BoxError;
use tidegate_core::sink::{Prepare, Sealed};
use tidegate_core::snapshot::{CheckpointId, Committable, KeyedPart, StoredDelta, SubtaskPart};
use tidegate_core::state::delta_writer::DeltaWriter;
use tidegate_core::task::{Capture, FrozenState};

/// Who uploads: part of every blob's name, so that no name is ever used twice.
#[derive(Clone, Debug)]
pub struct Uploader {
    /// The run of the job.
    pub run: u64,
    /// The attempt of the region.
    pub attempt: u32,
    /// The uid of the subtask's first operator.
    pub vertex: String,
    /// The subtask's index.
    pub index: u32,
    /// The number of key groups.
    pub max_parallelism: MaxParallelism,
}

impl Uploader {
    fn blob_name(&self, checkpoint: CheckpointId, what: &str) -> String {
        let Self { run, attempt, vertex, index, .. } = self;
        format!("{run}-{attempt}-{checkpoint}-{vertex}-{index}-{what}")
    }
}

/// The chains of all keyed states of one subtask.
#[derive(Debug, Default)]
pub struct Chains {
    /// Without it every capture is a base.
    incremental: bool,
    chains: BTreeMap<(String, String), Chain>,
    /// Captures begun for the checkpoint being taken.
    begun: Vec<((String, String), ChainCapture)>,
}

impl Chains {
    /// Chains that go on from `restored`: those states whose blobs this subtask took over unchanged.
    #[must_use]
    pub fn new(incremental: bool, restored: &[KeyedPart]) -> Self {
        let chain = |part: &KeyedPart| {
            let name = (part.operator.clone(), part.state.clone());
            (name, Chain::restored(part.chain.clone()))
        };
        Self { incremental, chains: restored.iter().map(chain).collect(), begun: Vec::new() }
    }

    /// Begins the capture of a state that holds so many entries; says whether it must be a base.
    pub fn begin(&mut self, operator: &str, state: &str, entries: u64) -> bool {
        let name = (operator.to_owned(), state.to_owned());
        let mut capture = self.chains.entry(name.clone()).or_default().next_capture(entries);
        capture.full |= !self.incremental;
        self.begun.push((name, capture));
        capture.full
    }

    /// The captures begun since the last call. To be called when the task hands its capture out, not
    /// later: one step of a task may pass two barriers.
    pub fn take_begun(&mut self) -> Begun {
        Begun(std::mem::take(&mut self.begun))
    }

    /// Whether [`compact_chains`] would merge anything.
    #[must_use]
    pub fn worth_merging(&self) -> bool {
        self.chains.values().any(|chain| chain.compaction().is_some())
    }

    fn chain(&mut self, name: &(String, String)) -> &mut Chain {
        self.chains.entry(name.clone()).or_default()
    }
}

/// Gives access to a subtask's chains for a moment: they are shared with its task.
pub type WithChains<'a> = dyn Fn(&mut dyn FnMut(&mut Chains)) + 'a;

/// The captures of one checkpoint.
#[derive(Debug)]
pub struct Begun(Vec<((String, String), ChainCapture)>);

impl Begun {
    /// Whether these are the beginnings of the states in `capture`, in their order.
    fn is_of(&self, capture: &Capture) -> bool {
        let states = capture.keyed.iter().map(|frozen| (&frozen.operator, &frozen.state));
        self.0.iter().map(|((operator, state), _)| (operator, state)).eq(states)
    }
}

/// What came of an upload.
#[derive(Debug)]
pub enum Uploaded {
    /// The part is written; durable after the flush that has been done.
    Part {
        /// The part.
        part: Box<SubtaskPart>,
        /// Bytes written for it.
        bytes: u64,
        /// Keyed entries written for it.
        entries: u64,
    },
    /// Storage failed; the job can go on.
    Declined {
        /// Why.
        cause: String,
        /// What the sinks had prepared: it must go with the next checkpoint.
        committables: Vec<Committable>,
    },
    /// A sink failed: the subtask must be rebuilt.
    Failed {
        /// The sink's uid.
        operator: String,
        /// Why.
        cause: BoxError,
    },
}

/// Runs an upload; blocks. `with_chains` gives access to the subtask's chains for a moment.
///
/// # Panics
/// When `begun` is not what this capture began: a state would be missing from the checkpoint.
pub fn upload(
    storage: &dyn CheckpointStorage,
    uploader: &Uploader,
    capture: Capture,
    begun: Begun,
    with_chains: &WithChains<'_>,
) -> Uploaded {
    let checkpoint = capture.barrier.checkpoint;
    assert!(begun.is_of(&capture), "checkpoint {checkpoint}: each capture has its own beginnings");
    let (committables, unsealed) = match prepare(capture.sinks, checkpoint) {
        Ok(prepared) => prepared,
        Err((operator, cause)) => return Uploaded::Failed { operator, cause },
    };
    let mut pending = begun.0.into_iter();
    let mut totals = (0, 0);
    let mut stored = Vec::new();
    let mut failure = None;
    for frozen in capture.keyed {
        let Some((name, mut began)) = pending.next() else { break };
        match put_state(storage, uploader, checkpoint, frozen, &mut began, &mut totals) {
            Ok(delta) => stored.push((name, began, delta)),
            Err(error) => {
                failure = Some((name, began, error));
                break;
            }
        }
    }
    let mut keyed = Vec::new();
    let lost = failure.as_ref().map(|(name, began, _)| (name.clone(), *began));
    let lost: Vec<_> = lost.into_iter().chain(pending).collect();
    with_chains(&mut |chains| {
        for (name, began, delta) in &stored {
            chains.chain(name).uploaded(*began, delta.clone());
        }
        for (name, began) in &lost {
            chains.chain(name).failed(*began);
        }
        keyed = stored.iter().filter_map(|(name, began, _)| named(chains, name, *began)).collect();
    });
    let decline = |cause: String| Uploaded::Declined { cause, committables: committables.clone() };
    if let Some((_, _, error)) = failure {
        return decline(describe(&error));
    }
    if keyed.len() < stored.len() {
        return decline("an earlier upload that this one builds on was lost".into());
    }
    let frame = capture.snapshot.to_frame();
    totals.0 += frame.len() as u64;
    let snapshot = storage
        .put_blob(&uploader.blob_name(checkpoint, "snapshot"), &frame)
        .and_then(|blob| storage.flush().map(|()| blob));
    let snapshot = match snapshot {
        Ok(blob) => blob,
        Err(error) => {
            with_chains(&mut |chains| {
                for (name, began, _) in &stored {
                    chains.chain(name).failed(*began);
                }
            });
            return decline(describe(&error));
        }
    };
    let part = Box::new(SubtaskPart {
        vertex: uploader.vertex.clone(),
        index: uploader.index,
        snapshot,
        keyed,
        committables,
        unsealed,
        sent: capture.sent,
        received: capture.received,
        written: capture.written,
    });
    Uploaded::Part { part, bytes: totals.0, entries: totals.1 }
}

fn put_state(
    storage: &dyn CheckpointStorage,
    uploader: &Uploader,
    checkpoint: CheckpointId,
    frozen: FrozenState,
    began: &mut ChainCapture,
    totals: &mut (u64, u64),
) -> Result<StoredDelta, StorageError> {
    let FrozenState { operator, state, frozen } = frozen;
    let name = uploader.blob_name(checkpoint, &format!("{operator}-{state}"));
    let full = frozen.is_full();
    let write = |into: &mut DeltaWriter<'_>| {
        frozen.encode(uploader.max_parallelism, into);
        Ok::<_, StorageError>(())
    };
    let stored = put_delta(storage, &name, full, write)?;
    began.full |= full;
    totals.0 += stored.blob.bytes;
    totals.1 += stored.entries;
    Ok(stored)
}

fn named(chains: &mut Chains, name: &(String, String), began: ChainCapture) -> Option<KeyedPart> {
    let chain = chains.chain(name).parts(began)?;
    Some(KeyedPart { operator: name.0.clone(), state: name.1.clone(), chain })
}

type Sinks = Vec<(String, Box<dyn Prepare>)>;
type Committables = (Vec<Committable>, Vec<Committable>);

fn prepare(sinks: Sinks, epoch: CheckpointId) -> Result<Committables, (String, BoxError)> {
    let (mut sealed, mut unsealed) = (Vec::new(), Vec::new());
    for (sink, prepare) in sinks {
        let prepared = prepare.prepare().map_err(|cause| (sink.clone(), cause))?;
        let committable = |Sealed { rows, payload }: Sealed| Committable {
            sink: sink.clone(),
            epoch,
            rows,
            payload,
        };
        sealed.extend(prepared.sealed.into_iter().map(committable));
        unsealed.extend(prepared.unsealed.into_iter().map(committable));
    }
    Ok((sealed, unsealed))
}

/// Merges every chain for which that is worth while; blocks. Returns the names of the blobs that the
/// merges replaced.
///
/// # Errors
/// When a blob cannot be read or written; the chains stay as they were.
pub fn compact_chains(
    storage: &dyn CheckpointStorage,
    uploader: &Uploader,
    checkpoint: CheckpointId,
    with_chains: &WithChains<'_>,
) -> Result<Vec<String>, crate::chain::CompactError> {
    let mut wanted = Vec::new();
    with_chains(&mut |chains| {
        let worth =
            |(name, chain): (&(String, String), &Chain)| Some((name.clone(), chain.compaction()?));
        wanted = chains.chains.iter().filter_map(worth).collect();
    });
    let mut replaced = Vec::new();
    for (name, compaction) in wanted {
        let what = format!("{}-{}-merged", name.0, name.1);
        let base = compact(storage, &compaction, &uploader.blob_name(checkpoint, &what))?;
        let mut taken = false;
        with_chains(&mut |chains| {
            taken = chains.chain(&name).compacted(&compaction, base.clone());
        });
        if taken {
            replaced.extend(compaction.parts.iter().map(|part| part.blob.name.clone()));
        } else {
            replaced.push(base.blob.name);
        }
    }
    Ok(replaced)
}

/// An error with what lies under it, in one line.
#[must_use]
pub fn describe(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        // Some errors tell their cause themselves, to say behind it what is to be done.
        if !said.contains(&text) {
            said.push_str(": ");
            said.push_str(&text);
        }
        source = cause.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStorage;
    use std::cell::RefCell;
    use tidegate_core::element::{Barrier, BarrierKind};
    use tidegate_core::snapshot::SubtaskSnapshot;
    use tidegate_core::state::Frozen;

    #[derive(Debug, thiserror::Error)]
    #[error("{said}")]
    struct Told {
        said: &'static str,
        #[source]
        cause: std::io::Error,
    }

    #[test]
    fn causes_are_told_once() {
        let told = |said| describe(&Told { said, cause: std::io::Error::other("disk full") });
        assert_eq!(told("cannot write a"), "cannot write a: disk full");
        assert_eq!(
            told("cannot write a: disk full; make room"),
            "cannot write a: disk full; make room"
        );
    }

    struct Nothing;

    impl Frozen for Nothing {
        fn is_full(&self) -> bool {
            false
        }

        fn encode(self: Box<Self>, _: MaxParallelism, _: &mut DeltaWriter<'_>) {}
    }

    fn capture(checkpoint: CheckpointId) -> Capture {
        let frozen = Box::new(Nothing);
        let counts = BTreeMap::new();
        Capture {
            barrier: Barrier { checkpoint, kind: BarrierKind::Periodic, sent: 0 },
            snapshot: SubtaskSnapshot::default(),
            keyed: vec![FrozenState { operator: "o".into(), state: "s".into(), frozen }],
            sinks: Vec::new(),
            sent: counts.clone(),
            received: counts.clone(),
            written: counts,
        }
    }

    fn upload_of(capture: Capture, begun: Begun, chains: &RefCell<Chains>) -> Uploaded {
        let (vertex, max_parallelism) = ("o".to_owned(), MaxParallelism::DEFAULT);
        let uploader = Uploader { run: 1, attempt: 1, vertex, index: 0, max_parallelism };
        let access = |f: &mut dyn FnMut(&mut Chains)| f(&mut chains.borrow_mut());
        upload(&MemoryStorage::new(), &uploader, capture, begun, &access)
    }

    #[test]
    fn two_captures_of_one_step_each_name_their_states() {
        let chains = RefCell::new(Chains::new(true, &[]));
        for checkpoint in [1, 2] {
            chains.borrow_mut().begin("o", "s", 0);
            let begun = chains.borrow_mut().take_begun();
            let Uploaded::Part { part, .. } = upload_of(capture(checkpoint), begun, &chains) else {
                panic!("memory does not fail");
            };
            assert_eq!(part.keyed.len(), 1, "checkpoint {checkpoint}");
        }
    }

    #[test]
    #[should_panic(expected = "each capture has its own beginnings")]
    fn a_capture_without_its_own_beginnings_is_never_stored() {
        let chains = RefCell::new(Chains::new(true, &[]));
        chains.borrow_mut().begin("o", "s", 0);
        chains.borrow_mut().begin("o", "s", 0);
        drop(chains.borrow_mut().take_begun());
        let none = chains.borrow_mut().take_begun();
        upload_of(capture(2), none, &chains);
    }
}
