//! `tidegate schema`: the JSON Schema of topologies, with the kinds that the program brings along.

use crate::output::print;
use std::process::ExitCode;
use tidegate_deploy::Registry;
use tidegate_topology::schema::json_schema;

/// Prints it.
pub(crate) fn run(registry: &Registry) -> ExitCode {
    print(&format!("{:#}\n", json_schema(registry.kinds())))
}
