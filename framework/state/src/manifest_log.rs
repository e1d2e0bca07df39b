//! The chain of manifests: which checkpoints exist, who may write the next one, and the writing of it.
//!
//! Apart because storage knows only numbers and bytes, and recovery only one manifest at a time; what
//! makes a manifest count is decided here.
//!
//! **Reading.** A manifest counts when the chain of predecessors leads to it and the run never falls.
//! Old manifests are garbage collected, so the first survivor's predecessor may be gone. Damage and
//! straying writers can leave several pieces of chain; the one whose last manifest has the highest
//! run, then the highest number, is the log, and all else is reported.
//!
//! **Fencing.** Of two writers only one can create a manifest, but a checkpoint that was aborted
//! leaves its number unused, and two writers at different numbers would not meet. So the log is
//! written without gaps: before manifest n + k a writer creates n + 1, n + 2 ... as claims of its own
//! run. Creating the next number is then a compare and swap on the head of the log. A writer that
//! slept so long that the numbers it missed were already collected creates one that is free again;
//! hence each append ends by looking for later ones, and finding one means that it was fenced.

use crate::limits::CLAIM_ATTEMPTS;
use crate::storage::{CheckpointStorage, StorageError};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tidegate_core::codec::DecodeError;
use tidegate_core::snapshot::{CheckpointId, JobIdentity, Manifest, ManifestKind};
use tidegate_core::time::Timestamp;

/// A manifest that is there and does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Its number.
    pub id: CheckpointId,
    /// What is wrong with it.
    pub why: Fault,
}

/// Why a manifest does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Another release wrote it; this one must not go on without understanding it.
    #[error("it was written in format version {0}: use a release that reads this version")]
    Version(u16),
    /// It cannot be read.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// It says another number than the one it is stored under.
    #[error("it says that it is manifest {0}")]
    Misplaced(CheckpointId),
    /// A run wrote it that had been superseded.
    #[error("run {run} wrote it after run {by} had taken over")]
    Superseded {
        /// The run that wrote it.
        run: u64,
        /// The run that the log has come to.
        by: u64,
    },
    /// The chain does not lead to it.
    #[error("{}", match .0 {
        Some(before) => format!("manifest {before} before it is missing or does not count"),
        None => "it says that it is the first of another log".to_owned(),
    })]
    Unlinked(Option<CheckpointId>),
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "manifest {} does not count: {}", self.id, self.why)
    }
}

/// Why the log could not be read or extended.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Storage failed. After an uncertain append the log waits for [`ManifestLog::settle`].
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Another run owns the log.
    #[error("run {by} has written manifest {id}: this is run {run} and must stop")]
    Fenced {
        /// The run that was fenced off.
        run: u64,
        /// The run that owns the log now.
        by: u64,
        /// Where that was seen.
        id: CheckpointId,
    },
    /// A number is taken by something that cannot be read.
    #[error("the log cannot be extended: {0}")]
    Blocked(Problem),
    /// Other writers were faster each time.
    #[error("no free number up to manifest {0}: find out who else writes to this storage")]
    Crowded(CheckpointId),
}

/// What became of an append whose outcome was unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is durable: the checkpoint exists.
    Written(CheckpointId),
    /// It is not there, and its number is taken, so it can no longer turn up.
    Void,
}

/// The manifests that count, and the way to add one.
pub struct ManifestLog {
    storage: Arc<dyn CheckpointStorage>,
    chain: Vec<Manifest>,
    strays: Vec<CheckpointId>,
    unreadable: Vec<Problem>,
    highest: CheckpointId,
    run: Option<u64>,
    uncertain: Option<Manifest>,
    /// What the claim to come leaves behind.
    passed_over: Vec<CheckpointId>,
}

