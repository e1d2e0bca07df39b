//! Windows of any kind, with any trigger and evictor: each window of each key is kept by itself.
//!
//! Apart from the sliced windows, which share work but know one kind and one trigger only.

mod contents;
mod evaluator;
mod evictor;
mod keyed_windows;
mod merging;
mod pane;
mod panes;
mod rules;
mod wakes;
mod window_operator;
mod windowing;

pub(crate) use contents::Contents;
pub use contents::{WindowContext, WindowOutput};
pub use evictor::{CountEvictor, DeltaEvictor, Evictor, Stamped, TimeEvictor, When};
pub(crate) use keyed_windows::KeyedWindows;
pub(crate) use window_operator::{Refused, WindowOperator};
pub use windowing::{EvictingWindowing, Windowing};

pub(super) use pane::PaneTimers;
