//! The match buffer: the events that partial matches have taken, each stored once, and the chains of
//! entries that say which match took which.
//!
//! After the shared, versioned match buffer of Agrawal, Diao, Gyllstrom and Immerman, "Efficient Pattern
//! Matching over Event Streams" (SIGMOD 2008), which Flink follows. There an entry may have several
//! predecessors, and a version number (Dewey's) on every edge tells later which way a match has come. Here
//! an entry has one predecessor: a partial match *is* its newest entry, two that part share all entries
//! before the fork, and reading one needs no version. What is shared is the same; what is lost, two matches
//! with the same tail after different heads, the paper shares only by name, for their edges differ.
//!
//! Entries and events are appended, so a predecessor always stands before its successor. There are no
//! reference counts: what no partial match reaches is garbage, found by one pass from the back and removed
//! when there is more of it than of the rest. The order of events is kept, so positions compare like
//! arrival.

use crate::cep::few::Few;
use serde::{Deserialize, Serialize};
use tidegate_core::time::Timestamp;

/// Entries that may be garbage before anybody looks, however few are alive.
const SPARE: usize = 4;

/// The place of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct EntryIndex(u32);

/// The place of an event; an earlier arrival has a smaller one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct EventIndex(u32);

/// An event in the order in which matches begin and are pruned: by time, then by arrival.
pub(super) type Position = (Timestamp, EventIndex);

/// An event that a stage has taken.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(from = "(u16, u32, Option<u32>)", into = "(u16, u32, Option<u32>)")]
struct Entry {
    stage: u16,
    event: u32,
    previous: Option<u32>,
}

impl From<(u16, u32, Option<u32>)> for Entry {
    fn from((stage, event, previous): (u16, u32, Option<u32>)) -> Self {
        Self { stage, event, previous }
    }
}

impl From<Entry> for (u16, u32, Option<u32>) {
    fn from(entry: Entry) -> Self {
        (entry.stage, entry.event, entry.previous)
    }
}

/// Entries and events of one key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct MatchBuffer<T> {
    entries: Few<Entry>,
    events: Few<(Timestamp, T)>,
    /// How many entries were alive when garbage was last removed.
    #[serde(skip)]
    alive: usize,
}

impl<T> Default for MatchBuffer<T> {
    fn default() -> Self {
        Self { entries: Few::default(), events: Few::default(), alive: 0 }
    }
}

/// Where entries and events have gone.
pub(super) struct Moved {
    entries: Vec<u32>,
    events: Vec<u32>,
}

impl Moved {
    pub(super) fn entry(&self, EntryIndex(entry): EntryIndex) -> EntryIndex {
        EntryIndex(self.entries[entry as usize])
    }

    pub(super) fn event(&self, EventIndex(event): EventIndex) -> EventIndex {
        EventIndex(self.events[event as usize])
    }
}

impl<T> MatchBuffer<T> {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn events(&self) -> usize {
        self.events.len()
    }

    /// Something that hangs on where entries and events end.
    pub(super) fn ends(&self) -> i64 {
        let event = self.events.last().map_or(0, |(at, _)| at.millis());
        event ^ self.entries.last().map_or(0, |last| i64::from(last.event))
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.events.clear();
        self.alive = 0;
    }

    /// Where the next event will be stored.
    pub(super) fn next_event(&self) -> EventIndex {
        EventIndex(place(self.events.len()))
    }

    /// Stores an event that has been taken.
    pub(super) fn store(&mut self, at: Timestamp, value: T) {
        self.events.push((at, value));
    }

    /// Writes down that `stage` has taken `event` after `previous`.
    pub(super) fn link(
        &mut self,
        stage: u16,
        EventIndex(event): EventIndex,
        previous: Option<EntryIndex>,
    ) -> EntryIndex {
        let entry = EntryIndex(place(self.entries.len()));
        self.entries.push(Entry { stage, event, previous: previous.map(|entry| entry.0) });
        entry
    }

    pub(super) fn value(&self, EventIndex(event): EventIndex) -> &T {
        &self.events[event as usize].1
    }

