//! A query as a process in a folder of its own, and the rows it leaves there.

use nexmark::TOPOLOGIES;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

/// Of events in the same millisecond the last one is whoever comes last, which is another one in each run.
pub(crate) const ONE_EACH_MS: u64 = 1000;

/// How queries are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Typed,
    Yaml,
}

impl Engine {
    /// Whether it has this query.
    pub(crate) fn knows(self, query: &str) -> bool {
        self == Self::Typed || TOPOLOGIES.iter().any(|topology| topology.name == query)
    }
}

/// A folder for one query after another.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("nexmark-{}-{number}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A start of a query whose rows go into this folder.
    pub(crate) fn query(&self, query: &str) -> Start {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chaos-job"));
        command.args(["nexmark", query, "--metrics-addr", "none", "--checkpoint-interval", "50ms"]);
        command.env_remove("TIDEGATE_CRASH_POINT").env_remove("RUST_LOG").stdin(Stdio::null());
        let (output, summary) = (self.path("rows.csv"), self.path("summary.json"));
        let start = Start { command, summary: summary.clone(), output: output.clone() };
        // A query that fails for good ends.
        let start = start.flag("--restart-strategy", "fixed-delay:3:0");
        start.flag("--output", output.display()).flag("--summary-json", summary.display())
    }

    /// The same, put together so.
    pub(crate) fn query_by(&self, engine: Engine, query: &str) -> Start {
        match engine {
            Engine::Typed => self.query(query),
            Engine::Yaml => self.query(query).flag("--engine", "yaml"),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            drop(fs::remove_dir_all(&self.0));
        }
    }
}

/// A start to be.
pub(crate) struct Start {
    command: Command,
    summary: PathBuf,
    output: PathBuf,
}

impl Start {
    pub(crate) fn flag(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.command.arg(name).arg(value.to_string());
        self
    }

    /// Starts it; whoever gets it ends it.
    pub(crate) fn spawn(&mut self) -> Child {
        self.command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Runs it to its end, which is a clean one.
    pub(crate) fn run(mut self, case: &str) -> Ended {
        let ended = self.command.output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{case}: {said}");
        assert!(!said.contains("panicked at"), "{case}: {said}");
        let report: Value = serde_json::from_slice(&ended.stdout).unwrap();
        assert_eq!(report["audit"], "clean", "{case}: {report}");
        let summary = serde_json::from_slice(&fs::read(&self.summary).unwrap()).unwrap();
        let rows = fs::read_to_string(&self.output).unwrap();
        Ended { report, summary, rows: rows.lines().map(str::to_owned).collect() }
    }
}

/// How a run ended.
pub(crate) struct Ended {
    /// The line on standard output.
    pub(crate) report: Value,
    summary: Value,
    /// The result file: its header and its rows.
    pub(crate) rows: Vec<String>,
}

impl Ended {
    /// Its operators, with the records that each has taken or, for a source, made.
    pub(crate) fn operators(&self) -> Vec<(String, u64)> {
        let operators = self.summary["operators"].as_array().unwrap().iter();
        let records = |operator: &Value| {
            let is_source = operator["records_in"] == 0;
            operator[if is_source { "records_out" } else { "records_in" }].as_u64().unwrap()
        };
        operators.map(|o| (o["uid"].as_str().unwrap().to_owned(), records(o))).collect()
    }

    /// Its rows are `expected`, header and all.
    pub(crate) fn assert_rows(&self, expected: &[String], case: &str) {
        if self.rows == expected {
            return;
        }
        let differs = self.rows.iter().zip(expected).position(|(ours, theirs)| ours != theirs);
        let at = differs.unwrap_or(self.rows.len().min(expected.len()));
        panic!(
            "{case}: {} lines, expected {}; line {} is {:?}, expected {:?}",
            self.rows.len(),
            expected.len(),
            at + 1,
            self.rows.get(at),
            expected.get(at)
        );
    }
}

/// Whether the long versions were asked for.
pub(crate) fn is_full_run() -> bool {
    std::env::var_os("TIDEGATE_FULL").is_some()
}
