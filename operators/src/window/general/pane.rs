//! One window of one key: its contents, what its trigger remembers, and its timers.
//!
//! Timers live here and not in a queue of their own because they share the fate of the window: they
//! go when it goes or merges, and a session that grows with every record moves its timer by changing
//! its own end, without touching any queue. The queue only knows when to look at a key next
//! ([`super::wakes`]).

use crate::window::time_window::TimeWindow;
use crate::window::trigger::{Trigger, TriggerContext};
use serde::{Deserialize, Serialize};
use tidegate_core::operator::Context;
use tidegate_core::time::Timestamp;
use tidegate_core::timer::TimeDomain;

/// One window of one key, with contents `C` and trigger state `S`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pane<C, S> {
    pub(crate) window: TimeWindow,
    /// What the records have become; `None` when there were none since the last purge.
    pub(crate) contents: Option<C>,
    pub(crate) trigger: S,
    pub(crate) timers: PaneTimers,
}

impl<C, S: Default> Pane<C, S> {
    pub(crate) fn new(window: TimeWindow) -> Self {
        Self { window, contents: None, trigger: S::default(), timers: PaneTimers::default() }
    }
}

impl<C, S> Pane<C, S> {
    /// What the trigger may see, and its state.
    #[inline]
    pub(crate) fn trigger<Out>(&mut self, ctx: &Context<Out>) -> (TriggerContext<'_>, &mut S)
    where
        Out: tidegate_core::element::Data,
    {
        let context = TriggerContext {
            window: self.window,
            watermark: ctx.watermark(),
            processing_time: ctx.processing_time(),
            timers: &mut self.timers,
        };
        (context, &mut self.trigger)
    }

    /// Whether forgetting the window would change nothing but memory.
    #[inline]
    pub(crate) fn is_blank<T, G: Trigger<T, State = S>>(&self, trigger: &G) -> bool {
        self.contents.is_none() && self.timers.is_empty() && trigger.is_blank(&self.trigger)
    }
}

/// The timers of one window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PaneTimers {
    /// Whether there is one at the window's last millisecond, by event time and by the wall clock:
    /// all that most triggers ask for.
    at_end: [bool; 2],
    /// The others: which clock, and when.
    others: Vec<(u8, Timestamp)>,
}

/// The number under which a clock is kept.
const fn clock(domain: TimeDomain) -> u8 {
    match domain {
        TimeDomain::Event => 0,
        TimeDomain::Processing => 1,
    }
}

impl PaneTimers {
    #[inline]
    pub(crate) fn register(&mut self, domain: TimeDomain, at: Timestamp, window: TimeWindow) {
        let clock = clock(domain);
        if at == window.max_timestamp() {
            self.at_end[usize::from(clock)] = true;
        } else if !self.others.contains(&(clock, at)) {
            self.others.push((clock, at));
        }
    }

    pub(crate) fn delete(&mut self, domain: TimeDomain, at: Timestamp, window: TimeWindow) {
        let clock = clock(domain);
        if at == window.max_timestamp() {
            self.at_end[usize::from(clock)] = false;
        } else {
            self.others.retain(|timer| *timer != (clock, at));
        }
    }

    /// The next timer.
    #[inline]
    pub(crate) fn next(&self, domain: TimeDomain, window: TimeWindow) -> Option<Timestamp> {
        let clock = clock(domain);
        let at_end = self.at_end[usize::from(clock)].then(|| window.max_timestamp());
        if self.others.is_empty() {
            return at_end;
        }
        let others = self.others.iter().filter(|(other, _)| *other == clock).map(|(_, at)| *at);
        others.chain(at_end).min()
    }

    #[inline]
    pub(crate) fn clear(&mut self) {
        self.at_end = [false; 2];
        self.others.clear();
    }

    fn is_empty(&self) -> bool {
        self.at_end == [false; 2] && self.others.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TimeDomain::{Event, Processing};

    #[test]
    fn timers_are_sets_for_each_clock() {
        let window = TimeWindow { start: Timestamp(0), end: Timestamp(10) };
        let mut timers = PaneTimers::default();
        for at in [9, 4, 7, 4, 12, 9].map(Timestamp) {
            timers.register(Event, at, window);
        }
        timers.register(Processing, Timestamp(3), window);
        timers.delete(Event, Timestamp(7), window);
        timers.delete(Event, Timestamp(3), window);
        let mut fired = Vec::new();
        while let Some(at) = timers.next(Event, window) {
            timers.delete(Event, at, window);
            fired.push(at.millis());
        }
        assert_eq!(fired, [4, 9, 12]);
        assert_eq!(timers.next(Processing, window), Some(Timestamp(3)));
        timers.clear();
        assert_eq!(timers, PaneTimers::default());
    }
}
