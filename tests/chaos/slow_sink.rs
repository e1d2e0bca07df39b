//! A sink far slower than its source: memory stays flat, the metrics say who waits, checkpoints complete.

use crate::job_process::{Place, Running};
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

/// What the job may grow by while it is held back: sled's log and cache, the allocator's slack. Left
/// unbounded it would be several hundred megabytes a second.
const SLACK_KIB: u64 = 96 * 1024;

#[test]
fn a_slow_sink_slows_the_source_and_nothing_else() {
    let Some(place) = Place::new() else { return };
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let start = place.unmetered().with_job("slow-sink").flag("--rows-per-second", 40_000);
    let start = start.flag("--metrics-addr", format!("127.0.0.1:{port}"));
    let start = start.flag("--state-dir", place.state().display());
    let start = start.flag("--checkpoint-interval", "200ms").flag("--slots", 2).parallelism(2);
    let running = start.spawn();
    running.until("three checkpoints", || sum(port, "tidegate_job_checkpoints_total", "") >= 3.0);
    let (kib, checkpoints) =
        (resident_kib(&running), sum(port, "tidegate_job_checkpoints_total", ""));
    let waited = |vertex: &str| {
        let vertex = format!("vertex=\"{vertex}\"");
        sum(port, "tidegate_subtask_backpressured_ms_total", &vertex)
    };
    let (clicks, count) = (waited("clicks"), waited("count"));
    running.until("operators in front of the sink waiting", || {
        waited("clicks") > clicks + 6_000.0 && waited("count") > count + 6_000.0
    });
    running.until("more checkpoints", || {
        sum(port, "tidegate_job_checkpoints_total", "") >= checkpoints + 5.0
    });
    let later = resident_kib(&running);
    assert!(later < kib + SLACK_KIB, "from {kib} KiB to {later} KiB");
    println!("resident: {kib} KiB, later {later} KiB");
    assert_eq!(sum(port, "tidegate_job_checkpoints_failed_total", ""), 0.0);
    running.ask_to_stop();
    let ended = running.wait();
    ended.assert_clean("stopped");
    assert_eq!(ended.number("restarts"), 0);
}

/// The sum of a metric over the lines that contain `label`; 0 while it cannot be had.
fn sum(port: u16, metric: &str, label: &str) -> f64 {
    let ask = || {
        let mut connection = TcpStream::connect(("127.0.0.1", port))?;
        connection.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    };
    let Ok(answer) = ask() else { return 0.0 };
    let lines = answer.lines().filter(|line| {
        line.strip_prefix(metric).is_some_and(|rest| rest.starts_with('{')) && line.contains(label)
    });
    lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
}

fn resident_kib(running: &Running) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", running.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
