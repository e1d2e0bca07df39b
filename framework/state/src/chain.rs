//! The blobs that hold one keyed state of one subtask: a base and the deltas since, and the
//! bookkeeping that keeps them complete while uploads overlap, fail and are merged.
//!
//! Apart because it is pure: it decides what the next capture must be and what a checkpoint must
//! name, and leaves bytes to others. Only [`compact`] touches storage.
//!
//! A delta is of use only behind everything captured before it, back to a base. So a lost upload
//! takes the deltas behind it with it, and the next capture is a full one; an aborted checkpoint takes
//! nothing with it, its blobs stay in the chain.
//!
//! A chain is made anew when more than half as many of its entries are superseded as are alive: by a merge of its
//! blobs, or by a full capture where much of the state changes between two captures. Where a merge comes too
//! late, the next capture is full at twice that. How many are superseded is known without reading anything: what
//! was written since the base, less what the state held at the last capture. So a chain stays within twice its
//! live entries, plus one delta; and a state that only grows, whose deltas supersede nothing, is never rewritten
//! for its size.

use crate::limits::{CHAIN_BLOBS, COMPACT_AT_LIVE_SHARE, FULL_AT_DELTA_SHARE};
use crate::storage::{CheckpointStorage, StorageError};
use tidegate_core::codec::{DecodeError, FRAME_HEAD_BYTES};
use tidegate_core::snapshot::{BlobRef, StoredDelta};
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
    pub parts: Vec<StoredDelta>,
}

#[derive(Clone, Debug)]
struct Link {
    number: u64,
    full: bool,
    /// Entries that the state held at this capture; `None` for what was restored, as long as nobody has asked.
    live: Option<u64>,
    /// `None` while it is being uploaded.
    stored: Option<StoredDelta>,
}

/// The chain of blobs of one keyed state of one subtask.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    /// In the order of capture. Each delta follows what it builds on.
    links: Vec<Link>,
    captured: u64,
    /// A capture was lost since the last full one.
    torn: bool,
}

impl Chain {
    /// The chain of a state that was restored from `parts`, all of them and unchanged. After a change
    /// of parallelism start from [`Chain::default`]: the first capture is then full.
    #[must_use]
    pub fn restored(parts: Vec<StoredDelta>) -> Self {
        let links: Vec<Link> = (1..)
            .zip(parts)
            .map(|(number, part)| Link {
                number,
                full: number == 1,
                live: None,
                stored: Some(part),
            })
            .collect();
        Self { captured: links.len() as u64, links, torn: false }
    }

    /// Begins a capture of `live` entries, to be followed by [`uploaded`](Self::uploaded) or [`failed`](Self::failed).
    /// Checkpoints of captures before the newest stored base can no longer be named from here on.
    pub fn next_capture(&mut self, live: u64) -> Capture {
        if let Some(last @ Link { live: None, .. }) = self.links.last_mut() {
            last.live = Some(live);
        }
        let full = self.torn
            || self.base().is_none()
            || self.outweighed(1)
            || (self.outweighed(COMPACT_AT_LIVE_SHARE) && self.turns_over());
        if let Some(stored) = self.stored_base() {
            self.links.drain(..stored);
        }
        self.captured += 1;
        self.torn = false;
        self.links.push(Link { number: self.captured, full, live: Some(live), stored: None });
        Capture { number: self.captured, full }
    }

    /// The upload of a capture is done. `false`: what it built on is lost, and nothing needs it.
    pub fn uploaded(&mut self, capture: Capture, delta: StoredDelta) -> bool {
        let link = self.links.iter_mut().find(|link| link.number == capture.number);
        let Some(link) = link else { return false };
        // A table may have handed out everything although the changes were enough.
        link.full |= capture.full;
        if link.full {
            // A base says itself what is alive: making it may have swept out what had expired.
            let counted = link.live.replace(delta.entries);
            debug_assert!(
                counted >= Some(delta.entries),
                "entries are counted as they are captured"
            );
        }
        link.stored = Some(delta);
        true
    }

    /// The upload of a capture is lost, and with it the deltas that build on it. Returns the blobs
    /// of those that had been stored: they are garbage.
    pub fn failed(&mut self, capture: Capture) -> Vec<BlobRef> {
        let Some(at) = self.at(capture.number) else { return Vec::new() };
        let behind = self.links[at + 1..].iter().position(|link| link.full);
        let end = behind.map_or(self.links.len(), |offset| at + 1 + offset);
        self.torn |= behind.is_none();
        self.links.drain(at..end).filter_map(|link| Some(link.stored?.blob)).collect()
    }

