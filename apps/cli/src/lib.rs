//! The `tidegate` command, one file per subcommand.

pub mod demo;
pub mod test;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Stream processing on supervised actors: event time, keyed state, exactly-once.
#[derive(Parser)]
#[command(name = "tidegate", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one, once")]
enum Command {
    /// The hot items of a made-up shop, window by window, for a few seconds (the default)
    Demo(demo::Args),
    /// Run unit tests of topologies: rows in, rows expected, on one thread and in milliseconds
    Test(test::Args),
}

/// Reads the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    match Cli::parse().command {
        Some(Command::Demo(args)) => demo::run(args),
        Some(Command::Test(args)) => test::run(&args, &tidegate_deploy::Registry::default()),
        None => demo::run(demo::Args::parse_from(["tidegate"])),
    }
}
