//! How the parts of old subtasks are dealt out to new ones when parallelism changes.
//!
//! Apart from recovery because it is arithmetic: no storage, no names, laws that can be tested alone.
//! Unchanged parallelism leaves every part where it was. Otherwise nothing is lost and nothing is
//! given twice: split lists and totals add up to what they were, and no watermark rises.

use tidegate_core::key::KeyGroupRange;
use tidegate_core::snapshot::{OperatorTotals, Redistribution};
use tidegate_core::time::Timestamp;

/// Parallelism of the two sides of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sides {
    /// Of the operator that sends.
    pub senders: u32,
    /// Of the operator that receives.
    pub receivers: u32,
}

/// Event time of one channel of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The sending subtask.
    pub from: u32,
    /// The receiving subtask.
    pub to: u32,
    /// The highest watermark received on it.
    pub watermark: Timestamp,
    /// Whether the sender was idle.
    pub idle: bool,
}

/// Whether two ranges of key groups have a group in common.
#[must_use]
pub fn intersect(a: KeyGroupRange, b: KeyGroupRange) -> bool {
    a.start.max(b.start) < a.end.min(b.end)
}

/// The elements of an operator state for subtask `index` of `parallelism`; `old` holds those of each old
/// subtask. Split: contiguous shares in the old order, the first `total % parallelism` of them longer
/// by one. Broadcast: one old copy, its own where there is one.
#[must_use]
pub fn list(
    redistribution: Redistribution,
    old: &[&[Vec<u8>]],
    index: u32,
    parallelism: u32,
) -> Vec<Vec<u8>> {
    let all = old.iter().flat_map(|part| part.iter().cloned());
    match redistribution {
        Redistribution::Union => all.collect(),
        Redistribution::Broadcast => {
            let own = (index as usize).checked_rem(old.len());
            own.map_or_else(Vec::new, |own| old[own].to_vec())
        }
        Redistribution::Split if old.len() == parallelism as usize => old[index as usize].to_vec(),
        Redistribution::Split => {
            let (index, parallelism) = (index as usize, parallelism as usize);
            let total: usize = old.iter().map(|part| part.len()).sum();
            let (share, longer) = (total / parallelism, total % parallelism);
            let start = index * share + index.min(longer);
            all.skip(start).take(share + usize::from(index < longer)).collect()
        }
    }
}

/// The totals that subtask `index` of `parallelism` goes on counting from: those of the old subtasks
/// `index`, `index + parallelism`, ...
#[must_use]
pub fn totals(old: &[OperatorTotals], index: u32, parallelism: u32) -> OperatorTotals {
    let mut sum = OperatorTotals::default();
    for part in old.iter().skip(index as usize).step_by(parallelism as usize) {
        sum.add(*part);
    }
    sum
}

/// Event time of the channel between `from` and `to`, given all `old` channels of its edge; `None`
/// when there are none.
///
/// With both sides as they were it is what it was. Else it is the lowest of the active channels, or
/// the lowest of all, idle, when none was active: an idle channel has no say in the minimum, and its
/// old watermark would let records in that were already late.
#[must_use]
pub fn channel(old: &[Channel], from: u32, to: u32, sides: Sides) -> Option<Channel> {
    let was = Sides {
        senders: old.iter().map(|channel| channel.from + 1).max()?,
        receivers: old.iter().map(|channel| channel.to + 1).max()?,
    };
    if was == sides
        && let Some(same) = old.iter().find(|channel| channel.from == from && channel.to == to)
    {
        return Some(*same);
    }
    merged(old, from, to)
}

