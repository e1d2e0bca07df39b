//! How often each 32-bit id is in the slices of a window: what makes a distinct count invertible.
//!
//! Ids are grouped by their upper 16 bits. A chunk with few ids is a hash table, one with many an array
//! of 65,536 counts; a handful of ids in all is a list. A count that leaves 16 bits goes on in a table
//! beside, so counts are exact however often an id comes.

use hashbrown::hash_table::{Entry, HashTable};

/// Counts per id, and how many are not zero.
#[derive(Clone, Debug)]
pub(super) enum Multiset {
    /// A handful of ids with their counts.
    Few(Vec<(u32, u64)>),
    /// More.
    Many(Box<Chunks>),
}

/// More ids than this are no handful.
const FEW_MAX: usize = 16;

/// From so many ids on a chunk is an array: 16 bytes an id, as much as a table of half that many
/// takes at its worst.
const DENSE_FROM: usize = 8192;

#[derive(Clone, Debug, Default)]
pub(super) struct Chunks {
    chunks: HashTable<(u16, Chunk)>,
    distinct: u64,
    /// What counts of `u16::MAX` have above that.
    above: HashTable<(u32, u64)>,
}

#[derive(Clone, Debug)]
enum Chunk {
    Sparse(HashTable<(u16, u16)>),
    Dense { counts: Box<[u16]>, ids: u32 },
}

/// The hash of 16 or 32 bits: an odd number spreads them over the upper bits, by which tables tell
/// entries apart, and the lower ones, by which they find them.
#[inline]
const fn hash(bits: u32) -> u64 {
    (bits as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32)
}

const fn split(id: u32) -> (u16, u16) {
    ((id >> 16) as u16, id as u16)
}

impl Multiset {
    pub(super) const fn new() -> Self {
        Self::Few(Vec::new())
    }

    /// How many different ids there are.
    pub(super) const fn distinct(&self) -> u64 {
        match self {
            Self::Few(few) => few.len() as u64,
            Self::Many(chunks) => chunks.distinct,
        }
    }

    /// Counts all that `ids` walks over.
    pub(super) fn put(&mut self, ids: impl FnOnce(&mut dyn FnMut(u32))) {
        match self {
            Self::Few(_) => ids(&mut |id| self.put_one(id)),
            Self::Many(chunks) => ids(&mut |id| chunks.put(id)),
        }
    }

    fn put_one(&mut self, id: u32) {
        let few = match self {
            Self::Few(few) => few,
            Self::Many(chunks) => return chunks.put(id),
        };
        if let Some((_, count)) = few.iter_mut().find(|(known, _)| *known == id) {
            *count += 1;
        } else if few.len() < FEW_MAX {
            few.push((id, 1));
        } else {
            let mut chunks = Box::<Chunks>::default();
            for &(known, count) in few.iter() {
                (0..count).for_each(|_| chunks.put(known));
            }
            chunks.put(id);
            *self = Self::Many(chunks);
        }
    }

    /// Takes back one count of each that `ids` walks over; all of them were put.
    pub(super) fn take(&mut self, ids: impl FnOnce(&mut dyn FnMut(u32))) {
        match self {
            Self::Few(few) => ids(&mut |id| {
                let at = few.iter().position(|(known, _)| *known == id).expect(NOT_PUT);
                few[at].1 -= 1;
                if few[at].1 == 0 {
                    few.swap_remove(at);
                }
            }),
            Self::Many(chunks) => ids(&mut |id| chunks.take(id)),
        }
    }
}

const NOT_PUT: &str = "only what was put is taken";

impl Chunks {
    #[inline]
    fn put(&mut self, id: u32) {
        let (high, low) = split(id);
        let known = |(of, _): &(u16, Chunk)| *of == high;
        let (_, chunk) = self
            .chunks
            .entry(hash(high.into()), known, |(of, _)| hash((*of).into()))
            .or_insert_with(|| (high, Chunk::Sparse(HashTable::new())))
            .into_mut();
        let count = match chunk {
            Chunk::Dense { counts, ids } => {
                let count = &mut counts[usize::from(low)];
                *ids += u32::from(*count == 0);
                count
            }
            Chunk::Sparse(counts) => {
                if counts.len() >= DENSE_FROM {
                    *chunk = dense(counts);
                    return self.put(id);
                }
                let known = |(of, _): &(u16, u16)| *of == low;
                let entry = counts.entry(hash(low.into()), known, |(of, _)| hash((*of).into()));
                &mut entry.or_insert((low, 0)).into_mut().1
            }
        };
        self.distinct += u64::from(*count == 0);
        if *count < u16::MAX {
            *count += 1;
        } else {
            self.put_above(id);
        }
    }

    #[inline]
    fn take(&mut self, id: u32) {
        let (high, low) = split(id);
        let known = |(of, _): &(u16, Chunk)| *of == high;
        let (_, chunk) = self.chunks.find_mut(hash(high.into()), known).expect(NOT_PUT);
        let gone = match chunk {
            Chunk::Dense { counts, ids } => {
                let count = &mut counts[usize::from(low)];
                if *count == u16::MAX && take_above(&mut self.above, id) {
                    return;
                }
                *count = count.checked_sub(1).expect(NOT_PUT);
                let gone = u32::from(*count == 0);
                *ids -= gone;
                self.distinct -= u64::from(gone);
                *ids == 0
            }
            Chunk::Sparse(counts) => {
                let known = |(of, _): &(u16, u16)| *of == low;
                let mut entry = counts.find_entry(hash(low.into()), known).expect(NOT_PUT);
                let count = &mut entry.get_mut().1;
                if *count == u16::MAX && take_above(&mut self.above, id) {
                    return;
                }
                *count -= 1;
                if *count == 0 {
                    entry.remove();
                    self.distinct -= 1;
                }
                counts.is_empty()
            }
        };
        if gone && let Ok(entry) = self.chunks.find_entry(hash(high.into()), known) {
            entry.remove();
        }
    }

