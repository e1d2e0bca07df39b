//! The split of a watched folder: a bucket of its files, by their names, and how far each has been read.
//!
//! Apart from the folder because it outlives a process: a checkpoint holds it. Files come and go, so which file is in
//! which bucket follows from its name alone, for ever; the number of buckets is part of the split for that reason.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A bucket of the files of a folder, and how far each of them has been read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderSplit {
    /// Which bucket, from 0.
    pub bucket: u32,
    /// How many there are.
    pub buckets: u32,
    /// The files of which something has been read and which are still there, by their names in the folder.
    pub files: BTreeMap<String, FileProgress>,
}

/// How far a file has been read, and by what it is recognised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileProgress {
    /// Behind the last row emitted. In a compressed file it counts what comes out of it, and is `u64::MAX` when all of
    /// that has been read.
    pub position: u64,
    /// By so many of its first bytes it is recognised. They hold whole rows only, so that a writer may take back a
    /// line that it has not ended.
    pub checked: u64,
    /// Their checksum.
    pub checksum: u32,
    /// The length of a compressed file, which does not change any more.
    pub compressed: Option<u64>,
}

impl FolderSplit {
    /// Whether a file of this name is in the bucket.
    pub(super) fn holds(&self, name: &str) -> bool {
        bucket(name, self.buckets) == self.bucket
    }
}

/// The bucket of a file. Checkpoints rely on it: it must never change.
fn bucket(name: &str, buckets: u32) -> u32 {
    // Names differ in a digit or two; the checksum alone, being linear, may put them all into few of the buckets.
    let mut hash = crc32c::crc32c(name.as_bytes());
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^= hash >> 16;
    ((u64::from(hash) * u64::from(buckets)) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spread_over_the_buckets_for_ever_in_the_same_way() {
        let days: Vec<String> = (1..=1_000).map(|day| format!("app-{day:04}.log")).collect();
        for buckets in [1, 2, 3, 7, 16] {
            let mut sizes = vec![0_u32; buckets as usize];
            days.iter().for_each(|name| sizes[bucket(name, buckets) as usize] += 1);
            let fair = 1_000 / buckets;
            let is_fair = |size: &u32| (fair / 2..=fair * 3 / 2 + 1).contains(size);
            assert!(sizes.iter().all(is_fair), "{sizes:?}");
        }
        let of = |name| bucket(name, 1_000);
        assert_eq!([of(""), of("a"), of("app-0001.log"), of("é")], [0, 917, 348, 522]);
    }
}
