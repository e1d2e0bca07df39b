//! Every operator through the harness.

mod assign_timestamps_and_watermarks;
mod async_wait;
mod broadcast;
mod cep;
mod changelogs;
mod conformance;
mod dedup;
mod faulty;
mod general_window;
mod joins;
mod link_time;
mod local_window;
mod lookup_join;
mod operator_state;
mod process;
mod sliced_window;
mod sliced_window_model;
mod top_n;
mod transforms;
mod wall_clock_window;
