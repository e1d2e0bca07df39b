//! Slices: the stretches of event time between two neighbouring starts or ends of windows.
//!
//! No window starts or ends inside a slice, so all records of a slice belong to the same windows: it
//! is enough to aggregate each slice once, and a window is the merge of its slices. A record then
//! costs one update however many windows overlap, instead of size / slide updates.
//!
//! Windows start every `slide` at the *period* starts, and end `size mod slide`, the *cut*, into a
//! period. So a period has at most two slices, the *pair* before and behind the cut, and one when
//! `slide` divides `size`: never more slices than starts and ends of windows, where cutting at
//! gcd(size, slide) may make thousands. (Krishnamurthy, Wu and Franklin, "On-the-fly sharing for
//! streamed aggregation", SIGMOD 2006.) With `slide > size` the second of the pair is the gap.
//!
//! Windows that cumulate share their starts, every `size`: slices are their steps, and a window is the
//! merge of all slices from its start on.

use crate::window::spec::Window;
use crate::window::time_window::TimeWindow;
use tidegate_core::time::Timestamp;

/// Cuts event time into slices.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slicing {
    size: i64,
    slide: i64,
    cumulates: bool,
    /// Where a period starts that is the first one of its windows.
    offset: i64,
    /// How far into a period it is cut; 0 when a period is one slice.
    cut: i64,
}

/// A stretch of event time that lies as a whole in each of its windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    /// The end of the first window that contains it.
    pub(crate) first_end: Timestamp,
    /// The end of the last one; before `first_end` when there is none.
    pub(crate) last_end: Timestamp,
}

impl Slice {
    pub(crate) fn contains(&self, timestamp: Timestamp) -> bool {
        self.start <= timestamp && timestamp < self.end
    }

    /// Whether no window contains it.
    pub(crate) fn is_gap(&self) -> bool {
        self.last_end < self.first_end
    }
}

impl Slicing {
    pub(crate) const fn new(window: Window) -> Self {
        let Window { size_ms: size, slide_ms: slide, cumulates, offset_ms, .. } = window;
        let offset = offset_ms.rem_euclid(if cumulates { size } else { slide });
        Self { size, slide, cumulates, offset, cut: size % slide }
    }

    /// How many slices a window has at most.
    pub(crate) const fn slices_per_window(&self) -> i64 {
        let periods = self.size / self.slide;
        if self.cut == 0 { periods } else { 2 * periods + 1 }
    }

    /// Whether windows that follow each other start together.
    pub(crate) const fn cumulates(&self) -> bool {
        self.cumulates
    }

    /// How far `timestamp` lies behind the newest of the points that are `every` apart.
    const fn into(&self, timestamp: Timestamp, every: i64) -> i64 {
        (timestamp.0.rem_euclid(every) - self.offset).rem_euclid(every)
    }

    /// The slice that `timestamp` falls into.
    pub(crate) const fn slice_of(&self, timestamp: Timestamp) -> Slice {
        let into = self.into(timestamp, self.slide);
        let period = timestamp.minus(into);
        if self.cumulates {
            let last_end = timestamp.minus(self.into(timestamp, self.size)).plus(self.size);
            let end = period.plus(self.slide);
            return Slice { start: period, end, first_end: end, last_end };
        }
        let cut = period.plus(self.cut);
        let last_end = period.plus(self.size);
        if into < self.cut {
            return Slice { start: period, end: cut, first_end: cut, last_end };
        }
        // The next window to end does so at the next cut.
        let end = period.plus(self.slide);
        Slice { start: cut, end, first_end: end.plus(self.cut), last_end }
    }

    /// The slice that ends at `end`.
    pub(crate) const fn slice_at(&self, end: Timestamp) -> Slice {
        self.slice_of(end.minus(1))
    }

    /// The window that ends at `end`.
    pub(crate) const fn window(&self, end: Timestamp) -> TimeWindow {
        if self.cumulates {
            let last = end.minus(1);
            return TimeWindow { start: last.minus(self.into(last, self.size)), end };
        }
        TimeWindow { start: end.minus(self.size), end }
    }

    /// The window that ends next behind `window`.
    pub(crate) const fn following(&self, window: TimeWindow) -> TimeWindow {
        self.window(window.end.plus(self.slide))
    }

    /// The end of the first window that contains `slice` and ends behind `after`.
    pub(crate) fn next_end(&self, slice: &Slice, after: Timestamp) -> Option<Timestamp> {
        let next = if after < slice.first_end {
            slice.first_end
        } else {
            let passed = after.since(slice.first_end) / self.slide + 1;
            slice.first_end.plus(passed.saturating_mul(self.slide))
        };
        (after < next && next <= slice.last_end).then_some(next)
    }

