//! A query by its topology: the same events, the same result file, another way to put it together.
//!
//! The topology is deployed as it stands. Only its ends are others, by what `--set` of the `tidegate` command does as
//! well: the source reads what the flags say, and the sink is one of this program, which writes rows as those of the
//! queries in Rust.

mod last_sales;

use crate::csv::Csv;
use crate::input::Input;
use crate::output::{Output, SINK};
use crate::topologies::Topology;
use schemars::JsonSchema;
use serde::Deserialize;
use tidegate::Settings;
use tidegate::prelude::*;
use tidegate_deploy::{Flow, Outputs, Registry, deploy, settings};
use tidegate_rows::Row;
use tidegate_topology::diagnostic::Paint;
use tidegate_topology::kinds::Traits;
use tidegate_topology::{Source, load};

/// The kind of the sink.
const RESULT: &str = "result";

/// The result file of this program; nothing is to be said of it.
#[derive(Deserialize, JsonSchema)]
struct ResultSink {}

/// What this program brings along for topologies: its sink, and the kind that q6 needs.
pub(crate) fn registry(output: &Output) -> Registry {
    let mut registry = Registry::default();
    let (traits, output) = (Traits::inputs(1).takes_changes(), output.clone());
    let sink = registry.sink(RESULT, traits, move |_: &ResultSink, wiring| {
        match wiring.input(0) {
            Flow::Rows(rows) => output.rows(rows, write_row),
            Flow::Changes(changes) => output.changes(changes, write_row),
        }
        Ok(Outputs::none())
    });
    sink.expect("no built-in kind is called so");
    last_sales::register(&mut registry);
    registry
}

fn write_row<'c>(row: &Row, line: Csv<'c>) -> Csv<'c> {
    row.values().iter().fold(line, Csv::value)
}

/// The job of a query's topology over these events, and the settings that it asks for.
///
/// # Errors
/// When there is no topology, or it is broken.
pub(crate) fn job(query: &str, input: &Input, output: &Output) -> Result<(Job, Settings), String> {
    let topology = Topology::of(query).ok_or_else(|| format!("{query} is no topology"))?;
    let mut overrides = input.overrides();
    overrides.push(format!("{SINK}.{RESULT}={{}}"));
    let source = Source::new(format!("config/nexmark/{query}.yaml"), topology.text);
    let registry = registry(output);
    let loaded = load(source.with_overrides(&overrides), &input.variables(), registry.kinds());
    if loaded.diagnostics.has_errors() {
        return Err(loaded.render(Paint::Plain));
    }
    let job = deploy(&loaded, &registry).map_err(|error| error.to_string())?;
    let said = loaded.document.as_ref().and_then(|document| document.job.as_ref());
    Ok((job, said.map(settings).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topologies::TOPOLOGIES;
    use clap::Parser;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        input: Input,
    }

    /// The job of a query under these flags.
    fn drawn(query: &str, flags: &[&str]) -> Result<Job, String> {
        let flags = Flags::parse_from([&["nexmark"], flags].concat());
        job(query, &flags.input, &Output::new(None, false)).map(|(job, _)| job)
    }

    #[test]
    fn every_topology_is_deployed_over_made_up_and_recorded_events() {
        let strange = ["--input", "a folder/it's \"${HOME}\".json"];
        for topology in TOPOLOGIES {
            for flags in [&["--events", "7", "--out-of-order", "3"][..], &strange] {
                let job = drawn(topology.name, flags);
                let job = job.unwrap_or_else(|why| panic!("{}: {why}", topology.name));
                let graph =
                    job.into_graph().unwrap_or_else(|why| panic!("{}: {why}", topology.name));
                assert!(graph.nodes.iter().any(|node| node.uid == SINK));
            }
        }
    }
}
