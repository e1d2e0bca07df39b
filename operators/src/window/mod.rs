//! `window`: aggregates over finite stretches of event time.
//!
//! A [`Window`] says which windows there are, a [`SlicedWindow`] computes them, and what it emits is
//! [`Windowed`]: the key, the [`TimeWindow`] and the result, with the window's last millisecond as its
//! event time. A window fires when the watermark reaches that millisecond. A [`LocalWindow`] before the
//! exchange and a [`MergingWindow`] behind it do the same with less to exchange.

mod carry;
mod firing;
mod local;
mod merging;
mod partial;
mod refire;
mod rolling;
mod sliced;
mod slicing;
mod spec;
mod stacks;
mod time_window;

pub use local::LocalWindow;
pub use merging::MergingWindow;
pub use partial::{Combined, Partial};
pub use sliced::SlicedWindow;
pub use spec::{InvalidWindow, Window};
pub use time_window::{TimeWindow, Windowed};
