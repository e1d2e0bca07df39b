//! The evaluator: what a record or a moment does to one window of one key.
//!
//! Apart from the state because it borrows the windows of one key at a time; who they are found by,
//! and when they are looked at again, is [`super::keyed_windows`]'s matter.

use super::contents::{Contents, WindowContext, WindowOutput};
use super::pane::Pane;
use super::panes::Panes;
use super::rules::Rules;
use crate::window::time_window::TimeWindow;
use crate::window::trigger::{Trigger, TriggerResult};
use std::collections::VecDeque;
use tidegate_core::element::{Data, Record};
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, Context, Progress};
use tidegate_core::time::Timestamp;
use tidegate_core::timer::TimeDomain;

/// The trigger, the contents and the rules of all windows, and the rows that had no room.
pub(crate) struct Evaluator<U, G, C> {
    pub(crate) trigger: G,
    pub(crate) contents: C,
    pub(crate) rules: Rules,
    /// Rows that were emitted when the output was full.
    pub(crate) pending: VecDeque<Record<U>>,
}

impl<U: Data, G, C> Evaluator<U, G, C> {
    /// Emits the rows that wait, as far as there is room.
    pub(crate) fn drain(&mut self, ctx: &mut Context<U>) -> Progress {
        let room = ctx.room().min(self.pending.len());
        ctx.extend(self.pending.drain(..room));
        if self.pending.is_empty() { Progress::Done } else { Progress::More }
    }

    /// The place of `window` among those of its key; `None` when it is one that merges, but late.
    ///
    /// # Errors
    /// When windows merge into one that is late.
    #[inline]
    pub(crate) fn open<K: Key, T>(
        &self,
        key: &K,
        panes: &mut Panes<C::State, G::State>,
        window: TimeWindow,
        ctx: &Context<U>,
    ) -> Result<Option<usize>, BoxError>
    where
        G: Trigger<T>,
        C: Contents<K, T, U>,
    {
        if self.rules.merges {
            let touching = panes.touching(window);
            if !touching.is_empty() {
                return self.merge(key, panes, touching, window, ctx).map(Some);
            }
            if self.rules.is_late(window, ctx.watermark()) {
                return Ok(None);
            }
        }
        let index = panes.position(window).unwrap_or_else(|index| {
            panes.insert(index, Pane::new(window));
            index
        });
        Ok(Some(index))
    }

    /// Asks the trigger about a record that comes into `pane`.
    #[inline]
    pub(crate) fn ask<T, S>(
        &self,
        pane: &mut Pane<S, G::State>,
        value: &T,
        timestamp: Timestamp,
        ctx: &Context<U>,
    ) -> TriggerResult
    where
        G: Trigger<T>,
    {
        let (mut context, state) = pane.trigger(ctx);
        self.trigger.on_element(value, timestamp, state, &mut context)
    }

    /// Does as the trigger says.
    #[inline]
    pub(crate) fn obey<K: Key, T>(
        &mut self,
        result: TriggerResult,
        key: &K,
        pane: &mut Pane<C::State, G::State>,
        ctx: &mut Context<U>,
    ) where
        G: Trigger<T>,
        C: Contents<K, T, U>,
    {
        if result.fires()
            && let Some(contents) = &mut pane.contents
        {
            let (watermark, processing_time) = (ctx.watermark(), ctx.processing_time());
            let window = WindowContext { key, window: pane.window, watermark, processing_time };
            let timestamp = pane.window.max_timestamp();
            let mut out = WindowOutput { ctx, pending: &mut self.pending, timestamp };
            self.contents.fire(&window, contents, &mut out);
        }
        if result.purges() {
            pane.contents = None;
        }
    }

    /// Lets one clock reach `at` for the window at `index`; says whether the window is still there.
    pub(crate) fn elapse<K: Key, T>(
        &mut self,
        (domain, at): (TimeDomain, Timestamp),
        key: &K,
        panes: &mut Panes<C::State, G::State>,
        index: usize,
        ctx: &mut Context<U>,
    ) -> bool
    where
        G: Trigger<T>,
        C: Contents<K, T, U>,
    {
        while let Some(pane) = panes.get_mut(index)
            && let Some(due) = self.next_due(pane, domain)
            && due <= at
        {
            pane.timers.delete(domain, due, pane.window);
            let (mut context, state) = pane.trigger(ctx);
            let result = match domain {
                TimeDomain::Event => self.trigger.on_event_time(due, state, &mut context),
                TimeDomain::Processing => self.trigger.on_processing_time(due, state, &mut context),
            };
            self.obey(result, key, pane, ctx);
            if self.rules.cleanup(domain, pane.window) == Some(due) || self.is_idle(pane) {
                panes.remove(index);
                return false;
            }
        }
        true
    }

    /// When `pane` is to be looked at next by one clock.
    #[inline]
    pub(crate) fn next_due<S, T>(
        &self,
        pane: &Pane<S, G::State>,
        domain: TimeDomain,
    ) -> Option<Timestamp>
    where
        G: Trigger<T>,
    {
        let timer = pane.timers.next(domain, pane.window);
        let cleanup = self.rules.cleanup(domain, pane.window);
        match (timer, cleanup) {
            (Some(timer), Some(cleanup)) => Some(timer.min(cleanup)),
            (timer, cleanup) => timer.or(cleanup),
        }
    }

    /// Whether `pane` can be forgotten: it is as one that has never been. A window that others merge
    /// into is not, even without contents.
    #[inline]
    pub(crate) fn is_idle<S, T>(&self, pane: &Pane<S, G::State>) -> bool
    where
        G: Trigger<T>,
    {
        !self.rules.merges && pane.is_blank(&self.trigger)
    }
}
