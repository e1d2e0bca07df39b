//! Keys: their stable hash, the key group it falls into, and which subtask owns a group.
//!
//! Apart because three parties must agree on it for ever: the exchange that routes a record, the
//! table that stores its state, and the snapshot that a later run at another parallelism reads.
//! Rust's `Hash` promises no stable bytes; XXH3 over a key's canonical bytes does, and golden vectors
//! in the tests below keep it so.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fmt::Debug;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// What a stream can be keyed by.
///
/// Laws: equal keys have equal canonical bytes and unequal keys unequal ones; both never change
/// between releases. `Ord` makes the firing order of timers with equal timestamps deterministic.
pub trait Key:
    Clone + Eq + Ord + Debug + Send + Sync + Serialize + DeserializeOwned + 'static
{
    /// Appends the canonical bytes. As a part of a composite key they must be self-delimiting.
    fn write_canonical(&self, out: &mut Vec<u8>);

    /// XXH3-64 of the canonical bytes.
    fn stable_hash(&self) -> u64 {
        let mut bytes = Vec::with_capacity(64);
        self.write_canonical(&mut bytes);
        xxh3_64(&bytes)
    }
}

macro_rules! integer_keys {
    ($($integer:ty),*) => {$(
        impl Key for $integer {
            fn write_canonical(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            #[inline]
            fn stable_hash(&self) -> u64 {
                xxh3_64(&self.to_le_bytes())
            }
        }
    )*};
}
integer_keys!(u8, u16, u32, u64, i8, i16, i32, i64);

/// The canonical bytes of a text: prefixed by its length, so that `("ab", "c")` and `("a", "bc")` differ.
pub fn write_str(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&(text.len() as u64).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// The stable hash of a text, without a heap allocation unless it is long.
#[must_use]
pub fn hash_str(text: &str) -> u64 {
    const SHORT: usize = 120;
    let mut bytes = [0; 8 + SHORT];
    match bytes.get_mut(8..8 + text.len()) {
        Some(copy) => {
            copy.copy_from_slice(text.as_bytes());
            bytes[..8].copy_from_slice(&(text.len() as u64).to_le_bytes());
            xxh3_64(&bytes[..8 + text.len()])
        }
        None => {
            let mut bytes = Vec::with_capacity(8 + text.len());
            write_str(text, &mut bytes);
            xxh3_64(&bytes)
        }
    }
}

impl Key for String {
    fn write_canonical(&self, out: &mut Vec<u8>) {
        write_str(self, out);
    }

    fn stable_hash(&self) -> u64 {
        hash_str(self)
    }
}

impl Key for Arc<str> {
    fn write_canonical(&self, out: &mut Vec<u8>) {
        write_str(self, out);
    }

    fn stable_hash(&self) -> u64 {
        hash_str(self)
    }
}

impl Key for bool {
    fn write_canonical(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
}

impl Key for () {
    fn write_canonical(&self, _out: &mut Vec<u8>) {}
}

impl<K: Key> Key for Option<K> {
    fn write_canonical(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.is_some()));
        if let Some(key) = self {
            key.write_canonical(out);
        }
    }
}

macro_rules! tuple_keys {
    ($(($($name:ident),+))*) => {$(
        impl<$($name: Key),+> Key for ($($name,)+) {
            #[expect(non_snake_case, reason = "the type parameters name the fields")]
            fn write_canonical(&self, out: &mut Vec<u8>) {
                let ($($name,)+) = self;
                $($name.write_canonical(out);)+
            }
        }
    )*};
}
tuple_keys!((A)(A, B)(A, B, C)(A, B, C, D));

/// A key group: the unit in which keyed state moves between subtasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyGroup(pub u16);

/// The number of key groups of a job; fixed for the life of its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaxParallelism(u16);

impl MaxParallelism {
    /// What a job gets that asks for nothing.
    pub const DEFAULT: Self = Self(128);
    /// The most key groups a job can have.
    pub const LIMIT: u16 = 32_768;

    /// `groups` key groups; `None` unless `1 <= groups <= 32768`.
    #[must_use]
    pub const fn new(groups: u16) -> Option<Self> {
        if groups >= 1 && groups <= Self::LIMIT { Some(Self(groups)) } else { None }
    }

    /// The number of key groups.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The group of a key with this hash.
    ///
    /// The hash is remixed and its *upper* bits choose the group, so that the keys of one group
    /// still differ in the bits by which a table indexes them.
    #[inline]
    #[must_use]
    pub const fn group_of(self, key_hash: u64) -> KeyGroup {
        let remixed = key_hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        KeyGroup(((remixed * self.0 as u64) >> 32) as u16)
    }

    /// The subtask that owns `group` when `parallelism` subtasks share the groups.
    #[inline]
    #[must_use]
    pub const fn owner(self, group: KeyGroup, parallelism: u32) -> u32 {
        (group.0 as u64 * parallelism as u64 / self.0 as u64) as u32
    }

    /// The groups that subtask `index` of `parallelism` owns.
    #[must_use]
    pub const fn range_of(self, index: u32, parallelism: u32) -> KeyGroupRange {
        let (groups, index, parallelism) = (self.0 as u64, index as u64, parallelism as u64);
        let start = (index * groups).div_ceil(parallelism);
        let end = ((index + 1) * groups).div_ceil(parallelism);
        KeyGroupRange { start: KeyGroup(start as u16), end: KeyGroup(end as u16) }
    }
}

/// The key groups `start..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyGroupRange {
    /// The first group.
    pub start: KeyGroup,
    /// The first group that no longer belongs to it.
    pub end: KeyGroup,
}

