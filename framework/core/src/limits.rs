//! Every bound and default of the core in one place, with why.

/// Records in a full batch. One actix message costs about 0.6 us of CPU; over 1,024 records that is
/// nothing, and a batch of small records still fits the second-level cache together with its table.
pub const BATCH_RECORDS: usize = 1024;

/// Bytes of records in a full batch: large records travel in smaller batches, for the same caches.
pub const BATCH_BYTES: usize = 64 * 1024;

/// Bytes of records that an operator hands to the next one of its chain at once: the next one then finds them in the
/// first-level cache. What goes to another task is not cut so small: each batch costs a message.
pub const CHAIN_BYTES: usize = 24 * 1024;

/// The fewest records in a full batch, however large they are.
pub const BATCH_RECORDS_MIN: usize = 32;

/// Watermarks that may stand in one batch before it is sent although it is not full.
pub const BATCH_MARKS: usize = 1024;

/// Batches that may be on their way in a channel. Four were fastest of 2, 4, 16 and 64: the buffers
/// stay in cache; eight ride out a busy neighbour.
pub const CHANNEL_CREDITS: u32 = 8;

/// The fewest credits of a channel: one batch being processed, one on its way.
pub const CHANNEL_CREDITS_MIN: u32 = 2;

/// Memory that the batches on their way into one task may take.
pub const GATE_BYTES: usize = 32 * 1024 * 1024;

/// Bytes of encoded state that are handed to storage at once: they stay in the second-level cache, and a
/// checkpoint of any size needs no more memory than this per upload.
pub const SEGMENT_BYTES: usize = 256 * 1024;

/// Bytes of the largest slot that lies in its hash table. An interval join of numbers has 80, and they come and go: beside the
/// table each costs an eighth more instructions. From a cache line and a half on, moving costs more than that.
pub const NEAR_SLOT_BYTES: usize = 96;

/// Bytes of a block of larger slots: hardly anything is lost to blocks that are not full, and it is asked of the allocator
/// like any other piece of memory. A little less than a power of two, or its bookkeeping would take it into the
/// next class of sizes.
pub const BLOCK_BYTES: usize = 128 * 1024 - 64;

/// Records in a full batch of records of `record_bytes` each.
#[must_use]
pub const fn batch_records(record_bytes: usize) -> usize {
    records_within(BATCH_BYTES, record_bytes)
}

/// Records of `record_bytes` each that an operator hands to the next one of its chain at once.
#[must_use]
pub const fn chain_records(record_bytes: usize) -> usize {
    records_within(CHAIN_BYTES, record_bytes)
}

const fn records_within(bytes: usize, record_bytes: usize) -> usize {
    let fit = bytes / if record_bytes == 0 { 1 } else { record_bytes };
    if fit > BATCH_RECORDS {
        BATCH_RECORDS
    } else if fit < BATCH_RECORDS_MIN {
        BATCH_RECORDS_MIN
    } else {
        fit
    }
}

/// Credits of each of `channels` channels into one task, for records of `record_bytes` each.
#[must_use]
pub const fn channel_credits(channels: usize, record_bytes: usize) -> u32 {
    let batch = batch_records(record_bytes) * if record_bytes == 0 { 1 } else { record_bytes };
    let fit = GATE_BYTES / (batch * if channels == 0 { 1 } else { channels });
    if fit >= CHANNEL_CREDITS as usize {
        CHANNEL_CREDITS
    } else if fit <= CHANNEL_CREDITS_MIN as usize {
        CHANNEL_CREDITS_MIN
    } else {
        fit as u32
    }
}
