//! One bench program, run as a child process.

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A bench program and its arguments.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    program: &'static str,
    args: Vec<String>,
}

impl Run {
    /// `program`, which lies beside this one, with `args`.
    pub(crate) fn new(program: &'static str, args: &[&'static str]) -> Self {
        Self { program, args: args.iter().map(|arg| (*arg).to_owned()).collect() }
    }

    /// With more arguments.
    pub(crate) fn with(&mut self, args: &[&str]) {
        self.args.extend(args.iter().map(|arg| (*arg).to_owned()));
    }

    fn path(&self) -> Result<PathBuf, String> {
        let me = std::env::current_exe().map_err(|error| error.to_string())?;
        Ok(me.with_file_name(self.program))
    }

    /// Runs it and returns the lines of JSON it prints; they are shown as they come.
    pub(crate) fn lines(&self) -> Result<Vec<Value>, String> {
        let name = self.program;
        eprintln!("  {name} {}", self.args.join(" "));
        let mut child = Command::new(self.path()?)
            .args(&self.args)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{name} does not start: {error}"))?;
        let mut lines = Vec::new();
        for line in child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()) {
            let line = line.map_err(|error| format!("{name}: {error}"))?;
            eprintln!("    {}", line.chars().take(160).collect::<String>());
            lines.push(parse(name, &line)?);
        }
        let ended = child.wait().map_err(|error| format!("{name}: {error}"))?;
        if ended.success() { Ok(lines) } else { Err(format!("{name} failed: {ended}")) }
    }
}

fn parse(name: &str, line: &str) -> Result<Value, String> {
    serde_json::from_str(line).map_err(|error| format!("{name} prints `{line}`: {error}"))
}

/// Whether all programs have been built.
///
/// # Errors
/// Which are missing, and how to build them.
pub(crate) fn all_there<'a>(runs: impl Iterator<Item = &'a Run>) -> Result<(), String> {
    // A bench may need others beside it.
    let beside = ["bench-nexmark", "bench-keyed-count"].map(|program| Run::new(program, &[]));
    let mut missing = Vec::new();
    let runs: Vec<&Run> = runs.collect();
    let needs_others = runs.iter().any(|run| run.program == "bench-checkpoint-cost");
    for run in runs.into_iter().chain(beside.iter().filter(|_| needs_others)) {
        if !run.path()?.exists() && !missing.contains(&run.program) {
            missing.push(run.program);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let bins: String = missing.iter().map(|program| format!(" --bin {program}")).collect();
    Err(format!(
        "{} missing beside this program; build first: cargo build --release -p tidegate-tests{bins}",
        missing.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_the_command_that_builds_it() {
        let runs = [Run::new("bench-of-nothing", &[]), Run::new("bench-of-nothing", &["--more"])];
        let error = all_there(runs.iter()).unwrap_err();
        let command = "cargo build --release -p tidegate-tests --bin bench-of-nothing";
        assert!(
            error.starts_with("bench-of-nothing missing") && error.ends_with(command),
            "{error}"
        );
    }

    #[test]
    fn a_line_that_is_no_json_is_shown() {
        let error = parse("bench-x", "oops").unwrap_err();
        assert!(error.starts_with("bench-x prints `oops`: "), "{error}");
    }
}
