//! Which checkpoints there are and whether they are whole; how much each operator keeps in one of them.
//!
//! Apart from telling it. What cannot be read is a fact like any other: its size stands in the manifest, and the reason
//! beside it.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{Hash, Hasher};
use tidegate::core::snapshot::{
    CheckpointId, JobIdentity, KeyedPart, Manifest, ManifestKind, OperatorTotals, Redistribution,
    SubtaskPart, SubtaskSnapshot,
};
use tidegate::core::state::delta::{Delta, Merged};
use tidegate::core::time::Timestamp;
use tidegate::state::manifest_log::Problem;
use tidegate::state::recovery::{broken, chain};
use tidegate::state::upload::describe;
use tidegate::state::{CheckpointStorage, ManifestLog, Skipped};

/// States that are by something else than a key: by the number of a page, of an event, of a call.
const BY_NUMBER: &[(&str, &str)] = &[
    ("async-wait", "in-flight"),
    ("cep", "waiting"),
    ("first-row-by-bitmap", "pages"),
    ("first-row-by-bloom", "pages"),
];

/// What there is.
pub(super) struct Survey {
    pub(super) job: JobIdentity,
    pub(super) place: String,
    /// Whether the job has come to its end.
    pub(super) is_finished: bool,
    /// Newest first.
    pub(super) checkpoints: Vec<Checkpoint>,
    /// Manifests that do not count, and why.
    pub(super) problems: Vec<String>,
}

/// A checkpoint.
pub(super) struct Checkpoint {
    pub(super) id: CheckpointId,
    pub(super) written_at: Timestamp,
    /// Of all blobs that it names.
    pub(super) bytes: u64,
    pub(super) condition: Condition,
}

/// Whether a job can go on from it.
pub(super) enum Condition {
    Whole,
    Damaged(String),
    /// The job has gone on from an older one, because this one could not be read then.
    PassedOver,
}

impl Checkpoint {
    pub(super) const fn is_whole(&self) -> bool {
        matches!(self.condition, Condition::Whole)
    }
}

impl Survey {
    /// Reads every blob of every checkpoint; nothing if there is none.
    ///
    /// # Errors
    /// When storage does not answer, or a blob is of another format version.
    pub(super) fn of(
        log: &ManifestLog,
        problems: &[Problem],
        storage: &dyn CheckpointStorage,
    ) -> Result<Option<Self>, String> {
        let Some(last) = log.manifests().last() else { return Ok(None) };
        let may_go_on: BTreeSet<_> = log.checkpoints().map(|manifest| manifest.id).collect();
        let mut checkpoints = Vec::new();
        let mut whole = BTreeSet::new();
        let is_one = |manifest: &&Manifest| manifest.kind == ManifestKind::Checkpoint;
        for manifest in log.manifests().iter().rev().filter(is_one) {
            let condition = if may_go_on.contains(&manifest.id) {
                let broken = broken(manifest, storage, &mut whole);
                match broken.map_err(|error| describe(&error))? {
                    None => Condition::Whole,
                    // A running job removes old checkpoints, and what only they name.
                    Some(_) if has_gone(manifest.id, storage) => continue,
                    Some(Skipped { blob, why, .. }) if why.contains(&blob) => {
                        Condition::Damaged(without_advice(&why))
                    }
                    Some(Skipped { blob, why, .. }) => {
                        Condition::Damaged(format!("blob {blob}: {why}"))
                    }
                }
            } else {
                Condition::PassedOver
            };
            let named: BTreeMap<&str, u64> =
                manifest.blobs().map(|blob| (blob.name.as_str(), blob.bytes)).collect();
            let bytes = named.values().sum();
            let (id, written_at) = (manifest.id, manifest.written_at);
            checkpoints.push(Checkpoint { id, written_at, bytes, condition });
        }
        if checkpoints.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            job: last.job.clone(),
            place: storage.describe(),
            is_finished: log.is_finished(),
            checkpoints,
            problems: problems.iter().map(ToString::to_string).collect(),
        }))
    }

    /// The checkpoint that is asked for; else the newest whole one, or the newest if none is.
    ///
    /// # Errors
    /// When it is not there.
    pub(super) fn choose(&self, asked: Option<CheckpointId>) -> Result<&Checkpoint, String> {
        let found = match asked {
            Some(id) => self.checkpoints.iter().find(|one| one.id == id),
            None => self.newest_whole().or(self.checkpoints.first()),
        };
        let listed = || {
            let ids = self.checkpoints.iter().map(|one| one.id.to_string());
            ids.collect::<Vec<_>>().join(", ")
        };
        let absent = |id| format!("there is no checkpoint {id}; there are {}", listed());
        found.ok_or_else(|| absent(asked.unwrap_or_default()))
    }

    pub(super) fn newest_whole(&self) -> Option<&Checkpoint> {
        self.checkpoints.iter().find(|one| one.is_whole())
    }

    /// # Errors
    /// When the job has no such operator.
    pub(super) fn expect_operator(&self, uid: &str) -> Result<(), String> {
        if self.job.operators.contains_key(uid) {
            return Ok(());
        }
        let all: Vec<&str> = self.job.operators.keys().map(String::as_str).collect();
        Err(format!(
            "job `{}` has no operator `{uid}`; its operators are {}",
            self.job.name,
            all.join(", ")
        ))
    }

    /// The manifest of a checkpoint of this survey.
    pub(super) fn manifest<'a>(&self, log: &'a ManifestLog, of: &Checkpoint) -> &'a Manifest {
        let found = log.manifests().iter().find(|manifest| manifest.id == of.id);
        found.expect("it is of this log")
    }
}

