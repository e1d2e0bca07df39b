//! `tidegate diff`: a corpus of pairs, each with what is said of it, and real jobs of which what was said comes true.
//!
//! `TIDEGATE_BLESS=1 cargo test -p tidegate-cli --test diff` writes what is expected anew: read it as a user would before
//! it is committed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// A job that has not come so far by then hangs.
const DEADLINE: Duration = Duration::from_secs(120);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

fn tidegate() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.env_remove("RUST_LOG").env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn diff(folder: &Path, old: &str, new: &str, flags: &[&str]) -> Output {
    let run = tidegate().current_dir(folder).arg("diff").args([old, new]).args(flags).output();
    run.expect("it runs")
}

/// The word for each node, of JSON.
fn words(json: &serde_json::Value) -> Vec<(String, String)> {
    let nodes = json["nodes"].as_array().expect("nodes");
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    nodes.iter().map(|node| (text(&node["node"]), text(&node["state"]))).collect()
}

#[test]
fn each_pair_is_told_as_expected() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diff");
    let mut pairs: Vec<PathBuf> =
        fs::read_dir(&corpus).expect("pairs").map(|pair| pair.expect("a pair").path()).collect();
    pairs.sort();
    assert!(pairs.len() >= 20, "the corpus has {} pairs", pairs.len());
    let mut wrong = Vec::new();
    for pair in pairs {
        let ended = diff(&pair, "old.yaml", "new.yaml", &[]);
        assert_eq!(text(&ended.stderr), "", "{}", pair.display());
        let told = format!("exit code {:?}\n{}", ended.status.code(), text(&ended.stdout));
        let beside = pair.join("expected.txt");
        if std::env::var_os("TIDEGATE_BLESS").is_some() {
            fs::write(&beside, &told).expect("writable");
        } else if fs::read_to_string(&beside).ok().as_deref() != Some(&told) {
            wrong.push(format!("--- {}\n{told}", pair.display()));
        }
        let json = diff(&pair, "old.yaml", "new.yaml", &["--json"]);
        assert_eq!(json.status.code(), ended.status.code(), "{}", pair.display());
        let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
        assert_eq!(json["is_safe"], ended.status.success(), "{}", pair.display());
        for (node, word) in words(&json) {
            let shown = told.lines().any(|line| {
                line.trim_start().starts_with(&word) && line.split_whitespace().any(|w| w == node)
            });
            assert!(shown, "{}: {node} is {word}: {told}", pair.display());
        }
    }
    assert!(wrong.is_empty(), "other words than expected:\n{}", wrong.join("\n"));
}

#[test]
fn what_cannot_be_read_is_told_of_both_files() {
    let place = Place::new();
    place.write("old.yaml", "job: { nam: shop }\n");
    let ended = diff(&place.folder, "old.yaml", "gone.yaml", &[]);
    assert_eq!(ended.status.code(), Some(2));
    let told = text(&ended.stderr);
    assert!(told.contains("old.yaml:1:8") && told.contains("gone.yaml"), "{told}");
    assert_eq!(text(&ended.stdout), "");
}

/// A folder of its own.
struct Place {
    folder: PathBuf,
}

