//! Slots against a model, near and far ones: whatever is done to them, what is found and told is what a map would tell.

use super::slots::Slots;
use crate::limits::NEAR_SLOT_BYTES;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A slot of so many words, of which the first is its key.
type Words<const N: usize> = [u64; N];
const NEAR: usize = NEAR_SLOT_BYTES / 8;
const FAR: usize = NEAR + 1;

#[derive(Clone, Copy, Debug)]
enum Op {
    Put(u64, u64),
    Change(u64, u64),
    Remove(u64),
    RemoveAt(usize),
    /// Only multiples stay.
    Retain(u64),
    Reserve(usize),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    // Enough keys for several blocks, and few enough to meet again.
    let key = 0..5_000_u64;
    let op = prop_oneof![
        8 => (key.clone(), any::<u64>()).prop_map(|(key, value)| Op::Put(key, value)),
        2 => (key.clone(), any::<u64>()).prop_map(|(key, value)| Op::Change(key, value)),
        2 => key.prop_map(Op::Remove),
        2 => (0..5_000_usize).prop_map(Op::RemoveAt),
    ];
    let rare = prop_oneof![(2..5_u64).prop_map(Op::Retain), (0..100_usize).prop_map(Op::Reserve),];
    prop::collection::vec(prop_oneof![200 => op, 1 => rare], 1..4_000)
}

/// Many keys have the same hash, and more the same beginning of one.
fn hash_of_key(key: u64) -> u64 {
    (key / 3).wrapping_mul(0x9e37_79b9_7f4a_7c15) & !0xff_ffff
}

fn hash_of<const N: usize>(slot: &Words<N>) -> u64 {
    hash_of_key(slot[0])
}

fn slot<const N: usize>(key: u64, value: u64) -> Words<N> {
    let mut words = [value; N];
    words[0] = key;
    words
}

/// Does `op` to both, and checks what is told.
fn step<const N: usize>(
    slots: &mut Slots<Words<N>>,
    model: &mut BTreeMap<u64, u64>,
    op: Op,
) -> Result<(), TestCaseError> {
    match op {
        Op::Put(key, value) => {
            let (hash, is_it) = (hash_of_key(key), |slot: &Words<N>| slot[0] == key);
            let found = slots.find_or_insert(hash, is_it, hash_of, || slot(key, value));
            prop_assert_eq!(found.is_new, !model.contains_key(&key));
            let (place, position) = (found.slot.as_ptr(), found.position);
            let value = *model.entry(key).or_insert(value);
            prop_assert_eq!(&*found.slot, &slot(key, value));
            prop_assert_eq!(slots.get(position).map(|slot| slot.as_ptr()), Some(place));
            prop_assert_eq!(slots.position_of(hash, is_it), Some(position));
        }
        Op::Change(key, value) => {
            let found = slots.find_mut(hash_of_key(key), |slot| slot[0] == key);
            prop_assert_eq!(found.is_some(), model.contains_key(&key));
            if let Some(found) = found {
                *found = slot(key, value);
                model.insert(key, value);
            }
        }
        Op::Remove(key) => {
            let removed = slots.remove(hash_of_key(key), |slot| slot[0] == key);
            prop_assert_eq!(removed, model.remove(&key).map(|value| slot(key, value)));
        }
        Op::RemoveAt(position) => {
            let there = slots.get(position).copied();
            prop_assert_eq!(slots.get_mut(position).map(|slot| *slot), there);
            prop_assert_eq!(slots.remove_at(position, hash_of), there);
            prop_assert!(slots.get(position).is_none());
            if let Some(slot) = there {
                prop_assert!(model.remove(&slot[0]).is_some());
            }
        }
        Op::Retain(multiple) => {
            let mut seen = 0;
            let keep = |slot: &mut Words<N>| {
                seen += 1;
                slot[0].is_multiple_of(multiple)
            };
            slots.retain(keep, hash_of);
            prop_assert_eq!(seen, model.len());
            model.retain(|key, _| key.is_multiple_of(multiple));
        }
        Op::Reserve(additional) => slots.reserve(additional, hash_of),
    }
    Ok(())
}

fn check<const N: usize>(ops: &[Op]) -> Result<(), TestCaseError> {
    let (mut slots, mut model) = (Slots::<Words<N>>::default(), BTreeMap::new());
    for op in ops {
        step(&mut slots, &mut model, *op)?;
        prop_assert_eq!((slots.len(), slots.is_empty()), (model.len(), model.is_empty()));
    }
    for (key, value) in &model {
        let found = slots.find(hash_of_key(*key), |slot| slot[0] == *key);
        prop_assert_eq!(found, Some(&slot(*key, *value)));
    }
    let content = |slots: Vec<Words<N>>| {
        slots.into_iter().map(|words| (words[0], words[N - 1])).collect::<BTreeMap<_, _>>()
    };
    prop_assert_eq!(&content(slots.iter().copied().collect()), &model);
    prop_assert_eq!(&content(slots.iter_mut().map(|slot| *slot).collect()), &model);
    let by_position = (0..slots.positions()).filter_map(|at| slots.get(at).copied());
    prop_assert_eq!(&content(by_position.collect()), &model);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn near_and_far_slots_are_found_and_go_as_those_of_a_map(ops in ops()) {
        check::<NEAR>(&ops)?;
        check::<FAR>(&ops)?;
    }
}

#[test]
fn far_slots_stay_where_they_are_and_leave_their_room_to_others() {
    let mut slots = Slots::<Words<FAR>>::default();
    let put = |slots: &mut Slots<Words<FAR>>, key| {
        slots
            .find_or_insert(hash_of_key(key), |slot| slot[0] == key, hash_of, || slot(key, 7))
            .position
    };
    let positions: Vec<usize> = (0..5_000).map(|key| put(&mut slots, key)).collect();
    assert!(positions.iter().copied().eq(0..5_000), "one behind the other");
    let bytes = slots.bytes();
    slots.retain(|slot| slot[0].is_multiple_of(2), hash_of);
    let again: Vec<usize> = (5_000..7_500).map(|key| put(&mut slots, key)).collect();
    assert!(again.iter().all(|position| position % 2 == 1), "where another was");
    assert_eq!((slots.positions(), slots.bytes()), (5_000, bytes));
    assert!(
        (0..5_000).step_by(2).all(|key| slots.get(key).is_some_and(|slot| slot[0] == key as u64))
    );
}
