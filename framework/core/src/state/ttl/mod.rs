//! State with a time to live: values that nobody has touched for long enough vanish.
//!
//! Apart from the plain states because it costs: each value carries the time of its last update, and
//! each access looks at the clock. The clock is processing time and is passed in by whoever accesses
//! the state, like the key ([`crate::process::KeyedContext::processing_time`]).
//!
//! Nothing watches the clock for itself. What has expired is left out of every read at once (unless
//! [`Visibility`] says otherwise) and removed when it is met: by a read, by the few entries that each
//! access looks at in turn, by a full snapshot, and by the first access after a restore. The time to
//! live is no part of the stored value: a state can be restored with another one.

mod fold;
mod list;
mod map;
#[cfg(test)]
mod model_tests;
mod store;
mod value;

pub use fold::{TtlAggregatingState, TtlReducingState};
pub use list::TtlListState;
pub use map::TtlMapState;
pub use value::TtlValueState;

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What sets the time to live anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateType {
    /// Creating and writing.
    OnCreateAndWrite,
    /// Reading, too.
    OnReadAndWrite,
}

/// Whether a read may return what has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// Never.
    NeverReturnExpired,
    /// Once, if it is still there; that read removes it.
    ReturnExpiredIfNotCleanedUp,
}

/// How long values live, and what becomes of them then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateTtl {
    ttl_ms: i64,
    update: UpdateType,
    visibility: Visibility,
    cleanup: usize,
}

impl StateTtl {
    /// How many entries each access looks at, unless asked otherwise: as many as Flink.
    pub const CLEANUP_DEFAULT: usize = 5;

    /// Values live for `ttl_ms` of processing time after they were last written. With a time to live
    /// of 0 or less they expire at once.
    #[must_use]
    pub const fn new(ttl_ms: i64) -> Self {
        Self {
            ttl_ms,
            update: UpdateType::OnCreateAndWrite,
            visibility: Visibility::NeverReturnExpired,
            cleanup: Self::CLEANUP_DEFAULT,
        }
    }

    /// Says what sets the time to live anew.
    #[must_use]
    pub const fn update(mut self, update: UpdateType) -> Self {
        self.update = update;
        self
    }

    /// Says whether a read may return what has expired.
    #[must_use]
    pub const fn visibility(mut self, visibility: Visibility) -> Self {
        self.visibility = visibility;
        self
    }

    /// How many slots of the table each access looks at to remove what has expired there; with 0 it
    /// stays until it is read, or until a full snapshot.
    #[must_use]
    pub const fn cleanup(mut self, slots: usize) -> Self {
        self.cleanup = slots;
        self
    }

    fn has_expired(&self, updated: Timestamp, now: Timestamp) -> bool {
        updated.plus(self.ttl_ms) <= now
    }

    fn refreshes_on_read(&self) -> bool {
        self.update == UpdateType::OnReadAndWrite
    }

    fn shows_expired(&self) -> bool {
        self.visibility == Visibility::ReturnExpiredIfNotCleanedUp
    }
}

/// A value with the processing time of its last update: what is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Timed<V>(Timestamp, V);
