//! Events that wait for the watermark, of all keys together, in the order of time and then of arrival, or as
//! the user says.
//!
//! Apart from what is kept of a key because an event that waits needs no key: it is appended here when it
//! comes, and its key is looked up once, when its time has come. In a snapshot each event is an entry of
//! its own in the key group of its key, so events that come and go between two snapshots are in none, and
//! one that waits longer is written once.

use serde::Serialize;
use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tidegate_core::codec::DecodeError;
use tidegate_core::key::{KeyGroupRange, MaxParallelism};
use tidegate_core::state::delta::Delta;
use tidegate_core::state::delta_writer::DeltaWriter;
use tidegate_core::state::in_groups::in_groups;
use tidegate_core::state::{Frozen, KeyedState, Value};
use tidegate_core::time::Timestamp;

/// Events taken out since the last capture, fewer than this, are always told one by one.
const TRACKED_MIN: usize = 1024;

/// How two events of the same time are ordered.
pub(super) type Ties<T> = Arc<dyn Fn(&T, &T) -> Ordering + Send + Sync>;

/// An event that waits.
struct Held<T> {
    /// Later arrivals have greater ones.
    number: u64,
    key_hash: u64,
    event: T,
}

/// What an event is called in a snapshot: time, number, hash of its key. Two subtasks may give the same
/// number, but not under the same key.
type Name = (Timestamp, u64, u64);

/// An event whose time has come.
pub(super) struct Ripe<T> {
    pub(super) at: Timestamp,
    pub(super) key_hash: u64,
    pub(super) event: T,
}

pub(super) struct Waiting<T> {
    /// Those of equal time, in the order of arrival.
    lists: BTreeMap<Timestamp, VecDeque<Held<T>>>,
    len: usize,
    /// The number of the next arrival.
    next: u64,
    /// Those with smaller numbers are in a capture.
    captured: u64,
    /// Those that are in a capture and have been taken out since; not told any more once `lost`.
    gone: Vec<Name>,
    lost: bool,
    /// Those from a snapshot, until the operator opens.
    restored: BTreeMap<Name, T>,
}

impl<T> Default for Waiting<T> {
    fn default() -> Self {
        let (lists, restored) = (BTreeMap::new(), BTreeMap::new());
        Self { lists, len: 0, next: 0, captured: 0, gone: Vec::new(), lost: false, restored }
    }
}

impl<T> Waiting<T> {
    /// Puts what was restored in its place.
    pub(super) fn open(&mut self) {
        for ((at, number, key_hash), event) in std::mem::take(&mut self.restored) {
            self.next = self.next.max(number + 1);
            self.len += 1;
            self.lists.entry(at).or_default().push_back(Held { number, key_hash, event });
        }
        self.captured = self.next;
    }

    #[inline]
    pub(super) fn push(&mut self, at: Timestamp, key_hash: u64, event: T) {
        let held = Held { number: self.next, key_hash, event };
        self.lists.entry(at).or_default().push_back(held);
        self.next += 1;
        self.len += 1;
    }

    /// When the first is ripe.
    pub(super) fn first(&self) -> Option<Timestamp> {
        self.lists.first_key_value().map(|(at, _)| *at)
    }

    /// Orders those that are ripe first; of those that `ties` does not tell apart the one that arrived first
    /// stays ahead. They are then all taken out before the next capture.
    pub(super) fn order_first(&mut self, ties: &Ties<T>) {
        if let Some(mut first) = self.lists.first_entry() {
            let list = first.get_mut().make_contiguous();
            list.sort_by(|one, other| ties(&one.event, &other.event));
        }
    }

    /// The hashes of the keys of the next events, in order.
    pub(super) fn upcoming(&self) -> impl Iterator<Item = u64> {
        self.lists.values().flatten().map(|held| held.key_hash)
    }

    /// Takes out the first event.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<Ripe<T>> {
        let mut list = self.lists.first_entry()?;
        let at = *list.key();
        let Held { number, key_hash, event } = list.get_mut().pop_front()?;
        if list.get().is_empty() {
            list.remove();
        }
        self.len -= 1;
        if number < self.captured && !self.lost {
            self.gone.push((at, number, key_hash));
            if self.gone.len() > TRACKED_MIN.max(self.len) {
                (self.gone, self.lost) = (Vec::new(), true);
            }
        }
        Some(Ripe { at, key_hash, event })
    }

    /// Those that came with `from` or later.
    fn since(&self, from: u64) -> Vec<(Name, T)>
    where
        T: Clone,
    {
        let lists = self.lists.iter().flat_map(|(at, list)| {
            let new = list.iter().rev().take_while(move |held| held.number >= from);
            new.map(|held| ((*at, held.number, held.key_hash), held.event.clone()))
        });
        lists.collect()
    }
}

