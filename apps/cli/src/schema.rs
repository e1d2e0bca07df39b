//! `tidegate schema`: the JSON Schema of topologies, with the kinds that the program brings along.

use std::process::ExitCode;
use tidegate_deploy::Registry;
use tidegate_topology::schema::json_schema;

/// Prints it.
pub(crate) fn run(registry: &Registry) -> ExitCode {
    println!("{:#}", json_schema(registry.kinds()));
    ExitCode::SUCCESS
}
