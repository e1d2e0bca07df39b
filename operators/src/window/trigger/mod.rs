//! Triggers: when a window fires, and whether its contents stay.
//!
//! A trigger is a value that is shared by all windows; what it must remember of one (key, window) is
//! its `State`, kept by the operator beside the contents of that window. Timers belong to the window
//! in the same way. So there is nothing a trigger could forget to clear: when the window goes, its
//! trigger state and its timers go with it, and when windows merge, only the states are merged and
//! the trigger registers anew what the merged window needs.
//!
//! ```
//! use tidegate_core::time::Timestamp;
//! use tidegate_core::timer::TimeDomain;
//! use tidegate_operators::window::{Trigger, TriggerContext, TriggerResult};
//!
//! /// Fires when the window is complete, and before that with each alarm.
//! #[derive(Clone)]
//! struct OnAlarm;
//!
//! impl Trigger<bool> for OnAlarm {
//!     type State = ();
//!     fn on_element(&self, alarm: &bool, _: Timestamp, _: &mut (), ctx: &mut TriggerContext<'_>)
//!         -> TriggerResult
//!     {
//!         ctx.register_timer(TimeDomain::Event, ctx.window().max_timestamp());
//!         if *alarm { TriggerResult::Fire } else { TriggerResult::Continue }
//!     }
//!     fn on_event_time(&self, at: Timestamp, _: &mut (), ctx: &mut TriggerContext<'_>)
//!         -> TriggerResult
//!     {
//!         TriggerResult::fire_if(at == ctx.window().max_timestamp())
//!     }
//! }
//! ```

mod continuous;
mod count;
mod delta;
mod end_of_stream;
mod event_time;
mod never;
mod processing_time;
mod purging;

pub use continuous::{ContinuousEventTimeTrigger, ContinuousProcessingTimeTrigger};
pub use count::CountTrigger;
pub use delta::DeltaTrigger;
pub use end_of_stream::EndOfStreamTrigger;
pub use event_time::EventTimeTrigger;
pub use never::NeverTrigger;
pub use processing_time::ProcessingTimeTrigger;
pub use purging::PurgingTrigger;

use crate::window::general::PaneTimers;
use crate::window::time_window::TimeWindow;
use tidegate_core::state::Value;
use tidegate_core::time::Timestamp;
use tidegate_core::timer::TimeDomain;

/// What becomes of a window after a trigger was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerResult {
    /// Nothing.
    Continue,
    /// Its result is emitted, its contents stay.
    Fire,
    /// Its contents are dropped.
    Purge,
    /// Its result is emitted, then its contents are dropped.
    FireAndPurge,
}

impl TriggerResult {
    /// Fires when `due`, else goes on.
    #[must_use]
    pub const fn fire_if(due: bool) -> Self {
        if due { Self::Fire } else { Self::Continue }
    }

    /// Whether the result is emitted.
    #[must_use]
    pub const fn fires(self) -> bool {
        matches!(self, Self::Fire | Self::FireAndPurge)
    }

    /// Whether the contents are dropped.
    #[must_use]
    pub const fn purges(self) -> bool {
        matches!(self, Self::Purge | Self::FireAndPurge)
    }
}

/// Decides when the windows of a stream of `T` fire.
pub trait Trigger<T>: Clone + Send + Sync + 'static {
    /// What is remembered of one window of one key; its default is a window of which nothing is known.
    type State: Value + Default;

    /// A record has come into the window. Its timestamp is [`Timestamp::MIN`] when it has none.
    fn on_element(
        &self,
        value: &T,
        timestamp: Timestamp,
        state: &mut Self::State,
        ctx: &mut TriggerContext<'_>,
    ) -> TriggerResult;

    /// The watermark has reached a timer of the window, or the moment `at` at which the window goes.
    fn on_event_time(
        &self,
        at: Timestamp,
        state: &mut Self::State,
        ctx: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        let _ = (at, state, ctx);
        TriggerResult::Continue
    }

    /// The wall clock has reached a timer of the window, or the moment `at` at which the window goes.
    fn on_processing_time(
        &self,
        at: Timestamp,
        state: &mut Self::State,
        ctx: &mut TriggerContext<'_>,
    ) -> TriggerResult {
        let _ = (at, state, ctx);
        TriggerResult::Continue
    }

    /// Whether windows that merge can have this trigger: whether [`Trigger::merge`] and
    /// [`Trigger::on_merge`] mean something.
    fn can_merge(&self) -> bool {
        false
    }

    /// Takes what is remembered of another window into `state`: the two become one.
    fn merge(&self, state: &mut Self::State, other: &Self::State) {
        let _ = (state, other);
    }

    /// The window has become a larger one, and its timers are gone: registers them anew.
    fn on_merge(&self, state: &mut Self::State, ctx: &mut TriggerContext<'_>) {
        let _ = (state, ctx);
    }

    /// Whether `state` says no more than the default, so that an empty window can be forgotten.
    fn is_blank(&self, state: &Self::State) -> bool {
        let _ = state;
        size_of::<Self::State>() == 0
    }
}

/// What a trigger may know of its window and of time, and the window's timers.
pub struct TriggerContext<'a> {
    pub(crate) window: TimeWindow,
    pub(crate) watermark: Timestamp,
    pub(crate) processing_time: Timestamp,
    pub(crate) timers: &'a mut PaneTimers,
}

impl TriggerContext<'_> {
    /// The window.
    #[inline]
    #[must_use]
    pub const fn window(&self) -> TimeWindow {
        self.window
    }

    /// Event time of the operator.
    #[inline]
    #[must_use]
    pub const fn watermark(&self) -> Timestamp {
        self.watermark
    }

    /// The wall clock.
    #[inline]
    #[must_use]
    pub const fn processing_time(&self) -> Timestamp {
        self.processing_time
    }

    /// Registers a timer of this window; registering it twice fires it once.
    #[inline]
    pub fn register_timer(&mut self, domain: TimeDomain, at: Timestamp) {
        self.timers.register(domain, at, self.window);
    }

    /// Deletes a timer of this window, if there is one.
    pub fn delete_timer(&mut self, domain: TimeDomain, at: Timestamp) {
        self.timers.delete(domain, at, self.window);
    }
}
