//! Barrier alignment: a channel that has delivered barrier n is not read until all channels have.
//!
//! The algorithm is asynchronous barrier snapshotting (Carbone et al., arXiv:1506.08603, algorithm 1).
//! Every source injects every barrier of its attempt and every task passes each on, also for a
//! checkpoint that has been given up meanwhile; so an alignment always ends, and none is ever undone.
//! At-least-once is the same machine with blocking off.

use crate::element::Barrier;
use crate::snapshot::CheckpointId;

/// Whether records may pass a barrier that waits for its siblings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarantee {
    /// They may not: state is a consistent cut, every record counts once.
    ExactlyOnce,
    /// They may: no waiting, and after a recovery some records count twice.
    AtLeastOnce,
}

/// Collects the barriers of a task's channels.
#[derive(Clone, Debug)]
pub struct Alignment {
    guarantee: Guarantee,
    /// The newest barrier each channel has delivered.
    delivered: Vec<CheckpointId>,
    /// The newest barrier that all channels have delivered.
    completed: CheckpointId,
}

impl Alignment {
    /// An alignment over `channels` channels.
    #[must_use]
    pub fn new(channels: usize, guarantee: Guarantee) -> Self {
        Self { guarantee, delivered: vec![0; channels], completed: 0 }
    }

    /// Whether `channel` must not be read now.
    #[inline]
    #[must_use]
    pub fn is_blocked(&self, channel: usize) -> bool {
        self.guarantee == Guarantee::ExactlyOnce && self.delivered[channel] > self.completed
    }

    /// Whether some channels have delivered a barrier for which others are still awaited.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.delivered.iter().any(|&id| id > self.completed)
    }

    /// Takes a barrier off `channel`; returns it when it was the last one missing.
    pub fn on_barrier(&mut self, channel: usize, barrier: Barrier) -> Option<Barrier> {
        self.delivered[channel] = barrier.checkpoint;
        let everywhere = self.delivered.iter().copied().min().unwrap_or(0);
        if everywhere > self.completed {
            self.completed = everywhere;
            return Some(barrier);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::BarrierKind;

    fn barrier(checkpoint: CheckpointId) -> Barrier {
        Barrier { checkpoint, kind: BarrierKind::Periodic, sent: 0 }
    }

    #[test]
    fn channels_block_until_the_last_barrier_is_in() {
        let mut alignment = Alignment::new(2, Guarantee::ExactlyOnce);
        assert_eq!(alignment.on_barrier(0, barrier(7)), None);
        assert!(alignment.is_blocked(0) && !alignment.is_blocked(1) && alignment.is_pending());
        assert_eq!(alignment.on_barrier(1, barrier(7)), Some(barrier(7)));
        assert!(!alignment.is_blocked(0) && !alignment.is_blocked(1) && !alignment.is_pending());
    }

    #[test]
    fn at_least_once_blocks_nothing_and_completes_in_order() {
        let mut alignment = Alignment::new(2, Guarantee::AtLeastOnce);
        assert_eq!(alignment.on_barrier(0, barrier(1)), None);
        assert_eq!(alignment.on_barrier(0, barrier(2)), None);
        assert!(!alignment.is_blocked(0));
        assert_eq!(alignment.on_barrier(1, barrier(1)), Some(barrier(1)));
        assert_eq!(alignment.on_barrier(1, barrier(2)), Some(barrier(2)));
    }
}
