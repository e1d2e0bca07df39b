//! Files made to hurt: bombs, nesting without end, far too much. Each is refused, and the process stays small: it is read in
//! a process of its own, whose largest size is then looked at.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use tidegate_rows::expression::Expression;
use tidegate_topology::diagnostic::{Paint, Severity};
use tidegate_topology::kinds::Kinds;
use tidegate_topology::tree::Variables;
use tidegate_topology::{Source, limits, load};

/// Says in the process of its own which file it reads.
const CASE: &str = "TIDEGATE_HOSTILE_CASE";

/// So large may a process become, in KiB, code and all.
const MOST_KIB: u64 = 64 * 1024;

const DEEP: usize = 100_000;

const MEBIBYTE: usize = 1 << 20;

/// Ten aliases in ten aliases, and so on: 10^9 texts.
fn laughs() -> String {
    let mut bomb = String::from("x-a: &a [ha,ha,ha,ha,ha,ha,ha,ha,ha,ha]\n");
    for (before, name) in "abcdefgh".chars().zip("bcdefghi".chars()) {
        let ten = format!("*{before},").repeat(10);
        let _ = writeln!(bomb, "x-{name}: &{name} [{ten}]");
    }
    bomb
}

/// The same of mappings that are merged.
fn merged_laughs() -> String {
    let mut bomb = String::from("x-a: &a { a1: 1, a2: 2, a3: 3 }\n");
    for (before, name) in "abcdefgh".chars().zip("bcdefghi".chars()) {
        let fields: String = (0..10).map(|n| format!("{name}{n}: *{before}, ")).collect();
        let _ = writeln!(bomb, "x-{name}: &{name} {{ <<: *{before}, {fields} }}");
    }
    bomb
}

fn filter(expression: &str) -> String {
    format!(
        "job: {{ name: a }}\nsources: {{ s: {{ file: {{ path: a.csv, format: csv }}, schema: {{ a: boolean }} }} }}\n\
         operators: {{ f: {{ inputs: s, filter: \"{expression}\" }} }}\nsinks: {{ o: {{ inputs: f, print: {{}} }} }}\n"
    )
}

/// Each file, by name.
fn files() -> Vec<(&'static str, String)> {
    let full = |part: &str| part.repeat((MEBIBYTE - 64) / part.len());
    vec![
        ("laughs", laughs()),
        ("merged laughs", merged_laughs()),
        ("an anchor within itself", "x-a: &a [*a]\n".into()),
        ("anchors within each other", "x-a: &a { b: &b [*a, &c [*b, *c]] }\n".into()),
        ("sequences", format!("x: {}", "[".repeat(DEEP))),
        ("closed sequences", format!("x: {}{}", "[".repeat(DEEP), "]".repeat(DEEP))),
        ("mappings", format!("x: {}", "{a: ".repeat(DEEP))),
        ("dashes", "- ".repeat(DEEP)),
        ("keys", "? ".repeat(DEEP)),
        ("anchors", format!("x: {}", "&a [".repeat(DEEP))),
        ("tags", format!("x: {}", "!a [".repeat(DEEP))),
        ("variables", format!("x: \"{}\"", "${A:-".repeat(DEEP))),
        ("aliases", format!("x-a: &a [1]\nx-b: [{}]", "*a,".repeat(DEEP))),
        ("many values", full("- 1\n")),
        ("many keys", (0..80_000).map(|n| format!("k{n}: 1\n")).collect()),
        ("one key", full("a: 1\n")),
        ("escapes", format!("x: \"{}\"", full("\\n"))),
        ("lines in a block", format!("x: >-\n{}", full("  a\n"))),
        ("parentheses", filter(&"(".repeat(DEEP))),
        ("closed parentheses", filter(&format!("{}a{}", "(".repeat(8_000), ")".repeat(8_000)))),
        ("negations", filter(&format!("{}a", "not ".repeat(DEEP)))),
        ("some negations", filter(&format!("{}a", "not ".repeat(2_900)))),
        ("minus", filter(&format!("{}1", "- ".repeat(2_900)))),
        ("cases", filter(&"case when ".repeat(1_400))),
        ("fields", filter(&format!("a{}", ".a".repeat(1_400)))),
        ("indices", filter(&format!("a{}", "[1]".repeat(900)))),
    ]
}

/// Reads a file, and says how large the process has become.
fn read(text: String) -> u64 {
    assert!(text.len() as u64 <= limits::FILE_BYTES, "it would be refused for its length alone");
    let variables = Variables::default();
    let loaded = load(Source::new("hostile.yaml", text), &variables, &Kinds::default());
    assert!(loaded.diagnostics.has_errors(), "it was taken");
    let sorted = loaded.diagnostics.sorted();
    let first = sorted.iter().find(|one| one.severity() == Severity::Error).expect("an error");
    assert!(!first.message.is_empty() && first.message.len() < 500, "{}", first.message);
    assert!(loaded.render(Paint::Plain).len() < MEBIBYTE, "nobody reads so much");
    largest_kib()
}

fn largest_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its size");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Runs this test program again, for one file.
fn in_its_own_process(test: &str, case: &str) -> u64 {
    let program = std::env::current_exe().expect("this program");
    let mut run = Command::new(program);
    run.args([&format!("hostile::{test}"), "--exact", "--nocapture"]).env(CASE, case);
    let output = run.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{case}: {said}{}", String::from_utf8_lossy(&output.stderr));
    let size = said.lines().find_map(|line| line.split_once("largest: "));
    let (_, size) = size.unwrap_or_else(|| panic!("{case}: {said}"));
    size.trim().parse().expect("a number")
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_made_to_hurt_is_refused_by_a_process_that_stays_small() {
    if let Ok(case) = std::env::var(CASE) {
        let (_, text) = files().into_iter().find(|(name, _)| *name == case).expect("a file");
        println!("\nlargest: {}", read(text));
        return;
    }
    for (case, _) in files() {
        let test = "a_file_made_to_hurt_is_refused_by_a_process_that_stays_small";
        let size = in_its_own_process(test, case);
        assert!(size < MOST_KIB, "{case} took {size} KiB");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_has_no_length_or_no_end_is_not_read_to_its_end() {
    if std::env::var_os(CASE).is_some() {
        let error = Source::read(Path::new("/dev/zero")).expect_err("there is no end of it");
        assert!(error.message.contains("too large"), "{}", error.message);
        println!("\nlargest: {}", largest_kib());
        return;
    }
    let test = "what_has_no_length_or_no_end_is_not_read_to_its_end";
    let size = in_its_own_process(test, "zero");
    assert!(size < MOST_KIB, "{size} KiB");
}

#[test]
fn an_expression_that_is_nested_without_end_is_refused() {
    for (open, close) in [("(", ")"), ("not ", ""), ("- ", ""), ("abs(", ")"), ("case when ", "")] {
        for times in [200, 1_000, 100_000] {
            let text = format!("{}i{}", open.repeat(times), close.repeat(times));
            let errors = Expression::parse(&text).expect_err("too deep");
            assert!(!errors.is_empty(), "{open} {times}");
        }
    }
}
