//! The conservation audit of one channel: what was received must be what the barrier says was sent.
//!
//! A barrier carries its channel's running total within the attempt. A mismatch means that records
//! were lost or doubled on the way; the checkpoint must not complete and the region must not go on.

use super::ChannelInfo;
use crate::element::Barrier;
use std::fmt;

/// Records received on a channel within the attempt.
#[derive(Clone, Copy, Debug, Default)]
pub struct Received(u64);

impl Received {
    /// Counts `records` more.
    pub const fn add(&mut self, records: u64) {
        self.0 += records;
    }

    /// The running total.
    #[must_use]
    pub const fn records(self) -> u64 {
        self.0
    }

    /// Compares the total with the sender's.
    ///
    /// # Errors
    /// When they differ.
    pub fn check(self, channel: &ChannelInfo, barrier: Barrier) -> Result<(), AuditFailure> {
        if self.0 == barrier.sent {
            return Ok(());
        }
        Err(AuditFailure {
            edge: channel.edge.clone(),
            from: channel.from,
            checkpoint: barrier.checkpoint,
            sent: barrier.sent,
            received: self.0,
        })
    }
}

/// Records were lost or doubled on a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditFailure {
    /// The edge.
    pub edge: String,
    /// The sending subtask's index.
    pub from: u32,
    /// The checkpoint at whose barrier it was found.
    pub checkpoint: u64,
    /// What the sender says it sent within the attempt.
    pub sent: u64,
    /// What was received.
    pub received: u64,
}

impl fmt::Display for AuditFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { edge, from, checkpoint, sent, received } = self;
        write!(
            f,
            "audit broken on edge {edge} from subtask {from} at checkpoint {checkpoint}: \
             {sent} records sent, {received} received"
        )
    }
}

impl std::error::Error for AuditFailure {}
