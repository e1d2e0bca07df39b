//! `tidegate diff`: what becomes of a job's state when its topology changes.
//!
//! ```text
//! OLD, NEW ── load ──> plans and graphs ── parts: what the engine compares and restores ──┐
//!                         └──────────────── shape: what the topology says of its state ───┴─> a verdict per node
//! ```

mod parts;
mod shape;
mod verdict;

use crate::output::print;
use crate::topology::{REFUSED, look, paint};
use parts::Parts;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tidegate_deploy::Registry;
use tidegate_topology::Loaded;
use verdict::{Report, judge};

/// What to compare, and for whom.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The topology that has run
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The topology that shall go on with its state
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Print JSON: whether the job goes on, and per node what becomes of its state and why
    #[arg(long)]
    json: bool,
}

/// Fails if state would be lost, or the job refused.
pub(crate) fn run(args: &Args, registry: &Registry) -> ExitCode {
    let report = match compare(&args.old, &args.new, registry) {
        Ok(report) => report,
        Err(why) => {
            eprint!("{why}");
            return ExitCode::from(REFUSED);
        }
    };
    let told = if args.json { format!("{:#}\n", report.to_json()) } else { report.to_text() };
    let printed = print(&told);
    if report.is_safe() { printed } else { ExitCode::FAILURE }
}

fn compare(old: &Path, new: &Path, registry: &Registry) -> Result<Report, String> {
    // What is wrong with both is told at once.
    let (old, new) = (sound(old, registry), sound(new, registry));
    let (old, new) = match (old, new) {
        (Ok(old), Ok(new)) => (old, new),
        (Err(one), Err(other)) => return Err(one + &other),
        (Err(one), _) | (_, Err(one)) => return Err(one),
    };
    let parts = |loaded: &Loaded| {
        Parts::of(loaded, registry)
            .map_err(|why| format!("error: {}: {why}\n", loaded.source.name()))
    };
    Ok(judge((&old, &parts(&old)?), (&new, &parts(&new)?)))
}

/// A topology without mistakes.
fn sound(file: &Path, registry: &Registry) -> Result<Loaded, String> {
    let nothing = crate::topology::Overrides { set: Vec::new() };
    let loaded = look(file, &nothing, registry);
    if loaded.diagnostics.has_errors() {
        return Err(loaded.render(paint(&std::io::stderr())));
    }
    Ok(loaded)
}
