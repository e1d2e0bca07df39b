//! Distinct counts against sets: exact ones to the number, estimates within their stated error.

use super::*;
use std::collections::BTreeSet;
use tidegate_core::codec;
use tidegate_core::state::aggregate::Aggregate;

/// Numbers that look drawn, the same every time.
fn drawn(count: u64, below: u64, seed: u64) -> impl Iterator<Item = u64> {
    let mixed = move |n: u64| {
        let mut z = (n + (seed << 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    (0..count).map(move |n| mixed(n) % below)
}

fn folded<A: Aggregate<In = u64>>(aggregate: &A, values: &[u64]) -> A::Accumulator {
    let mut accumulator = aggregate.create();
    values.iter().for_each(|value| aggregate.add(&mut accumulator, value));
    accumulator
}

fn stored<V: tidegate_core::state::Value>(value: &V) -> V {
    codec::from_cbor(&codec::to_cbor(value)).expect("what was stored can be read")
}

/// The laws: one result however values are grouped, merged, stored, and slid over.
fn check_laws<A: Aggregate<In = u64, Out = u64>>(aggregate: &A, values: &[u64]) {
    let whole = aggregate.result(&folded(aggregate, values));
    for cut in [0, 1, values.len() / 3, values.len() - 1] {
        let (left, right) = values.split_at(cut);
        let mut merged = folded(aggregate, left);
        aggregate.merge(&mut merged, &stored(&folded(aggregate, right)));
        assert_eq!(aggregate.result(&merged), whole, "{} cut at {cut}", values.len());
        let stored = stored(&merged);
        assert_eq!(aggregate.result(&stored), whole, "{} stored", values.len());
        let mut running = aggregate.running();
        aggregate.merge(&mut running, &folded(aggregate, right));
        aggregate.merge(&mut running, &folded(aggregate, left));
        assert_eq!(aggregate.result(&running), whole, "{} running", values.len());
        if A::INVERTIBLE {
            aggregate.deduct(&mut running, &folded(aggregate, left));
            let rest = aggregate.result(&folded(aggregate, right));
            assert_eq!(aggregate.result(&running), rest, "{} deducted", values.len());
        }
    }
}

fn check_all_laws(values: &[u64]) {
    check_laws(&Distinct::of(|value: &u64| *value as u32), values);
    check_laws(&DistinctWide::of(|value: &u64| *value), values);
    check_laws(&HyperLogLog::of(|value: &u64| *value), values);
    check_laws(&BloomCount::of(|value: &u64| *value, 10_000, 0.01), values);
}

#[test]
fn a_result_depends_on_the_values_alone() {
    for (count, below) in [(1, 10), (30, 10), (1_000, 300), (3_000, 1 << 20), (70_000, 100_000)] {
        check_all_laws(&drawn(count, below, 1).collect::<Vec<_>>());
    }
    check_all_laws(&drawn(9_000, u64::MAX, 2).collect::<Vec<_>>());
    check_all_laws(&[7; 5_000]);
}

#[test]
fn exact_counts_are_those_of_a_set() {
    for (count, below) in [(0, 1), (5, 3), (1_024, 1 << 32), (20_000, 9_000), (200_000, 1 << 20)] {
        let values: Vec<u64> = drawn(count, below, 3).collect();
        let exact = values.iter().collect::<BTreeSet<_>>().len() as u64;
        let narrow = Distinct::of(|value: &u64| *value as u32);
        assert_eq!(narrow.result(&folded(&narrow, &values)), exact);
        let wide = DistinctWide::of(|value: &u64| *value);
        assert_eq!(wide.result(&folded(&wide, &values)), exact);
    }
}

/// The mean square of the relative errors over seeds, as a standard error.
fn standard_error<A>(aggregate: &A, distinct: u64) -> f64
where
    A: Aggregate<In = u64, Out = u64>,
{
    const SEEDS: u64 = 40;
    let square = |seed| {
        let values: Vec<u64> = drawn(distinct, u64::MAX, 100 + seed).collect();
        let estimate = aggregate.result(&folded(aggregate, &values)) as f64;
        (estimate / distinct as f64 - 1.0).powi(2)
    };
    ((0..SEEDS).map(square).sum::<f64>() / SEEDS as f64).sqrt()
}

#[test]
fn hyper_log_log_keeps_its_stated_error() {
    for precision in [10, 12, 14] {
        let sketch = HyperLogLog::of(|value: &u64| *value).precision(precision);
        let stated = 1.04 / f64::from(1u32 << precision).sqrt();
        for distinct in [100, 5_000, 100_000] {
            let error = standard_error(&sketch, distinct);
            // 40 seeds tell a standard error to a ninth; three times that is left.
            assert!(error <= stated * 1.33, "{precision} bits, {distinct} values: {error}");
        }
    }
}

#[test]
fn a_bloom_filter_keeps_its_stated_error() {
    let filter = BloomCount::of(|value: &u64| *value, 100_000, 0.01);
    let (bits, hashes) = (958_506.0, 7.0);
    for distinct in [1_000, 100_000, 300_000] {
        let named = hashes * distinct as f64 / bits;
        let stated = (named.exp() - named - 1.0).sqrt() / (named * f64::sqrt(bits));
        let error = standard_error(&filter, distinct);
        assert!(error <= stated * 1.33, "{distinct} values: {error}, not {stated}");
    }
}

#[test]
fn what_is_no_accumulator_is_refused() {
    let bytes = codec::to_cbor(&"no bytes");
    assert!(codec::from_cbor::<DistinctIds>(&bytes).is_err());
    assert!(codec::from_cbor::<WideIds>(&bytes).is_err());
    assert!(codec::from_cbor::<Sketch>(&bytes).is_err());
    assert!(codec::from_cbor::<SeenValues>(&bytes).is_err());
}

#[test]
fn a_running_count_takes_single_numbers_and_can_be_stored() {
    let wide = DistinctWide::of(|value: &u64| *value);
    let values: Vec<u64> = drawn(3_000, 500, 4).collect();
    let mut running = wide.running();
    let mut counts = std::collections::BTreeMap::new();
    for (at, value) in values.iter().enumerate() {
        wide.add(&mut running, value);
        *counts.entry(*value).or_insert(0) += 1;
        if at % 3 == 2 {
            let gone = values[at / 3];
            wide.deduct(&mut running, &folded(&wide, &[gone]));
            *counts.get_mut(&gone).expect("it was put") -= 1;
            counts.retain(|_, count| *count > 0);
        }
        if at % 500 == 0 {
            assert_eq!(codec::to_cbor(&running), codec::to_cbor(&stored(&running)));
            running = stored(&running);
        }
        assert_eq!(wide.result(&running), counts.len() as u64, "value {at}");
    }
    assert_eq!(wide.result(&stored(&wide.running())), 0);
}

#[test]
fn a_running_count_that_makes_no_sense_is_refused() {
    let read = |words: &[u64]| {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).chain([1]).collect();
        let cbor = codec::to_cbor(&Bytes(bytes));
        codec::from_cbor::<WideIds>(&cbor).is_ok()
    };
    assert!(read(&[7, 2, 8, 1]));
    for words in [&[7, 0][..], &[7], &[7, 1, 7, 1]] {
        assert!(!read(words), "{words:?}");
    }
}

/// A byte string.
struct Bytes(Vec<u8>);

impl serde::Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}
