//! The file sink against a plain list of rows: any order of writing, barriers, commits and crashes.
//!
//! `Job` plays the job master: it keeps the manifests, and after a crash goes back to one of them.
//! What must hold: after a recovery the published rows are exactly those up to its checkpoint.

use super::*;
use crate::scratch::Scratch;
use proptest::prelude::*;
use serde::Deserialize;
use std::task::{Wake, Waker};
use std::thread::{self, Thread};
use std::{fs, path::Path};
use tidegate_core::element::{Barrier, BarrierKind, Batch, Record};
use tidegate_core::sink::{Prepared, RecoveryPoint, Refusal, Sealed, Sink};
use tidegate_core::snapshot::Committable;
use tidegate_core::time::Timestamp;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// A completed checkpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    epoch: u64,
    rows: u64,
    committables: Vec<Committable>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Outcome {
    Aborted,
    Completed,
    Committed,
}

pub(crate) struct Job {
    pub(crate) sink: FileSink<u64>,
    subtasks: Vec<FileWriter<u64>>,
    owner: &'static str,
    run: u64,
    pub(crate) rows: u64,
    epoch: u64,
    /// Sealed and not known to be committed.
    uncommitted: Vec<Committable>,
    pub(crate) manifests: Vec<Manifest>,
}

fn committables(epoch: u64, sealed: Vec<Sealed>) -> impl Iterator<Item = Committable> {
    let of =
        move |Sealed { rows, payload }| Committable { sink: "out".into(), epoch, rows, payload };
    sealed.into_iter().map(of)
}

fn write(writer: &mut FileWriter<u64>, rows: impl Iterator<Item = u64>) -> Result<(), BoxError> {
    let records: Vec<_> = rows.map(|row| Record::new(row, Timestamp::MIN)).collect();
    let mut batch = Batch::new(records, Vec::new());
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        writer.write(&mut batch, &waker)?;
        if batch.open() == 0 {
            return Ok(());
        }
        thread::park();
    }
}

fn freeze(
    writer: &mut FileWriter<u64>,
    checkpoint: u64,
    kind: BarrierKind,
) -> Result<Prepared, BoxError> {
    writer.freeze(Barrier { checkpoint, kind, sent: 0 })?.prepare()
}

impl Job {
    pub(crate) fn start(
        sink: FileSink<u64>,
        subtasks: u32,
        run: u64,
        manifests: Vec<Manifest>,
    ) -> Self {
        let mut job = Self {
            sink,
            subtasks: Vec::new(),
            owner: "job 1",
            run,
            rows: 0,
            // No number is used twice, also not by another run.
            epoch: run * 100,
            uncommitted: Vec::new(),
            manifests,
        };
        job.recover(subtasks).unwrap();
        job
    }

    fn recover(&mut self, subtasks: u32) -> Result<(), BoxError> {
        self.subtasks.clear();
        let point = self.manifests.last();
        self.sink.committer()?.recover(RecoveryPoint {
            owner: self.owner,
            checkpoint: point.map(|manifest| manifest.epoch),
            committables: point.map_or(&[], |manifest| &manifest.committables),
            committed_rows: 0,
            fresh: false,
        })?;
        self.rows = point.map_or(0, |manifest| manifest.rows);
        self.uncommitted.clear();
        self.run += 1;
        for index in 0..subtasks {
            let (operator, run) = ("out".into(), self.run);
            let identity =
                SubtaskIdentity { operator, index, parallelism: subtasks, run, attempt: 0 };
            self.subtasks.push(self.sink.create(&identity)?);
        }
        Ok(())
    }

    pub(crate) fn write(&mut self, rows: u64) {
        let subtasks = self.subtasks.len() as u64;
        for (index, writer) in self.subtasks.iter_mut().enumerate() {
            let all = self.rows..self.rows + rows;
            write(writer, all.filter(|row| row % subtasks == index as u64)).unwrap();
        }
        self.rows += rows;
    }

