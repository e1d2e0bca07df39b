//! What the operator keeps of one key: events that wait for the watermark, and partial matches.

use crate::cep::partial::PartialMatches;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;
use tidegate_core::time::Timestamp;

/// How two events of the same time are ordered.
pub(super) type Ties<T> = Arc<dyn Fn(&T, &T) -> Ordering + Send + Sync>;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct KeyState<T> {
    /// In the order of time; as the user says where that is equal, and of arrival where they do not.
    waiting: VecDeque<(Timestamp, T)>,
    pub(super) matches: PartialMatches<T>,
    /// When the first partial match runs out of time.
    pub(super) deadline: Option<Timestamp>,
}

impl<T> Default for KeyState<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), matches: PartialMatches::default(), deadline: None }
    }
}

/// What happens to a key next.
pub(super) enum Due<T> {
    /// Its time is over.
    Deadline(Timestamp),
    /// It is ripe.
    Event(Timestamp, T),
}

impl<T> KeyState<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.matches.is_empty()
    }

    /// Puts an event in its place; `ties` says which of two of the same time comes first.
    pub(super) fn wait(&mut self, at: Timestamp, event: T, ties: Option<&Ties<T>>) {
        let is_before = |other: &(Timestamp, T)| {
            let tie = || ties.map_or(Ordering::Equal, |compare| compare(&other.1, &event));
            other.0.cmp(&at).then_with(tie).is_le()
        };
        let place = if self.waiting.back().is_none_or(is_before) {
            self.waiting.len()
        } else {
            self.waiting.partition_point(is_before)
        };
        self.waiting.insert(place, (at, event));
    }

    /// When something is to be done.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let event = self.waiting.front().map(|first| first.0);
        self.deadline.into_iter().chain(event).min()
    }

    /// When anything is to be done.
    pub(super) fn times(&self) -> impl Iterator<Item = Timestamp> {
        self.deadline.into_iter().chain(self.waiting.iter().map(|(at, _)| *at))
    }

    /// What is to be done first, at `until` at the latest: time comes before the event that brings it.
    pub(super) fn next(&mut self, until: Timestamp) -> Option<Due<T>> {
        let due = self.due().filter(|due| *due <= until)?;
        if self.deadline == Some(due) {
            return Some(Due::Deadline(due));
        }
        self.waiting.pop_front().map(|(at, event)| Due::Event(at, event))
    }
}
