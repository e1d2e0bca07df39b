//! Every keyed state against a model: whatever is done to it, base and deltas restore exactly what it
//! held at the last capture, also into two instances that share the key groups.

use super::delta::{self, Delta};
use super::handles::ValueState;
use super::map::MapState;
use super::namespaced::NamespacedState;
use super::{Keyed, KeyedState};
use crate::key::{KeyGroupRange, MaxParallelism};
use crate::time::Timestamp;
use crate::timer::TimerQueue;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What can be done to a state; keys and namespaces are few, so that they meet.
#[derive(Clone, Copy, Debug)]
enum Op {
    Put {
        namespace: u8,
        key: u8,
        value: u16,
    },
    Remove {
        namespace: u8,
        key: u8,
    },
    DropNamespace(u8),
    /// Every third key goes, the others change.
    Retain,
    /// Many changes at once, to go beyond what is tracked one by one.
    Churn(u8),
    Capture {
        full: bool,
    },
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        8 => (0..3u8, 0..12u8, any::<u16>())
            .prop_map(|(namespace, key, value)| Op::Put { namespace, key, value }),
        4 => (0..3u8, 0..12u8).prop_map(|(namespace, key)| Op::Remove { namespace, key }),
        1 => (0..3u8).prop_map(Op::DropNamespace),
        1 => Just(Op::Retain),
        1 => any::<u8>().prop_map(Op::Churn),
        3 => prop::bool::weighted(0.2).prop_map(|full| Op::Capture { full }),
    ];
    prop::collection::vec(op, 1..60)
}

type Content = BTreeMap<(u8, u16), u16>;

/// A state under test, by what the model needs of it.
trait Subject: KeyedState + Default {
    fn put(&mut self, namespace: u8, key: u16, value: u16);
    fn remove(&mut self, namespace: u8, key: u16);
    fn drop_namespace(&mut self, _namespace: u8) {}
    /// False when the state cannot.
    fn retain(&mut self, _keep: fn(u16, &mut u16) -> bool) -> bool {
        false
    }
    fn content(&self) -> Content;
    /// What the state makes of an entry: not all have namespaces or values.
    fn see(namespace: u8, key: u16, value: u16) -> ((u8, u16), u16);
    /// Whether dropping a namespace means something.
    const NAMESPACES: bool;
}

impl Subject for ValueState<u16, u16> {
    const NAMESPACES: bool = false;
    fn put(&mut self, _: u8, key: u16, value: u16) {
        self.set(Keyed::new(&key), value);
    }
    fn remove(&mut self, _: u8, key: u16) {
        Self::remove(self, Keyed::new(&key));
    }
    fn retain(&mut self, keep: fn(u16, &mut u16) -> bool) -> bool {
        Self::retain(self, |key, value| keep(*key, value));
        true
    }
    fn content(&self) -> Content {
        self.iter().map(|(&key, &value)| ((0, key), value)).collect()
    }
    fn see(_: u8, key: u16, value: u16) -> ((u8, u16), u16) {
        ((0, key), value)
    }
}

/// A value that does not lie in the table: more than [`crate::limits::NEAR_SLOT_BYTES`].
type Large = [[u16; 2]; 32];

const _: () = assert!(size_of::<(u16, Large, u32)>() > crate::limits::NEAR_SLOT_BYTES);

impl Subject for ValueState<u16, Large> {
    const NAMESPACES: bool = false;
    fn put(&mut self, _: u8, key: u16, value: u16) {
        self.set(Keyed::new(&key), [[value; 2]; 32]);
    }
    fn remove(&mut self, _: u8, key: u16) {
        Self::remove(self, Keyed::new(&key));
    }
    fn retain(&mut self, keep: fn(u16, &mut u16) -> bool) -> bool {
        Self::retain(self, |key, value| {
            let stays = keep(*key, &mut value[0][0]);
            *value = [[value[0][0]; 2]; 32];
            stays
        });
        true
    }
    fn content(&self) -> Content {
        let value_of = |value: &Large| {
            assert_eq!(value, &[[value[0][0]; 2]; 32]);
            value[0][0]
        };
        self.iter().map(|(&key, value)| ((0, key), value_of(value))).collect()
    }
    fn see(_: u8, key: u16, value: u16) -> ((u8, u16), u16) {
        ((0, key), value)
    }
}

impl Subject for NamespacedState<u8, u16, u16> {
    const NAMESPACES: bool = true;
    fn put(&mut self, namespace: u8, key: u16, value: u16) {
        *self.table_mut(namespace).get_or_insert_with(Keyed::new(&key), || 0) = value;
    }
    fn remove(&mut self, namespace: u8, key: u16) {
        self.table_mut(namespace).remove(Keyed::new(&key));
    }
    fn drop_namespace(&mut self, namespace: u8) {
        Self::drop_namespace(self, &namespace);
    }
    fn content(&self) -> Content {
        let table = |(&n, table): (&u8, &super::table::Table<u16, u16>)| {
            table.iter().map(|(&key, &value)| ((n, key), value)).collect::<Vec<_>>()
        };
        self.range(..).flat_map(table).collect()
    }
    fn see(namespace: u8, key: u16, value: u16) -> ((u8, u16), u16) {
        ((namespace, key), value)
    }
}

