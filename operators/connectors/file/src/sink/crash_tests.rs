//! The file sink in a process that dies at each of its steps on the disk.

use super::FileSink;
use super::tests::{Job, Manifest, Outcome, numbers, published, up_to};
use crate::crash;
use crate::scratch::Scratch;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tidegate_core::codec;
use tidegate_core::element::BarrierKind;

/// The variable that tells the child of the crash matrix where to work.
const VICTIM: &str = "TIDEGATE_FILE_VICTIM";

fn rolling(folder: &Path) -> FileSink<u64> {
    numbers(folder.join("out")).roll_bytes(60).bucket(|row| format!("odd={}", row % 2))
}

fn manifests(folder: &Path) -> Vec<Manifest> {
    let bytes = fs::read(folder.join("manifests"));
    bytes.map_or(Vec::new(), |bytes| codec::from_cbor(&bytes).unwrap())
}

/// The next run's number; written before the run makes anything of that name.
fn next_run(folder: &Path) -> u64 {
    let run = fs::read_to_string(folder.join("run")).map_or(0, |run| run.parse().unwrap());
    fs::write(folder.join("run"), (run + 1).to_string()).unwrap();
    run
}

fn keep(folder: &Path, manifests: &[Manifest]) {
    fs::write(folder.join("next"), codec::to_cbor(&manifests)).unwrap();
    fs::rename(folder.join("next"), folder.join("manifests")).unwrap();
}

/// Runs under a crash point in a process of its own: goes on from the manifests it finds, one back if
/// there are several.
#[test]
fn the_victim_of_the_crash_matrix() {
    let Some(folder) = std::env::var_os(VICTIM).map(PathBuf::from) else { return };
    let mut kept = manifests(&folder);
    kept.truncate(kept.len().saturating_sub(1).max(1));
    keep(&folder, &kept);
    let mut job = Job::start(rolling(&folder), 2, next_run(&folder), kept);
    for _ in 0..4 {
        job.write(25);
        job.barrier(BarrierKind::Periodic, Outcome::Completed);
        keep(&folder, &job.manifests);
        job.commit();
    }
}

#[test]
fn a_crash_at_any_step_on_the_disk_loses_and_repeats_nothing() {
    let mut died = std::collections::BTreeSet::new();
    for (point, nth) in crash::ALL.iter().flat_map(|point| [1, 2, 5].map(|nth| (point, nth))) {
        let scratch = Scratch::new();
        let armed = Some(format!("{point}:{nth}"));
        // From nothing, then unharmed, then from what that left, then from what the crash left.
        for armed in [&armed, &None, &armed, &armed] {
            let mut victim = Command::new(std::env::current_exe().unwrap());
            victim.args(["--exact", "sink::crash_tests::the_victim_of_the_crash_matrix"]);
            victim.env(VICTIM, scratch.path()).stdout(Stdio::null()).stderr(Stdio::null());
            victim.envs(armed.iter().map(|armed| (crash::VARIABLE, armed)));
            let status = victim.status().unwrap();
            assert!(status.success() || (armed.is_some() && status.code().is_none()), "{status}");
            if !status.success() {
                died.insert(*point);
            }
        }
        let job = Job::start(
            rolling(scratch.path()),
            2,
            next_run(scratch.path()),
            manifests(scratch.path()),
        );
        assert_eq!(published(&scratch.path().join("out")), up_to(job.rows), "{point}:{nth}");
    }
    let missed: Vec<_> = crash::ALL.iter().filter(|point| !died.contains(*point)).collect();
    assert!(missed.is_empty(), "nobody died at {missed:?}");
}