    /// A barrier; the manifest it leaves if it completes.
    pub(crate) fn barrier(&mut self, kind: BarrierKind, outcome: Outcome) -> Option<Manifest> {
        self.epoch += 1;
        let mut unsealed = Vec::new();
        for writer in &mut self.subtasks {
            let prepared = freeze(writer, self.epoch, kind).unwrap();
            assert!(kind == BarrierKind::Periodic || prepared.unsealed.is_empty());
            self.uncommitted.extend(committables(self.epoch, prepared.sealed));
            unsealed.extend(committables(self.epoch, prepared.unsealed));
        }
        if outcome == Outcome::Aborted {
            return None;
        }
        let committables = [self.uncommitted.clone(), unsealed].concat();
        let manifest = Manifest { epoch: self.epoch, rows: self.rows, committables };
        self.manifests.push(manifest.clone());
        if outcome == Outcome::Committed {
            self.commit();
        }
        Some(manifest)
    }

    pub(crate) fn commit(&mut self) {
        let committer = self.sink.committer().unwrap();
        committer.commit(&self.uncommitted).unwrap();
        committer.commit(&self.uncommitted).unwrap();
        self.uncommitted.clear();
    }
}

/// The rows of all parts in `folder`, sorted; and how many files are not parts.
pub(crate) fn published(folder: &Path) -> (Vec<u64>, usize) {
    let (mut rows, mut others) = (Vec::new(), 0);
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let below = published(&path);
            rows.extend(below.0);
            others += below.1;
        } else if path.file_name().unwrap().to_str().unwrap().starts_with("part-") {
            let text = fs::read_to_string(&path).unwrap();
            assert!(!text.is_empty(), "an empty part: {}", path.display());
            rows.extend(text.lines().map(|line| line.parse::<u64>().unwrap()));
        } else if !path.ends_with(".tidegate-lock") {
            others += 1;
        }
    }
    rows.sort_unstable();
    (rows, others)
}

pub(crate) fn up_to(rows: u64) -> (Vec<u64>, usize) {
    ((0..rows).collect(), 0)
}

fn names(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string();
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|e| name(e).unwrap()).collect();
    names.retain(|name| name != ".tidegate-lock");
    names.sort();
    names
}

pub(crate) fn numbers(folder: impl Into<PathBuf>) -> FileSink<u64> {
    FileSink::lines(folder, u64::to_string)
}

