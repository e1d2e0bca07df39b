//! Every limit and default of this crate, in one place, with why.

use std::time::Duration;

/// Rows that travel together from a reader's thread: enough to make the lock between them free.
pub(crate) const CHUNK_ROWS: usize = 1_024;
/// Bytes of input after which a chunk is full, so that long rows do not pile up in memory.
pub(crate) const CHUNK_BYTES: u64 = 1 << 20;
/// Chunks read ahead: one being emptied, one ready, one being filled.
pub(crate) const CHUNKS_AHEAD: usize = 3;
/// One read of an input file.
pub(crate) const READ_BYTES: usize = 128 << 10;
/// A row longer than this is taken for a quote that is not closed, or for another format.
pub(crate) const ROW_BYTES_MAX: u64 = 16 << 20;
/// A file is not cut into ranges shorter than this: opening one costs more than it saves.
pub(crate) const RANGE_BYTES_MIN: u64 = 64 << 10;
/// The beginning of a file by which it is recognised.
pub(crate) const FIRST_BLOCK_BYTES: u64 = 4 << 10;
/// How far into a file lines are counted to give a malformed row its number; beyond, its byte
/// position must do.
pub(crate) const COUNT_LINES_BYTES: u64 = 1 << 28;
/// Encoded rows handed to the writer's thread at once.
pub(crate) const WRITE_BYTES: usize = 128 << 10;
/// Buffers on their way to the writer's thread; beyond, the sink is backpressured.
pub(crate) const WRITES_AHEAD: usize = 8;
/// A part is closed to new rows at this size.
pub(crate) const ROLL_BYTES: u64 = 128 << 20;
/// A part is published by the first checkpoint after this age.
pub(crate) const ROLL_AFTER: Duration = Duration::from_secs(60);
/// Buckets one subtask writes into at once: each has a file handle and a buffer.
pub(crate) const BUCKETS_OPEN_MAX: usize = 512;
/// Sub-folders a bucket may be made of.
pub(crate) const BUCKET_DEPTH_MAX: usize = 8;
/// Bytes of one sub-folder's name; file systems end at 255.
pub(crate) const BUCKET_NAME_BYTES_MAX: usize = 128;

/// How long a held lock is given to be let go: a process that was killed, or that starts a child at
/// this moment, holds it a little longer than it seems.
pub(crate) const LOCK_PATIENCE: Duration = Duration::from_secs(1);
/// Pause between two attempts to take the lock.
pub(crate) const LOCK_RETRY: Duration = Duration::from_millis(20);
