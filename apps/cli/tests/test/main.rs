//! `tidegate test` on files beside this one: what it prints, word for word, and how it exits.

use std::path::Path;
use std::process::Command;

/// The exit code and what was printed, without how long it took.
fn test(args: &[&str]) -> (Option<i32>, String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/test");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    let ended = command.arg("test").args(args).current_dir(folder).output().expect("it starts");
    let said = [ended.stdout, ended.stderr].concat();
    let said = String::from_utf8(said).expect("text");
    let lines = said.lines().map(|line| match line.split_once("; finished in ") {
        Some((before, _)) => before,
        None => line,
    });
    (ended.status.code(), lines.collect::<Vec<_>>().join("\n"))
}

fn check(args: &[&str], code: i32, expected: &str) {
    let (ended, said) = test(args);
    assert_eq!(said, expected.trim_end(), "{args:?} prints (left)\n{said}");
    assert_eq!(ended, Some(code), "{args:?}");
}

#[test]
fn a_line_for_each_test_that_passes() {
    check(
        &["jobs/clicks.test.yaml"],
        0,
        "jobs/clicks.test.yaml
  cheap clicks are left out ... ok
  the first user divides by zero ... ok

test result: ok. 2 passed; 0 failed",
    );
}

#[test]
fn a_filter_leaves_tests_out() {
    check(
        &["--filter", "cheap", "jobs/clicks.test.yaml"],
        0,
        "jobs/clicks.test.yaml
  cheap clicks are left out ... ok

test result: ok. 1 passed; 0 failed; 1 filtered out",
    );
}

#[test]
fn a_folder_is_looked_through_and_failures_are_told_at_the_end() {
    check(&["jobs"], 1, include_str!("jobs.txt"));
}

#[test]
fn broken_files_are_told_and_the_others_run_all_the_same() {
    check(
        &["absent.test.yaml", "broken.test.yaml", "jobs/clicks.test.yaml"],
        2,
        include_str!("broken.txt"),
    );
}

#[test]
fn a_folder_without_tests_is_a_mistake() {
    let (code, said) = test(&["jobs/none"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("jobs/none") && said.contains("1 broken file"), "{said}");
    assert_eq!(test(&[]).0, Some(2));
}
