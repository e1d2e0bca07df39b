//! Both sides of one key, side by side: what a join keeps in its state.

use super::buffer::Buffer;
pub(super) use crate::fetch::TOGETHER;
use serde::{Deserialize, Serialize};
use tidegate_core::key::Key;
use tidegate_core::state::Value;
use tidegate_core::state::handles::ValueState;
use tidegate_core::time::Timestamp;

/// What waits for a partner under one key, on either side.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(
    serialize = "L: Serialize, R: Serialize",
    deserialize = "L: Deserialize<'de>, R: Deserialize<'de>"
))]
pub(super) struct Sides<L, R> {
    pub(super) left: Buffer<L>,
    pub(super) right: Buffer<R>,
}

impl<L, R> Default for Sides<L, R> {
    fn default() -> Self {
        Self { left: Buffer::Empty, right: Buffer::Empty }
    }
}

/// The sides of all keys.
pub(super) type AllSides<K, L, R> = ValueState<K, Sides<L, R>>;

/// Looks at what waits under the next keys, so that it lies in the cache when it is needed.
pub(super) fn fetch<K: Key, L: Value, R: Value>(
    waiting: &AllSides<K, L, R>,
    hashes: impl Iterator<Item = u64>,
) {
    crate::fetch::fetch(waiting, hashes, |sides| sides.left.ends() ^ sides.right.ends());
}

/// How long a record of either side waits for a partner, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waits {
    pub(super) left_ms: i64,
    pub(super) right_ms: i64,
}

/// One of the two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

impl<L, R> Sides<L, R> {
    pub(super) fn is_empty(&self) -> bool {
        self.left.is_empty() && self.right.is_empty()
    }

    /// The side whose first record has waited long enough at `until`; the one that is due first, and
    /// the left one when both are due at once.
    #[inline]
    pub(super) fn due(&self, waits: Waits, until: Timestamp) -> Option<(Timestamp, Side)> {
        let left = self.left.first().map(|first| first.at.plus(waits.left_ms));
        let right = self.right.first().map(|first| first.at.plus(waits.right_ms));
        let due = match (left, right) {
            (Some(left), Some(right)) if right < left => (right, Side::Right),
            (Some(left), _) => (left, Side::Left),
            (None, Some(right)) => (right, Side::Right),
            (None, None) => return None,
        };
        (due.0 <= until).then_some(due)
    }

    /// When each of the waiting records came, and when it is due.
    pub(super) fn all_due(&self, waits: Waits) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let Waits { left_ms, right_ms } = waits;
        let left = self.left.iter().map(move |waiting| (waiting.at, waiting.at.plus(left_ms)));
        let right = self.right.iter().map(move |waiting| (waiting.at, waiting.at.plus(right_ms)));
        left.chain(right)
    }
}
