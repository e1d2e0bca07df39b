//! `DistinctWide`: how many different 64-bit numbers there are, exactly.
//!
//! What is exact is the count of *numbers*. Where they are hashes of something (strings, composite
//! keys), two things with one hash count once: with a good hash of 64 bits, such as
//! [`tidegate_core::key::Key::stable_hash`], the chance that this happens at all among n things is
//! about n^2 / 2^65, one in 37 million for a million things and 1 in 3,700 for a hundred million.
//!
//! A bitmap over numbers this far apart is larger than a list of them, so a slice is a list, sorted now
//! and then. A running count takes numbers one by one as well, and can be stored: it is what is kept of rows that come
//! and go.
//!
//! *As stored.* A list is its numbers, ascending, 8 bytes each. A running count has 16 bytes for each number, the number
//! and how often it is there, and one byte behind, by which the two are told apart.

use super::bytes;
use super::multiset::WideMultiset;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::marker::PhantomData;
use tidegate_core::element::Data;
use tidegate_core::state::aggregate::Aggregate;

/// Counts the different 64-bit values of a field, exactly.
///
/// ```
/// use tidegate_core::{key::Key, state::aggregate::Aggregate};
/// use tidegate_operators::aggregate::DistinctWide;
/// let words = DistinctWide::of(|word: &String| word.stable_hash());
/// let mut accumulator = words.create();
/// ["to", "be", "or", "not", "to", "be"].map(|word| words.add(&mut accumulator, &word.to_owned()));
/// assert_eq!(words.result(&accumulator), 4);
/// ```
#[derive(Debug)]
pub struct DistinctWide<T, F> {
    field: F,
    of: PhantomData<fn(T)>,
}

impl<T, F: Fn(&T) -> u64> DistinctWide<T, F> {
    /// Counts the different values of `field`.
    pub const fn of(field: F) -> Self {
        Self { field, of: PhantomData }
    }
}

impl<T, F: Clone> Clone for DistinctWide<T, F> {
    fn clone(&self) -> Self {
        Self { field: self.field.clone(), of: PhantomData }
    }
}

/// The numbers of a slice, or how often each is in the slices of a window.
#[derive(Clone, Debug)]
pub struct WideIds(Wide);

#[derive(Clone, Debug)]
enum Wide {
    /// The first `sorted` ascend and are there once; the others came since.
    List {
        numbers: Vec<u64>,
        sorted: usize,
    },
    Counted(WideMultiset),
}

/// What stands behind the numbers of a running count that is stored.
const COUNTED: [u8; 1] = [1];

/// A list is not sorted before so many numbers have come since.
const UNSORTED_MIN: usize = 256;

fn sort(numbers: &mut Vec<u64>) {
    numbers.sort_unstable();
    numbers.dedup();
}

fn insert(numbers: &mut Vec<u64>, sorted: &mut usize, number: u64) {
    // As many as are sorted already: each number takes part in two sorts on the average.
    if numbers.len() - *sorted >= UNSORTED_MIN.max(*sorted) {
        sort(numbers);
        *sorted = numbers.len();
    }
    numbers.push(number);
}

impl WideIds {
    /// What a slice holds, perhaps several times.
    fn list(&self) -> &[u64] {
        match &self.0 {
            Wide::List { numbers, .. } => numbers,
            Wide::Counted(_) => unreachable!("a running count is never a part"),
        }
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let (words, rest) = bytes.as_chunks::<8>();
        let words = words.iter().map(|word| u64::from_le_bytes(*word));
        if rest == COUNTED && words.len().is_multiple_of(2) {
            return Self::counted(&words.collect::<Vec<u64>>());
        }
        if !rest.is_empty() {
            return Err(format!("{} bytes are no list of 64-bit numbers", bytes.len()));
        }
        let mut numbers: Vec<u64> = words.collect();
        sort(&mut numbers);
        Ok(Self(Wide::List { sorted: numbers.len(), numbers }))
    }

    /// A running count of pairs of number and count.
    fn counted(words: &[u64]) -> Result<Self, String> {
        let (pairs, _) = words.as_chunks::<2>();
        let mut counts = WideMultiset::default();
        for &[number, count] in pairs {
            if count == 0 || !counts.put_new(number, count) {
                return Err(format!("the number {number} is counted {count} times, or twice"));
            }
        }
        Ok(Self(Wide::Counted(counts)))
    }
}

impl Serialize for WideIds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = match &self.0 {
            Wide::List { numbers, .. } => {
                let mut numbers = numbers.clone();
                sort(&mut numbers);
                numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
            }
            Wide::Counted(counts) => {
                let words = counts.sorted().into_iter().flat_map(|(number, count)| [number, count]);
                words.flat_map(u64::to_le_bytes).chain(COUNTED).collect()
            }
        };
        bytes::write(&bytes, serializer)
    }
}

impl<'de> Deserialize<'de> for WideIds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        bytes::read(deserializer, Self::from_bytes)
    }
}

impl<T: Data, F> Aggregate for DistinctWide<T, F>
where
    F: Fn(&T) -> u64 + Clone + Send + Sync + 'static,
{
    type In = T;
    type Accumulator = WideIds;
    type Out = u64;

    const INVERTIBLE: bool = true;

    fn create(&self) -> WideIds {
        WideIds(Wide::List { numbers: Vec::new(), sorted: 0 })
    }

    fn add(&self, ids: &mut WideIds, value: &T) {
        match &mut ids.0 {
            Wide::List { numbers, sorted } => insert(numbers, sorted, (self.field)(value)),
            Wide::Counted(counts) => counts.put((self.field)(value)),
        }
    }

    fn merge(&self, ids: &mut WideIds, other: &WideIds) {
        match &mut ids.0 {
            Wide::List { numbers, sorted } => {
                other.list().iter().for_each(|number| insert(numbers, sorted, *number));
            }
            Wide::Counted(counts) => other.list().iter().for_each(|number| counts.put(*number)),
        }
    }

    fn result(&self, ids: &WideIds) -> u64 {
        match &ids.0 {
            Wide::List { numbers, sorted } if *sorted == numbers.len() => *sorted as u64,
            Wide::List { numbers, .. } => {
                let mut numbers = numbers.clone();
                sort(&mut numbers);
                numbers.len() as u64
            }
            Wide::Counted(counts) => counts.distinct(),
        }
    }

    fn running(&self) -> WideIds {
        WideIds(Wide::Counted(WideMultiset::default()))
    }

    fn deduct(&self, ids: &mut WideIds, part: &WideIds) {
        match &mut ids.0 {
            Wide::Counted(counts) => part.list().iter().for_each(|number| counts.take(*number)),
            Wide::List { .. } => unreachable!("only a running count is deducted from"),
        }
    }
}