impl<T: Value> KeyedState for Waiting<T> {
    fn capture(&mut self, full: bool) -> Box<dyn Frozen> {
        let mut events = self.since(if full || self.lost { 0 } else { self.captured });
        let full = full || self.lost || (events.len() + self.gone.len()) * 2 >= self.len;
        if full && events.len() < self.len {
            events = self.since(0);
        }
        let gone = std::mem::take(&mut self.gone);
        (self.captured, self.lost) = (self.next, false);
        Box::new(FrozenEvents { full, events, gone })
    }

    fn restore(&mut self, delta: &Delta, groups: KeyGroupRange) -> Result<(), DecodeError> {
        delta.for_each(groups, |_, entry| {
            let name = delta.key(&entry)?;
            match delta.value(&entry)? {
                Some(event) => self.restored.insert(name, event),
                None => self.restored.remove(&name),
            };
            Ok(())
        })
    }

    fn entries(&self) -> u64 {
        (self.restored.len() + self.len) as u64
    }
}

struct FrozenEvents<T> {
    full: bool,
    events: Vec<(Name, T)>,
    gone: Vec<Name>,
}

impl<T: Serialize + Send> Frozen for FrozenEvents<T> {
    fn is_full(&self) -> bool {
        self.full
    }

    fn encode(self: Box<Self>, max_parallelism: MaxParallelism, into: &mut DeltaWriter<'_>) {
        let group_of = |name: &Name| max_parallelism.group_of(name.2);
        let of_event = |(name, _): &(Name, T)| group_of(name);
        in_groups(&self.events, max_parallelism, of_event, |group, (name, event)| {
            into.put(group, &[], name, Some(event));
        });
        if !self.full {
            in_groups(&self.gone, max_parallelism, group_of, |group, name| {
                into.put(group, &[], name, None::<&T>);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::key::{Key, KeyGroup};

    fn taken(waiting: &mut Waiting<u64>) -> Vec<(Timestamp, u64, u64)> {
        std::iter::from_fn(|| waiting.pop())
            .map(|ripe| (ripe.at, ripe.key_hash, ripe.event))
            .collect()
    }

    /// What two instances that share the key groups get from a chain of captures.
    fn restored(chain: &[Delta]) -> [Waiting<u64>; 2] {
        [(0, 60), (60, 128)].map(|(start, end)| {
            let mut waiting = Waiting::default();
            let groups = KeyGroupRange { start: KeyGroup(start), end: KeyGroup(end) };
            for delta in chain {
                waiting.restore(delta, groups).expect("whole");
            }
            waiting.open();
            waiting
        })
    }

    #[test]
    fn bases_and_deltas_hold_what_waits_whatever_came_and_went() {
        let max = MaxParallelism::new(128).expect("in bounds");
        let (mut waiting, mut model) = (Waiting::default(), BTreeMap::new());
        let (mut chain, mut seed, mut deltas) = (Vec::new(), 1u64, 0);
        for number in 0..6_000u64 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (at, key) = (Timestamp((seed >> 40) as i64 % 50), (seed >> 50) % 7);
            // Now and then much goes at once, beyond what is tracked one by one.
            let goes = if number % 2_500 == 2_400 { 2_000 } else { seed >> 33 & 1 };
            for _ in 0..goes {
                let ripe = waiting.pop().map(|ripe| (ripe.at, ripe.event));
                assert_eq!(ripe, model.pop_first().map(|((at, event), _)| (at, event)));
            }
            waiting.push(at, key.stable_hash(), number);
            model.insert((at, number), key.stable_hash());
            if number % 97 == 0 {
                let delta = waiting.capture(number % 970 == 0).into_delta(max);
                deltas += usize::from(!delta.full);
                if delta.full {
                    chain.clear();
                }
                chain.push(delta);
                let mut both: Vec<_> = restored(&chain).iter_mut().flat_map(taken).collect();
                both.sort_by_key(|(at, _, event)| (*at, *event));
                let model = model.iter().map(|((at, event), hash)| (*at, *hash, *event));
                assert_eq!(both, model.collect::<Vec<_>>());
            }
        }
        assert!(deltas > 10, "{deltas}");
    }

    #[test]
    fn an_event_that_comes_and_goes_between_two_captures_is_in_none() {
        let max = MaxParallelism::new(128).expect("in bounds");
        let mut waiting = Waiting::default();
        (0..100).for_each(|event| waiting.push(Timestamp(9), 1, event));
        assert_eq!(waiting.capture(true).into_delta(max).entries, 100);
        (0..40).for_each(|event| waiting.push(Timestamp(3), 1, event));
        assert!((0..40).all(|_| waiting.pop().is_some_and(|ripe| ripe.at == Timestamp(3))));
        assert_eq!(waiting.capture(false).into_delta(max).entries, 0);
    }
}
