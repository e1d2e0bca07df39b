//! The `tidegate` command, one file per subcommand.
//!
//! A program with operators of its own serves the same commands, in which its kinds are known like the built-in ones
//! (`tidegate init NAME --app` makes one):
//!
//! ```no_run
//! use tidegate_deploy::Registry;
//!
//! fn main() -> std::process::ExitCode {
//!     let mut registry = Registry::default();
//!     let shout = |values: &[tidegate_rows::Value]| Ok(values[0].clone());
//!     registry.function("SHOUT(text: string) -> string", shout).expect("a new name");
//!     tidegate_cli::main(&registry)
//! }
//! ```

mod diff;
mod explain;
mod init;
mod number;
mod output;
mod progress;
mod run;
mod schema;
mod size;
mod state;
mod stress;
mod test;
mod topology;
mod validate;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use tidegate_deploy::Registry;

/// Stream processing on supervised actors: event time, keyed state, exactly-once.
#[derive(Parser)]
#[command(name = "tidegate", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the job that a topology describes
    Run(Box<run::Args>),
    /// Say everything that is wrong with topologies, without running them
    Validate(validate::Args),
    /// Show what a topology amounts to: columns, keys, time, state, and how it would run
    Explain(explain::Args),
    /// Run unit tests of topologies: rows in, rows expected, on one thread and in milliseconds
    Test(test::Args),
    /// Say what becomes of the state of a job when its topology changes
    Diff(diff::Args),
    /// Look into the checkpoints of a job: operators, keys, sizes; look up a key; export as JSON lines
    State(state::Args),
    /// Make a new topology to begin with, or a program with an operator of its own
    Init(init::Args),
    /// Estimate what a job needs: state, checkpoints, network, disk, cores, memory; each line with its formula
    Size(Box<size::Args>),
    /// Find the highest rate that a topology keeps up with, and what limits it
    Stress(stress::Args),
    /// Print the JSON Schema of topologies, for editors
    Schema,
}

/// Reads the command line and does what it says. `registry` holds what the program brings along.
#[must_use]
pub fn main(registry: &Registry) -> ExitCode {
    match Cli::parse().command {
        Command::Run(args) => run::run(&args, registry),
        Command::Validate(args) => validate::run(&args, registry),
        Command::Explain(args) => explain::run(&args, registry),
        Command::Test(args) => test::run(&args, registry),
        Command::Diff(args) => diff::run(&args, registry),
        Command::State(args) => state::run(&args, registry),
        Command::Init(args) => init::run(&args, registry),
        Command::Size(args) => size::run(&args, registry),
        Command::Stress(args) => stress::run(&args, registry),
        Command::Schema => schema::run(registry),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_commands_are_well_formed() {
        Cli::command().debug_assert();
    }
}
