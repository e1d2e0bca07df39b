//! Every operator through the harness.

mod conformance;
mod faulty;
mod general_window;
mod link_time;
mod sliced_window;
mod sliced_window_model;
mod top_n;
mod transforms;
