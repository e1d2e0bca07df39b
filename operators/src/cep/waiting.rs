//! Events that wait for the watermark, of all keys together, in the order of time and then of arrival.
//!
//! Apart from what is kept of a key because an event that waits needs no key: it is appended here when it
//! comes, and its key is looked up once, when its time has come. In a snapshot each event is an entry of
//! its own in the key group of its key, so events that come and go between two snapshots are in none, and
//! one that waits longer is written once.

use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use tidegate_core::codec::{self, DecodeError};
use tidegate_core::key::{KeyGroupRange, MaxParallelism};
use tidegate_core::state::delta::{Delta, DeltaBuilder, Entry};
use tidegate_core::state::{Frozen, KeyedState, Value};
use tidegate_core::time::Timestamp;

/// Events taken out since the last capture, fewer than this, are always told one by one.
const TRACKED_MIN: usize = 1024;

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
            let name = codec::from_cbor(entry.key)?;
            match entry.value {
                Some(event) => self.restored.insert(name, codec::from_cbor(event)?),
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
    fn encode(self: Box<Self>, max_parallelism: MaxParallelism) -> Delta {
        let mut builder = DeltaBuilder::new(self.full);
        let mut push = |name: &Name, value: Option<&[u8]>| {
            let key = codec::to_cbor(name);
            let entry = Entry { namespace: &[], key: &key, value };
            builder.push(max_parallelism.group_of(name.2), entry);
        };
        self.events.iter().for_each(|(name, event)| push(name, Some(&codec::to_cbor(event))));
        if !self.full {
            self.gone.iter().for_each(|name| push(name, None));
        }
        builder.finish()
    }
}