    pub(super) fn position(&self, event: EventIndex) -> Position {
        (self.events[event.0 as usize].0, event)
    }

    pub(super) fn event(&self, EntryIndex(entry): EntryIndex) -> EventIndex {
        EventIndex(self.entries[entry as usize].event)
    }

    pub(super) fn stage(&self, EntryIndex(entry): EntryIndex) -> u16 {
        self.entries[entry as usize].stage
    }

    /// The chain that ends with `last`, newest entry first.
    pub(super) fn back(&self, last: Option<EntryIndex>) -> impl Iterator<Item = EntryIndex> {
        let previous =
            |&EntryIndex(entry): &EntryIndex| self.entries[entry as usize].previous.map(EntryIndex);
        std::iter::successors(last, previous)
    }

    /// The same, oldest entry first.
    pub(super) fn chain(&self, last: Option<EntryIndex>) -> Vec<EntryIndex> {
        let mut chain: Vec<_> = self.back(last).collect();
        chain.reverse();
        chain
    }

    /// Whether so much has been written since the last time that looking for garbage pays.
    pub(super) fn wants_sweep(&self) -> bool {
        self.entries.len() > 2 * self.alive + SPARE
    }

    /// Removes what does not lie on the chain of one of `alive`.
    pub(super) fn sweep(&mut self, alive: impl Iterator<Item = EntryIndex>) -> Moved {
        const GONE: u32 = u32::MAX;
        let mut keep_entry = vec![false; self.entries.len()];
        let mut keep_event = vec![false; self.events.len()];
        for EntryIndex(entry) in alive {
            keep_entry[entry as usize] = true;
        }
        for (place, entry) in self.entries.iter().enumerate().rev() {
            if keep_entry[place] {
                keep_event[entry.event as usize] = true;
                if let Some(previous) = entry.previous {
                    keep_entry[previous as usize] = true;
                }
            }
        }
        let moved = |keep: &[bool]| {
            let mut next = 0;
            let place = |&keep: &bool| {
                if keep {
                    next += 1;
                    next - 1
                } else {
                    GONE
                }
            };
            keep.iter().map(place).collect::<Vec<u32>>()
        };
        let moved = Moved { entries: moved(&keep_entry), events: moved(&keep_event) };
        retain(&mut self.entries, &keep_entry);
        retain(&mut self.events, &keep_event);
        for entry in self.entries.iter_mut() {
            entry.event = moved.events[entry.event as usize];
            entry.previous = entry.previous.map(|previous| moved.entries[previous as usize]);
        }
        self.alive = self.entries.len();
        moved
    }
}

/// The place of the next of `count`.
fn place(count: usize) -> u32 {
    u32::try_from(count).expect("the limit of entries is far below 2^32")
}

fn retain<T>(list: &mut Few<T>, keep: &[bool]) {
    let mut keep = keep.iter();
    list.retain(|_| keep.next().is_some_and(|keep| *keep));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(buffer: &MatchBuffer<char>, last: EntryIndex) -> String {
        let chain = buffer.chain(Some(last)).into_iter();
        chain.map(|entry| *buffer.value(buffer.event(entry))).collect()
    }

    #[test]
    fn matches_share_what_lies_before_their_fork_and_a_sweep_keeps_just_that() {
        let mut buffer = MatchBuffer::default();
        let [a, b, c, d] = ['a', 'b', 'c', 'd'].map(|event| {
            let index = buffer.next_event();
            buffer.store(Timestamp(1), event);
            index
        });
        let head = buffer.link(0, a, None);
        let dead = buffer.link(1, b, Some(head));
        let left = buffer.link(1, c, Some(head));
        let right = buffer.link(1, d, Some(head));
        assert_eq!(chain(&buffer, dead), "ab");
        let moved = buffer.sweep([left, right].into_iter());
        assert_eq!((buffer.len(), buffer.events()), (3, 3));
        assert_eq!(chain(&buffer, moved.entry(left)), "ac");
        assert_eq!(chain(&buffer, moved.entry(right)), "ad");
        assert_eq!(buffer.value(moved.event(d)), &'d');
        assert!(buffer.position(moved.event(a)) < buffer.position(moved.event(c)));
    }
}
