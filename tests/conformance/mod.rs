//! The conformance runner: recorded cases (inputs, and what Flink emits for them) against the real
//! operators, in the task that also runs them in production.
//!
//! A case that cannot be run is a failure, never a skip: an area without a runner, a function or a
//! parameter that nobody understands, a field that nobody reads.
//!
//! **To add an area**: a file of its own with `run(case, way)`, and a line in [`AREAS`]. Most areas
//! describe their operator by a [`drive::Subject`] and leave the rest to [`drive::run`].

mod async_wait;
mod broadcast;
pub mod case;
mod cep_nfa;
mod cep_operator;
mod cep_pattern;
mod coprocess;
pub mod drive;
mod flink_training;
mod interval_join;
mod process_timers;
mod sheet;
mod topn;
mod watermark_generation;
mod watermark_valve;
mod window;
mod window_assigner;
mod window_trigger;

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::{fmt, fs};

/// How a case is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As it stands.
    Plain,
    /// With a snapshot after every step, restored into a new instance.
    Restored,
    /// Into an output that is full after every row.
    OutputFull,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Restored, Self::OutputFull];
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "as it stands",
            Self::Restored => "restored after every step",
            Self::OutputFull => "output full after every row",
        })
    }
}

/// Runs a case; the error is the first difference.
type Run = fn(&Value, Way) -> Result<(), String>;

/// The areas that can be run.
pub const AREAS: &[(&str, Run)] = &[
    ("async_wait", async_wait::run),
    ("broadcast", broadcast::run),
    ("cep_nfa", cep_nfa::run),
    ("cep_operator", cep_operator::run),
    ("coprocess", coprocess::run),
    ("flink_training", flink_training::run),
    ("interval_join", interval_join::run),
    ("process_timers", process_timers::run),
    ("topn", topn::run),
    ("watermark_generation", watermark_generation::run),
    ("watermark_valve", watermark_valve::run),
    ("window", window::run),
    ("window_assigner", window_assigner::run),
];

/// Why a file cannot be run.
#[derive(Debug)]
pub struct Unreadable {
    path: PathBuf,
    why: String,
}

impl Unreadable {
    fn new(path: &Path, why: &dyn fmt::Display) -> Self {
        Self { path: path.to_owned(), why: why.to_string() }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be read: {}", self.path.display(), self.why)
    }
}

impl std::error::Error for Unreadable {}

/// A case, not yet looked into.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name.
    pub id: String,
    /// What it is about.
    pub area: String,
    content: Value,
}

impl Case {
    /// Runs it.
    ///
    /// # Errors
    /// The first difference: step, what was expected, what came; or why it cannot be run.
    pub fn run(&self, way: Way) -> Result<(), String> {
        let area = AREAS.iter().find(|(name, _)| *name == self.area);
        let (_, run) = area.ok_or_else(|| format!("the area `{}` is not built yet", self.area))?;
        run(&self.content, way)
    }
}

/// All cases in `paths`, which are files, or folders with `.json` files at any depth; in the order of
/// names.
///
/// # Errors
/// The first file that is not there, or holds no cases.
pub fn load(paths: &[PathBuf]) -> Result<Vec<Case>, Unreadable> {
    let mut files = Vec::new();
    paths.iter().try_for_each(|path| find(path, true, &mut files))?;
    let mut cases = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).map_err(|error| Unreadable::new(&file, &error))?;
        cases.extend(parse(&text).map_err(|why| Unreadable::new(&file, &why))?);
    }
    Ok(cases)
}

/// The cases in the text of a file.
///
/// # Errors
/// Why the text holds no cases.
pub fn parse(text: &str) -> Result<Vec<Case>, String> {
    let file: case::File = serde_json::from_str(text).map_err(|error| error.to_string())?;
    file.cases_checked()
}

/// Adds `path`, or the `.json` files below it; a file that was `asked` for counts whatever its name.
fn find(path: &Path, asked: bool, files: &mut Vec<PathBuf>) -> Result<(), Unreadable> {
    let error = |error| Unreadable::new(path, &error);
    if fs::metadata(path).map_err(error)?.is_dir() {
        let entries = fs::read_dir(path).map_err(error)?;
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        let mut paths = paths.collect::<Result<Vec<_>, _>>().map_err(error)?;
        paths.sort();
        return paths.iter().try_for_each(|path| find(path, false, files));
    }
    if asked || path.extension().is_some_and(|extension| extension == "json") {
        files.push(path.to_owned());
    }
    Ok(())
}
