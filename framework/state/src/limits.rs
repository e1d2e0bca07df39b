//! Every bound and default of this crate, with the reason for its value.
//!
//! Apart so that whoever asks "how much, how long, how often" looks in one place.

use std::time::Duration;

/// Bytes per sled value. From 128 KiB (a quarter of a segment) on sled writes each value to a file of
/// its own, and the disk grew a hundredfold; half of that leaves room for keys and headers.
pub const SLED_VALUE_BYTES: usize = 64 * 1024;

/// Bytes of the largest object that lies in sled: a few values. Sled writes each byte more than three times,
/// a file takes it once; but a file costs a sync of its own, which is not worth it for less.
pub const SLED_OBJECT_BYTES: usize = 512 * 1024;

/// Sled's page cache unless told otherwise. Its own default of 1 GiB is an estimate, not a bound.
pub const SLED_CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// How often sled's flusher runs. It must run: segments are only collected from that thread.
pub const SLED_FLUSH_EVERY_MS: u64 = 500;

/// How long sled may take to open. A folder of 448 MB opens in 50 ms; minutes mean it is broken.
pub const SLED_OPEN_DEADLINE: Duration = Duration::from_secs(60);

/// How fast the database is walked through at the least once it is open: 250 MB/s were measured.
pub const SLED_WALK_BYTES_PER_SECOND: u64 = 20_000_000;

/// Length of a blob's name: what a file system allows (255), less room for a staging suffix.
pub const BLOB_NAME_BYTES: usize = 200;

/// Completed checkpoints kept when the job does not say.
pub const RETAINED_CHECKPOINTS: usize = 3;

/// Manifests of others that a claim or an append steps over before it gives up. Each one is a writer
/// that was faster; more than a handful means that something else writes here without end.
pub const CLAIM_ATTEMPTS: usize = 64;

/// Digits of a manifest's file name, so that names sort like numbers: `u64::MAX` has 20.
pub const MANIFEST_DIGITS: usize = 20;

/// A chain is worth merging when the entries in it that are superseded are more than this share (1 / n) of
/// those that are alive. At 1 / 1 the next capture is a full one, so a merge comes in time at half of that.
pub const COMPACT_AT_LIVE_SHARE: u64 = 2;

/// A state of which the newest delta holds more than this share (1 / n) is captured in full where its chain would
/// else be merged: that writes little more than the next delta would, and a merge reads all of the chain beside it.
pub const FULL_AT_DELTA_SHARE: u64 = 4;

/// Blobs of a chain that are merged however little they weigh: every manifest names them all.
pub const CHAIN_BLOBS: usize = 256;

/// How long a held lock is given to be let go. Sled's own threads drop the last handle a little after
/// the storage is dropped, so a restart within one process would else find itself in use.
pub const SLED_LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// How long a database that is written to is watched for a moment in which it can be copied: a few intervals between
/// checkpoints of a second, during each of which it is at rest most of the time.
pub const SLED_COPY_PATIENCE: Duration = Duration::from_secs(10);

/// Pause between two attempts to copy it, and how long nothing must have been written: file times are only so fine.
pub const SLED_AT_REST: Duration = Duration::from_millis(30);

/// How much is told of the reason that sled gives when it panics.
pub const SLED_REASON_CHARS: usize = 120;

/// Pause between two attempts to take the lock.
pub const SLED_LOCK_RETRY: Duration = Duration::from_millis(20);