impl Place {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("diff-{}-{number}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).expect("writable");
        Self { folder }
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).expect("writable");
    }

    /// A run of a topology here, with this state folder.
    fn run(&self, topology: &str, state: &str) -> Command {
        let mut command = tidegate();
        command.current_dir(&self.folder).args(["run", topology, "--state-dir", state]);
        command.args(["--metrics-addr", "none", "--checkpoint-interval", "20ms"]);
        command.args(["--restart-strategy", "none"]);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// Runs to the end: the exit code, and what was said of it.
    fn run_to_the_end(&self, topology: &str, state: &str) -> (Option<i32>, String) {
        let ended = self.run(topology, state).output().expect("it runs");
        (ended.status.code(), text(&ended.stderr))
    }

    /// Runs until some rows are published, which is when a checkpoint holds what came before them, and stops it then.
    fn run_for_a_while(&self, topology: &str, state: &str, output: &str) {
        let child = self.run(topology, state).args(["--rate", "8000"]).spawn().expect("it runs");
        let mut running = Running(child);
        let start = Instant::now();
        let (_never, nothing) = mpsc::channel::<()>();
        while self.rows(output).is_empty() {
            assert!(start.elapsed() < DEADLINE, "no rows in time");
            assert!(running.0.try_wait().expect("a child").is_none(), "it has ended too early");
            assert!(nothing.recv_timeout(LOOK_AGAIN).is_err());
        }
        let term = format!("kill -TERM {}", running.0.id());
        assert!(Command::new("sh").args(["-c", &term]).status().expect("it runs").success());
        let status = running.0.wait().expect("a child");
        assert_eq!(status.code(), Some(0), "it stops with a checkpoint");
    }

    /// What is published, sorted.
    fn rows(&self, output: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.folder.join(output)) else { return Vec::new() };
        let files = entries.map(|entry| entry.expect("a file").path());
        let parts = files.filter(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("part-"))
        });
        let mut rows: Vec<String> = Vec::new();
        for part in parts {
            // A header stands in each file.
            let text = fs::read_to_string(part).expect("text");
            rows.extend(text.lines().filter(|line| !line.starts_with("item")).map(str::to_owned));
        }
        rows.sort();
        rows
    }

    /// The word for each node, and whether nothing is lost.
    fn said(&self, old: &str, new: &str) -> (Vec<(String, String)>, bool) {
        let ended = diff(&self.folder, old, new, &["--json"]);
        let json = serde_json::from_slice(&ended.stdout);
        let json = json.unwrap_or_else(|why| panic!("{why}: {}", text(&ended.stderr)));
        (words(&json), ended.status.success())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            drop(fs::remove_dir_all(&self.folder));
        }
    }
}

