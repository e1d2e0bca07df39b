//! The model and every algorithm of Tidegate, as pure state machines.
//!
//! Nothing in this crate reads a clock, opens a file, starts a thread or draws a random number: time,
//! bytes and chance are passed in. That is what lets the simulation run all of it under a seed.

pub mod codec;
pub mod element;
pub mod gate;
pub mod key;
pub mod operator;
pub mod sink;
pub mod snapshot;
pub mod source;
pub mod state;
pub mod time;
pub mod timer;
pub mod watermark;
