//! `tidegate test`: unit tests of topologies, in YAML beside them.
//!
//! ```text
//! 0  all tests have passed
//! 1  some have failed
//! 2  a file is broken, or there are no tests
//! ```

mod report;

use crate::progress::{Progress, Unit};
use clap::Parser;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use tidegate_deploy::Registry;
use tidegate_deploy::unit_test::{self, Verdict};
use tidegate_topology::Source;
use tidegate_topology::diagnostic::Paint;
use tidegate_topology::source::Unreadable;
use tidegate_topology::unit_test::load;

/// Folders within each other that are looked through.
const DEPTH: usize = 32;

/// The flags of the command.
#[derive(Parser)]
pub(crate) struct Args {
    /// Files with tests; of a folder all `*.test.yaml` in it and below
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Only tests with this text in their name
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
}

/// Runs the tests and says what came of them.
#[must_use]
pub(crate) fn run(args: &Args, registry: &Registry) -> ExitCode {
    let stdout = std::io::stdout();
    let paint = if stdout.is_terminal() { Paint::Coloured } else { Paint::Plain };
    match run_to(args, registry, paint, &mut stdout.lock()) {
        Ok(ended) => ExitCode::from(ended as u8),
        // Whoever reads it has gone away.
        Err(_) => ExitCode::from(Ended::Failed as u8),
    }
}

/// How it ended; the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ended {
    Passed = 0,
    Failed = 1,
    Broken = 2,
}

#[derive(Default)]
struct Counts {
    passed: usize,
    failed: usize,
    left_out: usize,
    broken: usize,
}

fn run_to(
    args: &Args,
    registry: &Registry,
    paint: Paint,
    out: &mut dyn Write,
) -> std::io::Result<Ended> {
    let began = Instant::now();
    let mut counts = Counts::default();
    let mut failures = String::new();
    let all: Vec<_> = args.files.iter().map(|path| (path, found(path))).collect();
    let number = all.iter().map(|(_, files)| files.as_ref().map_or(0, Vec::len)).sum::<usize>();
    let bar = Progress::new(number as u64, Unit::Files);
    for (path, files) in all {
        match files {
            Ok(files) => {
                for file in files {
                    let (filter, bar) = (args.filter.as_deref(), &bar);
                    bar.tell(file.display().to_string());
                    let mut running = Running { registry, filter, paint, bar, out };
                    running.file(&file, &mut counts, &mut failures)?;
                    bar.done(1);
                }
            }
            Err(reason) => {
                counts.broken += 1;
                let error = report::red(paint, "error");
                bar.aside(|| writeln!(out, "{error}: {}: {reason}", path.display()))?;
            }
        }
    }
    drop(bar);
    write!(out, "\n{failures}")?;
    writeln!(out, "{}", report::summary(&counts, began.elapsed(), paint))?;
    Ok(match counts {
        Counts { broken: 1.., .. } => Ended::Broken,
        Counts { failed: 1.., .. } => Ended::Failed,
        _ => Ended::Passed,
    })
}

/// The files with tests that a path stands for, in the order of their names.
fn found(path: &Path) -> Result<Vec<PathBuf>, String> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    below(path, 0, &mut files).map_err(|error| error.to_string())?;
    files.sort();
    if files.is_empty() {
        return Err("there is no `*.test.yaml` in this folder or below".to_owned());
    }
    Ok(files)
}

fn below(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        // Links are not followed: they may lead back.
        if entry.file_type()?.is_dir() {
            if depth < DEPTH {
                below(&path, depth + 1, files)?;
            }
        } else if entry.file_name().to_string_lossy().ends_with(".test.yaml") {
            files.push(path);
        }
    }
    Ok(())
}

struct Running<'a> {
    registry: &'a Registry,
    filter: Option<&'a str>,
    paint: Paint,
    bar: &'a Progress,
    out: &'a mut dyn Write,
}

impl Running<'_> {
    /// Prints a line, and the bar below it.
    fn say(&mut self, line: &str) -> std::io::Result<()> {
        self.bar.aside(|| writeln!(self.out, "{line}"))
    }

    fn file(
        &mut self,
        path: &Path,
        counts: &mut Counts,
        failures: &mut String,
    ) -> std::io::Result<()> {
        self.say(&path.display().to_string())?;
        let source = match Source::read(path) {
            Ok(source) => source,
            Err(Unreadable { message, help }) => {
                counts.broken += 1;
                let error = report::red(self.paint, "error");
                return self.say(&format!("{error}: {message}\n  help: {help}"));
            }
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        let find = |name: &str| Source::read(&folder.join(name));
        let loaded = load(source, &find, self.registry.kinds());
        if !loaded.diagnostics.is_empty() {
            self.say(loaded.render(self.paint).trim_end_matches('\n'))?;
        }
        let (Some(topology), Some(cases)) = (&loaded.topology, &loaded.cases) else {
            counts.broken += 1;
            return Ok(());
        };
        for case in cases {
            if self.filter.is_some_and(|text| !case.name.contains(text)) {
                counts.left_out += 1;
                continue;
            }
            let verdict = unit_test::run(topology, case, self.registry);
            let word = report::word(&verdict, self.paint);
            self.say(&format!("  {} ... {word}", case.name))?;
            if verdict == Verdict::Passed {
                counts.passed += 1;
            } else {
                counts.failed += 1;
                report::failure(&loaded.source, case, &verdict, self.paint, failures);
            }
        }
        Ok(())
    }
}
