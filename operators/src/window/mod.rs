//! `window`: results over finite stretches of time, or of records.
//!
//! Which windows there are says a [`WindowAssigner`], when they fire a [`Trigger`], what they leave out
//! an [`Evictor`]; a [`Windowing`] puts them together. Windows at equal distances of event time
//! ([`Window`]) that fire when they are complete are computed by a [`SlicedWindow`], which shares work
//! between windows and keys; a [`LocalWindow`] before the exchange and a [`CombinedWindow`] behind it do the
//! same with less to exchange. All others are computed one by one.
//!
//! What a window emits is [`Windowed`]: the key, the [`TimeWindow`] and the result, with the window's
//! last millisecond as its event time, unless a function says otherwise.

mod assigner;
mod calendar;
mod carry;
mod combined_window;
mod contents;
mod evaluator;
mod evictor;
mod firing;
mod global;
mod invalid;
mod keyed_windows;
mod local;
mod merging;
mod pane;
mod panes;
mod partial;
mod processing_time;
mod reduce;
mod refire;
mod rolling;
mod rules;
mod session;
mod sliced;
mod slicing;
mod spec;
mod stacks;
mod time_window;
mod trigger;
mod wakes;
mod window_operator;
mod windowing;

pub use assigner::WindowAssigner;
pub use calendar::{CalendarUnit, CalendarWindows};
pub use combined_window::CombinedWindow;
pub use contents::{WindowContext, WindowOutput};
pub use evictor::{CountEvictor, DeltaEvictor, Evictor, Stamped, TimeEvictor, When};
pub use global::GlobalWindows;
pub use invalid::InvalidWindowing;
pub use local::LocalWindow;
pub use partial::{Combined, Partial};
pub use processing_time::ProcessingTime;
pub use reduce::Reduce;
pub use session::{MergingWindows, Session};
pub use sliced::SlicedWindow;
pub use spec::{InvalidWindow, Window};
pub use time_window::{TimeWindow, Windowed};
pub use trigger::{
    ContinuousEventTimeTrigger, ContinuousProcessingTimeTrigger, CountTrigger, DeltaTrigger,
    EndOfStreamTrigger, EventTimeTrigger, NeverTrigger, ProcessingTimeTrigger, PurgingTrigger,
    Trigger, TriggerContext, TriggerResult,
};
pub use windowing::{EvictingWindowing, Windowing};
