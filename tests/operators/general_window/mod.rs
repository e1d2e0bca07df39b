//! General windows: every kind of window, trigger, evictor and lateness.

mod cases;
mod model;
mod properties;