    /// What the checkpoint of this capture names, base first; `None` while one of them is not stored,
    /// and for ever when one was lost.
    #[must_use]
    pub fn parts(&self, capture: Capture) -> Option<Vec<StoredDelta>> {
        let end = self.at(capture.number)?;
        let start = self.links[..=end].iter().rposition(|link| link.full)?;
        self.links[start..=end].iter().map(|link| link.stored.clone()).collect()
    }

    /// A merge that is worth making now, if there is one.
    #[must_use]
    pub fn compaction(&self) -> Option<Compaction> {
        let start = self.stored_base()?;
        let outweighed = self.outweighed(COMPACT_AT_LIVE_SHARE) && !self.turns_over();
        if !outweighed && self.links.len() - start < CHAIN_BLOBS {
            return None;
        }
        let stored: Vec<&Link> = self.links[start..]
            .iter()
            .enumerate()
            .take_while(|(offset, link)| link.stored.is_some() && (*offset == 0 || !link.full))
            .map(|(_, link)| link)
            .collect();
        let through = stored.last().filter(|_| stored.len() > 1)?.number;
        let parts = stored.iter().filter_map(|link| link.stored.clone()).collect();
        Some(Compaction { through, parts })
    }

    /// The merge is stored as `base`. `false`: a newer base came first, and nothing needs this one.
    pub fn compacted(&mut self, done: &Compaction, base: StoredDelta) -> bool {
        let Some(end) = self.at(done.through) else { return false };
        let Some(start) = self.links[..=end].iter().rposition(|link| link.full) else {
            return false;
        };
        let now = self.links[start..=end].iter().map(|link| link.stored.as_ref());
        if !now.eq(done.parts.iter().map(Some)) {
            return false;
        }
        let live = self.links[end].live;
        let merged = Link { number: done.through, full: true, live, stored: Some(base) };
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
        self.links.iter().rposition(|link| link.full && link.stored.is_some())
    }

    /// Whether the entries stored since the newest base hold so many superseded ones that they are more than
    /// `1 / share` of those that were alive at the last stored capture.
    fn outweighed(&self, share: u64) -> bool {
        let Some(base) = self.base().filter(|base| self.links[*base].stored.is_some()) else {
            return false;
        };
        let stored = || self.links[base..].iter().filter(|link| link.stored.is_some());
        let entries: u64 = stored().flat_map(|link| &link.stored).map(|delta| delta.entries).sum();
        let live = stored().next_back().and_then(|link| link.live);
        live.is_some_and(|live| entries.saturating_sub(live).saturating_mul(share) > live)
    }

    /// Whether so much changes between two captures that a full one writes little more than the next delta.
    fn turns_over(&self) -> bool {
        let newest = self.links.iter().rev().find_map(|link| Some((link, link.stored.as_ref()?)));
        newest.is_some_and(|(link, delta)| {
            let heavy = |live| delta.entries.saturating_mul(FULL_AT_DELTA_SHARE) > live;
            !link.full && link.live.is_some_and(heavy)
        })
    }
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
) -> Result<StoredDelta, CompactError> {
    let part = |why, blob: &BlobRef| CompactError::Part { name: blob.name.clone(), why };
    let mut chain = Vec::with_capacity(compaction.parts.len());
    for StoredDelta { blob, .. } in &compaction.parts {
        let frame = storage.get_blob(blob)?;
        chain.push(Delta::from_owned_frame(frame).map_err(|why| part(why, blob))?);
    }
    let damaged = |why| CompactError::Part { name: "of the chain".to_owned(), why };
    let merged = Merged::of(&chain).map_err(damaged)?;
    put_delta(storage, name, true, |into| merged.write(into).map_err(damaged))
}

/// Writes a base (`full`) or delta piece by piece. Blocks.
pub(crate) fn put_delta<E: From<StorageError>>(
    storage: &dyn CheckpointStorage,
    name: &str,
    full: bool,
    write: impl FnOnce(&mut DeltaWriter<'_>) -> Result<(), E>,
) -> Result<StoredDelta, E> {
    let mut blob = storage.begin_blob(name, FRAME_HEAD_BYTES)?;
    let mut writer = DeltaWriter::new(full, &mut *blob);
    write(&mut writer)?;
    let written = writer.finish().map_err(|error| StorageError::NotWritten {
        doing: format!("write blob {name} to {}", storage.describe()),
        source: error.into(),
    })?;
    Ok(StoredDelta { blob: blob.finish(&written.frame_head)?, entries: written.entries })
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