/// What is wrong, without what a job should do about it, which is not what who looks should do.
pub(super) fn without_advice(why: &str) -> String {
    why.trim_end_matches(": restore an older checkpoint").to_owned()
}

/// Whether a checkpoint has been removed since it was listed.
fn has_gone(id: CheckpointId, storage: &dyn CheckpointStorage) -> bool {
    storage.manifests().is_ok_and(|now| !now.contains(&id))
}

/// What an operator keeps.
pub(super) struct Operator {
    pub(super) uid: String,
    pub(super) kind: String,
    /// What its state means, where the operator says so: with another meaning a job would not go on from it.
    pub(super) meaning: Option<String>,
    pub(super) subtasks: u32,
    /// Nothing if a snapshot of a subtask cannot be read.
    pub(super) totals: Option<OperatorTotals>,
    pub(super) states: Vec<State>,
    /// Output of a sink that waits for its commit: pieces, and rows in them.
    pub(super) waiting: (u64, u64),
    /// Why some of it is not known.
    pub(super) unread: Vec<String>,
}

/// One state of an operator, all subtasks together.
pub(super) struct State {
    pub(super) name: String,
    /// What becomes of a list when parallelism changes; nothing of a keyed state.
    pub(super) list: Option<Redistribution>,
    /// Nothing if some of it cannot be read.
    pub(super) entries: Option<u64>,
    /// Different keys, where it is by key.
    pub(super) keys: Option<u64>,
    pub(super) bytes: u64,
    pub(super) bases: u64,
    pub(super) deltas: u64,
    /// Key groups that have entries.
    pub(super) groups: usize,
}

impl Operator {
    pub(super) fn entries(&self) -> Option<u64> {
        self.states.iter().map(|state| state.entries).sum()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.states.iter().map(|state| state.bytes).sum()
    }

    pub(super) fn blobs(&self) -> (u64, u64) {
        let sum = |of: fn(&State) -> u64| self.states.iter().map(of).sum();
        (sum(|state| state.bases), sum(|state| state.deltas))
    }

    /// Those of the state that has the most: states of one operator share their keys.
    pub(super) fn keys(&self) -> Option<u64> {
        self.states.iter().filter_map(|state| state.keys).max()
    }
}

/// What the operators keep in a checkpoint, or what one of them does.
pub(super) fn operators(
    manifest: &Manifest,
    storage: &dyn CheckpointStorage,
    only: Option<&str>,
) -> Vec<Operator> {
    let snapshots = snapshots(manifest, storage);
    let all = manifest.job.operators.iter();
    let asked = all.filter(|(uid, _)| only.is_none_or(|only| only == uid.as_str()));
    asked.map(|(uid, kind)| operator(manifest, storage, &snapshots, (uid, kind))).collect()
}

/// The snapshots of the subtasks, beside the parts of the manifest; or why one cannot be read.
pub(super) fn snapshots(
    manifest: &Manifest,
    storage: &dyn CheckpointStorage,
) -> Vec<Result<SubtaskSnapshot, String>> {
    let read = |part: &SubtaskPart| {
        let frame = storage.get_blob(&part.snapshot);
        let frame = frame.map_err(|error| without_advice(&describe(&error)))?;
        SubtaskSnapshot::from_frame(&frame)
            .map_err(|why| format!("blob {}: {why}", part.snapshot.name))
    };
    manifest.parts.iter().map(read).collect()
}

