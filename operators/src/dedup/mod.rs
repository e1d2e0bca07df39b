//! Deduplication: one row per key.
//!
//! | | keeps | state per key | exact |
//! |---|---|---|---|
//! | [`FirstRow`] | the first to arrive | the key | yes, as long as it is retained |
//! | [`FirstRowByTime`] | the first by event time, when the watermark has reached it | the key; the row until then | yes, whatever the order |
//! | [`LastRow`] | the last one, as a changelog | the key and the row | yes |
//! | [`BloomFirst`] | the first to arrive | about 1 to 2 bytes | no: a small share of new rows is dropped |
//! | [`BitmapFirst`] | the first to arrive, of numbered things | 1 bit to 2 bytes | yes |
//!
//! The last two keep pages instead of keys: a stream is partitioned by page, and a snapshot holds the pages
//! that have changed. They never forget.

mod bitmap_first;
mod bloom_first;
mod first_row;
mod first_row_by_time;
mod last_row;

pub use bitmap_first::{BitmapFirst, BitmapFirstOperator};
pub use bloom_first::{BloomFirst, BloomFirstOperator};
pub use first_row::FirstRow;
pub use first_row_by_time::FirstRowByTime;
pub use last_row::LastRow;

use crate::Retain;
use tidegate_core::state::ttl::{StateTtl, UpdateType};

/// The time to live of what is retained so long.
fn ttl(retain: Retain, update: UpdateType) -> StateTtl {
    match retain.millis() {
        Some(millis) => StateTtl::new(millis).update(update),
        // Nothing expires, so nothing has to be looked for.
        None => StateTtl::new(i64::MAX).cleanup(0),
    }
}
