//! The blobs that hold one keyed state of one subtask: a base and the deltas since, and the
//! bookkeeping that keeps them complete while uploads overlap, fail and are merged.
//!
//! Apart because it is pure: it decides what the next capture must be and what a checkpoint must
//! name, and leaves bytes to others. Only [`compact`] touches storage.
//!
//! A delta is of use only behind everything captured before it, back to a base. So a lost upload
//! takes the deltas behind it with it, and the next capture is a full one; an aborted checkpoint takes
//! nothing with it, its blobs stay in the chain. When the deltas outweigh their base, a full capture
//! (or, sooner, a merge) makes a new base: a chain stays within twice the live size, plus one delta.
//!
//! A state that only grows is another matter: its deltas supersede nothing, and each new base would be all
//! of it again for nothing. So a new base that is hardly smaller than what it replaces makes the chain more
//! patient, up to [`PATIENCE_MAX`] times the base; one that is smaller makes it impatient again.

use crate::limits::{CHAIN_BLOBS, COMPACT_AT_BASE_SHARE, PATIENCE_MAX};
use crate::storage::{CheckpointStorage, StorageError};
use tidegate_core::codec::{DecodeError, FRAME_HEAD_BYTES};
use tidegate_core::snapshot::BlobRef;
use tidegate_core::state::delta::{Delta, Merged};
use tidegate_core::state::delta_writer::DeltaWriter;

/// What a capture must hold, and the number under which its upload is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capture {
    /// Its number within the chain.
    pub number: u64,
    /// All entries, not just those changed since the capture before.
    pub full: bool,
}

/// A merge to be made off-thread: these blobs, oldest first, into one base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compaction {
    through: u64,
    /// Base first.
    pub parts: Vec<BlobRef>,
}

#[derive(Clone, Debug)]
struct Link {
    number: u64,
    full: bool,
    /// `None` while it is being uploaded.
    blob: Option<BlobRef>,
}

/// The chain of blobs of one keyed state of one subtask.
#[derive(Clone, Debug)]
pub struct Chain {
    /// In the order of capture. Each delta follows what it builds on.
    links: Vec<Link>,
    captured: u64,
    /// A capture was lost since the last full one.
    torn: bool,
    /// How many bases the deltas may weigh before there is a new one: a power of two.
    patience: u64,
}

impl Default for Chain {
    fn default() -> Self {
        Self { links: Vec::new(), captured: 0, torn: false, patience: 1 }
    }
}

impl Chain {
    /// The chain of a state that was restored from `parts`, all of them and unchanged. After a change
    /// of parallelism start from [`Chain::default`]: the first capture is then full.
    #[must_use]
    pub fn restored(parts: Vec<BlobRef>) -> Self {
        let links: Vec<Link> = (1..)
            .zip(parts)
            .map(|(number, blob)| Link { number, full: number == 1, blob: Some(blob) })
            .collect();
        Self { captured: links.len() as u64, links, ..Self::default() }
    }

    /// Begins a capture, to be followed by [`uploaded`](Self::uploaded) or [`failed`](Self::failed).
    /// Checkpoints of captures before the newest stored base can no longer be named from here on.
    pub fn next_capture(&mut self) -> Capture {
        let full = self.torn || self.base().is_none() || self.outweighed(1);
        if let Some(stored) = self.stored_base() {
            self.links.drain(..stored);
        }
        self.captured += 1;
        self.torn = false;
        self.links.push(Link { number: self.captured, full, blob: None });
        Capture { number: self.captured, full }
    }

    /// The upload of a capture is done. `false`: what it built on is lost, and nothing needs it.
    pub fn uploaded(&mut self, capture: Capture, blob: BlobRef) -> bool {
        match self.at(capture.number) {
            Some(at) => {
                // A table may have handed out everything although the changes were enough.
                if self.links[at].full || capture.full {
                    let before = self.links[..at].iter().rposition(|link| link.full).unwrap_or(at);
                    self.learn(weight(&self.links[before..at]), blob.bytes);
                    self.links[at].full = true;
                }
                self.links[at].blob = Some(blob);
                true
            }
            None => false,
        }
    }

    /// The upload of a capture is lost, and with it the deltas that build on it. Returns the blobs
    /// of those that had been stored: they are garbage.
    pub fn failed(&mut self, capture: Capture) -> Vec<BlobRef> {
        let Some(at) = self.at(capture.number) else { return Vec::new() };
        let behind = self.links[at + 1..].iter().position(|link| link.full);
        let end = behind.map_or(self.links.len(), |offset| at + 1 + offset);
        self.torn |= behind.is_none();
        self.links.drain(at..end).filter_map(|link| link.blob).collect()
    }

    /// What the checkpoint of this capture names, base first; `None` while one of them is not stored,
    /// and for ever when one was lost.
    #[must_use]
    pub fn parts(&self, capture: Capture) -> Option<Vec<BlobRef>> {
        let end = self.at(capture.number)?;
        let start = self.links[..=end].iter().rposition(|link| link.full)?;
        self.links[start..=end].iter().map(|link| link.blob.clone()).collect()
    }