impl Subject for MapState<u16, u8, u16> {
    const NAMESPACES: bool = false;
    fn put(&mut self, namespace: u8, key: u16, value: u16) {
        self.insert(Keyed::new(&key), namespace, value);
    }
    fn remove(&mut self, namespace: u8, key: u16) {
        Self::remove(self, Keyed::new(&key), &namespace);
    }
    fn content(&self) -> Content {
        let of = |key: u16| {
            self.range(Keyed::new(&key), ..).map(|(&n, &v)| ((n, key), v)).collect::<Vec<_>>()
        };
        (0..u16::MAX).flat_map(of).collect()
    }
    fn see(namespace: u8, key: u16, value: u16) -> ((u8, u16), u16) {
        ((namespace, key), value)
    }
}

impl Subject for TimerQueue<u16> {
    const NAMESPACES: bool = false;
    fn put(&mut self, namespace: u8, key: u16, _: u16) {
        self.register(Timestamp(namespace.into()), &key);
    }
    fn remove(&mut self, namespace: u8, key: u16) {
        self.delete(Timestamp(namespace.into()), &key);
    }
    fn content(&self) -> Content {
        let mut all = self.clone();
        let pop = || all.pop_due(Timestamp::MAX).map(|(at, key)| ((at.millis() as u8, key), 0));
        std::iter::from_fn(pop).collect()
    }
    fn see(namespace: u8, key: u16, _: u16) -> ((u8, u16), u16) {
        ((namespace, key), 0)
    }
}

fn check<S: Subject>(ops: &[Op]) -> Result<(), TestCaseError> {
    let max = MaxParallelism::DEFAULT;
    let (mut state, mut model) = (S::default(), Content::new());
    let mut chain: Vec<Delta> = Vec::new();
    for &op in ops {
        match op {
            Op::Put { namespace, key, value } => {
                state.put(namespace, key.into(), value);
                let (at, value) = S::see(namespace, key.into(), value);
                model.insert(at, value);
            }
            Op::Remove { namespace, key } => {
                state.remove(namespace, key.into());
                model.remove(&S::see(namespace, key.into(), 0).0);
            }
            Op::DropNamespace(namespace) if S::NAMESPACES => {
                state.drop_namespace(namespace);
                model.retain(|(n, _), _| *n != namespace);
            }
            Op::DropNamespace(_) => {}
            Op::Retain => {
                let keep = |key: u16, value: &mut u16| {
                    *value = value.wrapping_add(1);
                    !key.is_multiple_of(3)
                };
                if state.retain(keep) {
                    model.retain(|(_, key), value| keep(*key, value));
                }
            }
            Op::Churn(seed) => {
                for key in 1000..3000 {
                    state.put(0, key, seed.into());
                }
                for key in 1000..3000 {
                    state.remove(0, key);
                }
            }
            Op::Capture { full } => {
                let delta = state.capture(full || chain.is_empty()).into_delta(max);
                let delta = Delta::from_frame(&delta.to_frame()).expect("whole");
                prop_assert!(delta.full || !chain.is_empty());
                if delta.full {
                    chain.clear();
                }
                chain.push(delta);
                prop_assert_eq!(&restored::<S>(&chain, max), &model, "after {:?}", op);
            }
        }
        prop_assert_eq!(&state.content(), &model, "after {:?}", op);
    }
    Ok(())
}

/// The union of what two subtasks restore, each its own key groups; they must not overlap.
fn restored<S: Subject>(chain: &[Delta], max: MaxParallelism) -> Content {
    let resolved = delta::resolve(chain.to_vec()).expect("whole");
    let mut all = Content::new();
    for range in [max.range_of(0, 2), max.range_of(1, 2)] {
        let mut part = S::default();
        for delta in &resolved {
            part.restore(delta, range).expect("fits");
        }
        for (at, value) in part.content() {
            assert_eq!(all.insert(at, value), None, "a key group was restored twice");
        }
    }
    let mut whole = S::default();
    for delta in &resolved {
        whole.restore(delta, KeyGroupRange::ALL).expect("fits");
    }
    assert_eq!(whole.content(), all);
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_value_state_restores_what_it_held(ops in ops()) {
        check::<ValueState<u16, u16>>(&ops)?;
    }

    #[test]
    fn a_value_state_of_large_values_restores_what_it_held(ops in ops()) {
        check::<ValueState<u16, Large>>(&ops)?;
    }

    #[test]
    fn a_namespaced_state_restores_what_it_held(ops in ops()) {
        check::<NamespacedState<u8, u16, u16>>(&ops)?;
    }

    #[test]
    fn a_map_state_restores_what_it_held(ops in ops()) {
        check::<MapState<u16, u8, u16>>(&ops)?;
    }

    #[test]
    fn timers_restore_what_was_set(ops in ops()) {
        check::<TimerQueue<u16>>(&ops)?;
    }
}

#[test]
fn of_many_neighbours_that_change_at_once_none_is_missed() {
    let max = MaxParallelism::DEFAULT;
    let mut dice = 1_u64;
    let mut roll = |sides: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % sides
    };
    for table in 0..200 {
        let keys = 500 + roll(3_000);
        let mut state = ValueState::<u64, u64>::default();
        (0..keys).for_each(|key| state.set(Keyed::new(&key), 0));
        state.capture(true);
        for round in 1..20 {
            let changed: BTreeSet<u64> = (0..keys / 4).map(|_| roll(keys)).collect();
            // Not in the order in which they were put in: then whoever lies before another has been taken by then.
            changed.iter().rev().for_each(|key| state.set(Keyed::new(key), round));
            let delta = state.capture(false).into_delta(max);
            let expected = (false, changed.len() as u64);
            assert_eq!((delta.full, delta.entries), expected, "table {table}, round {round}");
        }
    }
}
