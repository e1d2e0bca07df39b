//! Entries in the order of their key groups, every so many of them.
//!
//! A delta keeps the entries of a group together, so whoever writes one goes through its entries group by group. Over
//! millions of entries that is a walk from one cache miss to the next. Over a few thousand at a time it
//! stays in the cache, and the writer, which orders each of its segments by groups anyway, has only stretches to
//! copy.

use crate::key::{KeyGroup, MaxParallelism};

/// So many entries are put in order at a time, if they are small: for each group enough to be copied as one.
const TOGETHER: usize = 16_384;

/// So many bytes of entries are put in order at a time: few enough to stay in a second-level cache.
const TOGETHER_BYTES: usize = 512 * 1024;

/// How many entries of a kind are put in order at a time.
const fn together<T>() -> usize {
    if size_of::<T>() * TOGETHER <= TOGETHER_BYTES {
        TOGETHER
    } else {
        TOGETHER_BYTES.div_ceil(size_of::<T>())
    }
}

/// Shows each of `entries`, whose groups `group_of` tells, to `put`. Those of one group stay in their order.
pub fn in_groups<'a, T>(
    entries: &'a [T],
    max: MaxParallelism,
    group_of: impl Fn(&T) -> KeyGroup,
    mut put: impl FnMut(KeyGroup, &'a T),
) {
    let mut groups = Vec::with_capacity(entries.len().min(together::<T>()));
    for entries in entries.chunks(together::<T>()) {
        groups.clear();
        groups.extend(entries.iter().map(&group_of));
        for at in in_order(&groups, max) {
            put(groups[at as usize], &entries[at as usize]);
        }
    }
}

/// The positions of `groups` in the order of the groups, by counting.
fn in_order(groups: &[KeyGroup], max: MaxParallelism) -> Vec<u32> {
    let mut starts = vec![0_u32; usize::from(max.get()) + 1];
    groups.iter().for_each(|group| starts[usize::from(group.0) + 1] += 1);
    for group in 1..starts.len() {
        starts[group] += starts[group - 1];
    }
    let mut order = vec![0; groups.len()];
    for (at, group) in (0..).zip(groups) {
        let place = &mut starts[usize::from(group.0)];
        order[*place as usize] = at;
        *place += 1;
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows `length` entries made by `entry`, whose number `of` tells.
    fn check<T: Copy>(length: usize, entry: impl Fn(u64) -> T, of: impl Fn(&T) -> u64) {
        let max = MaxParallelism::DEFAULT;
        let entries: Vec<T> = (0..length as u64).map(entry).collect();
        let group_of = |entry: &T| max.group_of(of(entry).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut shown = Vec::new();
        in_groups(&entries, max, group_of, |group, entry| {
            assert_eq!(group, group_of(entry));
            shown.push((group.0, of(entry)));
        });
        for shown in shown.chunks(together::<T>()) {
            assert!(shown.is_sorted(), "group by group, in order");
        }
        let mut all: Vec<u64> = shown.iter().map(|(_, entry)| *entry).collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..length as u64), "each of {length} once");
    }

    #[test]
    fn every_entry_comes_once_with_its_group_and_those_of_a_group_in_their_order() {
        for length in [0, 1, TOGETHER - 1, TOGETHER, 2 * TOGETHER + 7] {
            check(length, |entry| entry, |entry| *entry);
        }
    }

    #[test]
    fn large_entries_are_put_in_order_fewer_at_a_time() {
        assert_eq!(together::<[u64; 16]>(), 4096);
        check(2 * TOGETHER + 7, |entry| [entry; 16], |entry| entry[0]);
    }
}
