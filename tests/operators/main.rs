//! Every operator through the harness.

mod faulty;
mod link_time;
mod local_window;
mod sliced_window;
mod sliced_window_model;
mod top_n;
mod transforms;
