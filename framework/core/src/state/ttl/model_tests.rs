//! States with a time to live against a naive model that keeps everything with its time, through
//! random operations, times, snapshots and restores; and the settings one by one.

use super::super::aggregate::Aggregate;
use super::super::delta::{self, Delta};
use super::super::{Keyed, KeyedState};
use super::*;
use crate::key::{KeyGroupRange, MaxParallelism};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug)]
enum Op {
    Put { key: u16, entry: u8, value: u32 },
    Read { key: u16 },
    Remove { key: u16 },
    Pass { millis: i64 },
    Restart { full: bool },
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        6 => (0..9u16, 0..3u8, 0..99u32)
            .prop_map(|(key, entry, value)| Op::Put { key, entry, value }),
        4 => (0..9u16).prop_map(|key| Op::Read { key }),
        1 => (0..9u16).prop_map(|key| Op::Remove { key }),
        4 => (0..40i64).prop_map(|millis| Op::Pass { millis }),
        2 => any::<bool>().prop_map(|full| Op::Restart { full }),
    ];
    prop::collection::vec(op, 1..80)
}

fn settings() -> impl Strategy<Value = StateTtl> {
    (1..60i64, any::<bool>(), 0..4usize).prop_map(|(ttl_ms, on_read, cleanup)| {
        let update =
            if on_read { UpdateType::OnReadAndWrite } else { UpdateType::OnCreateAndWrite };
        StateTtl::new(ttl_ms).update(update).cleanup(cleanup)
    })
}

type Content = Vec<(u8, u32)>;