/// Killed when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended long ago.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Counts per item in windows of a minute, of clicks that last for about an hour; `typed` is what the item is counted as.
fn counts(job: &str, filter: &str, typed: &str, aggregates: &str) -> String {
    format!(
        "job: {job}
sources:
  clicks:
    generator: {{ clicks: {{ seed: 7, events: 40000, items: 20, events_per_second: 10 }} }}
    event_time: {{ watermark: monotonous }}
operators:
  views: {{ inputs: clicks, filter: \"{filter}\" }}
  typed: {{ inputs: views, project: {{ item: \"{typed}\" }} }}
  counts:
    inputs: typed
    window:
      key_by: [item]
      tumbling: {{ size: 1m }}
      aggregates: {{ {aggregates} }}
sinks:
  out: {{ inputs: counts, file: {{ directory: OUT, format: csv, roll: {{ after: 1ms }} }} }}
"
    )
}

const JOB: &str = "{ name: shop }";
const FILTER: &str = "item_id >= 0";

impl Place {
    /// The topology under a name, with an output folder of its own.
    fn topology(&self, name: &str, text: &str, output: &str) {
        self.write(name, &text.replace("OUT", output));
    }
}

#[test]
fn state_that_is_kept_and_dealt_out_anew_counts_on_to_the_same_rows() {
    let place = Place::new();
    let old = counts(JOB, FILTER, "item_id", "n: count()");
    let wider = counts("{ name: shop, parallelism: 2 }", FILTER, "item_id", "n: count()");
    place.topology("old.yaml", &old, "out");
    place.topology("new.yaml", &wider, "out");
    place.topology("whole.yaml", &old, "whole");
    let (words, is_safe) = place.said("old.yaml", "new.yaml");
    assert!(is_safe, "{words:?}");
    assert!(words.contains(&("counts".into(), "migrated".into())), "{words:?}");
    place.run_for_a_while("old.yaml", "state", "out");
    let before = place.rows("out").len();
    let (code, said) = place.run_to_the_end("new.yaml", "state");
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = place.run_to_the_end("whole.yaml", "other-state");
    assert_eq!(code, Some(0), "{said}");
    let (rows, whole) = (place.rows("out"), place.rows("whole"));
    assert!(before < whole.len(), "it was stopped on the way");
    assert!(!whole.is_empty() && rows == whole, "{} and {} rows", rows.len(), whole.len());
}

#[test]
fn what_is_refused_is_refused_and_leaves_the_state_as_it_is() {
    let place = Place::new();
    let old = counts(JOB, FILTER, "item_id", "n: count()");
    let renamed = old.replace("counts", "totals");
    place.topology("old.yaml", &old, "out");
    place.topology("renamed.yaml", &renamed, "out");
    place.topology("job.yaml", &counts("{ name: store }", FILTER, "item_id", "n: count()"), "out");
    let groups = counts("{ name: shop, max_parallelism: 64 }", FILTER, "item_id", "n: count()");
    place.topology("groups.yaml", &groups, "out");
    place.topology("input.yaml", &old.replace("seed: 7", "seed: 8"), "out");
    place.run_for_a_while("old.yaml", "state", "out");
    let cases = [
        ("renamed.yaml", "operator `counts`"),
        ("job.yaml", "belongs to job `shop`"),
        ("groups.yaml", "max parallelism is 128"),
        ("input.yaml", "the input of source `clicks`"),
    ];
    for (new, told) in cases {
        let (words, is_safe) = place.said("old.yaml", new);
        assert!(!is_safe, "{new}: {words:?}");
        let (code, said) = place.run_to_the_end(new, "state");
        assert_eq!(code, Some(2), "{new}: {said}");
        assert!(said.contains(told), "{new}: {said}");
    }
    let (code, said) = place.run_to_the_end("old.yaml", "state");
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn state_that_means_something_else_is_refused_and_left_as_it_is() {
    let place = Place::new();
    let old = counts(JOB, FILTER, "item_id", "n: count()");
    place.topology("old.yaml", &old, "out");
    // The window that is open then has counted something: a record has closed the one before.
    place.run_for_a_while("old.yaml", "state", "out");
    let cases = [
        ("90s.yaml", old.replace("size: 1m", "size: 90s")),
        ("shifted.yaml", old.replace("size: 1m", "size: 1m, offset: 10s")),
        ("text.yaml", counts(JOB, FILTER, "CAST(item_id AS STRING)", "n: count()")),
        ("sum.yaml", counts(JOB, FILTER, "item_id", "n: sum(item)")),
        ("most.yaml", counts(JOB, FILTER, "item_id", "n: count(), most: max(item)")),
    ];
    for (name, new) in cases {
        place.topology(name, &new, "out");
        let (words, is_safe) = place.said("old.yaml", name);
        assert!(!is_safe && words.contains(&("counts".into(), "refused".into())), "{words:?}");
        let (code, said) = place.run_to_the_end(name, "state");
        assert_eq!(code, Some(2), "{name}: {said}");
        assert!(
            said.contains("the state of its operator `counts` means something else"),
            "{name}: {said}"
        );
    }
    // Written otherwise, it means the same; how late a record may be holds for records to come.
    let same = old.replace("size: 1m }", "size: 60s }\n      allowed_lateness: 5s");
    place.topology("same.yaml", &same, "out");
    place.topology("whole.yaml", &old, "whole");
    let (words, is_safe) = place.said("old.yaml", "same.yaml");
    assert!(is_safe && words.contains(&("counts".into(), "migrated".into())), "{words:?}");
    for (name, state) in [("same.yaml", "state"), ("whole.yaml", "other-state")] {
        let (code, said) = place.run_to_the_end(name, state);
        assert_eq!(code, Some(0), "{name}: {said}");
    }
    assert_eq!(place.rows("out"), place.rows("whole"));
}
