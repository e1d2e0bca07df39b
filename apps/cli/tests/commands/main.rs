//! The commands as users start them: what they print and how they exit.

mod folder;
mod size;
mod stress;
mod tutorial;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The folder with the lessons.
fn config() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config")
}

fn tidegate(args: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(args).current_dir(config().join("..")).env("NO_COLOR", "1");
    command.env("ACCESS_LOG", "access.log").env("OUTPUT", "output");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // One that does not read its input may have ended before.
    drop(stdin.write_all(input.as_bytes()));
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// The topologies of a folder, and their tests.
fn files(folder: &Path, end: &str) -> Vec<String> {
    let all = std::fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path());
    let named = all.filter_map(|path| path.to_str().map(str::to_owned));
    let is_test = |path: &String| path.ends_with(".test.yaml");
    let of = named.filter(|path| if end == ".yaml" { !is_test(path) } else { true });
    let mut files: Vec<String> = of.filter(|path| path.ends_with(end)).collect();
    files.sort();
    files
}

const LINES: &str = "job: { name: lines, metrics: { enabled: false } }
sources: { lines: { stdin: { format: text } } }
operators: { long: { inputs: lines, filter: CHAR_LENGTH(line) > 3 } }
sinks: { out: { inputs: long, print: { format: text } } }
";

fn lines() -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lines.yaml");
    std::fs::write(&path, LINES).expect("a file");
    path
}

#[test]
fn the_lessons_have_no_errors_and_their_tests_pass() {
    let mut all = files(&config(), ".yaml");
    all.extend(files(&config().join("nexmark"), ".yaml"));
    // Of a kind that only the program `nexmark` knows.
    all.retain(|path| !path.ends_with("q6.yaml"));
    assert!(all.len() > 40, "{} topologies", all.len());
    let args: Vec<&str> = ["validate"].into_iter().chain(all.iter().map(String::as_str)).collect();
    let told = tidegate(&args, "");
    assert!(told.status.success(), "{}", text(&told.stdout));
    let of_tests = files(&config(), ".test.yaml");
    assert_eq!(of_tests.len(), 3);
    let args: Vec<&str> =
        ["validate"].into_iter().chain(of_tests.iter().map(String::as_str)).collect();
    let told = tidegate(&args, "");
    assert!(told.status.success(), "a shell gives `config/*.yaml`: {}", text(&told.stdout));
    assert_eq!(text(&told.stdout).matches(": no errors\n").count(), 3);
    let tested = tidegate(&["test", "config"], "");
    assert!(tested.status.success(), "{}", text(&tested.stdout));
}

#[test]
fn a_job_reads_standard_input_and_prints() {
    let path = lines();
    let ran = tidegate(&["run", path.to_str().expect("text")], "one\nthree\nsix\nseven\n");
    assert_eq!(text(&ran.stdout), "three\nseven\n", "{}", text(&ran.stderr));
    assert!(ran.status.success());
    assert!(text(&ran.stderr).contains("job lines: finished"));
}

#[test]
fn what_has_errors_is_not_started() {
    let path = lines();
    let path = path.to_str().expect("text");
    let wrong = "--set=long.filter=CHAR_LENGHT(line) > 3";
    let refused = tidegate(&["run", path, wrong], "one\n");
    assert_eq!((refused.status.code(), text(&refused.stdout)), (Some(2), String::new()));
    let told = text(&refused.stderr);
    assert!(told.contains("--> --set:1:13") && told.contains("CHAR_LENGTH"), "{told}");
    let told = tidegate(&["validate", "--json", path, wrong], "");
    assert_eq!(told.status.code(), Some(1));
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).expect("JSON");
    assert_eq!(
        (&told[0]["file"], &told[0]["line"], &told[0]["column"]),
        (&"--set".into(), &1.into(), &13.into())
    );
    let absent = tidegate(&["run", "absent.yaml"], "");
    assert_eq!(absent.status.code(), Some(2));
    assert!(text(&absent.stderr).contains("error[T0001]"));
}

#[test]
fn tests_of_a_topology_are_validated_as_such() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    lines();
    let path = folder.join("validated.test.yaml");
    let tests = "topology: lines.yaml\ntests:\n  - name: a\n    expect: { lonk: [] }\n";
    std::fs::write(&path, tests).expect("a file");
    let path = path.to_str().expect("text");
    let told = tidegate(&["validate", path], "");
    assert_eq!(told.status.code(), Some(1));
    let said = text(&told.stdout);
    assert!(said.contains("error[T0602]") && said.contains("validated.test.yaml:4:"), "{said}");
    let told = tidegate(&["validate", "--json", path, "absent.test.yaml"], "");
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).expect("JSON");
    let codes: Vec<_> = (0..2).map(|at| told[at]["code"].as_str()).collect();
    assert_eq!(codes, [Some("T0602"), Some("T0001")], "{told}");
}

#[test]
fn a_topology_is_explained_in_three_forms() {
    let explained = |format: &str| {
        let told = tidegate(&["explain", "config/hot-items.yaml", "--format", format], "");
        assert!(told.status.success(), "{}", text(&told.stderr));
        text(&told.stdout)
    };
    let plain = explained("text");
    for part in ["operator top (window)", "by key  item_id", "computed from slices", "top-local"] {
        assert!(plain.contains(part), "`{part}` is not in\n{plain}");
    }
    assert!(explained("mermaid").starts_with("flowchart LR\n"));
    assert!(explained("dot").starts_with("digraph"));
}

#[test]
fn the_schema_is_the_one_for_editors() {
    let printed = tidegate(&["schema"], "");
    let kept = std::fs::read_to_string(config().join("schema/topology.json")).expect("a schema");
    let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    assert_eq!(parsed(&text(&printed.stdout)), parsed(&kept));
}
