//! A program that serves the commands of `tidegate`, with an operator and a function of its own.
//!
//! `cargo run -- schema > schema/topology.json` tells your editor of them.

mod spikes;

use std::process::ExitCode;
use tidegate_deploy::Registry;

/// State is many small pieces of memory; this allocator is made for them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut registry = Registry::default();
    match spikes::register(&mut registry) {
        Ok(()) => tidegate_cli::main(&registry),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
