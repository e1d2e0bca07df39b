//! The command: which query, over which events, and what is made of its rows.

use crate::input::Input;
use crate::output::Output;
use crate::queries::{QUERIES, Query};
use crate::report::Report;
use crate::result_file;
use crate::yaml;
use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Parser, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;
use tidegate::prelude::*;

/// What was asked for cannot be run: nothing was started.
const REFUSED: u8 = 2;

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
    /// By its topology in `config/nexmark`.
    Yaml,
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
        let (job, launch) = match self.job(&output) {
            Ok(drawn) => drawn,
            Err(refusal) => {
                eprintln!("error: {refusal}");
                return ExitCode::from(REFUSED);
            }
        };
        tidegate::launch_and_then(job, &launch, |summary| {
            if summary.end == "finished"
                && let Some(file) = &self.output
            {
                result_file::write(self.query.header, &output.rows_folder(), file)?;
                output.clear()?;
            }
            Report::new(self.query.name, self.engine, summary).print()
        })
    }

    /// The job, and how it is run.
    ///
    /// # Errors
    /// When the query has no topology.
    fn job(&self, output: &Output) -> Result<(Job, LaunchArgs), String> {
        match self.engine {
            Engine::Typed => {
                let job = Job::new(self.query.name);
                (self.query.draw)(&self.input.events(&job, self.query.aligned), output);
                Ok((job, self.launch.clone()))
            }
            Engine::Yaml => {
                let (job, settings) = yaml::job(self.query.name, &self.input, output)?;
                Ok((job, LaunchArgs { settings, ..self.launch.clone() }))
            }
        }
    }
}
