//! The model and every algorithm of Tidegate, as pure state machines.
//!
//! Nothing in this crate reads a clock, opens a file, starts a thread or draws a random number: time,
//! bytes and chance are passed in. That is what lets the simulation run all of it under a seed.

pub mod codec;
pub mod key;
pub mod snapshot;
pub mod state;
pub mod time;