    /// The ends of the windows that contain `slice`, the last window first.
    pub(crate) fn ends(&self, slice: &Slice) -> impl Iterator<Item = Timestamp> + use<> {
        let (slide, first) = (self.slide, slice.first_end);
        std::iter::successors(Some(slice.last_end), move |end| Some(end.minus(slide)))
            .take_while(move |end| *end >= first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slicing(size: i64, slide: i64, offset: i64) -> Slicing {
        Slicing::new(Window::sliding(size, slide).offset(offset))
    }

    fn cumulating(size: i64, step: i64, offset: i64) -> Slicing {
        Slicing::new(Window::cumulating(size, step).offset(offset))
    }

    fn check(slicing: Slicing, timestamp: i64, slice: (i64, i64), ends: &[i64]) {
        let found = slicing.slice_of(Timestamp(timestamp));
        assert_eq!((found.start.0, found.end.0), slice, "{slicing:?} at {timestamp}");
        let found_ends: Vec<i64> = slicing.ends(&found).map(|end| end.0).collect();
        assert_eq!(found_ends, ends, "{slicing:?} at {timestamp}");
        assert_eq!(slicing.slice_at(found.end), found);
    }

    #[test]
    fn slices_are_cut_at_the_starts_and_ends_of_windows() {
        check(slicing(10, 10, 0), 9, (0, 10), &[10]);
        check(slicing(10, 10, 0), -1, (-10, 0), &[0]);
        check(slicing(10, 10, 3), 2, (-7, 3), &[3]);
        check(slicing(10, 10, -13), 2, (-3, 7), &[7]);
        check(slicing(10, 5, 0), 7, (5, 10), &[15, 10]);
        check(slicing(10, 4, 0), 1, (0, 2), &[10, 6, 2]);
        check(slicing(10, 4, 0), 3, (2, 4), &[10, 6]);
        check(slicing(10, 4, 0), -1, (-2, 0), &[6, 2]);
        check(slicing(3, 10, 0), 2, (0, 3), &[3]);
        check(cumulating(10, 5, 0), 2, (0, 5), &[10, 5]);
        check(cumulating(10, 5, 0), 7, (5, 10), &[10]);
        check(cumulating(12, 4, 3), 2, (-1, 3), &[3]);
        check(cumulating(12, 4, 3), 3, (3, 7), &[15, 11, 7]);
        check(slicing(3, 10, 0), 3, (3, 10), &[]);
        assert!(slicing(3, 10, 0).slice_of(Timestamp(-1)).is_gap());
    }

    #[test]
    fn the_ends_of_time_do_not_wrap_round() {
        for slicing in [
            slicing(10, 4, 1),
            slicing(3, 10, 0),
            slicing(Window::LONGEST_MS, 7, 0),
            cumulating(12, 4, 1),
        ] {
            for timestamp in [Timestamp(i64::MIN + 1), Timestamp::MAX] {
                let slice = slicing.slice_of(timestamp);
                assert!(slice.start <= slice.end && slice.first_end >= slice.start, "{slice:?}");
                assert!(slicing.next_end(&slice, timestamp).is_none_or(|end| end > timestamp));
                assert!(slicing.window(timestamp).start <= timestamp);
            }
        }
    }

    /// Checks every slice near 0 against the windows of `slicing`, as (start, end) in order of ends.
    fn check_windows(slicing: Slicing, windows: &[(i64, i64)]) {
        for at in -40..40 {
            let slice = slicing.slice_of(Timestamp(at));
            assert!(slice.contains(Timestamp(at)));
            let around = windows.iter().filter(|(start, end)| (*start..*end).contains(&at));
            let ends: Vec<i64> = around.clone().map(|(_, end)| *end).collect();
            let mut found: Vec<i64> = slicing.ends(&slice).map(|end| end.0).collect();
            found.reverse();
            assert_eq!(found, ends, "{slicing:?} at {at}");
            for &(start, end) in around {
                let window = TimeWindow { start: Timestamp(start), end: Timestamp(end) };
                assert_eq!(slicing.window(window.end), window);
                let slices = (start..end).map(|at| slicing.slice_of(Timestamp(at)).end);
                let count = slices.collect::<std::collections::BTreeSet<_>>().len();
                assert!(count as i64 <= slicing.slices_per_window(), "{slicing:?} {window}");
            }
            for after in -60..60 {
                let next = ends.iter().copied().find(|end| *end > after);
                let found = slicing.next_end(&slice, Timestamp(after));
                assert_eq!(found.map(|end| end.0), next, "{slice:?} after {after}");
            }
        }
    }

    #[test]
    fn every_millisecond_lies_in_exactly_the_windows_of_its_slice() {
        for (size, slide, offset) in
            [(1, 1, 0), (10, 10, 3), (10, 5, -1), (10, 4, 1), (7, 3, 2), (3, 8, 5), (12, 5, 0)]
        {
            let starts = (-80..80).map(|k| offset + k * slide);
            let windows: Vec<_> = starts.map(|start| (start, start + size)).collect();
            check_windows(slicing(size, slide, offset), &windows);
        }
        for (size, step, offset) in [(1, 1, 0), (10, 10, 3), (10, 5, -1), (12, 4, 17), (7, 1, 2)] {
            let starts = (-80..80).map(|k| offset + k * size);
            let steps = (1..=size / step).map(|k| k * step);
            let windows: Vec<_> = starts
                .flat_map(|start| steps.clone().map(move |length| (start, start + length)))
                .collect();
            check_windows(cumulating(size, step, offset), &windows);
        }
    }
}