fn operator(
    manifest: &Manifest,
    storage: &dyn CheckpointStorage,
    snapshots: &[Result<SubtaskSnapshot, String>],
    (uid, kind): (&String, &String),
) -> Operator {
    let mut states: BTreeMap<&str, State> = BTreeMap::new();
    let (mut subtasks, mut totals) = (0, Some(OperatorTotals::default()));
    let mut unread = Vec::new();
    for (part, snapshot) in manifest.parts.iter().zip(snapshots) {
        let keyed: Vec<_> = part.keyed.iter().filter(|keyed| keyed.operator == *uid).collect();
        let mut is_there = !keyed.is_empty() || part.vertex == *uid;
        for keyed in keyed {
            let state =
                states.entry(&keyed.state).or_insert_with(|| State::new(&keyed.state, None));
            state.add(storage, keyed, kind, &mut unread);
        }
        match snapshot {
            Ok(snapshot) => {
                let Some(own) = snapshot.operators.get(uid) else { continue };
                is_there = true;
                if let Some(totals) = &mut totals {
                    totals.add(own.totals);
                }
                for (name, list) in &own.lists {
                    let new = || State::new(name, Some(list.redistribution));
                    let state = states.entry(name).or_insert_with(new);
                    state.entries = state.entries.map(|n| n + list.elements.len() as u64);
                    state.bytes += list.elements.iter().map(|e| e.len() as u64).sum::<u64>();
                }
            }
            Err(why) => {
                // What was chained behind the first operator stands in the snapshot alone.
                totals = None;
                if is_there {
                    unread.push(why.clone());
                }
            }
        }
        if is_there {
            subtasks = subtasks.max(part.index + 1);
        }
    }
    let unsealed = manifest.parts.iter().flat_map(|part| &part.unsealed);
    let waiting = manifest.committables.iter().chain(unsealed).filter(|one| one.sink == *uid);
    let waiting = waiting.fold((0, 0), |(pieces, rows), one| (pieces + 1, rows + one.rows));
    let states = states.into_values().collect();
    let (uid, kind, meaning) = (uid.clone(), kind.clone(), manifest.job.meanings.get(uid).cloned());
    Operator { uid, kind, meaning, subtasks, totals, states, waiting, unread }
}

impl State {
    fn new(name: &str, list: Option<Redistribution>) -> Self {
        Self {
            name: name.to_owned(),
            list,
            entries: Some(0),
            keys: None,
            bytes: 0,
            bases: 0,
            deltas: 0,
            groups: 0,
        }
    }

    /// Adds the part of a subtask.
    fn add(
        &mut self,
        storage: &dyn CheckpointStorage,
        part: &KeyedPart,
        kind: &str,
        unread: &mut Vec<String>,
    ) {
        self.bytes += part.chain.iter().map(|stored| stored.blob.bytes).sum::<u64>();
        self.bases += part.chain.len().min(1) as u64;
        self.deltas += part.chain.len().saturating_sub(1) as u64;
        let counted = chain(storage, part).map_err(|error| without_advice(&describe(&error)));
        let counted = counted.and_then(|chain| count(&chain).map_err(|why| why.to_string()));
        match counted {
            Ok((entries, keys, groups)) => {
                self.entries = self.entries.map(|n| n + entries);
                self.groups += groups;
                if !BY_NUMBER.contains(&(kind, part.state.as_str())) {
                    self.keys = Some(self.keys.unwrap_or(0) + keys);
                }
            }
            Err(why) => {
                self.entries = None;
                self.keys = None;
                unread.push(why);
            }
        }
    }
}

/// Entries that are alive, different keys, key groups that have some.
fn count(chain: &[Delta]) -> Result<(u64, u64, usize), tidegate::core::codec::DecodeError> {
    let merged = Merged::of(chain)?;
    let (mut entries, mut keys, mut groups) = (0, HashSet::new(), BTreeSet::new());
    merged.for_each(|group, entry| {
        entries += 1;
        groups.insert(group);
        // By their hash: there may be many, and two of one hash are as good as impossible.
        let mut hasher = DefaultHasher::new();
        entry.key.hash(&mut hasher);
        keys.insert(hasher.finish());
    })?;
    Ok((entries, keys.len() as u64, groups.len()))
}
