//! What work costs, in instructions: a ratchet in both directions, with a little room.
//!
//! Each workload of `tests/instructions` runs under callgrind; what it took is compared with
//! `tests/instructions/baseline.json`, which has a list per processor, profile, way to build (incremental or not) and
//! compiler: another of these gives other counts, and nothing to compare with. It is kept for CI's way, not incremental.

use crate::tree::root;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

/// How far counts may lie apart, in either direction.
const ROOM: f64 = 0.03;

const PROGRAM: &str = env!("CARGO_BIN_EXE_instructions");

const BASELINE: &str = "tests/instructions/baseline.json";

const BLESS: &str =
    "CARGO_INCREMENTAL=0 TIDEGATE_BLESS=1 cargo test -p tidegate-tests --test tidy instructions";

/// The C library copies memory as the processor can best: here as any can, so that counts do not hang on it.
const TUNABLES: &str = "glibc.cpu.hwcaps=-AVX2,-AVX2_Usable,-AVX512F,-AVX512VL,-ERMS,-FSRM,\
                        -AVX_Fast_Unaligned_Load,-Fast_Unaligned_Copy,-SSSE3,-SSE4_1,-SSE4_2";

/// Counts by workload.
type Counts = BTreeMap<String, u64>;

fn output_of(command: &mut Command) -> Option<String> {
    let ended = command.output().ok().filter(|ended| ended.status.success())?;
    Some(String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned())
}

/// What a list of counts holds for.
fn setting() -> String {
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    let rustc = output_of(Command::new("rustc").arg("--version")).expect("there is a compiler");
    let version = rustc.split_whitespace().nth(1).expect("a version");
    // It divides the code otherwise, and so inlines otherwise: by 2.6 % where that matters most.
    let whole = std::env::var_os("CARGO_INCREMENTAL").is_some_and(|value| value == "0");
    let built = if whole { "whole" } else { "incremental" };
    format!("{} {profile} {built} rustc {version}", std::env::consts::ARCH)
}

fn count(workload: &str) -> u64 {
    let mut callgrind = Command::new("valgrind");
    callgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    callgrind.arg("--toggle-collect=*measured_work*").arg(PROGRAM);
    callgrind.arg(workload).env("GLIBC_TUNABLES", TUNABLES);
    let said = output_of(&mut callgrind).expect("the workload runs under callgrind");
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let (_, count) = collected.unwrap_or_else(|| panic!("callgrind counts: {said}"));
    count.trim().parse().expect("a number")
}

/// What is wrong with a count, if it is.
fn judge(workload: &str, now: u64, before: Option<u64>) -> Option<String> {
    let Some(before) = before else {
        return Some(format!("{workload}: {now} instructions, and no baseline"));
    };
    let change = now as f64 / before as f64 - 1.0;
    let percent = change * 100.0;
    let told = format!("{workload}: {before} instructions before, {now} now ({percent:+.1} %)");
    if change > ROOM {
        return Some(format!("{told}: dearer; if that is what it is worth, bless it"));
    }
    (change < -ROOM).then(|| format!("{told}: cheaper; bless it, so that it stays"))
}

#[test]
fn instructions_are_as_many_as_before() {
    if output_of(Command::new("valgrind").arg("--version")).is_none() {
        let missing =
            "valgrind is missing: instructions are not counted; `apt-get install valgrind`";
        assert!(std::env::var_os("CI").is_none(), "{missing}");
        eprintln!("{missing}");
        return;
    }
    let (file, setting) = (root().join(BASELINE), setting());
    let text = fs::read_to_string(&file).expect("a baseline");
    let mut baseline: BTreeMap<String, Counts> = serde_json::from_str(&text).expect("JSON");
    let bless = std::env::var_os("TIDEGATE_BLESS").is_some();
    if !bless && !baseline.contains_key(&setting) {
        eprintln!("{BASELINE} has nothing for {setting}: instructions are not compared; {BLESS}");
        return;
    }
    let names = output_of(&mut Command::new(PROGRAM)).expect("it names its workloads");
    let now: Counts = names.lines().map(|name| (name.to_owned(), count(name))).collect();
    if bless {
        baseline.insert(setting, now);
        let text = serde_json::to_string_pretty(&baseline).expect("counts are JSON");
        fs::write(&file, text + "\n").expect("the baseline is written");
        return;
    }
    let before = &baseline[&setting];
    let judge = |(name, now): (&String, &u64)| judge(name, *now, before.get(name).copied());
    let mut wrong: Vec<String> = now.iter().filter_map(judge).collect();
    let gone = before.keys().filter(|name| !now.contains_key(*name));
    wrong.extend(gone.map(|name| format!("{name}: it is gone; bless the others")));
    assert!(
        wrong.is_empty(),
        "{setting}:\n  {}\nA new baseline: {BLESS}\nWhere they go: valgrind --tool=callgrind \
         '--toggle-collect=*measured_work*' {PROGRAM} WORKLOAD",
        wrong.join("\n  "),
    );
}

#[test]
fn a_count_is_judged_in_both_directions() {
    assert_eq!(judge("w", 102, Some(100)), None);
    assert_eq!(judge("w", 98, Some(100)), None);
    assert!(judge("w", 104, Some(100)).is_some_and(|said| said.contains("dearer")));
    assert!(judge("w", 96, Some(100)).is_some_and(|said| said.contains("cheaper")));
    assert!(judge("w", 96, None).is_some_and(|said| said.contains("no baseline")));
}
