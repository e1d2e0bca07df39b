//! The event time of an operator over slices: which windows have fired, and what that means for a record
//! and for a slice.
//!
//! Apart from the operators because they differ in what a slice holds, not in when a window fires, takes
//! late records, or is forgotten. Invariant: which windows have fired follows from `fired` alone.

use super::slicing::{Slice, Slicing};
use crate::window::spec::{InvalidWindow, Window};
use crate::window::time_window::TimeWindow;
use std::ops::Bound::{Excluded, Unbounded};
use tidegate_core::key::Key;
use tidegate_core::operator::BoxError;
use tidegate_core::state::Value;
use tidegate_core::state::namespaced::NamespacedState;
use tidegate_core::time::Timestamp;

/// A record that was given no event time.
const NO_TIMESTAMP: &str = "a record without a timestamp belongs to no event-time window: assign \
    timestamps at the source, before the window";

/// How far event time has come over the slices of some windows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SliceTime {
    pub(crate) slicing: Slicing,
    allowed_lateness_ms: i64,
    /// Up to where windows have fired: the watermark, or the last window's part of it.
    pub(crate) fired: Timestamp,
}

/// What becomes of a record when some window of its slice has fired, or there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Some window still takes it; those that have fired fire again.
    Taken,
    /// It is late for all its windows.
    Late,
    /// It lies in a gap between windows.
    Outside,
}

impl SliceTime {
    /// Before the first watermark.
    ///
    /// # Errors
    /// When there are no such windows.
    pub(crate) fn new(window: Window) -> Result<Self, InvalidWindow> {
        let window = window.validate()?;
        let (slicing, allowed_lateness_ms) = (Slicing::new(window), window.allowed_lateness_ms);
        Ok(Self { slicing, allowed_lateness_ms, fired: Timestamp::MIN })
    }

    /// The slice of a record.
    #[inline]
    pub(crate) fn slice_of(&self, timestamp: Timestamp) -> Result<Slice, BoxError> {
        if timestamp == Timestamp::MIN {
            return Err(NO_TIMESTAMP.into());
        }
        Ok(self.slicing.slice_of(timestamp))
    }

    /// Whether some window of `slice` has fired, or there is none.
    #[inline]
    pub(crate) fn is_behind(&self, slice: &Slice) -> bool {
        slice.is_gap() || slice.first_end.minus(1) <= self.fired
    }

    /// What becomes of a record of `slice`, which is behind.
    pub(crate) fn fate(&self, slice: &Slice, timestamp: Timestamp) -> Fate {
        let is_late = if slice.is_gap() {
            timestamp.plus(self.allowed_lateness_ms) <= self.fired
        } else {
            self.is_closed(slice.last_end)
        };
        match (is_late, slice.is_gap()) {
            (true, _) => Fate::Late,
            (false, true) => Fate::Outside,
            (false, false) => Fate::Taken,
        }
    }

    /// The windows that fire again when something of `slice` has changed: those that have fired and are
    /// not closed, the last one first.
    pub(crate) fn fired_windows(&self, slice: &Slice) -> Vec<TimeWindow> {
        let fired = |window: &TimeWindow| {
            window.max_timestamp() <= self.fired && !self.is_closed(window.end)
        };
        let windows = self.slicing.ends(slice).map(|end| self.slicing.window(end));
        windows.filter(fired).collect()
    }

    /// Whether the window that ends at `end` takes no more records.
    pub(crate) fn is_closed(&self, end: Timestamp) -> bool {
        end.minus(1).plus(self.allowed_lateness_ms) <= self.fired
    }

    /// The first window with data that has not fired.
    pub(crate) fn next_window<K: Key, V: Value>(
        &self,
        slices: &NamespacedState<Timestamp, K, V>,
    ) -> Option<TimeWindow> {
        let fired_end = self.fired.plus(1);
        // Whatever ends before has been left behind by its last window.
        let from = self.slicing.window(fired_end).start;
        let mut open = slices.range((Excluded(from), Unbounded));
        let next = open
            .find_map(|(end, _)| self.slicing.next_end(&self.slicing.slice_at(*end), fired_end));
        next.map(|end| self.slicing.window(end))
    }

    /// Drops the slices whose last window takes no more records.
    pub(crate) fn drop_closed<K: Key, V: Value>(
        &self,
        slices: &mut NamespacedState<Timestamp, K, V>,
    ) {
        while let Some(&end) = slices.first()
            && self.is_closed(self.slicing.slice_at(end).last_end)
        {
            slices.drop_namespace(&end);
        }
    }
}
