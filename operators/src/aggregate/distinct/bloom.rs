//! `BloomCount`: about how many different values there are, by a Bloom filter.
//!
//! A value sets k bits of the filter, those that its hash names; the union of filters is the filter of
//! all their values. The count is read off the share of bits that are set, n = -m/k ln(1 - X/m) for X
//! of m bits (Swamidass and Baldi, 2007). Counting the values that the filter had not seen would be
//! off by those it wrongly believes it has, and could not be merged at all.
//!
//! The error follows from the size: with t = kn/m bits named per bit there is, its standard error is
//! sqrt(e^t - t - 1) / (t sqrt(m)) of the count (Whang, Vander-Zanden and Taylor, 1990); for a million
//! values in a filter made for them and for 1 % of false positives that is 0.03 %. Filled beyond what
//! it was made for it gets worse, and when every bit is set it can only say "at least so many".

use super::bytes;
use fastbloom::BloomFilter;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::marker::PhantomData;
use tidegate_core::element::Data;
use tidegate_core::key::Key;
use tidegate_core::state::aggregate::Aggregate;

/// Estimates how many different values a field has; the filter takes the same room from the first
/// value on.
#[derive(Debug)]
pub struct BloomCount<T, F> {
    field: F,
    words: usize,
    hashes: u32,
    of: PhantomData<fn(T)>,
}

impl<T, K: Key, F: Fn(&T) -> K> BloomCount<T, F> {
    /// Estimates how many different values `field` has, by filters of such a size that `expected`
    /// values leave a share of `false_positives` of wrong answers (0.01 is usual: 9.6 bits a value).
    ///
    /// # Panics
    /// When `expected` is 0, or `false_positives` does not lie between 0 and 1.
    pub fn of(field: F, expected: usize, false_positives: f64) -> Self {
        let (words, hashes) = SeenValues::size(expected, false_positives);
        Self { field, words, hashes, of: PhantomData }
    }
}

impl<T, F: Clone> Clone for BloomCount<T, F> {
    fn clone(&self) -> Self {
        let Self { ref field, words, hashes, of } = *self;
        Self { field: field.clone(), words, hashes, of }
    }
}

/// A filter of the values seen.
#[derive(Clone, Debug)]
pub struct SeenValues(BloomFilter);

impl SeenValues {
    /// How many words and hashes a filter has that takes a share of `false_positives` of other values
    /// for known ones once it has `expected` values.
    pub(crate) fn size(expected: usize, false_positives: f64) -> (usize, u32) {
        assert!(expected > 0, "a filter is made for one value or more");
        assert!(
            0.0 < false_positives && false_positives < 1.0,
            "the share of false positives lies between 0 and 1"
        );
        let made = BloomFilter::with_false_pos(false_positives).expected_items(expected);
        (made.as_slice().len(), made.num_hashes())
    }

    /// A filter of nothing.
    pub(crate) fn empty(words: usize, hashes: u32) -> Self {
        Self::from_words(vec![0; words], hashes)
    }

    /// Whether the value with this hash seems to have been seen.
    pub(crate) fn contains(&self, hash: u64) -> bool {
        self.0.contains_hash(hash)
    }

    /// Notes the value with this hash.
    pub(crate) fn insert(&mut self, hash: u64) {
        self.0.insert_hash(hash);
    }

    fn from_words(words: Vec<u64>, hashes: u32) -> Self {
        // Values come hashed; the filter's own hasher is never asked.
        Self(BloomFilter::from_vec(words).hashes(hashes))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let (words, rest) = bytes.as_chunks::<8>();
        match (words.split_first(), rest) {
            (Some((hashes, bits)), []) if !bits.is_empty() => {
                let hashes = u32::try_from(u64::from_le_bytes(*hashes));
                let hashes = hashes.ok().filter(|hashes| *hashes > 0);
                let bits = bits.iter().map(|word| u64::from_le_bytes(*word)).collect();
                Ok(Self::from_words(bits, hashes.ok_or("a filter has one hash or more")?))
            }
            _ => Err(format!("{} bytes are no filter", bytes.len())),
        }
    }
}

impl Serialize for SeenValues {
    /// The number of hashes and the bits, as 64-bit words.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let words = [u64::from(self.0.num_hashes())].into_iter().chain(self.0.iter());
        let bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
        bytes::write(&bytes, serializer)
    }
}

impl<'de> Deserialize<'de> for SeenValues {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        bytes::read(deserializer, Self::from_bytes)
    }
}

impl<T: Data, K: Key, F> Aggregate for BloomCount<T, F>
where
    F: Fn(&T) -> K + Clone + Send + Sync + 'static,
{
    type In = T;
    type Accumulator = SeenValues;
    type Out = u64;

    fn create(&self) -> SeenValues {
        SeenValues::empty(self.words, self.hashes)
    }

    fn add(&self, seen: &mut SeenValues, value: &T) {
        seen.insert((self.field)(value).stable_hash());
    }

    fn merge(&self, seen: &mut SeenValues, other: &SeenValues) {
        seen.0.union(&other.0);
    }

    fn result(&self, seen: &SeenValues) -> u64 {
        let bits = seen.0.num_bits() as f64;
        let set: u64 = seen.0.iter().map(|word| u64::from(word.count_ones())).sum();
        // With all bits set the count is beyond telling: as many as leave half a bit open.
        let open = (bits - set as f64).max(0.5);
        let values = -(open / bits).ln() * bits / f64::from(seen.0.num_hashes());
        values.round() as u64
    }
}