#[derive(Clone, Debug)]
enum Act {
    Write(u64),
    Barrier(Outcome),
    /// Die, and go back so many checkpoints.
    Crash(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let outcomes = vec![Outcome::Aborted, Outcome::Completed, Outcome::Committed];
    let act = prop_oneof![
        3 => (0..30_u64).prop_map(Act::Write),
        3 => prop::sample::select(outcomes).prop_map(Act::Barrier),
        1 => (0..3_usize).prop_map(Act::Crash),
    ];
    proptest::collection::vec(act, 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn published_rows_are_exactly_those_up_to_the_completed_checkpoint(
        acts in acts(),
        subtasks in 1..3_u32,
        roll_bytes in prop::sample::select(vec![1, 20, 100, u64::MAX]),
        ages in any::<bool>(),
        buckets in any::<bool>(),
    ) {
        let scratch = Scratch::new();
        let age = if ages { Duration::ZERO } else { Duration::MAX };
        let mut sink = numbers(scratch.path()).roll_bytes(roll_bytes).roll_after(age);
        if buckets {
            sink = sink.bucket(|row| format!("day={}/odd={}", row % 3, row % 2));
        }
        let mut job = Job::start(sink, subtasks, 0, Vec::new());
        for act in acts {
            match act {
                Act::Write(rows) => job.write(rows),
                Act::Barrier(outcome) => drop(job.barrier(BarrierKind::Periodic, outcome)),
                Act::Crash(back) => {
                    // Never behind the first: what is published then belongs to no checkpoint.
                    let kept = job.manifests.len().saturating_sub(back).max(1);
                    job.manifests.truncate(kept);
                    job.recover(subtasks).unwrap();
                    prop_assert_eq!(published(scratch.path()), up_to(job.rows));
                    job.recover(subtasks).unwrap();
                    prop_assert_eq!(published(scratch.path()), up_to(job.rows), "recovered twice");
                }
            }
        }
        job.barrier(BarrierKind::Stop, Outcome::Committed);
        prop_assert_eq!(published(scratch.path()), up_to(job.rows), "stopped");
    }
}

#[test]
fn a_file_stays_open_across_barriers_until_it_is_large_enough() {
    let scratch = Scratch::new();
    let mut job = Job::start(numbers(scratch.path()).roll_bytes(40), 1, 0, Vec::new());
    job.write(10);
    assert_eq!(
        job.barrier(BarrierKind::Periodic, Outcome::Committed).unwrap().committables.len(),
        1
    );
    assert_eq!(names(scratch.path()), [".pending-1-0-0-0"]);
    job.write(10);
    job.barrier(BarrierKind::Periodic, Outcome::Committed);
    assert_eq!(names(scratch.path()), [".pending-1-0-0-1", "part-0000000002-1-0-0-0"]);
    job.barrier(BarrierKind::Stop, Outcome::Committed);
    assert_eq!(names(scratch.path()), ["part-0000000002-1-0-0-0", "part-0000000003-1-0-0-1"]);
    job.barrier(BarrierKind::Final, Outcome::Committed);
    assert_eq!(names(scratch.path()).len(), 2, "an empty epoch leaves no file");
}

#[test]
fn every_part_begins_with_the_header_also_one_that_a_recovery_has_cut() {
    let scratch = Scratch::new();
    let sink = numbers(scratch.path()).header(b"n").roll_bytes(8);
    let mut job = Job::start(sink, 1, 0, Vec::new());
    job.write(2);
    job.barrier(BarrierKind::Periodic, Outcome::Completed);
    job.write(3);
    job.recover(1).unwrap();
    job.write(4);
    job.barrier(BarrierKind::Stop, Outcome::Committed);
    let text = |name| fs::read_to_string(scratch.path().join(name)).unwrap();
    let mut texts: Vec<String> = names(scratch.path()).into_iter().map(text).collect();
    texts.sort();
    assert_eq!(texts, ["n\n0\n1\n", "n\n2\n3\n4\n", "n\n5\n"]);
}

#[test]
fn backpressure_leaves_records_and_wakes_when_there_is_room() {
    let scratch = Scratch::new();
    let wide = FileSink::new(scratch.path(), |row: &u64, buffer: &mut Vec<u8>| {
        buffer.extend_from_slice(format!("{row:0>50000}").as_bytes());
    });
    let mut job = Job::start(wide, 1, 0, Vec::new());
    job.write(400);
    job.barrier(BarrierKind::Stop, Outcome::Committed);
    assert_eq!(published(scratch.path()), up_to(400));
}

fn refusal(result: Result<(), BoxError>) -> String {
    let error = result.unwrap_err();
    assert!(error.downcast_ref::<Refusal>().is_some(), "no refusal: {error}");
    error.to_string()
}

const FRESH: RecoveryPoint<'_> = RecoveryPoint {
    owner: "job 1",
    checkpoint: None,
    committables: &[],
    committed_rows: 0,
    fresh: true,
};

#[test]
fn a_folder_that_may_not_be_written_to_is_refused() {
    // Here not even an administrator may make a folder.
    let committer = numbers(Path::new("/sys/tidegate")).committer().unwrap();
    let refused = refusal(committer.recover(RecoveryPoint { fresh: false, ..FRESH }));
    assert!(refused.starts_with("cannot create the folder /sys/tidegate: "), "{refused}");
    assert!(refused.ends_with("; make sure the folder is writable and has room"), "{refused}");
}

#[test]
fn output_of_another_job_is_refused_untouched_and_discarded_on_request_alone() {
    let scratch = Scratch::new();
    let mut job = Job::start(numbers(scratch.path()).bucket(|_| "day".into()), 1, 0, Vec::new());
    job.write(5);
    job.barrier(BarrierKind::Stop, Outcome::Committed);
    job.write(5);
    job.barrier(BarrierKind::Periodic, Outcome::Completed);
    drop(job);
    let foreign = ["part-1.csv", "_SUCCESS", ".pending-note"].map(|name| scratch.file(name, "0\n"));
    let committer = numbers(scratch.path()).committer().unwrap();
    let refused = refusal(committer.recover(FRESH));
    assert!(refused.contains("holds output of another job") && refused.contains("--state-dir"));
    assert_eq!(names(&scratch.path().join("day")).len(), 2);
    committer.discard().unwrap();
    assert_eq!(names(&scratch.path().join("day")), [""; 0]);
    assert!(foreign.iter().all(|path| path.exists()), "foreign files are never touched");
    committer.recover(FRESH).unwrap();
}

#[test]
fn the_folder_of_another_sink_inside_is_let_alone() {
    let scratch = Scratch::new();
    let late = scratch.path().join("late");
    let mut inner = Job::start(numbers(&late), 1, 0, Vec::new());
    inner.write(5);
    let manifest = inner.barrier(BarrierKind::Periodic, Outcome::Completed).unwrap();
    let outer = numbers(scratch.path()).committer().unwrap();
    outer.recover(RecoveryPoint { fresh: false, ..FRESH }).unwrap();
    outer.discard().unwrap();
    inner.sink.committer().unwrap().commit(&manifest.committables).unwrap();
    assert_eq!(published(&late), up_to(5));
}

#[test]
fn a_commit_never_overwrites_and_names_what_is_missing() {
    let scratch = Scratch::new();
    let mut job = Job::start(numbers(scratch.path()), 1, 0, Vec::new());
    job.write(3);
    let manifest = job.barrier(BarrierKind::Stop, Outcome::Completed).unwrap();
    let committer = job.sink.committer().unwrap();
    let pending = scratch.path().join(".pending-1-0-0-0");
    let part = scratch.file("part-0000000001-1-0-0-0", "mine\n");
    let refused = refusal(committer.commit(&manifest.committables));
    assert!(refused.contains("is there twice"), "{refused}");
    assert_eq!(fs::read_to_string(&part).unwrap(), "mine\n");
    fs::remove_file(&part).unwrap();
    fs::write(&pending, "0\n1\n2\nmore\n").unwrap();
    let refused = refusal(committer.commit(&manifest.committables));
    assert!(refused.contains("has 11 bytes, its checkpoint says 6"), "{refused}");
    fs::remove_file(&pending).unwrap();
    let refused = refusal(committer.commit(&manifest.committables));
    assert!(
        refused.contains("part-0000000001-1-0-0-0 is gone, and so is .pending-1-0-0-0"),
        "{refused}"
    );
}

#[test]
fn a_recovery_that_is_refused_has_changed_nothing() {
    let scratch = Scratch::new();
    let mut job = Job::start(numbers(scratch.path()).roll_after(Duration::ZERO), 1, 0, Vec::new());
    for _ in 0..3 {
        job.write(3);
        job.barrier(BarrierKind::Periodic, Outcome::Committed);
    }
    fs::remove_file(scratch.path().join("part-0000000001-1-0-0-0")).unwrap();
    let before = names(scratch.path());
    job.manifests.truncate(1);
    refusal(job.recover(1));
    assert_eq!(names(scratch.path()), before);
}

#[test]
fn without_a_checkpoint_no_published_row_can_be_ours() {
    let scratch = Scratch::new();
    let mut job = Job::start(numbers(scratch.path()).roll_after(Duration::ZERO), 1, 0, Vec::new());
    job.write(3);
    job.barrier(BarrierKind::Periodic, Outcome::Committed);
    job.manifests.clear();
    let before = names(scratch.path());
    assert!(refusal(job.recover(1)).contains("holds published rows"));
    assert_eq!(names(scratch.path()), before);
    let scratch = Scratch::new();
    let mut job = Job::start(numbers(scratch.path()), 1, 0, Vec::new());
    job.write(3);
    freeze(&mut job.subtasks[0], 1, BarrierKind::Periodic).unwrap();
    job.recover(1).unwrap();
    assert_eq!(names(scratch.path()), [""; 0]);
}

#[test]
fn an_output_folder_has_one_owner_until_its_output_is_discarded() {
    let scratch = Scratch::new();
    let mut job = Job::start(numbers(scratch.path()), 1, 0, Vec::new());
    job.write(3);
    job.barrier(BarrierKind::Periodic, Outcome::Completed);
    job.owner = "job 2";
    let before = names(scratch.path());
    assert!(refusal(job.recover(1)).contains("output of another job (job 1, this is job 2)"));
    assert_eq!(names(scratch.path()), before);
    job.owner = "job 1";
    job.recover(1).unwrap();
    let committer = job.sink.committer().unwrap();
    committer.discard().unwrap();
    committer.recover(RecoveryPoint { owner: "job 2", fresh: false, ..FRESH }).unwrap();
}

#[test]
fn an_output_that_is_no_folder_is_refused() {
    let scratch = Scratch::new();
    let file = scratch.file("rows", "mine");
    for output in [file.clone(), file.join("below")] {
        let recovered = numbers(output).committer().unwrap().recover(FRESH);
        assert!(refusal(recovered).contains("is not a folder"));
    }
}

#[test]
fn the_output_folder_may_move_between_runs() {
    let scratch = Scratch::new();
    let (old, new) = (scratch.path().join("old"), scratch.path().join("new"));
    let mut job = Job::start(numbers(&old).bucket(|row| format!("{}", row % 2)), 2, 0, Vec::new());
    job.write(10);
    job.barrier(BarrierKind::Periodic, Outcome::Completed);
    let manifests = std::mem::take(&mut job.manifests);
    drop(job);
    fs::rename(&old, &new).unwrap();
    let job = Job::start(numbers(&new), 2, 1, manifests);
    assert_eq!(published(&new), up_to(job.rows));
}

#[test]
fn a_bucket_that_leaves_the_folder_fails_the_subtask() {
    let scratch = Scratch::new();
    let mut job = Job::start(numbers(scratch.path()).bucket(|_| "../up".into()), 1, 0, Vec::new());
    let error = write(&mut job.subtasks[0], 0..1).unwrap_err().to_string();
    assert!(error.starts_with("the bucket \"../up\" cannot be a folder"), "{error}");
}

#[test]
fn a_disk_error_reaches_prepare_and_everyone_after_it() {
    let scratch = Scratch::new();
    let folder = scratch.path().join("out");
    let mut job = Job::start(numbers(&folder), 1, 0, Vec::new());
    fs::remove_dir_all(&folder).unwrap();
    scratch.file("out", "a file where the folder was");
    let writer = &mut job.subtasks[0];
    write(writer, 0..1).unwrap();
    for _ in 0..2 {
        let error = freeze(writer, 1, BarrierKind::Periodic).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("cannot create the folder {}", folder.display())),
            "{error}"
        );
    }
}

#[test]
fn two_sinks_in_one_folder_are_found_out() {
    let scratch = Scratch::new();
    let mut one = Job::start(numbers(scratch.path()), 1, 0, Vec::new());
    let mut two = Job::start(numbers(scratch.path()), 1, 0, Vec::new());
    one.write(1);
    one.barrier(BarrierKind::Periodic, Outcome::Completed);
    write(&mut two.subtasks[0], 0..1).unwrap();
    let error = freeze(&mut two.subtasks[0], 1, BarrierKind::Periodic).unwrap_err().to_string();
    assert!(error.ends_with("give each sink a folder of its own"), "{error}");
}
