//! A bench program as a child process: the line of JSON it says.

use serde_json::Value;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

/// Runs `program` and returns the last line it prints, which must be JSON.
///
/// # Errors
/// What the program says when it fails; when it cannot be started, or says no JSON.
pub fn line<S: AsRef<OsStr>>(program: &Path, args: &[S]) -> Result<Value, String> {
    let name = program.display();
    let ended = Command::new(program).args(args).output().map_err(|e| format!("{name}: {e}"))?;
    if !ended.status.success() {
        return Err(format!("{name}: {}", String::from_utf8_lossy(&ended.stderr).trim()));
    }
    let said = String::from_utf8_lossy(&ended.stdout);
    let line = said.trim().lines().last().ok_or_else(|| format!("{name} says nothing"))?;
    serde_json::from_str(line).map_err(|error| format!("{name}: {error} in `{line}`"))
}
