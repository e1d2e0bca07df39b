//! What every lesson has: a job to draw, an input, an output, and a command around them.

use clap::{Args, CommandFactory, FromArgMatches, Parser};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tidegate::core::element::Data;
use tidegate::parse_duration;
use tidegate::prelude::*;
use tidegate_file::FileSink;

/// A job that explains something; its fields are its flags.
pub trait Lesson: Args {
    /// What it computes, in a sentence.
    const ABOUT: &'static str;

    /// Draws the job.
    fn job(&self) -> Job;
}

/// The flags of a lesson and of its launcher.
#[derive(Args, Clone, Debug)]
pub struct Command<L: Lesson> {
    #[command(flatten)]
    lesson: L,
    #[command(flatten)]
    launch: LaunchArgs,
}

impl<L: Lesson> Command<L> {
    /// Runs the job.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        launch_with(self.lesson.job(), &self.launch)
    }
}

#[derive(Parser)]
struct Program<L: Lesson> {
    #[command(flatten)]
    command: Command<L>,
}

/// The whole program of a lesson: reads the flags, runs the job.
#[must_use]
pub fn main<L: Lesson>() -> ExitCode {
    let program = Program::<L>::command().about(L::ABOUT).long_about(None);
    match Program::<L>::from_arg_matches(&program.get_matches()) {
        Ok(program) => program.command.run(),
        Err(error) => error.exit(),
    }
}

/// Where clicks come from.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Input {
    /// Clicks: user_id,item_id,category_id,behavior,timestamp (seconds), no header [default: made up]
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
}

/// Where rows go.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Output {
    /// Folder for the rows, a line each [default: the terminal]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// A file of rows that is so old is published with the next checkpoint
    #[arg(long, default_value = "1m", value_name = "TIME", value_parser = parse_duration)]
    roll_after: Duration,
}

impl Output {
    /// Ends `rows` in files of lines, or on the terminal.
    pub(crate) fn take<T: Data>(&self, rows: &Stream<T>, line: fn(&T) -> String) {
        self.take_readable(rows, line, line);
    }

    /// The same, with something to read for the terminal.
    pub(crate) fn take_readable<T: Data>(
        &self,
        rows: &Stream<T>,
        line: fn(&T) -> String,
        readable: fn(&T) -> String,
    ) {
        match &self.output {
            Some(folder) => {
                rows.sink("rows", FileSink::lines(folder, line).roll_after(self.roll_after))
            }
            None => rows.sink("rows", Print::new(readable)),
        };
    }
}
