//! What is kept of one key between two events: partial matches, and the buffer of what they have taken.
//!
//! Apart from the matcher because it is data, and the whole of it: a plain value that goes into a
//! snapshot as it is, and that is empty when no partial match is alive. That every event may begin a
//! match is known without being kept.

use crate::cep::automaton::StateId;
use crate::cep::buffer::{EntryIndex, MatchBuffer, Moved, Position};
use crate::cep::few::Few;
use serde::{Deserialize, Serialize};

/// A partial match, or one that is complete and waits for earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(StateId, EntryIndex, Position)", into = "(StateId, EntryIndex, Position)")]
pub(super) struct Partial {
    pub(super) state: StateId,
    /// Its newest entry.
    pub(super) last: EntryIndex,
    /// Its first event: by what matches are ordered and pruned.
    pub(super) start: Position,
}

impl From<(StateId, EntryIndex, Position)> for Partial {
    fn from((state, last, start): (StateId, EntryIndex, Position)) -> Self {
        Self { state, last, start }
    }
}

impl From<Partial> for (StateId, EntryIndex, Position) {
    fn from(partial: Partial) -> Self {
        (partial.state, partial.last, partial.start)
    }
}

impl Partial {
    fn moved(&mut self, moved: &Moved) {
        self.last = moved.entry(self.last);
        self.start.1 = moved.event(self.start.1);
    }
}

/// The partial matches of one key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PartialMatches<T> {
    pub(super) buffer: MatchBuffer<T>,
    /// In the order in which they began.
    pub(super) alive: Few<Partial>,
    /// Complete, in the same order; they wait for partial matches that began before them, which may yet
    /// have them skipped.
    pub(super) complete: Few<Partial>,
}

impl<T> Default for PartialMatches<T> {
    fn default() -> Self {
        Self { buffer: MatchBuffer::default(), alive: Few::default(), complete: Few::default() }
    }
}

impl<T> PartialMatches<T> {
    /// How many there are, those included that are complete and wait for earlier ones.
    #[must_use]
    pub fn len(&self) -> usize {
        self.alive.len() + self.complete.len()
    }

    /// Whether there are none; nothing is kept then.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many entries the match buffer has, garbage included, of which there is less than of the rest,
    /// but for a few entries.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.buffer.len()
    }

    /// How many events are stored; garbage as for entries.
    #[must_use]
    pub fn events(&self) -> usize {
        self.buffer.events()
    }

    /// Something that hangs on what is kept elsewhere.
    pub(super) fn ends(&self) -> i64 {
        let start = |partial: Option<&Partial>| partial.map_or(0, |one| one.start.0.millis());
        start(self.alive.first()) ^ start(self.alive.last()) ^ self.buffer.ends()
    }

    /// Removes what nobody needs any more, if it is much.
    pub(super) fn tidy(&mut self) {
        if self.is_empty() {
            self.buffer.clear();
        } else if self.buffer.wants_sweep() {
            let all = self.alive.iter().chain(self.complete.iter());
            let moved = self.buffer.sweep(all.map(|partial| partial.last));
            let all = self.alive.iter_mut().chain(self.complete.iter_mut());
            all.for_each(|partial| partial.moved(&moved));
        }
    }
}