impl KeyGroupRange {
    /// Every group there can be.
    pub const ALL: Self = Self { start: KeyGroup(0), end: KeyGroup(u16::MAX) };

    /// Whether `group` lies in the range.
    #[must_use]
    pub const fn contains(self, group: KeyGroup) -> bool {
        self.start.0 <= group.0 && group.0 < self.end.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checked against the reference implementation. A changed value here would send the keys of every existing job to other subtasks.
    #[test]
    fn hashes_are_the_golden_ones() {
        assert_eq!(1u64.stable_hash(), xxh3_64(&[1, 0, 0, 0, 0, 0, 0, 0]));
        assert_eq!(().stable_hash(), 0x2d06_8005_38d3_94c2);
        assert_eq!(0u64.stable_hash(), 0xc77b_3abb_6f87_acd9);
        assert_eq!(1u64.stable_hash(), 0x2fbc_5935_64db_792e);
        assert_eq!((-1i64).stable_hash(), 0x5111_c7e4_7d78_4413);
        assert_eq!("item".to_owned().stable_hash(), 0xfb99_9e45_6089_37a3);
        assert_eq!((7u32, "x".to_owned()).stable_hash(), 0x6ab5_0c41_2b17_efff);
        assert_eq!(MaxParallelism::DEFAULT.group_of(1u64.stable_hash()), KeyGroup(59));
    }

    #[test]
    fn short_and_long_strings_are_hashed_by_their_canonical_bytes() {
        for length in [0, 1, 119, 120, 121, 5_000] {
            let text = "x".repeat(length);
            let mut bytes = Vec::new();
            text.write_canonical(&mut bytes);
            assert_eq!(text.stable_hash(), xxh3_64(&bytes), "{length}");
        }
    }

    #[test]
    fn composite_keys_are_delimited() {
        let left = ("ab".to_owned(), "c".to_owned());
        let right = ("a".to_owned(), "bc".to_owned());
        assert_ne!(left.stable_hash(), right.stable_hash());
        assert_eq!(Arc::<str>::from("item").stable_hash(), "item".to_owned().stable_hash());
    }

    #[test]
    fn ranges_partition_the_groups_and_agree_with_the_owner() {
        for groups in [1u16, 2, 7, 128, 1000, 32_768] {
            let max = MaxParallelism::new(groups).expect("in bounds");
            for parallelism in [1u32, 2, 3, 4, 7, 64].into_iter().filter(|&p| p <= groups.into()) {
                for group in (0..groups).map(KeyGroup) {
                    let owner = max.owner(group, parallelism);
                    for index in 0..parallelism {
                        let owns = max.range_of(index, parallelism).contains(group);
                        assert_eq!(owns, index == owner, "{group:?} of {groups}, p {parallelism}");
                    }
                }
            }
        }
    }

    #[test]
    fn keys_spread_over_all_groups() {
        let max = MaxParallelism::DEFAULT;
        let mut hits = [0u32; 128];
        for key in 0..128_000u64 {
            hits[max.group_of(key.stable_hash()).0 as usize] += 1;
        }
        assert!(hits.iter().all(|&n| (800..1200).contains(&n)), "{hits:?}");
    }
}
