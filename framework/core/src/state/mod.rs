//! Keyed state and operator state.

pub mod delta;