    /// A merge that is worth making now, if there is one.
    #[must_use]
    pub fn compaction(&self) -> Option<Compaction> {
        let start = self.stored_base()?;
        if !self.outweighed(COMPACT_AT_BASE_SHARE) && self.links.len() - start < CHAIN_BLOBS {
            return None;
        }
        let stored: Vec<&Link> = self.links[start..]
            .iter()
            .enumerate()
            .take_while(|(offset, link)| link.blob.is_some() && (*offset == 0 || !link.full))
            .map(|(_, link)| link)
            .collect();
        let through = stored.last().filter(|_| stored.len() > 1)?.number;
        Some(Compaction { through, parts: stored.iter().filter_map(|l| l.blob.clone()).collect() })
    }

    /// The merge is stored as `base`. `false`: a newer base came first, and nothing needs this one.
    pub fn compacted(&mut self, done: &Compaction, base: BlobRef) -> bool {
        let Some(end) = self.at(done.through) else { return false };
        let Some(start) = self.links[..=end].iter().rposition(|link| link.full) else {
            return false;
        };
        let now = self.links[start..=end].iter().map(|link| link.blob.as_ref());
        if !now.eq(done.parts.iter().map(Some)) {
            return false;
        }
        self.learn(weight(&self.links[start..=end]), base.bytes);
        let merged = Link { number: done.through, full: true, blob: Some(base) };
        self.links.splice(start..=end, [merged]);
        true
    }

    fn at(&self, number: u64) -> Option<usize> {
        self.links.iter().position(|link| link.number == number)
    }

    fn base(&self) -> Option<usize> {
        self.links.iter().rposition(|link| link.full)
    }

    fn stored_base(&self) -> Option<usize> {
        self.links.iter().rposition(|link| link.full && link.blob.is_some())
    }

    /// Whether the deltas behind the newest base, as far as stored, weigh more than `1 / share` of it, or
    /// than so many times that as the chain has patience.
    fn outweighed(&self, share: u64) -> bool {
        self.base().is_some_and(|base| {
            let deltas = weight(&self.links[base + 1..]);
            let allowed = weight(&self.links[base..=base]).saturating_mul(self.patience);
            self.links[base].blob.is_some() && deltas.saturating_mul(share) > allowed
        })
    }

    /// `before` bytes have become a base of `after`.
    fn learn(&mut self, before: u64, after: u64) {
        let nothing_gained = before > 0 && after >= before - before / 8;
        self.patience = if nothing_gained { PATIENCE_MAX.min(self.patience * 2) } else { 1 };
    }
}

/// Bytes of those that are stored.
fn weight(links: &[Link]) -> u64 {
    links.iter().filter_map(|link| link.blob.as_ref()).map(|blob| blob.bytes).sum()
}

/// Why a merge was not made. The chain is as it was.
#[derive(Debug, thiserror::Error)]
pub enum CompactError {
    /// Storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A part is not what was written.
    #[error("blob {name} cannot be merged: {why}")]
    Part {
        /// The part.
        name: String,
        /// What is wrong with it.
        why: DecodeError,
    },
}

/// Merges the parts of `compaction` into one base under `name`. Blocks.
///
/// # Errors
/// When a part cannot be read or the base not be written.
pub fn compact(
    storage: &dyn CheckpointStorage,
    compaction: &Compaction,
    name: &str,
) -> Result<BlobRef, CompactError> {
    let part = |why, blob: &BlobRef| CompactError::Part { name: blob.name.clone(), why };
    let mut chain = Vec::with_capacity(compaction.parts.len());
    for blob in &compaction.parts {
        let frame = storage.get_blob(blob)?;
        chain.push(Delta::from_owned_frame(frame).map_err(|why| part(why, blob))?);
    }
    let merged = Merged::of(&chain)
        .map_err(|why| CompactError::Part { name: "of the chain".to_owned(), why })?;
    Ok(put_delta(storage, name, true, |into| merged.write(into))?.0)
}

/// Writes a base (`full`) or delta piece by piece; returns also how many entries it has. Blocks.
pub(crate) fn put_delta(
    storage: &dyn CheckpointStorage,
    name: &str,
    full: bool,
    write: impl FnOnce(&mut DeltaWriter<'_>),
) -> Result<(BlobRef, u64), StorageError> {
    let mut blob = storage.begin_blob(name, FRAME_HEAD_BYTES)?;
    let mut writer = DeltaWriter::new(full, &mut *blob);
    write(&mut writer);
    let written = writer.finish().map_err(|error| StorageError::NotWritten {
        doing: format!("write blob {name} to {}", storage.describe()),
        source: error.into(),
    })?;
    Ok((blob.finish(&written.frame_head)?, written.entries))
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
