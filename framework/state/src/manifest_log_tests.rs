//! The log against damage, zombies and uncertain outcomes.

use super::*;
use crate::MemoryStorage;
use crate::fixtures::{Answer, Faulty, NOW, checkpoint, crc32c, job, open};
use tidegate_core::codec::{FrameKind, seal};

fn memory() -> (MemoryStorage, Arc<dyn CheckpointStorage>) {
    let memory = MemoryStorage::new();
    (memory.clone(), Arc::new(memory))
}

fn ids(log: &ManifestLog) -> Vec<CheckpointId> {
    log.manifests().iter().map(|manifest| manifest.id).collect()
}

fn claimed(storage: &Arc<dyn CheckpointStorage>, run: u64) -> ManifestLog {
    let (mut log, _) = ManifestLog::open(Arc::clone(storage)).expect("readable");
    log.claim(run, &job(), NOW).expect("free");
    log
}

#[test]
fn an_empty_log_begins_at_one_and_grows_by_claim_and_checkpoints() {
    let (_, storage) = memory();
    let mut log = open(&storage);
    assert_eq!((log.next_id(), log.next_run(), log.is_finished()), (1, 1, false));
    assert_eq!(log.claim(1, &job(), NOW).expect("free"), 1);
    log.append(checkpoint(2, 1)).expect("append");
    log.append(checkpoint(3, 1)).expect("append");
    log.append(Manifest { kind: ManifestKind::Finished, ..checkpoint(4, 1) }).expect("append");
    let log = open(&storage);
    assert_eq!(ids(&log), [1, 2, 3, 4]);
    assert_eq!(log.checkpoints().map(|m| m.id).collect::<Vec<_>>(), [3, 2], "newest first");
    assert_eq!((log.is_finished(), log.next_id(), log.latest_run()), (true, 5, 1));
}

