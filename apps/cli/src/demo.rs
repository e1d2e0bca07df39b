//! `tidegate demo`: a job to look at, with nothing to prepare.

use clap::Parser;
use ecommerce::{HotItems, Lesson};
use std::process::ExitCode;
use tidegate::LaunchArgs;

/// Records per second of the demo: slow enough to be read along, a few seconds in all.
const RATE: f64 = 800_000.0;

/// The flags of the demo.
#[derive(Parser)]
pub struct Args {
    /// Items per window
    #[arg(long, default_value_t = 3, value_name = "N")]
    top: usize,
    #[command(flatten)]
    launch: LaunchArgs,
}

/// Runs the demo.
#[must_use]
pub fn run(args: Args) -> ExitCode {
    let Args { top, mut launch } = args;
    launch.rate.get_or_insert(RATE);
    tidegate::launch_with(HotItems::made_up(top).job(), &launch)
}
