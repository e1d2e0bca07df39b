//! Deterministic simulation: real plans, tasks, gates, master, uploads, manifests, recovery, garbage
//! collection and sink commits on one thread, under one seed, over a disk that does its worst.
//!
//! ```text
//! TIDEGATE_SEEDS=5000 cargo test -p tidegate-tests --test simulation    more seeds
//! TIDEGATE_SEED=17    cargo test -p tidegate-tests --test simulation    one seed, with its trace
//! ```
//!
//! A history is a function of its seed: every seed is run twice and must leave the same trace. No
//! clock, no thread, no file takes part. What must hold stands in `checks` and `model`; what may go
//! wrong stands in `disk`, `output` and `world`. A seed that has found a bug stays as a named test.

mod asking;
mod chance;
mod checks;
mod disk;
mod fate;
mod histories;
mod input;
mod jobs;
mod model;
mod operators;
mod output;
mod process;
mod record;
mod sink;
mod start;
mod subtask;
mod windows;
mod work;
mod world;
