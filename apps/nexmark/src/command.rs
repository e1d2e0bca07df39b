//! The command: which query, over which events, and what is made of its rows.

use crate::input::Input;
use crate::output::Output;
use crate::queries::{QUERIES, Query};
use crate::report::Report;
use crate::result_file;
use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Parser, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;
use tidegate::prelude::*;

/// One query of Nexmark, over made-up or recorded events
#[derive(Clone, Debug, Parser)]
#[command(name = "nexmark", version)]
pub struct Command {
    /// Which query
    #[arg(value_name = "QUERY", value_parser = parser_of_queries())]
    query: &'static Query,
    #[command(flatten)]
    input: Input,
    /// Write the rows that are left in the end to this file, as sorted CSV [default: drop all rows]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How the query is put together
    #[arg(long, value_enum, default_value_t = Engine::Typed)]
    engine: Engine,
    #[command(flatten)]
    launch: LaunchArgs,
}

/// How a query is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// In Rust.
    Typed,
}

fn parser_of_queries() -> impl TypedValueParser<Value = &'static Query> {
    let names = QUERIES.iter().map(|query| PossibleValue::new(query.name).help(query.about));
    clap::builder::PossibleValuesParser::new(names)
        .map(|name| Query::named(&name).expect("one of the names"))
}

impl Command {
    /// Runs the query.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let output = Output::new(self.output.as_deref(), self.launch.state_dir.is_some());
        let job = Job::new(self.query.name);
        (self.query.draw)(&self.input.events(&job), &output);
        tidegate::launch_and_then(job, &self.launch, |summary| {
            if summary.end == "finished"
                && let Some(file) = &self.output
            {
                result_file::write(self.query.header, &output.rows_folder(), file)?;
                output.clear()?;
            }
            Report::new(self.query.name, self.engine, summary).print()
        })
    }
}
