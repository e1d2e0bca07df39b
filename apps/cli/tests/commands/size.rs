//! `tidegate size`: from a topology, and from a running job.

use super::{config, text, tidegate};
use serde_json::Value;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn value(sheet: &Value, section: &str, name: &str) -> f64 {
    let lines = sheet["lines"].as_array().expect("lines");
    let line = lines.iter().find(|line| line["section"] == section && line["name"] == name);
    line.and_then(|line| line["value"].as_f64()).unwrap_or_else(|| panic!("{name} in {sheet:#}"))
}

#[test]
fn a_topology_is_sized_by_what_it_says() {
    let args = ["size", "config/hot-items.yaml", "--events-per-second=50k", "--keys=1M", "--json"];
    let ran = tidegate(&args, "");
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    let sheet: Value = serde_json::from_slice(&ran.stdout).expect("JSON");
    // Twelve slices of five minutes and the one that is being filled; nearly all items occur in each of them.
    let entries = value(&sheet, "state", "top: entries");
    assert!((entries / 13e6 - 1.0).abs() < 1e-3, "{entries}");
    // A key and a count.
    assert!((value(&sheet, "state", "top") / (entries * 48.0) - 1.0).abs() < 1e-9);
    // Five values of a click.
    assert!((value(&sheet, "network", "exchange to top") - 50_000.0 * 120.0).abs() < 1e-6);
    let told = tidegate(&args[..4], "");
    for part in [
        "size of job hot-items\n",
        "checkpoint interval",
        "to catch up after a failure",
        "q5 less q0",
    ] {
        assert!(text(&told.stdout).contains(part), "`{part}` is not in\n{}", text(&told.stdout));
    }
}

#[test]
fn a_topology_asks_for_what_it_cannot_know() {
    let ran = tidegate(&["size", "config/hot-items.yaml"], "");
    assert_eq!((ran.status.code(), text(&ran.stdout)), (Some(2), String::new()));
    let expected = "error: some numbers are not in the topology; say them:
  --keys [NODE=]N: how many distinct keys there are (of top)
  --events-per-second N: how many records come from all sources together
";
    assert_eq!(text(&ran.stderr), expected);
    let ran =
        tidegate(&["size", "config/hot-items.yaml", "--events-per-second=1", "--keys=tpo=5"], "");
    assert!(text(&ran.stderr).contains("--keys: there is no node `tpo`; there are clicks, "));
}

/// Every lesson is sized without a panic, whatever is in it.
#[test]
fn every_lesson_can_be_sized() {
    let mut all = super::files(&config(), ".yaml");
    all.extend(super::files(&config().join("nexmark"), ".yaml"));
    all.retain(|path| !path.ends_with("q6.yaml"));
    for path in all {
        let numbers = ["--events-per-second=10k", "--keys=1k", "--retention=1h"];
        let ran = tidegate(&[&["size", &path, "--json"], &numbers[..]].concat(), "");
        assert!(ran.status.success(), "{path}: {}", text(&ran.stderr));
        let sheet: Value = serde_json::from_slice(&ran.stdout).expect("JSON");
        assert!(value(&sheet, "memory", "needed") > 0.0, "{path}");
    }
}

const ENDLESS: &str = "job: { name: endless, rate: 2000 }
sources: { clicks: { generator: { clicks: { users: 500 } } } }
operators: { count: { inputs: clicks, aggregate: { key_by: user_id, aggregates: { n: count() }, retain: forever } } }
sinks: { out: { inputs: count, discard: {} } }
";

#[test]
fn a_running_job_is_measured() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("endless.yaml");
    std::fs::File::create(&path)
        .and_then(|mut file| file.write_all(ENDLESS.as_bytes()))
        .expect("a file");
    // A port that was free a moment ago.
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|at| at.local_addr()).expect("a port").port();
    let address = format!("127.0.0.1:{port}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.arg("run").arg(&path).args(["--metrics-addr", &address]);
    // It is killed in the end, and would leave a temporary folder behind.
    command.arg("--fresh").arg("--state-dir").arg(path.with_extension("state"));
    let mut job = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let args = ["size", "--metrics", &address, "--over=1s", "--state-per-key=64", "--json"];
    // The job may not serve yet, or may not have emitted.
    let mut ran = tidegate(&args, "");
    let started = Instant::now();
    while !ran.status.success() && started.elapsed() < Duration::from_secs(60) {
        ran = tidegate(&args, "");
    }
    job.kill().and_then(|()| job.wait()).expect("it ends");
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    let sheet: Value = serde_json::from_slice(&ran.stdout).expect("JSON");
    assert!(sheet["title"].as_str().is_some_and(|title| title.starts_with("job endless")));
    assert!(value(&sheet, "cores", "busy") > 0.0);
    let unreachable = tidegate(&args, "");
    assert_eq!(unreachable.status.code(), Some(2));
    assert!(text(&unreachable.stderr).contains("is the job running"));
}