/// A state under test, by what the model needs of it.
trait Subject: KeyedState {
    fn new(ttl: StateTtl) -> Self;
    fn put(&mut self, at: Keyed<'_, u16>, entry: u8, value: u32, now: Timestamp);
    fn read(&mut self, at: Keyed<'_, u16>, now: Timestamp) -> Content;
    fn remove(&mut self, at: Keyed<'_, u16>, now: Timestamp);
    /// What putting does to what lives.
    fn model(living: &mut Vec<(u8, u32, i64)>, entry: u8, value: u32, now: i64);
    /// How many entries the state says it has for what lives.
    fn entries_of(living: &[(u8, u32, i64)]) -> u64 {
        u64::from(!living.is_empty())
    }
}

impl Subject for TtlValueState<u16, u32> {
    fn new(ttl: StateTtl) -> Self {
        Self::new(ttl)
    }
    fn put(&mut self, at: Keyed<'_, u16>, _: u8, value: u32, now: Timestamp) {
        self.set(at, value, now);
    }
    fn read(&mut self, at: Keyed<'_, u16>, now: Timestamp) -> Content {
        self.get(at, now).map(|value| (0, *value)).into_iter().collect()
    }
    fn remove(&mut self, at: Keyed<'_, u16>, _: Timestamp) {
        Self::remove(self, at);
    }
    fn model(living: &mut Vec<(u8, u32, i64)>, _: u8, value: u32, now: i64) {
        *living = vec![(0, value, now)];
    }
}

impl Subject for TtlReducingState<u16, u32> {
    fn new(ttl: StateTtl) -> Self {
        Self::new(ttl, |sum, value| *sum += value)
    }
    fn put(&mut self, at: Keyed<'_, u16>, _: u8, value: u32, now: Timestamp) {
        self.add(at, value, now);
    }
    fn read(&mut self, at: Keyed<'_, u16>, now: Timestamp) -> Content {
        self.get(at, now).map(|value| (0, *value)).into_iter().collect()
    }
    fn remove(&mut self, at: Keyed<'_, u16>, _: Timestamp) {
        Self::remove(self, at);
    }
    fn model(living: &mut Vec<(u8, u32, i64)>, _: u8, value: u32, now: i64) {
        let before: u32 = living.iter().map(|(_, value, _)| value).sum();
        *living = vec![(0, before + value, now)];
    }
}

#[derive(Clone)]
struct Sum;

impl Aggregate for Sum {
    type In = u32;
    type Accumulator = u32;
    type Out = u32;
    fn create(&self) -> u32 {
        0
    }
    fn add(&self, sum: &mut u32, value: &u32) {
        *sum += value;
    }
    fn merge(&self, sum: &mut u32, other: &u32) {
        *sum += other;
    }
    fn result(&self, sum: &u32) -> u32 {
        *sum
    }
}

impl Subject for TtlAggregatingState<u16, Sum> {
    fn new(ttl: StateTtl) -> Self {
        Self::new(ttl, Sum)
    }
    fn put(&mut self, at: Keyed<'_, u16>, _: u8, value: u32, now: Timestamp) {
        self.add(at, &value, now);
    }
    fn read(&mut self, at: Keyed<'_, u16>, now: Timestamp) -> Content {
        self.get(at, now).map(|value| (0, value)).into_iter().collect()
    }
    fn remove(&mut self, at: Keyed<'_, u16>, _: Timestamp) {
        Self::remove(self, at);
    }
    fn model(living: &mut Vec<(u8, u32, i64)>, entry: u8, value: u32, now: i64) {
        TtlReducingState::<u16, u32>::model(living, entry, value, now);
    }
}

impl Subject for TtlListState<u16, (u8, u32)> {
    fn new(ttl: StateTtl) -> Self {
        Self::new(ttl)
    }
    fn put(&mut self, at: Keyed<'_, u16>, entry: u8, value: u32, now: Timestamp) {
        self.push(at, (entry, value), now);
    }
    fn read(&mut self, at: Keyed<'_, u16>, now: Timestamp) -> Content {
        self.get(at, now).copied().collect()
    }
    fn remove(&mut self, at: Keyed<'_, u16>, now: Timestamp) {
        self.take(at, now);
    }
    fn model(living: &mut Vec<(u8, u32, i64)>, entry: u8, value: u32, now: i64) {
        living.push((entry, value, now));
    }
}

impl Subject for TtlMapState<u16, u8, u32> {
    fn new(ttl: StateTtl) -> Self {
        Self::new(ttl)
    }
    fn put(&mut self, at: Keyed<'_, u16>, entry: u8, value: u32, now: Timestamp) {
        self.insert(at, entry, value, now);
    }
    fn read(&mut self, at: Keyed<'_, u16>, now: Timestamp) -> Content {
        let all: Content = self.entries_of(at, now).map(|(u, v)| (*u, *v)).collect();
        for (entry, value) in &all {
            assert_eq!(self.get(at, entry, now), Some(value));
        }
        all
    }
    fn remove(&mut self, at: Keyed<'_, u16>, _: Timestamp) {
        self.clear(at);
    }
    fn model(living: &mut Vec<(u8, u32, i64)>, entry: u8, value: u32, now: i64) {
        living.retain(|(other, ..)| *other != entry);
        living.push((entry, value, now));
        living.sort_unstable();
    }
    fn entries_of(living: &[(u8, u32, i64)]) -> u64 {
        living.len() as u64
    }
}

/// A new instance with what the chain holds.
fn restored<S: Subject>(chain: &[Delta], ttl: StateTtl) -> S {
    let mut state = S::new(ttl);
    for delta in delta::resolve(chain.to_vec()).expect("whole") {
        state.restore(&delta, KeyGroupRange::ALL).expect("fits");
    }
    state
}

fn check<S: Subject>(ttl: StateTtl, ops: &[Op]) -> Result<(), TestCaseError> {
    let mut model: BTreeMap<u16, Vec<(u8, u32, i64)>> = BTreeMap::new();
    let (mut state, mut chain, mut now) = (S::new(ttl), Vec::<Delta>::new(), 1_000);
    for &op in ops {
        model.values_mut().for_each(|list| list.retain(|(.., at)| at + ttl.ttl_ms > now));
        let clock = Timestamp(now);
        match op {
            Op::Put { key, entry, value } => {
                state.put(Keyed::new(&key), entry, value, clock);
                S::model(model.entry(key).or_default(), entry, value, now);
            }
            Op::Read { key } => {
                let living = model.entry(key).or_default();
                let expected: Content = living.iter().map(|(u, v, _)| (*u, *v)).collect();
                prop_assert_eq!(state.read(Keyed::new(&key), clock), expected, "{:?}", op);
                if ttl.refreshes_on_read() {
                    living.iter_mut().for_each(|(.., at)| *at = now);
                }
            }
            Op::Remove { key } => {
                state.remove(Keyed::new(&key), clock);
                model.remove(&key);
            }
            Op::Pass { millis } => now += millis,
            Op::Restart { full } => {
                // Nobody has this key: the access only tells the time.
                state.read(Keyed::new(&u16::MAX), clock);
                let frozen = state.capture(full || chain.is_empty());
                let delta = frozen.into_delta(MaxParallelism::DEFAULT);
                if full || chain.is_empty() {
                    let living: u64 = model.values().map(|list| S::entries_of(list)).sum();
                    prop_assert_eq!(delta.entries, living, "a full snapshot holds what lives");
                }
                if delta.full {
                    chain.clear();
                }
                chain.push(delta);
                state = restored(&chain, ttl);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_value_lives_as_long_as_the_model_says(ttl in settings(), ops in ops()) {
        check::<TtlValueState<u16, u32>>(ttl, &ops)?;
    }

    #[test]
    fn a_reduced_value_lives_as_long_as_the_model_says(ttl in settings(), ops in ops()) {
        check::<TtlReducingState<u16, u32>>(ttl, &ops)?;
    }

    #[test]
    fn an_accumulator_lives_as_long_as_the_model_says(ttl in settings(), ops in ops()) {
        check::<TtlAggregatingState<u16, Sum>>(ttl, &ops)?;
    }

    #[test]
    fn the_elements_of_a_list_live_as_long_as_the_model_says(ttl in settings(), ops in ops()) {
        check::<TtlListState<u16, (u8, u32)>>(ttl, &ops)?;
    }

    #[test]
    fn the_entries_of_a_map_live_as_long_as_the_model_says(ttl in settings(), ops in ops()) {
        check::<TtlMapState<u16, u8, u32>>(ttl, &ops)?;
    }
}

/// What two reads return after 10 ms with a time to live of 10 ms.
fn after_the_end<S: Subject>(visibility: Visibility) -> [Content; 2] {
    let mut state = S::new(StateTtl::new(10).visibility(visibility).cleanup(0));
    state.put(Keyed::new(&1), 0, 7, Timestamp(0));
    [0, 1].map(|_| state.read(Keyed::new(&1), Timestamp(10)))
}

#[test]
fn what_has_expired_is_returned_once_if_that_is_allowed() {
    let (never, once) = (Visibility::NeverReturnExpired, Visibility::ReturnExpiredIfNotCleanedUp);
    let (nothing, seven) = (Content::new(), vec![(0, 7)]);
    assert_eq!(after_the_end::<TtlValueState<u16, u32>>(never), [nothing.clone(), nothing.clone()]);
    for found in [
        after_the_end::<TtlValueState<u16, u32>>(once),
        after_the_end::<TtlReducingState<u16, u32>>(once),
        after_the_end::<TtlListState<u16, (u8, u32)>>(once),
    ] {
        assert_eq!(found, [seven.clone(), nothing.clone()]);
    }
    let mut map = TtlMapState::new(StateTtl::new(10).visibility(once).cleanup(0));
    map.insert(Keyed::new(&1_u16), 0_u8, 7, Timestamp(0));
    assert_eq!(map.get(Keyed::new(&1), &0, Timestamp(10)), Some(&7));
    assert_eq!(map.get(Keyed::new(&1), &0, Timestamp(10)), None);
}

#[test]
fn each_access_removes_some_of_what_has_expired_until_all_of_it_is_gone() {
    fn remaining<S: Subject>(cleanup: usize, accesses: usize) -> u64 {
        let mut state = S::new(StateTtl::new(10).cleanup(cleanup));
        (0..100).for_each(|key| state.put(Keyed::new(&key), 0, 1, Timestamp(0)));
        for _ in 0..accesses {
            state.read(Keyed::new(&u16::MAX), Timestamp(10));
        }
        state.entries()
    }
    fn check<S: Subject>() {
        assert_eq!(remaining::<S>(0, 1_000), 100, "without cleanup it stays until it is read");
        assert!((90..100).contains(&remaining::<S>(5, 4)), "a little at a time");
        assert_eq!(remaining::<S>(5, 1_000), 0);
    }
    check::<TtlValueState<u16, u32>>();
    check::<TtlListState<u16, (u8, u32)>>();
    check::<TtlMapState<u16, u8, u32>>();
}

#[test]
fn a_state_is_restored_with_another_time_to_live() {
    fn check<S: Subject>() {
        let mut state = S::new(StateTtl::new(10));
        state.put(Keyed::new(&1), 0, 7, Timestamp(0));
        let chain = [state.capture(true).into_delta(MaxParallelism::DEFAULT)];
        let longer = restored::<S>(&chain, StateTtl::new(100)).read(Keyed::new(&1), Timestamp(99));
        assert_eq!(longer, [(0, 7)]);
        let mut shorter = restored::<S>(&chain, StateTtl::new(5));
        shorter.read(Keyed::new(&2), Timestamp(5));
        assert_eq!(shorter.entries(), 0, "the first access removes what has expired meanwhile");
    }
    check::<TtlValueState<u16, u32>>();
    check::<TtlListState<u16, (u8, u32)>>();
    check::<TtlMapState<u16, u8, u32>>();
}
