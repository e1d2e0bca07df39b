//! A corpus of mistakes that users make: each file beside the exact diagnostics that it gives. Comments `# --set` are
//! overrides, as if they stood on the command line.
//!
//! `TIDEGATE_BLESS=1 cargo test -p tidegate-topology` writes what is expected anew: read it as a user would
//! before it is committed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use tidegate_topology::code::{self, Code};
use tidegate_topology::diagnostic::{Paint, to_json};
use tidegate_topology::kinds::Kinds;
use tidegate_topology::tree::Variables;
use tidegate_topology::{Loaded, Source, load};

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder of topologies")
        .map(|file| file.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    files.sort();
    files
}

fn loaded(path: &Path) -> Loaded {
    let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
    let text = fs::read_to_string(path).expect("a topology");
    let variables = [("DATA", "data/clicks.csv"), ("EMPTY", "")].into_iter().collect();
    let overrides: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# --set ")).collect();
    let source = Source::new(name, text.as_str()).with_overrides(&overrides);
    load(source, &variables, &Kinds::default())
}

fn blessing() -> bool {
    std::env::var_os("TIDEGATE_BLESS").is_some()
}

#[test]
fn each_mistake_is_told_as_expected() {
    let mut wrong = Vec::new();
    let files = files("broken");
    assert!(files.len() >= 40, "the corpus has {} files", files.len());
    for path in files {
        let loaded = loaded(&path);
        let told = loaded.render(Paint::Plain);
        assert!(!loaded.diagnostics.is_empty(), "{}: nothing is wrong with it", path.display());
        let beside = path.with_extension("txt");
        if blessing() {
            fs::write(&beside, &told).expect("a file beside the topology");
        } else if fs::read_to_string(&beside).ok().as_deref() != Some(&told) {
            wrong.push(format!("--- {}\n{told}", path.display()));
        }
        let json = to_json(&loaded.source, &loaded.diagnostics);
        assert_eq!(json.as_array().map(Vec::len), Some(loaded.diagnostics.len()));
        let coloured = loaded.render(Paint::Coloured);
        assert!(coloured.contains("\u{1b}["));
        assert_eq!(without_colour(&coloured), told, "colour changes the text");
    }
    assert!(wrong.is_empty(), "other diagnostics than expected:\n{}", wrong.join("\n"));
}

fn without_colour(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    // Spaces at the end of a line fall away where nothing was painted behind them.
    let plain = plain + rest;
    plain.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn good_topologies_are_told_nothing() {
    let files = files("good");
    assert!(files.len() >= 4);
    for path in files {
        let loaded = loaded(&path);
        assert!(loaded.diagnostics.is_empty(), "{}", loaded.render(Paint::Plain));
    }
}

#[test]
fn each_code_is_shown_by_the_corpus() {
    let told: BTreeSet<Code> = files("broken")
        .iter()
        .flat_map(|path| {
            let loaded = loaded(path);
            loaded.diagnostics.sorted().into_iter().map(|one| one.code).collect::<Vec<_>>()
        })
        .collect();
    // A file that cannot be read is no file of the corpus; files with tests have one of their own.
    let missing: Vec<&str> = code::table()
        .filter(|row| !told.contains(&row.code) && row.code != Code::Unreadable)
        .filter(|row| !row.name.starts_with("T06"))
        .map(|row| row.name)
        .collect();
    assert!(missing.is_empty(), "no file of the corpus shows {missing:?}");
}

#[test]
fn two_looks_at_a_file_say_the_same() {
    for path in files("broken") {
        assert_eq!(loaded(&path).render(Paint::Plain), loaded(&path).render(Paint::Plain));
    }
}

#[test]
fn variables_of_the_process_can_be_taken() {
    assert_ne!(Variables::of_process(), Variables::default());
}
