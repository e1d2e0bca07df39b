//! The windows of one key, in order of their ends.
//!
//! Nearly all keys have one window, or none: the first one is kept inline, so that a key costs no
//! allocation of its own.

use super::pane::Pane;
use crate::window::time_window::TimeWindow;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use tidegate_core::time::Timestamp;

/// All that is kept of one key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Panes<C, S> {
    /// When the key is looked at next, by event time and by the wall clock: the time under which it
    /// stands among the wakes.
    pub(crate) wakes: [Option<Timestamp>; 2],
    first: Option<Pane<C, S>>,
    /// Empty when there is no first.
    rest: Vec<Pane<C, S>>,
}

impl<C, S> Default for Panes<C, S> {
    fn default() -> Self {
        Self { wakes: [None; 2], first: None, rest: Vec::new() }
    }
}

const fn order(window: TimeWindow) -> (Timestamp, Timestamp) {
    (window.end, window.start)
}

impl<C, S> Panes<C, S> {
    #[inline]
    pub(crate) const fn len(&self) -> usize {
        if self.first.is_some() { 1 + self.rest.len() } else { 0 }
    }

    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&Pane<C, S>> {
        if index == 0 { self.first.as_ref() } else { self.rest.get(index - 1) }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut Pane<C, S>> {
        if index == 0 { self.first.as_mut() } else { self.rest.get_mut(index - 1) }
    }

    /// Something that hangs on the first window.
    pub(crate) fn touch(&self) -> i64 {
        self.first.as_ref().map_or(0, |pane| pane.window.end.millis())
    }

    /// Where `window` is, or where it would be inserted.
    pub(crate) fn position(&self, window: TimeWindow) -> Result<usize, usize> {
        match &self.first {
            None => Err(0),
            Some(first) if order(first.window) >= order(window) => {
                if first.window == window {
                    Ok(0)
                } else {
                    Err(0)
                }
            }
            Some(_) => {
                let found = self.rest.binary_search_by_key(&order(window), |p| order(p.window));
                found.map(|index| index + 1).map_err(|index| index + 1)
            }
        }
    }

    /// The windows that touch `window`, provided that no two of them touch each other.
    #[inline]
    pub(crate) fn touching(&self, window: TimeWindow) -> Range<usize> {
        let touches = |index: usize| self.get(index).is_some_and(|p| p.window.touches(window));
        let first = (0..self.len()).find(|&index| touches(index)).unwrap_or(self.len());
        let end = (first..).find(|&index| !touches(index)).unwrap_or(first);
        first..end
    }

    pub(crate) fn insert(&mut self, index: usize, pane: Pane<C, S>) {
        match &mut self.first {
            None => self.first = Some(pane),
            Some(first) if index == 0 => {
                let second = std::mem::replace(first, pane);
                self.rest.insert(0, second);
            }
            Some(_) => self.rest.insert(index - 1, pane),
        }
    }

    /// Takes a window out; those behind it move up.
    ///
    /// # Panics
    /// When there is none at `index`.
    pub(crate) fn remove(&mut self, index: usize) -> Pane<C, S> {
        if index > 0 {
            return self.rest.remove(index - 1);
        }
        let next = if self.rest.is_empty() { None } else { Some(self.rest.remove(0)) };
        std::mem::replace(&mut self.first, next).expect("there is a window at the index")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(start: i64, end: i64) -> TimeWindow {
        TimeWindow { start: Timestamp(start), end: Timestamp(end) }
    }

    fn panes(windows: &[(i64, i64)]) -> Panes<(), ()> {
        let mut panes = Panes::default();
        for &(start, end) in windows {
            let window = window(start, end);
            let index = panes.position(window).expect_err("not there yet");
            panes.insert(index, Pane::new(window));
            assert_eq!(panes.position(window), Ok(index));
        }
        panes
    }

    fn ends(panes: &Panes<(), ()>) -> Vec<i64> {
        (0..panes.len()).filter_map(|i| panes.get(i)).map(|p| p.window.end.millis()).collect()
    }

    #[test]
    fn windows_stand_in_the_order_of_their_ends() {
        let mut panes = panes(&[(20, 30), (0, 5), (40, 50), (6, 9)]);
        assert_eq!(ends(&panes), [5, 9, 30, 50]);
        assert_eq!(panes.len(), 4);
        assert_eq!(panes.remove(0).window, window(0, 5));
        assert_eq!(panes.remove(1).window, window(20, 30));
        assert_eq!(ends(&panes), [9, 50]);
        panes.remove(1);
        panes.remove(0);
        assert_eq!((panes.len(), ends(&panes)), (0, vec![]));
    }

    #[test]
    fn the_windows_that_touch_are_found() {
        let panes = panes(&[(0, 5), (7, 9), (20, 30)]);
        for (at, touching) in [
            ((5, 7), 0..2),
            ((6, 6), 0..0),
            ((9, 9), 1..2),
            ((8, 20), 1..3),
            ((-9, -1), 0..0),
            ((-9, 99), 0..3),
            ((31, 40), 3..3),
        ] {
            let found = panes.touching(window(at.0, at.1));
            assert_eq!(found.len(), touching.len(), "{at:?}");
            assert!(found.is_empty() || found == touching, "{at:?}");
        }
    }
}
