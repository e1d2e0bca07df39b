//! `tidegate stress` for real, with short steps: what it says, not how fast anything is.

use super::{text, tidegate};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A step that is dear, in a subtask of its own, between a cheap source and a cheap sink.
const SLOW: &str = "job: { name: slow, checkpoint: { interval: 1s } }
sources: { keys: { generator: { sequence: { records: 10 } } } }
operators:
  dear: { inputs: keys, chaining: false, project: { n: \"CHAR_LENGTH(REPEAT(CAST(key AS STRING), 20000))\" } }
  cheap: { inputs: dear, chaining: false, filter: n > 5 }
sinks: { out: { inputs: cheap, print: { format: csv } } }
";

fn file(name: &str, topology: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, topology).expect("a file");
    path
}

fn path(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// Short steps, and a start that no such step keeps up with.
const SHORT: [&str; 3] = ["--step=300ms", "--hold=400ms", "--precision=30"];

/// Steps in which a machine that is busy with something else does not look like a slow job.
const LONG: [&str; 2] = ["--step=1s", "--hold=1s"];

#[test]
fn a_slow_operator_is_found_and_drawn() {
    let slow = file("slow.yaml", SLOW);
    let plot = Path::new(env!("CARGO_TARGET_TMPDIR")).join("slow.svg");
    let plotted = format!("--plot={}", path(&plot));
    let args =
        [&["stress", path(&slow), "--json", "--start-rate=20M", &plotted], &SHORT[..]].concat();
    let ran = tidegate(&args, "");
    let (out, err) = (text(&ran.stdout), text(&ran.stderr));
    let told: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
    // However the machine is loaded: nobody keeps up with the start, and something is found, or it is said that not.
    let steps = told["steps"].as_array().expect("steps");
    assert_eq!((&steps[0]["phase"], &steps[0]["kept"]), (&"ramp".into(), &false.into()), "{out}");
    assert!(steps[0]["why"].as_str().is_some_and(|why| why.starts_with("too much: ")), "{out}");
    assert!(steps[0]["achieved"].as_f64() < steps[0]["offered"].as_f64());
    let verdict = told["verdict"].as_str().expect("a verdict");
    assert!(["sustained", "unsteady", "never"].contains(&verdict), "{out}");
    assert_eq!(ran.status.code(), Some(i32::from(verdict != "sustained")), "{err}");
    assert_eq!(told["records_per_second"].is_number(), verdict == "sustained");
    let names: Vec<&Value> = steps[0]["vertices"]
        .as_array()
        .expect("vertices")
        .iter()
        .map(|vertex| &vertex["operators"][0])
        .collect();
    assert_eq!(names, ["keys", "dear", "cheap", "out"]);
    assert_eq!(told["bottleneck"]["operators"], serde_json::json!(["dear"]), "{out}");
    let changed = told["changed"].as_array().expect("changes");
    assert_eq!(changed[0], "source keys makes up records without end");
    let svg = fs::read_to_string(&plot).expect("a plot");
    assert!(svg.starts_with("<svg") && svg.contains("offered") && svg.contains("achieved"));
}

#[test]
fn the_highest_rate_allowed_is_told_as_such() {
    let clicks = file("calm.yaml", &SLOW.replace("20000", "2"));
    let args =
        [&["stress", path(&clicks), "--start-rate=50", "--max-rate=100"], &LONG[..]].concat();
    let ran = tidegate(&args, "");
    let out = text(&ran.stdout);
    assert!(ran.status.success(), "{out}{}", text(&ran.stderr));
    for part in [
        "stress of job slow\n",
        "sink out drops its rows, the work of its print is not measured (--keep-sinks)",
        "sustainable: 100 records/s at least, held for 1 s; that is the highest rate allowed (--max-rate)",
        "latency: not told, as no watermarks pass through this job",
    ] {
        assert!(out.contains(part), "`{part}` is not in\n{out}");
    }
}

#[test]
fn an_input_that_ends_and_a_job_that_fails_are_told() {
    let short = SLOW.replace(
        "generator: { sequence: { records: 10 } }",
        "inline: { rows: [{ key: 1 }] }, schema: { key: int64 }",
    );
    let short = file("short.yaml", &short);
    let ran = tidegate(&[&["stress", path(&short)], &SHORT[..]].concat(), "");
    let out = text(&ran.stdout);
    assert_eq!(ran.status.code(), Some(1), "{out}");
    assert!(
        out.contains("the input ended at 100,000 records/s before anything was found"),
        "{out}"
    );
    let failing = file("failing.yaml", &SLOW.replace("n > 5", "n / (n - n) > 5"));
    let ran = tidegate(&[&["stress", path(&failing)], &SHORT[..]].concat(), "");
    let out = text(&ran.stdout);
    assert_eq!(ran.status.code(), Some(1), "{out}");
    assert!(out.contains("the job failed at 100,000 records/s: operator cheap"), "{out}");
}

/// Sends a signal to a process.
fn send(signal: &str, to: &Child) {
    let sent = Command::new("kill").args([format!("-{signal}"), to.id().to_string()]).status();
    assert!(sent.expect("there is a `kill`").success());
}

#[test]
fn one_that_is_interrupted_tells_what_it_knows_and_leaves_nothing_behind() {
    let calm = file("interrupted.yaml", &SLOW.replace("20000", "2"));
    for (signal, code, flags) in
        [("INT", 130, ["--step=1h", "--json"]), ("TERM", 143, ["--step=1h", "--hold=1h"])]
    {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("stress-{signal}"));
        drop(fs::remove_dir_all(&place));
        fs::create_dir(&place).expect("a folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command.arg("stress").arg(&calm).args(["--start-rate=50", "--max-rate=100"]).args(flags);
        command.env("TMPDIR", &place).stdin(Stdio::null());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("it starts");
        let left = || fs::read_dir(&place).expect("a folder").count();
        // From when its state is there it is watched for signals.
        while left() == 0 {
            assert!(child.try_wait().expect("a child").is_none(), "it has ended before");
            std::thread::yield_now();
        }
        send(signal, &child);
        let ended = child.wait_with_output().expect("it ends");
        let (out, err) = (text(&ended.stdout), text(&ended.stderr));
        assert_eq!((ended.status.code(), err.as_str()), (Some(code), ""), "{out}");
        if signal == "INT" {
            let told: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}"));
            assert_eq!(
                (&told["verdict"], &told["steps"]),
                (&"interrupted".into(), &serde_json::json!([]))
            );
        } else {
            let said = "interrupted at 50 records/s; no step is over yet\n";
            assert!(out.starts_with("stress of job slow\n") && out.contains(said), "{out}");
        }
        assert_eq!(left(), 0, "its temporary folder is gone");
    }
}

#[test]
fn rubbish_is_refused_before_anything_runs() {
    let slow = file("refused.yaml", SLOW);
    for (flag, part) in [
        ("--step=1ms", "too short to see anything"),
        ("--start-rate=0", "above 0"),
        ("--precision=0", "between 0.5 and 50"),
        ("--plot=no/such/folder/a.svg", "cannot be written"),
    ] {
        let ran = tidegate(&["stress", path(&slow), flag], "");
        assert_eq!((ran.status.code(), text(&ran.stdout)), (Some(2), String::new()), "{flag}");
        assert!(text(&ran.stderr).contains(part), "{flag}: {}", text(&ran.stderr));
    }
}
