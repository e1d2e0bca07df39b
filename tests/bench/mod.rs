//! What the benches share: the engine's side and the floor's side of each measurement.

pub mod aside;
pub mod beside;
pub mod child;
pub mod engine;
pub mod floor;
pub mod nexmark_floor;
pub mod percentiles;
pub mod sale;
pub mod schedule;
pub mod sleeper;
pub mod total;
pub mod uv_floor;

/// The middle one of `values`; `None` when there are none.
pub fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

pub use tidegate::{cpu_seconds, peak_rss_bytes};
