//! The model and every algorithm of Tidegate, as pure state machines.
//!
//! Nothing in this crate reads a clock, opens a file, starts a thread or draws a random number: time,
//! bytes and chance are passed in. That is what lets the simulation run all of it under a seed.

mod append;
pub mod build;
pub mod chain;
pub mod changelog;
pub mod checkpoint;
pub mod codec;
pub mod committers;
pub mod config;
pub mod element;
mod explain;
pub mod fault;
pub mod gate;
pub mod graph;
pub mod key;
pub mod limits;
pub mod master;
pub mod node;
pub mod operator;
pub mod output;
pub mod outputs;
pub mod plan;
pub mod process;
pub mod rate;
pub mod restart;
pub mod restore;
pub mod sink;
pub mod snapshot;
pub mod source;
pub mod source_alignment;
pub mod source_head;
pub mod stage;
pub mod state;
pub mod task;
pub mod time;
pub mod timer;
pub mod watermark;
