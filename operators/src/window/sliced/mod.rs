//! Windows at equal distances of event time, computed from slices: a record touches one slice, however
//! many windows overlap, and a slide costs what enters and leaves.
//!
//! Apart from the general windows, which keep each window of each key by itself.

mod carry;
mod combined_window;
mod firing;
mod local_window;
mod partial;
mod refire;
mod rolling;
mod slice_time;
mod sliced_window;
mod slicing;
mod stacks;
mod wall_clock_window;

pub use combined_window::CombinedWindow;
pub use local_window::LocalWindow;
pub use partial::{Combined, Partial};
pub(crate) use slice_time::{Fate, SliceTime};
pub use sliced_window::SlicedWindow;
pub(crate) use slicing::Slice;
pub use wall_clock_window::WallClockWindow;
