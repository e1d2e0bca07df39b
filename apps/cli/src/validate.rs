//! `tidegate validate`: all that is wrong with some files, for people or for programs. Files with tests of topologies are
//! known by their names, so that `config/*.yaml` can be given.

use crate::output::print;
use crate::topology::{Overrides, look, paint, unread};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tidegate_deploy::Registry;
use tidegate_topology::diagnostic::to_json;
use tidegate_topology::{Source, unit_test};

/// Which files, and for whom.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The topologies, and files `*.test.yaml` with tests of them
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
        if file.to_string_lossy().ends_with(".test.yaml") {
            are_right &= tests(file, args.json, registry, &mut all, &mut told);
            continue;
        }
        let loaded = look(file, &args.overrides, registry);
        are_right &= !loaded.diagnostics.has_errors();
        if args.json {
            all.extend(array(to_json(&loaded.source, &loaded.diagnostics)));
        } else if loaded.diagnostics.is_empty() {
            told.push_str(&format!("{}: no errors\n", file.display()));
        } else {
            told.push_str(&loaded.render(paint(&std::io::stdout())));
        }
    }
    if args.json {
        told = format!("{:#}\n", Value::Array(all));
    }
    let printed = print(&told);
    if are_right { printed } else { ExitCode::FAILURE }
}

/// Looks at a file with tests, and at their topology as far as it stands in their way. Says whether they are right.
fn tests(
    file: &Path,
    json: bool,
    registry: &Registry,
    all: &mut Vec<Value>,
    told: &mut String,
) -> bool {
    let source = match Source::read(file) {
        Ok(source) => source,
        Err(unreadable) => {
            let loaded = unread(file, unreadable);
            all.extend(array(to_json(&loaded.source, &loaded.diagnostics)));
            told.push_str(&loaded.render(paint(&std::io::stdout())));
            return false;
        }
    };
    let folder = file.parent().unwrap_or(Path::new(""));
    let find = |name: &str| Source::read(&folder.join(name));
    let loaded = unit_test::load(source, &find, registry.kinds());
    let broken = loaded.topology.as_ref().filter(|topology| topology.diagnostics.has_errors());
    if json {
        let of_topology = broken.map(|topology| to_json(&topology.source, &topology.diagnostics));
        all.extend(of_topology.into_iter().flat_map(array));
        all.extend(array(to_json(&loaded.source, &loaded.diagnostics)));
    } else if broken.is_none() && loaded.diagnostics.is_empty() {
        told.push_str(&format!("{}: no errors\n", file.display()));
    } else {
        told.push_str(&loaded.render(paint(&std::io::stdout())));
    }
    loaded.cases.is_some()
}

fn array(json: Value) -> Vec<Value> {
    if let Value::Array(all) = json { all } else { Vec::new() }
}
