//! The most viewed items of each hour, every five minutes.

use clap::Parser;
use ecommerce::hot_items::{Ends, job};
use std::path::PathBuf;
use std::process::ExitCode;
use tidegate::LaunchArgs;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The most viewed items of each hour, every five minutes.
///
/// Without --input clicks are made up; without --output rows are printed.
#[derive(Parser)]
struct Args {
    /// Clicks: user_id,item_id,category_id,behavior,timestamp (seconds), no header
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Folder for the rows: window_end, rank, item_id, count, tab-separated
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Items per window
    #[arg(long, default_value_t = 5, value_name = "N")]
    top: usize,
    #[command(flatten)]
    launch: LaunchArgs,
}

fn main() -> ExitCode {
    let Args { input, output, top, launch } = Args::parse();
    tidegate::launch_with(job(&Ends { input, output }, top), &launch)
}
