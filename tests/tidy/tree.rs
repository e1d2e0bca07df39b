//! The files of the repository: what git tracks or would, else what lies there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository")
}

/// Every file, relative to the root, in the order of names.
pub(crate) fn files() -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output();
    let mut files = BTreeSet::new();
    match listed {
        Ok(listed) if listed.status.success() && !listed.stdout.is_empty() => {
            files.extend(String::from_utf8_lossy(&listed.stdout).lines().map(str::to_owned));
        }
        // A copy without git, or a machine without it.
        _ => walk(&root(), "", &mut files),
    }
    // A file may be listed and deleted.
    files.into_iter().filter(|file| root().join(file).is_file()).collect()
}

fn walk(folder: &Path, prefix: &str, files: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("readable") {
        let entry = entry.expect("readable");
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type().expect("readable");
        if kind.is_dir() && name != "target" && name != ".git" {
            walk(&entry.path(), &format!("{prefix}{name}/"), files);
        } else if kind.is_file() {
            files.insert(format!("{prefix}{name}"));
        }
    }
}

/// Every file with one of these endings, and its text.
pub(crate) fn texts(endings: &[&str]) -> Vec<(String, String)> {
    let wanted = |file: &String| endings.iter().any(|ending| file.ends_with(ending));
    let read = |file: String| {
        let text = fs::read_to_string(root().join(&file)).expect("text");
        (file, text)
    };
    files().into_iter().filter(wanted).map(read).collect()
}

/// Fails with all that is wrong, a line each.
pub(crate) fn assert_none(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

/// Compares what exceeds a limit with the list of what is known to: `(name, measure)`.
pub(crate) fn assert_ratchet(rule: &str, over: &[(String, usize)], known: &[(&str, usize)]) {
    let mut wrong = Vec::new();
    for (name, measure) in over {
        match known.iter().find(|(known, _)| known == name) {
            None => wrong.push(format!("{name} has {measure}")),
            Some((_, was)) if measure > was => {
                wrong.push(format!("{name} has grown from {was} to {measure}"));
            }
            Some(_) => {}
        }
    }
    for (name, _) in known {
        if !over.iter().any(|(over, _)| over == name) {
            wrong.push(format!("{name} keeps the rule now: take it off the list"));
        }
    }
    assert_none(rule, &wrong);
}