impl ManifestLog {
    /// Reads the log. A [`Fault::Version`] among the problems means: refuse to run.
    ///
    /// # Errors
    /// When storage cannot be read; damage is no error but a [`Problem`].
    pub fn open(storage: Arc<dyn CheckpointStorage>) -> Result<(Self, Vec<Problem>), LogError> {
        let mut problems = Vec::new();
        let mut whole = Vec::new();
        let ids = storage.manifests()?;
        for &id in &ids {
            match read(&*storage, id) {
                Ok(Ok(manifest)) => whole.push(manifest),
                Ok(Err(why)) => problems.push(Problem { id, why }),
                // The run that owns the log has collected it since it was listed.
                Err(StorageError::MissingManifest(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let unreadable = problems.clone();
        let (chain, rest) = best_piece(whole);
        let latest = chain.last().map_or(0, |last| last.run);
        let oldest = chain.first().map_or(0, |first| first.id);
        let strays =
            rest.iter().filter(|m| m.run < latest || m.id < oldest).map(|m| m.id).collect();
        problems.extend(rest.into_iter().map(|stray| Problem {
            id: stray.id,
            why: if stray.run < latest {
                Fault::Superseded { run: stray.run, by: latest }
            } else {
                Fault::Unlinked(stray.predecessor)
            },
        }));
        problems.sort_by_key(|problem| problem.id);
        let highest = ids.last().copied().unwrap_or(0);
        let log = Self {
            storage,
            chain,
            strays,
            unreadable,
            highest,
            run: None,
            uncertain: None,
            passed_over: Vec::new(),
        };
        Ok((log, problems))
    }

    /// All manifests that count, oldest first.
    #[must_use]
    pub fn manifests(&self) -> &[Manifest] {
        &self.chain
    }

    /// The completed checkpoints that a run may go on from, newest first.
    pub fn checkpoints(&self) -> impl Iterator<Item = &Manifest> {
        let left: BTreeSet<_> = self.chain.iter().flat_map(|m| &m.passed_over).collect();
        self.chain.iter().rev().filter(move |manifest| {
            manifest.kind == ManifestKind::Checkpoint && !left.contains(&manifest.id)
        })
    }

    /// Whether the job has come to its end and its output is committed.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        let says = |manifest: &&Manifest| manifest.kind != ManifestKind::Claim;
        self.chain.iter().rev().find(says).is_some_and(|m| m.kind == ManifestKind::Finished)
    }

    /// The lowest number that no manifest has ever had, as far as can be seen.
    #[must_use]
    pub const fn next_id(&self) -> CheckpointId {
        self.highest + 1
    }

    /// The highest run that wrote to the log; 0 before the first.
    #[must_use]
    pub fn latest_run(&self) -> u64 {
        self.chain.last().map_or(0, |last| last.run)
    }

    /// A run that nobody has been: each manifest that cannot be read may have been the claim of one.
    #[must_use]
    pub fn next_run(&self) -> u64 {
        self.latest_run() + self.unreadable.len() as u64 + 1
    }

    /// Manifests that were read, do not count and never will: of superseded runs, or left over below
    /// the oldest that counts.
    #[must_use]
    pub fn strays(&self) -> &[CheckpointId] {
        &self.strays
    }

    /// A manifest that cannot be read, if there is one: it may name any blob.
    #[must_use]
    pub fn unreadable(&self) -> Option<&Problem> {
        self.unreadable.first()
    }

    /// Has the claim to come leave these checkpoints behind, in favour of an older one.
    pub fn pass_over(&mut self, checkpoints: impl IntoIterator<Item = CheckpointId>) {
        self.passed_over.extend(checkpoints);
    }

    /// Takes the log over for `run`: what older runs write from now on does not count.
    ///
    /// # Errors
    /// [`LogError::Fenced`] when a run as high has claimed it; any error means: stop the process.
    pub fn claim(
        &mut self,
        run: u64,
        job: &JobIdentity,
        now: Timestamp,
    ) -> Result<CheckpointId, LogError> {
        if let Some(last) = self.chain.last().filter(|last| last.run >= run) {
            return Err(LogError::Fenced { run, by: last.run, id: last.id });
        }
        for _ in 0..CLAIM_ATTEMPTS {
            let claim = self.claim_of(self.next_id(), run, job, now);
            match self.storage.create_manifest(claim.id, &claim.to_frame()) {
                Ok(()) => {
                    let id = claim.id;
                    self.look_behind(id, run)?;
                    self.accept(claim);
                    self.passed_over.clear();
                    self.run = Some(run);
                    return Ok(id);
                }
                Err(StorageError::ManifestExists(id)) => self.step_over(id, run)?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(LogError::Crowded(self.highest))
    }

    /// Adds a manifest of the run that claimed the log. Its predecessor is set here; numbers that
    /// were left out since the last one (aborted checkpoints) are filled with claims first.
    ///
    /// # Errors
    /// When [`StorageError::is_uncertain`], call [`settle`](Self::settle) before anything else.
    /// After [`LogError::Fenced`] the manifest does not count, and nothing of it may be committed.
    ///
    /// # Panics
    /// When the log is not claimed, the manifest is of another run, its number is used, or an
    /// uncertain append has not been settled.
    pub fn append(&mut self, mut manifest: Manifest) -> Result<(), LogError> {
        let run = self.run.expect("append follows claim");
        assert_eq!(manifest.run, run, "a run writes its own manifests only");
        assert!(manifest.id > self.highest, "manifest {} must be a new number", manifest.id);
        assert!(self.uncertain.is_none(), "an uncertain append is settled before the next");
        while self.next_id() < manifest.id {
            let filler = self.claim_of(self.next_id(), run, &manifest.job, manifest.written_at);
            self.create(&filler)?;
            self.accept(filler);
        }
        manifest.predecessor = self.chain.last().map(|last| last.id);
        self.create(&manifest)?;
        match self.look_behind(manifest.id, run) {
            Ok(()) => {
                self.accept(manifest);
                Ok(())
            }
            Err(LogError::Storage(error)) => {
                let doing = format!("see whether manifest {} is the newest", manifest.id);
                self.uncertain = Some(manifest);
                Err(StorageError::Unknown { doing, source: error.into() }.into())
            }
            Err(fenced) => Err(fenced),
        }
    }

    /// Finds out what became of an append whose outcome was unknown, and makes the answer final.
    /// `None` when there was none.
    ///
    /// # Errors
    /// When storage still does not answer: ask again, or stop the process.
    pub fn settle(&mut self, now: Timestamp) -> Result<Option<Settled>, LogError> {
        let Some(lost) = &self.uncertain else { return Ok(None) };
        let (id, run) = (lost.id, lost.run);
        let claim = self.claim_of(id, run, &lost.job, now);
        let found = match self.storage.create_manifest(id, &claim.to_frame()) {
            Ok(()) => claim,
            Err(StorageError::ManifestExists(_)) => {
                // Seen is not yet durable: it may be the last flush that had failed.
                self.storage.flush()?;
                match read(&*self.storage, id)? {
                    // Ours: the manifest itself, or the claim of an earlier attempt to settle.
                    Ok(found) if found.run == run => found,
                    Ok(found) => return Err(LogError::Fenced { run, by: found.run, id }),
                    Err(why) => return Err(LogError::Blocked(Problem { id, why })),
                }
            }
            Err(error) => return Err(error.into()),
        };
        self.look_behind(id, run)?;
        let written = found.kind != ManifestKind::Claim;
        self.accept(found);
        self.uncertain = None;
        Ok(Some(if written { Settled::Written(id) } else { Settled::Void }))
    }

    /// Whether an append waits to be settled.
    #[must_use]
    pub const fn is_uncertain(&self) -> bool {
        self.uncertain.is_some()
    }

    /// Forgets the manifests below `id`, which have been deleted.
    pub(crate) fn forget_below(&mut self, id: CheckpointId) {
        self.chain.retain(|manifest| manifest.id >= id);
    }

    pub(crate) fn forget_strays(&mut self) {
        self.strays.clear();
    }

    fn claim_of(&self, id: CheckpointId, run: u64, job: &JobIdentity, now: Timestamp) -> Manifest {
        Manifest {
            id,
            predecessor: self.chain.last().map(|last| last.id),
            run,
            kind: ManifestKind::Claim,
            job: job.clone(),
            written_at: now,
            parts: Vec::new(),
            committables: Vec::new(),
            committed_rows: BTreeMap::new(),
            passed_over: self.passed_over.clone(),
        }
    }

    fn accept(&mut self, manifest: Manifest) {
        self.highest = self.highest.max(manifest.id);
        self.chain.push(manifest);
    }

    /// Creates `manifest`, unless another has its number.
    fn create(&mut self, manifest: &Manifest) -> Result<(), LogError> {
        let (id, run) = (manifest.id, manifest.run);
        match self.storage.create_manifest(id, &manifest.to_frame()) {
            Ok(()) => Ok(()),
            // The number may be taken by this very write, whose answer was lost on its way.
            Err(StorageError::ManifestExists(_)) => match read(&*self.storage, id) {
                Ok(Ok(found)) if found == *manifest => Ok(()),
                Ok(Ok(found)) => Err(LogError::Fenced { run, by: found.run, id }),
                Ok(Err(why)) => Err(LogError::Blocked(Problem { id, why })),
                Err(error) => {
                    let doing = format!("see whose manifest {id} is");
                    self.uncertain = Some(manifest.clone());
                    Err(StorageError::Unknown { doing, source: error.into() }.into())
                }
            },
            Err(error) => {
                if error.is_uncertain() {
                    self.uncertain = Some(manifest.clone());
                }
                Err(error.into())
            }
        }
    }

    /// A claim found its number taken: by an older run it goes on after it, else it has lost.
    fn step_over(&mut self, id: CheckpointId, run: u64) -> Result<(), LogError> {
        self.highest = self.highest.max(id);
        match read(&*self.storage, id)? {
            Ok(found) if found.run >= run => Err(LogError::Fenced { run, by: found.run, id }),
            Ok(found) => {
                match self.chain.last() {
                    Some(last) if !follows(last, &found) => self.strays.push(found.id),
                    _ => self.accept(found),
                }
                Ok(())
            }
            Err(why @ Fault::Version(_)) => Err(LogError::Blocked(Problem { id, why })),
            Err(why) => {
                self.unreadable.push(Problem { id, why });
                Ok(())
            }
        }
    }

    /// A later manifest than the one just written means that the log had moved on.
    fn look_behind(&self, id: CheckpointId, run: u64) -> Result<(), LogError> {
        for later in self.storage.manifests()?.into_iter().filter(|&later| later > id) {
            if let Ok(found) = read(&*self.storage, later)?
                && found.run > run
            {
                return Err(LogError::Fenced { run, by: found.run, id: later });
            }
        }
        Ok(())
    }
}

fn read(
    storage: &dyn CheckpointStorage,
    id: CheckpointId,
) -> Result<Result<Manifest, Fault>, StorageError> {
    let frame = match storage.get_manifest(id) {
        Ok(frame) => frame,
        Err(StorageError::DamagedManifest { why, .. }) => return Ok(Err(Fault::Damaged(why))),
        Err(error) => return Err(error),
    };
    Ok(match Manifest::from_frame(&frame) {
        Ok(manifest) if manifest.id == id => Ok(manifest),
        Ok(manifest) => Err(Fault::Misplaced(manifest.id)),
        Err(DecodeError::Version(found)) => Err(Fault::Version(found)),
        Err(error) => Err(Fault::Damaged(error.to_string())),
    })
}

fn follows(last: &Manifest, next: &Manifest) -> bool {
    next.predecessor == Some(last.id) && next.run >= last.run
}

/// The piece of chain that is the log, and all manifests outside it. `whole` ascends.
fn best_piece(whole: Vec<Manifest>) -> (Vec<Manifest>, Vec<Manifest>) {
    let mut pieces: Vec<Vec<Manifest>> = Vec::new();
    for manifest in whole {
        let fits =
            |piece: &&mut Vec<Manifest>| piece.last().is_some_and(|last| follows(last, &manifest));
        match pieces.iter_mut().find(fits) {
            Some(piece) => piece.push(manifest),
            None => pieces.push(vec![manifest]),
        }
    }
    let rank = |piece: &Vec<Manifest>| piece.last().map(|last| (last.run, last.id));
    let Some(best) = (0..pieces.len()).max_by_key(|&at| rank(&pieces[at])) else {
        return (Vec::new(), Vec::new());
    };
    let chain = pieces.swap_remove(best);
    (chain, pieces.into_iter().flatten().collect())
}

#[cfg(test)]
#[path = "manifest_log_tests.rs"]
mod tests;
