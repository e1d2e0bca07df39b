//! What must hold at every moment of a history, whatever happens in it.
//!
//! Apart from the world so that the laws can be read in one place. The ledger of the output stands in
//! the model, because it is judged against the inputs.

use super::disk::Disk;
use super::fate::Fate;
use super::record::Seen;
use std::collections::BTreeMap;
use tidegate_core::plan::SubtaskId;
use tidegate_core::snapshot::{Committable, KeyedPart, Manifest, StoredDelta, SubtaskPart};
use tidegate_core::state::delta::Delta;
use tidegate_core::time::Timestamp;

/// A channel of one attempt, by its receiving end.
pub(crate) type ChannelId = (SubtaskId, usize, u32);

#[derive(Debug)]
struct Channel {
    watermark: Timestamp,
    /// Batches sent and not yet used up.
    batches: u32,
    /// Records that a canary has hidden.
    hidden: u64,
}

/// Watches all channels of a process.
pub(crate) struct Watch {
    channels: BTreeMap<ChannelId, Channel>,
    credits: u32,
}

impl Watch {
    pub(crate) const fn new(credits: u32) -> Self {
        Self { channels: BTreeMap::new(), credits }
    }

    /// A channel of a new attempt; `watermark` is what it must not fall back behind.
    pub(crate) fn open(&mut self, at: ChannelId, watermark: Timestamp) {
        self.channels.insert(at, Channel { watermark, batches: 0, hidden: 0 });
    }

    pub(crate) fn sent(&mut self, at: ChannelId, seen: &Seen, fate: &Fate) {
        let Some(channel) = self.channels.get_mut(&at) else {
            return fate.violation(format_args!("an element for unknown channel {at:?}"));
        };
        for &watermark in &seen.watermarks {
            if watermark <= channel.watermark {
                fate.violation(format_args!(
                    "channel {at:?}: watermark {watermark} after {}",
                    channel.watermark
                ));
            }
            channel.watermark = watermark;
        }
        if seen.records.is_some() {
            channel.batches += 1;
            if channel.batches > self.credits {
                fate.violation(format_args!("channel {at:?} holds {} batches", channel.batches));
            }
        }
    }

    pub(crate) fn credited(&mut self, at: ChannelId, fate: &Fate) {
        match self.channels.get_mut(&at) {
            Some(channel) if channel.batches > 0 => channel.batches -= 1,
            _ => fate.violation(format_args!("a credit for nothing on channel {at:?}")),
        }
    }

    pub(crate) fn hide(&mut self, at: ChannelId, records: u64) {
        if let Some(channel) = self.channels.get_mut(&at) {
            channel.hidden += records;
            channel.batches -= 1;
        }
    }

    pub(crate) fn hidden(&self, at: ChannelId) -> u64 {
        self.channels.get(&at).map_or(0, |channel| channel.hidden)
    }
}

/// Output is committed only when a durable manifest names it.
pub(crate) fn may_commit(disk: &Disk, latest: Option<&Manifest>, list: &[Committable]) -> bool {
    let durable = latest.and_then(|latest| disk.peek_manifest(latest.id));
    let Some(durable) = durable.and_then(|frame| Manifest::from_frame(&frame).ok()) else {
        return false;
    };
    list.iter().all(|committable| durable.committables.contains(committable))
}

/// Every part was written by the attempt that is current: a blob's name says who wrote it.
pub(crate) fn is_current(part: &SubtaskPart, run: u64, attempt: u32, checkpoint: u64) -> bool {
    part.snapshot.name.starts_with(&format!("{run}-{attempt}-{checkpoint}-"))
}

/// A chain holds no more than twice as many entries as were alive before or behind its last delta, and
/// that delta.
pub(crate) fn chain_is_bounded(disk: &Disk, part: &KeyedPart) -> Result<(), String> {
    let mut chain = Vec::new();
    for StoredDelta { blob, entries } in &part.chain {
        let frame = disk.peek_blob(&blob.name);
        let delta = frame.and_then(|frame| Delta::from_frame(&frame).ok());
        let delta = delta.ok_or_else(|| format!("blob {} is not durable and whole", blob.name))?;
        if delta.entries != *entries {
            return Err(format!("blob {} of {} entries, not {entries}", blob.name, delta.entries));
        }
        chain.push(delta);
    }
    let (Some(base), Some(last)) = (chain.first(), chain.last()) else {
        return Err(format!("the chain of {} is empty", part.state));
    };
    if !base.full {
        return Err(format!("the chain of {} does not begin with a base", part.state));
    }
    let live = |chain: &[Delta]| match Delta::merge(chain) {
        Ok(merged) => Ok(merged.entries),
        Err(error) => Err(error.to_string()),
    };
    let alive = live(&chain)?.max(live(&chain[..chain.len().max(2) - 1])?);
    let entries: u64 = chain.iter().map(|delta| delta.entries).sum();
    if chain.len() > 1 && entries > 2 * alive + last.entries {
        return Err(format!(
            "a chain of {entries} entries, {alive} of them alive: {:?}",
            part.chain
        ));
    }
    Ok(())
}