/// As [`channel`], when parallelism has changed somewhere in the job: the lowest of the active
/// channels that have not ended, for a sender that had ended may now have splits that have not.
#[must_use]
pub fn merged(old: &[Channel], from: u32, to: u32) -> Option<Channel> {
    let open: Vec<&Channel> =
        old.iter().filter(|channel| channel.watermark < Timestamp::MAX).collect();
    if open.is_empty() && !old.is_empty() {
        return Some(Channel { from, to, watermark: Timestamp::MAX, idle: false });
    }
    let idle = open.iter().all(|channel| channel.idle);
    let voters = open.iter().filter(|channel| channel.idle == idle);
    let watermark = voters.map(|channel| channel.watermark).min()?;
    Some(Channel { from, to, watermark, idle })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn elements(parts: &[Vec<u8>]) -> Vec<Vec<Vec<u8>>> {
        parts.iter().map(|part| part.iter().map(|&byte| vec![byte]).collect()).collect()
    }

    fn deal(kind: Redistribution, parts: &[Vec<Vec<u8>>], parallelism: u32) -> Vec<Vec<Vec<u8>>> {
        let old: Vec<&[Vec<u8>]> = parts.iter().map(Vec::as_slice).collect();
        (0..parallelism).map(|index| list(kind, &old, index, parallelism)).collect()
    }

    proptest! {
        #[test]
        fn split_shares_are_contiguous_even_and_lose_nothing(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 1..6),
            parallelism in 1..9u32,
        ) {
            let parts = elements(&parts);
            let shares = deal(Redistribution::Split, &parts, parallelism);
            prop_assert_eq!(shares.concat(), parts.concat());
            if parts.len() == parallelism as usize {
                prop_assert_eq!(shares, parts);
            } else {
                let lengths: Vec<usize> = shares.iter().map(Vec::len).collect();
                prop_assert!(lengths.is_sorted_by(|a, b| a >= b), "longer ones come first");
                prop_assert!(lengths[0] - lengths[lengths.len() - 1] <= 1, "{:?}", lengths);
            }
        }

        #[test]
        fn union_gives_everything_to_everyone(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 1..6),
            parallelism in 1..9u32,
        ) {
            let parts = elements(&parts);
            let shares = deal(Redistribution::Union, &parts, parallelism);
            prop_assert!(shares.iter().all(|share| *share == parts.concat()));
        }

        #[test]
        fn broadcast_gives_one_old_copy_to_everyone(
            copy in prop::collection::vec(any::<u8>(), 0..9),
            before in 1..6usize,
            parallelism in 1..9u32,
        ) {
            let parts = elements(&vec![copy; before]);
            let shares = deal(Redistribution::Broadcast, &parts, parallelism);
            prop_assert!(shares.iter().all(|share| *share == parts[0]));
            prop_assert!(deal(Redistribution::Broadcast, &[], 2).concat().is_empty());
        }

        #[test]
        fn totals_add_up_to_what_they_were(
            counts in prop::collection::vec(0..1000u64, 0..9),
            parallelism in 1..9u32,
        ) {
            let count = |n: &u64| OperatorTotals { records_in: *n, late: n / 2, ..Default::default() };
            let old: Vec<OperatorTotals> = counts.iter().map(count).collect();
            let new: Vec<_> = (0..parallelism).map(|i| totals(&old, i, parallelism)).collect();
            prop_assert_eq!(new.iter().map(|t| t.records_in).sum::<u64>(), counts.iter().sum::<u64>());
            let late = counts.iter().map(|n| n / 2).sum::<u64>();
            prop_assert_eq!(new.iter().map(|t| t.late).sum::<u64>(), late);
            if counts.len() == parallelism as usize {
                prop_assert_eq!(new, old);
            }
        }
    }

    fn edge(watermarks: &[(i64, bool)]) -> Vec<Channel> {
        let channel = |(from, &(at, idle)): (u32, &(i64, bool))| {
            [0, 1].map(|to| Channel { from, to, watermark: Timestamp(at + i64::from(to)), idle })
        };
        (0..).zip(watermarks).flat_map(channel).collect()
    }

    #[test]
    fn a_channel_is_exact_while_both_sides_stay_as_they_were() {
        let old = edge(&[(10, false), (20, true)]);
        let same = Sides { senders: 2, receivers: 2 };
        for was in &old {
            assert_eq!(channel(&old, was.from, was.to, same), Some(*was));
        }
        for sides in [Sides { senders: 3, ..same }, Sides { receivers: 1, ..same }] {
            let new = channel(&old, 1, 0, sides).expect("the edge is known");
            assert_eq!((new.watermark, new.idle), (Timestamp(10), false));
        }
    }

    #[test]
    fn an_idle_channel_neither_lowers_the_minimum_nor_makes_the_edge_idle() {
        let sides = Sides { senders: 1, receivers: 1 };
        let mixed = channel(&edge(&[(5, true), (20, false)]), 0, 0, sides).expect("known");
        assert_eq!((mixed.watermark, mixed.idle), (Timestamp(20), false));
        let ended = [(20, true), (i64::MAX - 1, false)];
        let mut old = edge(&ended);
        old.iter_mut().filter(|c| c.from == 1).for_each(|c| c.watermark = Timestamp::MAX);
        let open = channel(&old, 0, 0, sides).expect("known");
        assert_eq!((open.watermark, open.idle), (Timestamp(20), true), "the ended have no say");
        old.iter_mut().for_each(|c| c.watermark = Timestamp::MAX);
        assert_eq!(channel(&old, 0, 0, sides).expect("known").watermark, Timestamp::MAX);
        let idle = channel(&edge(&[(5, true), (20, true)]), 0, 0, sides).expect("known");
        assert_eq!((idle.watermark, idle.idle), (Timestamp(5), true));
        assert_eq!(channel(&[], 0, 0, sides), None);
    }
}
