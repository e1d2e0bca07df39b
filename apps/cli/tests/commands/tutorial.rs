//! The tutorial, typed word for word into one shell: what its commands print is what it shows.
//!
//! `TIDEGATE_BLESS=1 cargo test -p tidegate-cli --test commands tutorial` writes what they print into the page: read it
//! before it is committed.

use crate::text;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Stands before the output of each block.
const MARK: &str = "==== block ";

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../framework/docs/tutorial.md")
}

/// A part of the page.
enum Part {
    Words(String),
    /// Commands, and what they are shown to print.
    Commands(String, String),
}

fn parts(page: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    for (at, piece) in page.split("```").enumerate() {
        // Every other piece stands between fences.
        let is_code = at % 2 == 1;
        match (is_code, piece.split_once('\n'), parts.last_mut()) {
            (true, Some(("sh", commands)), _) => {
                parts.push(Part::Commands(commands.to_owned(), String::new()));
            }
            (true, Some(("text", output)), Some(Part::Commands(_, shown))) => {
                output.clone_into(shown);
            }
            // Nothing but space between commands and their output.
            (false, _, Some(Part::Commands(..))) if piece.trim().is_empty() => {}
            (false, _, _) => parts.push(Part::Words(piece.to_owned())),
            (true, _, _) => parts.push(Part::Words(format!("```{piece}```"))),
        }
    }
    parts
}

/// What the commands of each block print, on either stream.
fn run(blocks: &[&String]) -> Vec<String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tutorial");
    // From a run before; the first one finds nothing.
    drop(std::fs::remove_dir_all(&folder));
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut script = String::from("exec 2>&1\n");
    for block in blocks {
        write!(script, "echo '{MARK}'\n{block}").expect("a text");
    }
    let program = Path::new(env!("CARGO_BIN_EXE_tidegate"));
    let bin = program.parent().expect("a folder").display();
    let path = format!("{bin}:{}", std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).current_dir(&folder).env("PATH", path).env("NO_COLOR", "1");
    let ended = shell.stdin(Stdio::null()).output().expect("a shell");
    let printed = text(&ended.stdout);
    let printed = printed.split(&format!("{MARK}\n")).skip(1).map(str::to_owned).collect();
    std::fs::remove_dir_all(folder).expect("its own folder");
    printed
}

/// The text without what differs from run to run: times, and how many checkpoints there were.
fn timeless(text: &str) -> String {
    let numberless = |text: &str| {
        let words = text.split(|c: char| c.is_ascii_digit() || c == '.');
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        words.join("0").replace("checkpoints,", "checkpoint,")
    };
    let line = |line: &str| match line.split_once("finished in ") {
        Some((result, time)) => format!("{result}finished in {}", numberless(time)),
        None if line.starts_with("job ") => numberless(line),
        None => line.to_owned(),
    };
    text.trim_end().lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_tutorial_works_word_for_word() {
    let page_text = std::fs::read_to_string(page()).expect("the page");
    let parts = parts(&page_text);
    let blocks: Vec<&String> = parts
        .iter()
        .filter_map(|part| match part {
            Part::Commands(commands, _) => Some(commands),
            Part::Words(_) => None,
        })
        .collect();
    assert!(blocks.len() >= 10, "{} blocks", blocks.len());
    let printed = run(&blocks);
    assert_eq!(printed.len(), blocks.len(), "a block has ended the shell: {printed:#?}");
    let mut printed = printed.iter();
    let mut blessed = String::new();
    for part in &parts {
        match part {
            Part::Words(words) => blessed.push_str(words),
            Part::Commands(commands, shown) => {
                let output = printed.next().expect("as many");
                write!(blessed, "```sh\n{commands}```").expect("a text");
                if !output.trim().is_empty() {
                    write!(blessed, "\n\n```text\n{}\n```", output.trim_end()).expect("a text");
                }
                if std::env::var_os("TIDEGATE_BLESS").is_none() {
                    assert_eq!(timeless(output), timeless(shown), "what is printed by\n{commands}");
                }
            }
        }
    }
    if std::env::var_os("TIDEGATE_BLESS").is_some() {
        std::fs::write(page(), blessed).expect("writable");
    }
}
