//! How a source file looks.

use crate::tree::{assert_none, assert_ratchet, texts};

const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 70;

/// Files that were longer when the rule came.
const LONG_FILES: &[(&str, usize)] = &[];

/// Functions that were longer when the rule came.
const LONG_FUNCTIONS: &[(&str, usize)] = &[("framework/state/src/upload.rs upload", 75)];

/// Who may sleep, and why that is no synchronisation.
const SLEEPERS: &[(&str, &str)] = &[
    ("framework/runtime/src/job_master.rs", "pauses between two tries of a commit"),
    ("framework/runtime/src/subtask_actor.rs", "wakes for processing-time timers"),
    ("framework/state/src/sled/copy.rs", "pauses between two tries to copy a database at rest"),
    ("framework/state/src/sled/opening.rs", "pauses between two tries of a lock"),
    ("operators/connectors/file/src/sink/committer.rs", "pauses between two tries of a lock"),
    ("tests/bench/sleeper.rs", "paces a schedule of records"),
    ("tests/chaos/job.rs", "a sink that is slow on purpose"),
];

fn sources() -> Vec<(String, String)> {
    texts(&[".rs"])
}

#[test]
fn every_source_says_in_its_first_line_what_it_is() {
    let silent = sources().into_iter().filter(|(_, text)| !text.starts_with("//! "));
    let silent: Vec<String> = silent.map(|(file, _)| file).collect();
    assert_none("a file opens with a doc comment", &silent);
}

#[test]
fn files_stay_short() {
    let counted = sources().into_iter().map(|(file, text)| (file, text.lines().count()));
    let over: Vec<_> = counted.filter(|(_, lines)| *lines > FILE_LINES).collect();
    assert_ratchet("a file has at most 500 lines", &over, LONG_FILES);
}

/// Name and length of every function; the code is formatted, so a body ends where the indent does.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indent = &line[..line.len() - code.len()];
        let Some(at) = code.find("fn ") else { continue };
        let is_head = code[..at].split_whitespace().all(|word| {
            matches!(word, "const" | "async" | "unsafe" | "extern") || word.starts_with("pub")
        });
        if !is_head {
            continue;
        }
        let name: String =
            code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let close = format!("{indent}}}");
        // A signature without a body ends in a semicolon before any block opens.
        let head_end = lines[start..].iter().find(|line| line.ends_with(['{', '}', ';']));
        let has_body = head_end.is_some_and(|line| line.ends_with('{'));
        let closed = lines[start..].iter().position(|line| *line == close);
        if let (Some(closed), true) = (closed, has_body) {
            found.push((name, closed + 1));
        }
    }
    found
}

#[test]
fn functions_stay_short() {
    let mut over = Vec::new();
    for (file, text) in sources() {
        let long = functions(&text).into_iter().filter(|(_, lines)| *lines > FUNCTION_LINES);
        over.extend(long.map(|(name, lines)| (format!("{file} {name}"), lines)));
    }
    assert_ratchet("a function has at most 70 lines", &over, LONG_FUNCTIONS);
}

#[test]
fn functions_are_measured_from_head_to_closing_brace() {
    let text = "trait B {\n    fn b(\n        &self,\n    );\n}\nimpl A {\n    pub(crate) const fn a(\n        x: u8,\n    ) -> u8 {\n        x\n    }\n}\n";
    assert_eq!(functions(text), [("a".to_owned(), 5)]);
}

#[test]
fn no_test_is_switched_off_and_nothing_is_left_to_do() {
    let words = [concat!("#[ign", "ore"), concat!("tod", "o!("), concat!("unimpl", "emented!(")];
    let mut found = Vec::new();
    for (file, text) in sources() {
        let lines = text.lines().enumerate();
        let hit = lines.filter(|(_, line)| words.iter().any(|word| line.contains(word)));
        found.extend(hit.map(|(at, line)| format!("{file}:{}: {}", at + 1, line.trim())));
    }
    assert_none("switched off or left to do", &found);
}

#[test]
fn nobody_sleeps_without_a_reason() {
    let call = concat!("sle", "ep(");
    let mut found = Vec::new();
    let mut asleep = Vec::new();
    for (file, text) in sources() {
        let sleeps = text.lines().any(|line| {
            let code = line.trim_start();
            line.contains(call) && !code.starts_with("//")
        });
        if sleeps && SLEEPERS.iter().any(|(sleeper, _)| *sleeper == file) {
            asleep.push(file);
        } else if sleeps {
            found.push(file);
        }
    }
    let idle = SLEEPERS.iter().filter(|(file, _)| !asleep.contains(&(*file).to_owned()));
    found.extend(idle.map(|(file, _)| format!("{file} sleeps no more: take it off the list")));
    assert_none("a test waits for a condition, not for time to pass", &found);
}

#[test]
fn no_file_names_a_folder_of_somebodys_machine() {
    let homes = [concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Use", "rs/")];
    let mut found = Vec::new();
    for (file, text) in texts(&[".rs", ".md", ".toml", ".yaml", ".yml", ".json", ".sh", ".ci/run"])
    {
        let hit =
            text.lines().enumerate().filter(|(_, l)| homes.iter().any(|home| l.contains(home)));
        found.extend(hit.map(|(at, line)| format!("{file}:{}: {}", at + 1, line.trim())));
    }
    assert_none("paths are relative", &found);
}
