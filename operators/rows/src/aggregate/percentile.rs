//! How often values occur, by their first binary digits: what percentiles are read off.
//!
//! A float's bits, turned so that they ascend with the number, are cut to sign, exponent and eight digits. Each such
//! prefix is a bucket with a count (as HdrHistogram does it for integers). Counts are whole numbers, so buckets can be
//! added in any order and deducted again; there are 256 for each power of two, and only those that occur are kept.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Counts by bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Histogram(BTreeMap<u32, u64>);

const SIGN: u64 = 1 << 63;
/// Sign, 11 bits of exponent and 8 digits stay.
const CUT: u32 = 64 - 20;

fn bucket(number: f64) -> u32 {
    let bits = crate::value::canonical_float(number).to_bits();
    let ascending = if bits & SIGN == 0 { bits | SIGN } else { !bits };
    (ascending >> CUT) as u32
}

/// The number of the bucket that is nearest to zero.
fn number(bucket: u32) -> f64 {
    let ascending = u64::from(bucket) << CUT;
    let bits =
        if ascending & SIGN == 0 { !(ascending | ((1 << CUT) - 1)) } else { ascending & !SIGN };
    f64::from_bits(bits)
}

impl Histogram {
    pub(crate) fn put(&mut self, value: f64) {
        *self.0.entry(bucket(value)).or_default() += 1;
    }

    pub(crate) fn join(&mut self, part: &Self) {
        for (bucket, count) in &part.0 {
            let own = self.0.entry(*bucket).or_default();
            *own = own.saturating_add(*count);
        }
    }

    pub(crate) fn take(&mut self, part: &Self) {
        for (bucket, count) in &part.0 {
            if let Entry::Occupied(mut own) = self.0.entry(*bucket) {
                *own.get_mut() = own.get().saturating_sub(*count);
                if *own.get() == 0 {
                    own.remove();
                }
            }
        }
    }

    /// The value below or at which this share of the values lies; none of no values.
    pub(crate) fn percentile(&self, share: f64) -> Option<f64> {
        let all = self.0.values().fold(0_u64, |all, count| all.saturating_add(*count));
        let rank = ((share * all as f64).ceil() as u64).clamp(1, all.max(1));
        let mut below = 0_u64;
        let at = self.0.iter().find(|(_, count)| {
            below = below.saturating_add(**count);
            below >= rank
        });
        at.map(|(bucket, _)| number(*bucket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn special_numbers_have_their_place() {
        for exact in [0.0, 1.0, -3.0, 511.0, 0.5, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(number(bucket(exact)).to_bits(), exact.to_bits(), "{exact}");
        }
        assert_eq!(number(bucket(-0.0)).to_bits(), 0.0_f64.to_bits());
        assert!(number(bucket(f64::NAN)).is_nan());
        assert!(bucket(f64::NAN) > bucket(f64::INFINITY));
        assert!(bucket(-1.0) < bucket(-0.5) && bucket(-0.5) < bucket(0.0));
        assert_eq!(Histogram::default().percentile(0.5), None);
    }

    proptest! {
        #[test]
        fn percentiles_are_near_those_of_the_sorted_values(
            mut values in prop::collection::vec(-1e12f64..1e12, 1..200), share in 0.0f64..=1.0
        ) {
            let mut histogram = Histogram::default();
            values.iter().for_each(|value| histogram.put(*value));
            values.sort_by(f64::total_cmp);
            let rank = ((share * values.len() as f64).ceil() as usize).max(1);
            let (exact, told) = (values[rank - 1], histogram.percentile(share).expect("values"));
            prop_assert!((told - exact).abs() <= exact.abs() / 256.0 && told.abs() <= exact.abs(), "{told} {exact}");
        }
    }
}
