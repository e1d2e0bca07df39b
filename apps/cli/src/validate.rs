//! `tidegate validate`: all that is wrong with some files, for people or for programs.

use crate::output::print;
use crate::topology::{Overrides, look, paint};
use std::path::PathBuf;
use std::process::ExitCode;
use tidegate_deploy::Registry;
use tidegate_topology::diagnostic::to_json;

/// Which files, and for whom.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The topologies
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    overrides: Overrides,
    /// Print a JSON array of what is wrong: code, place, message, help
    #[arg(long)]
    json: bool,
}

/// Fails if there is an error in one of the files.
pub(crate) fn run(args: &Args, registry: &Registry) -> ExitCode {
    let mut are_right = true;
    let (mut all, mut told) = (Vec::new(), String::new());
    for file in &args.files {
        let loaded = look(file, &args.overrides, registry);
        are_right &= !loaded.diagnostics.has_errors();
        if args.json {
            let json = to_json(&loaded.source, &loaded.diagnostics);
            all.extend(json.as_array().cloned().unwrap_or_default());
        } else if loaded.diagnostics.is_empty() {
            told.push_str(&format!("{}: no errors\n", file.display()));
        } else {
            told.push_str(&loaded.render(paint(&std::io::stdout())));
        }
    }
    if args.json {
        told = format!("{:#}\n", serde_json::Value::Array(all));
    }
    let printed = print(&told);
    if are_right { printed } else { ExitCode::FAILURE }
}
