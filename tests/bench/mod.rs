//! What the benches share: the engine's side and the floor's side of each measurement.

pub mod beside;
pub mod engine;
pub mod floor;
pub mod sale;
pub mod total;
pub mod uv_floor;

/// The middle one of `values`; `None` when there are none.
pub fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// CPU seconds of this process so far, over all threads; 0 where the system does not tell.
#[must_use]
pub fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The command's name may hold spaces; the fields begin behind its closing parenthesis.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = |n: usize| fields.split_whitespace().nth(n).and_then(|f| f.parse::<f64>().ok());
    // Fields 14 and 15 (user and system ticks), of which 2 stand before the parenthesis.
    (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / 100.0
}
