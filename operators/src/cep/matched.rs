//! A match, whole or partial, as conditions and the user's functions see it: events by stage.
//!
//! A view: nothing is copied out of the match buffer, and the chain is only read when somebody asks.

use crate::cep::buffer::{EntryIndex, MatchBuffer};
use std::cell::OnceCell;
use std::fmt;
use tidegate_core::time::Timestamp;

/// Events that have matched so far, or the whole pattern, in the order in which they were taken.
pub struct Matched<'a, T> {
    buffer: &'a MatchBuffer<T>,
    stages: &'a [String],
    last: Option<EntryIndex>,
    chain: OnceCell<Vec<EntryIndex>>,
}

impl<'a, T> Matched<'a, T> {
    pub(super) fn new(
        buffer: &'a MatchBuffer<T>,
        stages: &'a [String],
        last: Option<EntryIndex>,
    ) -> Self {
        Self { buffer, stages, last, chain: OnceCell::new() }
    }

    pub(super) fn chain(&self) -> &[EntryIndex] {
        self.chain.get_or_init(|| self.buffer.chain(self.last))
    }

    pub(super) const fn buffer(&self) -> &'a MatchBuffer<T> {
        self.buffer
    }

    fn event(&self, entry: EntryIndex) -> &'a T {
        self.buffer.value(self.buffer.event(entry))
    }

    /// The events that the stage named `stage` has taken; none where there is no such stage.
    pub fn events(&self, stage: &str) -> impl DoubleEndedIterator<Item = &'a T> {
        let is_its = self.is_of(stage);
        let of_stage = move |entry: &&EntryIndex| is_its(**entry);
        self.chain().iter().filter(of_stage).map(|entry| self.event(*entry))
    }

    /// The first event that the stage has taken.
    #[must_use]
    pub fn first(&self, stage: &str) -> Option<&'a T> {
        self.events(stage).next()
    }

    /// The last event that the stage has taken. Cheap where that is not long ago, however much has
    /// matched.
    #[must_use]
    pub fn last(&self, stage: &str) -> Option<&'a T> {
        let is_its = self.is_of(stage);
        self.buffer.back(self.last).find(|entry| is_its(*entry)).map(|entry| self.event(entry))
    }

    /// Whether an entry is of the stage of this name.
    fn is_of(&self, stage: &str) -> impl Fn(EntryIndex) -> bool + use<'a, T> {
        let (stage, buffer) = (self.stages.iter().position(|name| name == stage), self.buffer);
        move |entry| stage.is_some_and(|stage| usize::from(buffer.stage(entry)) == stage)
    }

    /// All events, each with the name of its stage.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&'a str, &'a T)> {
        let named = |entry: &EntryIndex| {
            let stage = &self.stages[usize::from(self.buffer.stage(*entry))];
            (stage.as_str(), self.event(*entry))
        };
        self.chain().iter().map(named)
    }

    /// How many events have matched.
    #[must_use]
    pub fn len(&self) -> usize {
        self.chain().len()
    }

    /// Whether nothing has matched yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    /// The time of the first event, if there is one.
    #[must_use]
    pub fn start(&self) -> Option<Timestamp> {
        self.chain().first().map(|first| self.buffer.position(self.buffer.event(*first)).0)
    }

    /// The time of the last event, if there is one.
    #[must_use]
    pub fn end(&self) -> Option<Timestamp> {
        self.last.map(|last| self.buffer.position(self.buffer.event(last)).0)
    }
}

impl<T: fmt::Debug> fmt::Debug for Matched<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
