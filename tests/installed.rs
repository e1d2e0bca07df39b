//! Programs of others that a test runs.
//!
//! One place decides what their absence means: at home a loud message and no test, in CI (`CI` is set) a failure, unless
//! `.ci/run` has tried to install them and could not, and says so.

use std::process::{Command, Stdio};

/// Where `.ci/run` says that Prometheus cannot be had.
const WITHOUT_PROMETHEUS: &str = "TIDEGATE_WITHOUT_PROMETHEUS";

/// Whether Prometheus and its `promtool` are here; else the caller's test cannot be run, which has been said.
///
/// # Panics
/// When they are absent and `CI` is set, and nothing says that they cannot be installed.
#[must_use]
pub fn prometheus() -> bool {
    let missing = ["prometheus", "promtool"].into_iter().find(|program| !answers(program));
    let Some(missing) = missing else { return true };
    let said = format!(
        "NOT TESTED: {missing} is missing, so the alerts and the dashboard are not tried; \
         `apt-get install --no-install-recommends prometheus`"
    );
    let is_set = |name| std::env::var_os(name).is_some();
    assert!(!is_set("CI") || is_set(WITHOUT_PROMETHEUS), "{said}");
    eprintln!("{said}");
    false
}

fn answers(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
