//! Dies at every named point of the storage and of the file sink, and goes on.
//!
//! Some points are passed on every run, others only by a recovery that finds something to put in
//! order; for those the ground is prepared by an earlier death. That a point was reached is part of
//! the test: a point that is never passed tests nothing.

use crate::damage;
use crate::job_process::{Place, Start, Storage, is_full_run};
use crate::subject::{HOT_ITEMS, LOG_METHODS, Subject, USER_SESSIONS};

/// What must have happened before the run that dies at a point passes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Nothing,
    /// Died with rows durable whose checkpoint is not.
    UnconfirmedRows,
    /// The newest checkpoint is damaged: its parts are taken back.
    DamagedCheckpoint,
}

impl Before {
    fn earlier_death(self) -> &'static str {
        match self {
            // A file grows only at a barrier here, so this is after several and within one.
            Self::UnconfirmedRows => "file-sink.after-write:12",
            _ => "manifest.write.before:6",
        }
    }
}

fn before(point: &str) -> Before {
    match point.strip_prefix("file-sink.") {
        Some("before-truncate" | "after-truncate" | "before-delete" | "after-delete") => {
            Before::UnconfirmedRows
        }
        Some("before-unpublish" | "after-unpublish") => Before::DamagedCheckpoint,
        _ => Before::Nothing,
    }
}

/// Whether the point exists with this storage, and this test can prepare the ground for it.
fn is_reachable(point: &str, storage: Storage) -> bool {
    storage == Storage::Folder
        || (!matches!(before(point), Before::DamagedCheckpoint) && storage == Storage::Sled)
}

/// The jobs that pass the point. Sessions in disordered input are told at the end only: no row
/// of theirs is on disk while they run.
fn subjects(point: &str) -> &'static [Subject] {
    let with_rows_on_the_way = point.starts_with("file-sink.");
    if with_rows_on_the_way {
        &[HOT_ITEMS, LOG_METHODS]
    } else {
        &[HOT_ITEMS, LOG_METHODS, USER_SESSIONS]
    }
}

/// A place where a run has died already, so that the next one passes the point.
fn prepared(subject: Subject, before: Before, start: &dyn Fn(&Place) -> Start) -> Option<Place> {
    // Rarely the newest rows are in the oldest checkpoint that is kept: nothing to go back to then.
    for _ in 0..20 {
        let place = Place::of(subject)?;
        if before != Before::Nothing {
            let rate = subject.rate_for_ms(1_100);
            let died = start(&place).flag("--rate", rate).crash(before.earlier_death()).run();
            assert!(died.is_crash(), "{before:?}: {died:?}");
        }
        if before != Before::DamagedCheckpoint || damage::flip_newest_with_rows(&place) {
            return Some(place);
        }
    }
    panic!("no ground to stand on for {before:?}");
}

/// Dies at the Nth passing of `point`, goes on, and says whether it died at all.
fn survive(
    subject: Subject,
    point: &str,
    nth: u64,
    storage: Storage,
    parallelism: u32,
) -> Option<bool> {
    let case = format!("{}, {point}:{nth}, {storage:?}, parallelism {parallelism}", subject.job);
    // Pieces of a file that is cut back are only there when files stay open across checkpoints.
    let lazy = point.ends_with("truncate");
    let start = |place: &Place| {
        let start = if lazy { place.lazy_job(storage) } else { place.job(storage) };
        start.parallelism(parallelism)
    };
    // So far between that there are rows in each.
    let prepare = |place: &Place| match before(point) {
        Before::DamagedCheckpoint => place.eager_job(storage, "100ms").parallelism(parallelism),
        _ => start(place),
    };
    let place = prepared(subject, before(point), &prepare)?;
    let rate = subject.rate_for_ms(1_400);
    let ended = start(&place).flag("--rate", rate).crash(&format!("{point}:{nth}")).run();
    ended.assert_no_panic_text(&case);
    let died = ended.is_crash();
    assert!(died || ended.code == Some(0), "{case}: {ended:?}");
    place.assert_partial(&case);
    let resumed = start(&place).run();
    resumed.assert_clean(&case);
    place.assert_exact(&case);
    Some(died)
}

fn points() -> Vec<&'static str> {
    let all = tidegate_state::points::ALL.iter().chain(tidegate_file::crash::ALL);
    // No job here has a state that is large enough; the storage's own matrix dies in its files.
    all.copied().filter(|point| !point.starts_with("sled.file.")).collect()
}

#[test]
fn dying_at_any_named_point_once_leaves_exactly_the_expected_rows() {
    for (number, point) in points().into_iter().enumerate() {
        let only_sled = point.starts_with("sled.");
        let take_folder = number % 2 == 0 || before(point) == Before::DamagedCheckpoint;
        let storage = if take_folder && !only_sled { Storage::Folder } else { Storage::Sled };
        let parallelism = 1 + (number / 2 % 2) as u32;
        for &subject in subjects(point) {
            match survive(subject, point, 1, storage, parallelism) {
                None => return,
                Some(died) => {
                    assert!(died, "{point} is never passed with {storage:?} by {}", subject.job);
                }
            }
        }
    }
}

#[test]
fn dying_around_the_final_checkpoint_leaves_exactly_the_expected_rows() {
    // One checkpoint only: the claim is the first manifest, it is the second, `finished` the third.
    let points = [
        "manifest.write.before:2",
        "manifest.write.after:2",
        "file-sink.before-rename:1",
        "file-sink.after-rename:1",
        "manifest.write.before:3",
        "manifest.write.after:3",
    ];
    for storage in [Storage::Sled, Storage::Folder] {
        for point in points {
            let Some(place) = Place::new() else { return };
            let case = format!("{point}, {storage:?}");
            let start = place.unhurried_job(storage).parallelism(2);
            let died = start.flag("--checkpoint-interval", "1h").crash(point).run();
            assert!(died.is_crash(), "{case}: {died:?}");
            let resumed = place.lazy_job(storage).run();
            resumed.assert_clean(&case);
            place.assert_exact(&case);
            let is_finished = resumed.said.contains("finished before");
            assert_eq!(is_finished, point == "manifest.write.after:3", "{case}: {}", resumed.said);
        }
    }
}

#[test]
fn dying_at_any_named_point_at_every_passing_with_every_storage() {
    if !is_full_run() {
        return;
    }
    let mut survived = Vec::new();
    for point in points() {
        let mut reached = false;
        for storage in [Storage::Sled, Storage::Folder] {
            if point.starts_with("sled.") && storage == Storage::Folder {
                continue;
            }
            if !is_reachable(point, storage) {
                continue;
            }
            for (nth, parallelism) in [(1, 1), (1, 2), (2, 1), (2, 2), (5, 1), (5, 2)] {
                for &subject in subjects(point) {
                    let died = survive(subject, point, nth, storage, parallelism);
                    let Some(died) = died else { return };
                    reached |= died;
                    if !died {
                        let job = subject.job;
                        survived.push(format!("{job}, {point}:{nth}, {storage:?}, {parallelism}"));
                    }
                }
            }
        }
        assert!(reached, "{point} is never passed");
    }
    println!("not passed so often: {survived:#?}");
}