    #[cold]
    fn put_above(&mut self, id: u32) {
        let known = |(of, _): &(u32, u64)| *of == id;
        let entry = self.above.entry(hash(id), known, |(of, _)| hash(*of));
        entry.or_insert((id, 0)).into_mut().1 += 1;
    }
}

/// Takes one of the counts of `id` that are above 16 bits, if there are any.
#[cold]
fn take_above(above: &mut HashTable<(u32, u64)>, id: u32) -> bool {
    let Ok(mut entry) = above.find_entry(hash(id), |(of, _)| *of == id) else { return false };
    entry.get_mut().1 -= 1;
    if entry.get().1 == 0 {
        entry.remove();
    }
    true
}

#[cold]
fn dense(sparse: &HashTable<(u16, u16)>) -> Chunk {
    let mut counts = vec![0; 1 << 16].into_boxed_slice();
    sparse.iter().for_each(|&(low, count)| counts[usize::from(low)] = count);
    Chunk::Dense { counts, ids: sparse.len() as u32 }
}

/// Counts per 64-bit number.
#[derive(Clone, Debug, Default)]
pub(super) struct WideMultiset {
    counts: HashTable<(u64, u64)>,
}

/// The hash of a number that need not be one.
#[inline]
const fn wide_hash(number: u64) -> u64 {
    let mixed = (number ^ (number >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 32)
}

impl WideMultiset {
    pub(super) fn distinct(&self) -> u64 {
        self.counts.len() as u64
    }

    /// All numbers with their counts, by number.
    pub(super) fn sorted(&self) -> Vec<(u64, u64)> {
        let mut all: Vec<(u64, u64)> = self.counts.iter().copied().collect();
        all.sort_unstable();
        all
    }

    /// Puts a number so many times; false when it is there already.
    pub(super) fn put_new(&mut self, number: u64, count: u64) -> bool {
        let known = |(of, _): &(u64, u64)| *of == number;
        let entry = self.counts.entry(wide_hash(number), known, |(of, _)| wide_hash(*of));
        let is_new = matches!(entry, Entry::Vacant(_));
        entry.or_insert((number, count));
        is_new
    }

    pub(super) fn put(&mut self, number: u64) {
        let known = |(of, _): &(u64, u64)| *of == number;
        let entry = self.counts.entry(wide_hash(number), known, |(of, _)| wide_hash(*of));
        entry.or_insert((number, 0)).into_mut().1 += 1;
    }

    pub(super) fn take(&mut self, number: u64) {
        let known = |(of, _): &(u64, u64)| *of == number;
        if let Entry::Occupied(mut entry) =
            self.counts.entry(wide_hash(number), known, |(of, _)| wide_hash(*of))
        {
            entry.get_mut().1 -= 1;
            if entry.get().1 == 0 {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Puts and takes ids drawn from `range`, and compares the number of those left at every step.
    fn check(range: u32, stride: u32, rounds: u32) {
        let (mut set, mut counts) = (Multiset::new(), std::collections::BTreeMap::new());
        let mut window = std::collections::VecDeque::new();
        let mut state = 1u64;
        for round in 0..rounds {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let id = ((state >> 33) as u32 % range).wrapping_mul(stride);
            set.put(|take| take(id));
            *counts.entry(id).or_insert(0u32) += 1;
            window.push_back(id);
            if window.len() as u32 > rounds / 2 || round.is_multiple_of(3) {
                let gone = window.pop_front().expect("one was pushed");
                set.take(|take| take(gone));
                let count = counts.get_mut(&gone).expect("it was put");
                *count -= 1;
                if *count == 0 {
                    counts.remove(&gone);
                }
            }
            assert_eq!(set.distinct(), counts.len() as u64, "{range} {stride} round {round}");
        }
        for gone in window {
            set.take(|take| take(gone));
        }
        assert_eq!(set.distinct(), 0);
    }

    #[test]
    fn few_sparse_and_dense_ids_are_counted_exactly() {
        check(10, 1, 1_000);
        check(3_000, 1, 20_000);
        check(3_000, 0x0010_0001, 20_000);
        check(30_000, 1, 100_000);
        check(200_000, 1, 200_000);
    }

    #[test]
    fn a_count_goes_on_above_16_bits() {
        for ids in [1u32, 20, 10_000] {
            let mut set = Multiset::new();
            (0..ids).for_each(|id| set.put(|take| take(id)));
            let often = |set: &mut Multiset| set.put(|take| (0..200_000).for_each(|_| take(0)));
            often(&mut set);
            set.take(|take| (0..200_000).for_each(|_| take(0)));
            assert_eq!(set.distinct(), u64::from(ids));
            set.take(|take| take(0));
            assert_eq!(set.distinct(), u64::from(ids) - 1);
        }
    }
}
