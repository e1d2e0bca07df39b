//! Merging windows: those of a key that touch become one.
//!
//! In Flink a merged window goes on using the state of one of its parts under a mapping; here its
//! parts stand in one entry anyhow, and become one pane in place. The contents of the earlier window
//! come first.

use super::contents::Contents;
use super::evaluator::Evaluator;
use super::panes::Panes;
use crate::window::time_window::TimeWindow;
use crate::window::trigger::Trigger;
use std::ops::Range;
use tidegate_core::element::Data;
use tidegate_core::key::Key;
use tidegate_core::operator::{BoxError, Context};

impl<U: Data, G, C> Evaluator<U, G, C> {
    /// Merges `window` with those that it touches; returns the place of what they have become.
    ///
    /// # Errors
    /// When that takes no more records: it would have been forgotten already.
    #[inline]
    pub(crate) fn merge<K: Key, T>(
        &self,
        key: &K,
        panes: &mut Panes<C::State, G::State>,
        touching: Range<usize>,
        window: TimeWindow,
        ctx: &Context<U>,
    ) -> Result<usize, BoxError>
    where
        G: Trigger<T>,
        C: Contents<K, T, U>,
    {
        let index = touching.start;
        for _ in index + 1..touching.end {
            self.absorb_next::<K, T>(panes, index);
        }
        let pane = panes.get_mut(index).expect("the first of those that touch");
        let merged = pane.window.cover(window);
        if merged == pane.window && touching.len() == 1 {
            return Ok(index);
        }
        if self.rules.is_late(merged, ctx.watermark()) {
            return Err(late(key, merged, ctx).into());
        }
        pane.window = merged;
        pane.timers.clear();
        let (mut context, state) = pane.trigger(ctx);
        self.trigger.on_merge(state, &mut context);
        Ok(index)
    }

    /// The window at `index` takes in the one behind it.
    #[cold]
    fn absorb_next<K: Key, T>(&self, panes: &mut Panes<C::State, G::State>, index: usize)
    where
        G: Trigger<T>,
        C: Contents<K, T, U>,
    {
        let next = panes.remove(index + 1);
        let pane = panes.get_mut(index).expect("the one before");
        pane.window = pane.window.cover(next.window);
        self.contents.merge(&mut pane.contents, next.contents);
        self.trigger.merge(&mut pane.trigger, &next.trigger);
    }
}

#[cold]
fn late<K: Key, U: Data>(key: &K, window: TimeWindow, ctx: &Context<U>) -> String {
    format!(
        "windows of key {key:?} merge into {window}, which event time ({}) has passed: let the \
         window of a record end behind the record",
        ctx.watermark()
    )
}
