//! `window`: results over finite stretches of time, or of records.
//!
//! Which windows there are says a [`WindowAssigner`], when they fire a [`Trigger`], what they leave out
//! an [`Evictor`]; a [`Windowing`] puts them together. Windows at equal distances of event time
//! ([`Window`]) that fire when they are complete are computed by a [`SlicedWindow`], which shares work
//! between windows and keys; a [`LocalWindow`] before the exchange and a [`CombinedWindow`] behind it do
//! the same with less to exchange. Tumbling windows of the wall clock are a [`WallClockWindow`]. All others are
//! computed one by one.
//!
//! What a window emits is [`Windowed`]: the key, the [`TimeWindow`] and the result, with the window's
//! last millisecond as its event time, unless a function says otherwise.

mod assigner;
mod general;
mod invalid;
mod reduce;
mod sliced;
mod spec;
mod time_window;
mod trigger;

pub use assigner::{
    CalendarUnit, CalendarWindows, GlobalWindows, MergingWindows, ProcessingTime, Session,
    WindowAssigner,
};
pub(crate) use general::{Contents, KeyedWindows, Refused, WindowOperator};
pub use general::{
    CountEvictor, DeltaEvictor, EvictingWindowing, Evictor, Stamped, TimeEvictor, When,
    WindowContext, WindowOutput, Windowing,
};
pub use invalid::InvalidWindowing;
pub use reduce::Reduce;
pub use sliced::{Combined, CombinedWindow, LocalWindow, Partial, SlicedWindow, WallClockWindow};
pub(crate) use sliced::{Fate, Slice, SliceTime};
pub use spec::{InvalidWindow, Window};
pub use time_window::{TimeWindow, Windowed};
pub use trigger::{
    ContinuousEventTimeTrigger, ContinuousProcessingTimeTrigger, CountTrigger, DeltaTrigger,
    EndOfStreamTrigger, EventTimeTrigger, NeverTrigger, ProcessingTimeTrigger, PurgingTrigger,
    Trigger, TriggerContext, TriggerResult,
};
