//! Where and when something was measured, and how quiet it was there.

use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;
use tidegate_tests::bench::percentiles;

/// For how long a thread reads the clock to see how quiet the machine is.
const SPIN: Duration = Duration::from_secs(3);

/// The machine, the date, the revision, and the load before a section is measured.
pub(crate) fn about(quick: bool) -> Result<Value, String> {
    let first = |path: &str| read(path).split_whitespace().next().map(str::to_owned);
    let load = first("/proc/loadavg").and_then(|load| load.parse::<f64>().ok());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(json!({
        "date": jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string(),
        "quick": quick,
        "cpu": field("/proc/cpuinfo", "model name"),
        "cores": cores,
        "memory_bytes": field("/proc/meminfo", "MemTotal").as_deref().and_then(bytes),
        "kernel": first("/proc/sys/kernel/osrelease"),
        "rustc": said_by("rustc", &["--version"]),
        "revision": said_by("git", &["rev-parse", "--short", "HEAD"]),
        "load_average": load,
        "jitter": percentiles::jitter(SPIN).map_err(|error| error.to_string())?,
    }))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// What stands behind `name` in a file of lines `name: value`; `None` where there is no such line.
fn field(path: &str, name: &str) -> Option<String> {
    value_of(&read(path), name)
}

fn value_of(text: &str, name: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(value.trim_start().strip_prefix(':')?.trim().to_owned())
}

fn bytes(kilobytes: &str) -> Option<u64> {
    Some(kilobytes.trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}

/// The first line that a program prints; `None` where there is no such program.
fn said_by(program: &str, args: &[&str]) -> Option<String> {
    let said = Command::new(program).args(args).output().ok()?;
    let text = String::from_utf8(said.stdout).ok()?;
    Some(text.lines().next()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_names() {
        let text = "MemTotal:       24123456 kB\nmodel name\t: Some CPU @ 2 GHz\n";
        assert_eq!(value_of(text, "model name").as_deref(), Some("Some CPU @ 2 GHz"));
        let memory = value_of(text, "MemTotal").as_deref().and_then(bytes);
        assert_eq!(memory, Some(24_123_456 * 1024));
        assert_eq!(value_of(text, "flags"), None);
    }
}
