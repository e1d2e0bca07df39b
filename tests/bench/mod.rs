//! What the benches share: the engine's side and the floor's side of each measurement.

pub mod engine;
pub mod floor;
