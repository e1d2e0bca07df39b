//! Whether the documents say what is.

use crate::tree::{assert_none, files, root, texts};
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use tidegate_runtime::telemetry::names;

/// Where paths in documents begin.
const TOP: &[&str] = &["framework/", "operators/", "apps/", "config/", "tests/", ".ci/"];

/// Named ahead of their arrival; each goes when it is there.
const COMING: &[&str] = &[];

/// Flags of the job itself, which are not every job's.
const OWN_FLAGS: &[&str] = &["--input", "--output", "--top", "--roll-after", "--help"];

fn document(name: &str) -> String {
    fs::read_to_string(root().join(name)).expect("a document")
}

#[test]
fn paths_in_documents_exist() {
    let mut found = Vec::new();
    for (file, text) in texts(&[".md"]) {
        for word in text.split(|c: char| c.is_whitespace() || "`()|,;\"".contains(c)) {
            let path = word.trim_end_matches(['.', ':', '/']);
            let is_built = path.contains("/target/");
            let is_path = TOP.iter().any(|top| word.starts_with(top)) && !path.contains(['*', '<']);
            let is_path = is_path && !is_built;
            if is_path && !COMING.contains(&path) && !root().join(path).exists() {
                found.push(format!("{file}: {path}"));
            }
        }
    }
    assert_none("a path that does not exist", &found);
}

/// Names of packages, and of the binaries, tests and benches that Cargo knows.
fn targets() -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut packages, mut targets) = (BTreeSet::new(), BTreeSet::new());
    for (_, text) in texts(&["Cargo.toml"]) {
        let mut section = "";
        for line in text.lines() {
            if line.starts_with('[') {
                section = line.trim_matches(['[', ']']);
            }
            let Some(name) = line.strip_prefix("name = ") else { continue };
            let name = name.trim_matches('"').to_owned();
            if section == "package" {
                packages.insert(name)
            } else {
                targets.insert(name)
            };
        }
    }
    let binaries = files().into_iter().filter_map(|file| {
        let (_, name) = file.split_once("/src/bin/")?;
        Some(name.strip_suffix(".rs")?.to_owned())
    });
    targets.extend(binaries);
    // Tests of a package that are found by where they lie.
    let tests = files().into_iter().filter_map(|file| {
        let (_, name) = file.split_once("/tests/")?;
        let name = name.strip_suffix("/main.rs").or_else(|| name.strip_suffix(".rs"))?;
        (!name.contains('/')).then(|| name.to_owned())
    });
    targets.extend(tests);
    (packages, targets)
}

#[test]
fn cargo_commands_in_documents_name_what_there_is() {
    let (packages, targets) = targets();
    let mut found = Vec::new();
    for (file, text) in texts(&[".md"]) {
        for line in text.lines() {
            let Some((_, command)) = line.split_once("cargo ") else { continue };
            let command = command.split(['#', '`']).next().unwrap_or(command);
            let words: Vec<&str> = command.split_whitespace().collect();
            for pair in words.windows(2) {
                let known = match pair[0] {
                    "-p" | "--package" => packages.contains(pair[1]),
                    "--bin" | "--test" | "--bench" => targets.contains(pair[1]),
                    _ => true,
                };
                if !known {
                    found.push(format!("{file}: cargo {command}"));
                }
            }
        }
    }
    assert_none("a command that does not work", &found);
}

#[test]
fn the_page_of_metrics_lists_exactly_the_metrics() {
    let page = document("framework/docs/metrics.md");
    let rows = page.lines().filter(|line| line.starts_with("| `tidegate_"));
    let mut listed = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let (kind, labels, meaning) = (cells[1], cells[2], cells[3]);
        listed.push(format!("{} {kind} {labels}: {meaning}", cells[0].trim_matches('`')));
    }
    let there = names::ALL.iter().map(|metric| {
        let kind = format!("{:?}", metric.kind).to_lowercase();
        format!("{} {kind} {}: {}", metric.name, metric.labels.join(", "), metric.help)
    });
    assert_eq!(listed, there.collect::<Vec<_>>());
}

#[test]
fn decisions_are_numbered_without_gaps() {
    let names = files().into_iter().filter_map(|file| {
        let name = file.strip_prefix("framework/docs/adr/")?.to_owned();
        name.split_once('-')?.0.parse::<usize>().ok()
    });
    let numbers: Vec<usize> = names.collect();
    assert!(!numbers.is_empty());
    assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>());
}

#[test]
fn the_map_fits_in_one_sitting() {
    assert!(document("ARCHITECTURE.md").lines().count() <= 250);
}

/// The words in `text` that are flags, where `begins` says of a line that it introduces some.
fn flags(text: &str, begins: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| line.trim_start().starts_with(begins));
    let heads =
        lines.map(|line| if begins == "| `--" { line.split(" | ").next() } else { Some(line) });
    let words = heads.flatten().flat_map(|line| line.split([' ', '`', '|', ',']));
    let is_flag = |word: &&str| word.starts_with("--") && word.len() > 4 && !word.contains("---");
    words.filter(is_flag).map(str::to_owned).collect()
}

#[test]
fn the_readme_lists_exactly_the_flags_that_every_job_has() {
    let mut job = Command::new(env!("CARGO_BIN_EXE_chaos-job"));
    let job = job.args(["hot-items", "--help"]).output().expect("it runs");
    let help = String::from_utf8(job.stdout).expect("text");
    let mut there = flags(&help, "--");
    assert!(there.remove(OWN_FLAGS[0]) && there.remove(OWN_FLAGS[1]), "{help}");
    there.retain(|flag| !OWN_FLAGS.contains(&flag.as_str()));
    assert_eq!(flags(&document("README.md"), "| `--"), there);
}

#[test]
fn the_page_of_lessons_leads_through_all_of_them_by_commands_that_work() {
    let mut shown = BTreeSet::new();
    for line in document("apps/ecommerce/README.md").lines() {
        let Some((_, command)) = line.split_once("cargo run --release -p ecommerce --bin ") else {
            continue;
        };
        let words = command.split_whitespace().filter(|word| *word != "--");
        let job =
            Command::new(env!("CARGO_BIN_EXE_chaos-job")).args(words).arg("--explain").output();
        let job = job.expect("it runs");
        assert!(job.status.success(), "{command}: {}", String::from_utf8_lossy(&job.stderr));
        shown.extend(command.split_whitespace().next().map(str::to_owned));
    }
    let there = files().into_iter().filter_map(|file| {
        let lesson = file.strip_prefix("apps/ecommerce/src/bin/")?.strip_suffix(".rs")?;
        Some(lesson.to_owned())
    });
    assert_eq!(shown, there.collect());
}

#[test]
fn packages_and_folders_of_the_code_map_are_those_of_the_workspace() {
    let map = document("ARCHITECTURE.md");
    let (packages, _) = targets();
    let missing: Vec<String> = packages
        .into_iter()
        .filter(|package| {
            let short = package.trim_start_matches("tidegate");
            !map.contains(&format!("`{package}`")) && !map.contains(&format!("`{short}`"))
        })
        .collect();
    assert_none("a package that the map does not show", &missing);
}