#[test]
fn what_a_claim_has_passed_over_is_no_checkpoint_to_go_back_to() {
    let (_, storage) = memory();
    let mut log = claimed(&storage, 1);
    (2..=4).for_each(|id| log.append(checkpoint(id, 1)).expect("append"));
    let mut log = open(&storage);
    log.pass_over([4, 3]);
    assert_eq!(log.claim(2, &job(), NOW).expect("free"), 5);
    log.append(checkpoint(6, 2)).expect("append");
    let log = claimed(&storage, 3);
    assert_eq!(ids(&log), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(log.checkpoints().map(|m| m.id).collect::<Vec<_>>(), [6, 2]);
}

#[test]
fn a_later_run_goes_on_where_the_log_ends_and_a_claim_does_not_unfinish_it() {
    let (_, storage) = memory();
    let mut log = claimed(&storage, 1);
    log.append(Manifest { kind: ManifestKind::Finished, ..checkpoint(2, 1) }).expect("append");
    let log = claimed(&storage, 2);
    assert_eq!((ids(&log), log.is_finished(), log.latest_run()), (vec![1, 2, 3], true, 2));
}

#[test]
fn numbers_of_aborted_checkpoints_are_filled_so_that_the_log_has_no_gap() {
    let (_, storage) = memory();
    let mut log = claimed(&storage, 1);
    log.append(checkpoint(5, 1)).expect("append");
    let log = open(&storage);
    assert_eq!(ids(&log), [1, 2, 3, 4, 5]);
    assert_eq!(log.checkpoints().count(), 1);
}

#[test]
fn a_superseded_run_is_fenced_at_whatever_number_it_writes() {
    for number in [3, 4, 9] {
        let (_, storage) = memory();
        let mut old = claimed(&storage, 1);
        old.append(checkpoint(2, 1)).expect("append");
        let mut new = claimed(&storage, 2);
        let fenced = old.append(checkpoint(number, 1));
        assert!(matches!(fenced, Err(LogError::Fenced { run: 1, by: 2, id: 3 })), "{fenced:?}");
        new.append(checkpoint(4, 2)).expect("the owner goes on");
        assert_eq!(ids(&open(&storage)), [1, 2, 3, 4]);
    }
}

#[test]
fn a_run_that_slept_until_its_number_was_collected_finds_that_it_was_fenced() {
    let (memory, storage) = memory();
    let mut old = claimed(&storage, 1);
    let mut new = claimed(&storage, 2);
    for id in 3..=6 {
        new.append(checkpoint(id, 2)).expect("append");
    }
    for id in 1..=4 {
        memory.delete_manifest(id).expect("delete");
    }
    let fenced = old.append(checkpoint(2, 1));
    assert!(matches!(fenced, Err(LogError::Fenced { run: 1, by: 2, id: 5 })), "{fenced:?}");
    let (log, problems) = ManifestLog::open(storage).expect("readable");
    assert_eq!(ids(&log), [5, 6], "the stray does not hide the log");
    assert_eq!(problems, [Problem { id: 2, why: Fault::Superseded { run: 1, by: 2 } }]);
    assert_eq!(log.strays(), [2]);
}

#[test]
fn of_two_claims_of_one_run_the_second_fails() {
    let (_, storage) = memory();
    let mut first = open(&storage);
    let mut second = open(&storage);
    first.claim(1, &job(), NOW).expect("free");
    let lost = second.claim(1, &job(), NOW);
    assert!(matches!(lost, Err(LogError::Fenced { run: 1, by: 1, id: 1 })), "{lost:?}");
}

#[test]
fn a_claim_steps_over_what_the_older_run_wrote_meanwhile() {
    let (_, storage) = memory();
    let mut old = claimed(&storage, 1);
    let mut new = open(&storage);
    old.append(checkpoint(2, 1)).expect("append");
    assert_eq!(new.claim(2, &job(), NOW).expect("the next number"), 3);
    assert_eq!(ids(&new), [1, 2, 3]);
    assert_eq!(ids(&open(&storage)), [1, 2, 3]);
}

#[test]
fn a_damaged_manifest_is_named_and_the_piece_behind_it_is_the_log() {
    let (memory, storage) = memory();
    let mut log = claimed(&storage, 1);
    for id in 2..=5 {
        log.append(checkpoint(id, 1)).expect("append");
    }
    memory.delete_manifest(3).expect("delete");
    memory.create_manifest(3, b"torn").expect("free");
    let (log, problems) = ManifestLog::open(storage).expect("readable");
    assert_eq!(ids(&log), [4, 5]);
    let found: Vec<String> = problems.iter().map(Problem::to_string).collect();
    assert_eq!(
        found,
        [
            "manifest 1 does not count: it says that it is the first of another log",
            "manifest 2 does not count: manifest 1 before it is missing or does not count",
            "manifest 3 does not count: it is damaged: cut short",
        ]
    );
    assert_eq!(log.unreadable().map(|problem| problem.id), Some(3));
}

#[test]
fn a_damaged_newest_manifest_uses_up_its_number_and_its_run() {
    let (memory, storage) = memory();
    claimed(&storage, 1).append(checkpoint(2, 1)).expect("append");
    memory.create_manifest(3, b"torn").expect("free");
    let (mut log, _) = ManifestLog::open(Arc::clone(&storage)).expect("readable");
    assert_eq!((ids(&log), log.next_id(), log.next_run()), (vec![1, 2], 4, 3));
    assert_eq!(log.claim(3, &job(), NOW).expect("free"), 4);
    let (log, problems) = ManifestLog::open(storage).expect("readable");
    assert_eq!((ids(&log), problems.len()), (vec![1, 2, 4], 1));
}

#[test]
fn a_manifest_of_another_format_is_a_fault_of_its_own() {
    let (memory, storage) = memory();
    claimed(&storage, 1);
    let mut frame = seal(FrameKind::Manifest, b"");
    frame[4] = 9;
    let checksum = crc32c(&frame[..16]);
    frame[16..20].copy_from_slice(&checksum.to_le_bytes());
    memory.create_manifest(2, &frame).expect("free");
    memory.create_manifest(3, &checkpoint(7, 1).to_frame()).expect("free");
    let (_, problems) = ManifestLog::open(storage).expect("readable");
    let expected =
        [Problem { id: 2, why: Fault::Version(9) }, Problem { id: 3, why: Fault::Misplaced(7) }];
    assert_eq!(problems, expected);
}

#[test]
fn an_uncertain_append_is_settled_one_way_or_the_other_for_good() {
    use Answer::{NotWrittenButUnknown, WrittenButUnknown};
    // The last answer is given first: to the append, then to each attempt to settle.
    let cases = [
        (vec![WrittenButUnknown], 0, Settled::Written(2)),
        (vec![NotWrittenButUnknown], 0, Settled::Void),
        (vec![NotWrittenButUnknown, NotWrittenButUnknown], 1, Settled::Void),
        (vec![WrittenButUnknown, NotWrittenButUnknown], 1, Settled::Void),
    ];
    for (answers, retries, expected) in cases {
        let flaky = Arc::new(Faulty::default());
        let storage: Arc<dyn CheckpointStorage> = Arc::clone(&flaky) as _;
        let mut log = claimed(&storage, 1);
        flaky.answer(answers);
        let error = log.append(checkpoint(2, 1)).expect_err("the answer is lost");
        assert!(matches!(&error, LogError::Storage(error) if error.is_uncertain()), "{error}");
        assert!(log.is_uncertain());
        for _ in 0..retries {
            log.settle(NOW).expect_err("lost again");
        }
        assert_eq!(log.settle(NOW).expect("answered"), Some(expected));
        assert_eq!(log.settle(NOW).expect("nothing left"), None);
        log.append(checkpoint(3, 1)).expect("the log goes on");
        assert_eq!(ids(&open(&storage)), [1, 2, 3]);
        let checkpoints = if expected == Settled::Void { 1 } else { 2 };
        assert_eq!(open(&storage).checkpoints().count(), checkpoints);
    }
}

#[test]
fn an_append_that_cannot_see_whether_it_was_fenced_is_uncertain() {
    let flaky = Arc::new(Faulty::default());
    let storage: Arc<dyn CheckpointStorage> = Arc::clone(&flaky) as _;
    let mut log = claimed(&storage, 1);
    flaky.fail_reads(true);
    let error = log.append(checkpoint(2, 1)).expect_err("the listing fails");
    assert!(matches!(&error, LogError::Storage(error) if error.is_uncertain()), "{error}");
    assert_eq!(ids(&log), [1], "not known to count");
    log.settle(NOW).expect_err("still silent");
    flaky.fail_reads(false);
    assert_eq!(log.settle(NOW).expect("answered"), Some(Settled::Written(2)));
    assert_eq!(ids(&log), [1, 2]);
}

#[test]
fn a_number_taken_by_nobody_knows_whom_is_uncertain() {
    let flaky = Arc::new(Faulty::default());
    let storage: Arc<dyn CheckpointStorage> = Arc::clone(&flaky) as _;
    let mut log = claimed(&storage, 1);
    flaky.answer(vec![Answer::WrittenTwice]);
    flaky.fail_reads(true);
    let error = log.append(checkpoint(2, 1)).expect_err("it cannot be read whose it is");
    assert!(matches!(&error, LogError::Storage(error) if error.is_uncertain()), "{error}");
    flaky.fail_reads(false);
    assert_eq!(log.settle(NOW).expect("answered"), Some(Settled::Written(2)), "it was our own");
    flaky.answer(vec![Answer::WrittenTwice]);
    log.append(checkpoint(3, 1)).expect("readable: it is seen to be our own");
    assert_eq!(ids(&open(&storage)), [1, 2, 3]);
}
