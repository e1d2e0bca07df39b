//! Choosing a checkpoint, and reading it at the same and at another parallelism.

use super::*;
use crate::MemoryStorage;
use crate::fixtures::{Faulty, NOW, Row, checkpoint, delta, job, part, put_checkpoint};
use std::sync::Arc;
use tidegate_core::key::{KeyGroup, MaxParallelism};
use tidegate_core::snapshot::Redistribution;

fn log_of(memory: &MemoryStorage, manifests: Vec<Manifest>) -> ManifestLog {
    let (mut log, _) = ManifestLog::open(Arc::new(memory.clone())).expect("readable");
    log.claim(1, &job(), NOW).expect("free");
    for manifest in manifests {
        log.append(manifest).expect("append");
    }
    log
}

#[test]
fn the_newest_checkpoint_that_is_whole_is_chosen_and_those_passed_over_are_named() {
    let memory = MemoryStorage::new();
    let all = (2..=5).map(|id| put_checkpoint(&memory, id, 1, b"state")).collect();
    let log = log_of(&memory, all);
    let newest = |log| newest_whole(log, &memory).expect("memory does not fail");
    assert_eq!(newest(&log).manifest.map(|m| m.id), Some(5));
    memory.delete_blob("r1-c5-state").expect("delete");
    memory.delete_blob("r1-c4-snapshot").expect("delete");
    let mut frame = delta(true, &[(1, b"payload", Some(b"state"))]).to_frame();
    *frame.last_mut().expect("not empty") ^= 1;
    memory.delete_blob("r1-c3-state").expect("delete");
    memory.put_blob("r1-c3-state", &frame).expect("put");
    let found = newest(&log);
    assert_eq!(found.manifest.map(|m| m.id), Some(2));
    let skipped: Vec<_> = found.skipped.iter().map(|s| (s.checkpoint, s.blob.as_str())).collect();
    assert_eq!(skipped, [(5, "r1-c5-state"), (4, "r1-c4-snapshot"), (3, "r1-c3-state")]);
    assert_eq!(found.skipped[2].why, "checksum mismatch");
}

#[test]
fn without_a_whole_checkpoint_there_is_none() {
    let memory = MemoryStorage::new();
    let manifest = put_checkpoint(&memory, 2, 1, b"state");
    let log = log_of(&memory, vec![manifest]);
    memory.delete_blob("r1-c2-state").expect("delete");
    let found = newest_whole(&log, &memory).expect("memory does not fail");
    assert!(found.manifest.is_none() && found.skipped.len() == 1);
}

#[test]
fn a_storage_that_does_not_answer_is_no_reason_to_fall_back() {
    let faulty = Arc::new(Faulty::default());
    let (mut log, _) = ManifestLog::open(Arc::clone(&faulty) as _).expect("readable");
    log.claim(1, &job(), NOW).expect("free");
    log.append(put_checkpoint(&*faulty, 2, 1, b"state")).expect("append");
    faulty.fail_reads(true);
    let error = newest_whole(&log, &*faulty).expect_err("silence");
    assert!(matches!(error, RecoveryError::Storage(StorageError::Read { .. })), "{error}");
}

#[test]
fn a_blob_of_another_format_version_is_refused_and_not_passed_over() {
    let memory = MemoryStorage::new();
    let mut manifest = put_checkpoint(&memory, 2, 1, b"state");
    // An empty frame of version 9, sealed by hand: CRC-32C of its first 16 bytes.
    let mut frame = codec::seal(FrameKind::KeyedState, b"");
    frame[4] = 9;
    let crc = crate::fixtures::crc32c(&frame[..16]);
    frame[16..20].copy_from_slice(&crc.to_le_bytes());
    manifest.parts[0].keyed[0].chain[0].blob = memory.put_blob("newer", &frame).expect("put");
    let error = newest_whole(&log_of(&memory, vec![manifest]), &memory).expect_err("refused");
    assert!(matches!(error, RecoveryError::Version { found: 9, .. }), "{error}");
}

/// A checkpoint of `parallelism` subtasks, each with one entry per key group it owns, a list of its
/// groups, a counter and a channel from each of two senders.
fn checkpoint_at(memory: &MemoryStorage, parallelism: u32) -> Manifest {
    let mut parts = Vec::new();
    for index in 0..parallelism {
        let range = MaxParallelism::DEFAULT.range_of(index, parallelism);
        let groups: Vec<[u8; 1]> =
            (range.start.0..range.end.0).map(|group| [group as u8]).collect();
        let (early, late) = groups.split_at(groups.len() / 2);
        let blob = |full, groups: &[[u8; 1]]| {
            let entries: Vec<Row<'_>> =
                groups.iter().map(|g| (u16::from(g[0]), &g[..], Some(&g[..]))).collect();
            let name = format!("state-{index}-{full}");
            memory.put_blob(&name, &delta(full, &entries).to_frame()).expect("put")
        };
        let elements = groups.iter().map(|group| group.to_vec()).collect();
        let list = ListSnapshot { redistribution: Redistribution::Split, elements };
        let totals = OperatorTotals { records_in: 100 + u64::from(index), ..Default::default() };
        let operator = OperatorSnapshot { lists: [("splits".to_owned(), list)].into(), totals };
        let channel = |from| ChannelSnapshot {
            edge: "in".into(),
            from,
            watermark: Timestamp(i64::from(10 * index + from)),
            idle: false,
        };
        let snapshot = SubtaskSnapshot {
            operators: [("op".to_owned(), operator)].into(),
            channels: vec![channel(0), channel(1)],
            watermark: Timestamp(i64::from(10 * index)),
        };
        let snapshot = memory.put_blob(&format!("snapshot-{index}"), &snapshot.to_frame());
        let mut part =
            part(index, snapshot.expect("put"), vec![blob(true, early), blob(false, late)]);
        part.received = [("in".to_owned(), 7 + u64::from(index))].into();
        parts.insert(0, part);
    }
    Manifest { parts, ..checkpoint(2, 1) }
}

#[test]
fn every_key_group_reaches_its_new_owner_at_any_parallelism() {
    for (old, new) in [(1, 1), (3, 3), (1, 4), (4, 1), (3, 5), (5, 3), (2, 128)] {
        let memory = MemoryStorage::new();
        let restore = Restore::open(&memory, checkpoint_at(&memory, old)).expect("whole");
        let mut found = Vec::new();
        for index in 0..new {
            let range = MaxParallelism::DEFAULT.range_of(index, new);
            let states = restore.keyed(&memory, "op", index, new).expect("whole");
            let chains = &states["count"];
            if old == new {
                assert_eq!(chains.len(), 1, "its own and no other");
            }
            for delta in chains.iter().flatten() {
                let visit = |group: KeyGroup, _: _| {
                    found.push(group.0);
                    Ok(())
                };
                delta.for_each(range, visit).expect("whole");
            }
        }
        found.sort_unstable();
        assert_eq!(found, (0..128).collect::<Vec<u16>>(), "{old} to {new}");
    }
}

#[test]
fn an_unchanged_parallelism_restores_each_subtask_as_it_was() {
    let memory = MemoryStorage::new();
    let restore = Restore::open(&memory, checkpoint_at(&memory, 3)).expect("whole");
    let same = Sides { senders: 2, receivers: 3 };
    for index in 0..3 {
        let operator = restore.operator("op", index, 3);
        assert_eq!(operator.totals.records_in, 100 + u64::from(index));
        let range = MaxParallelism::DEFAULT.range_of(index, 3);
        assert_eq!(operator.lists["splits"].elements[0], [range.start.0 as u8]);
        assert_eq!(restore.watermark("op", index, 3), Some(Timestamp(i64::from(10 * index))));
        let channel = restore.channel("in", 1, index, same).expect("known");
        assert_eq!(channel.watermark, Timestamp(i64::from(10 * index + 1)));
        assert_eq!(restore.received("in", index, 3), 7 + u64::from(index));
    }
}

#[test]
fn another_parallelism_keeps_the_sums_and_takes_the_lowest_watermark() {
    let memory = MemoryStorage::new();
    let restore = Restore::open(&memory, checkpoint_at(&memory, 3)).expect("whole");
    let operators: Vec<_> = (0..2).map(|index| restore.operator("op", index, 2)).collect();
    let elements: Vec<_> =
        operators.iter().flat_map(|o| o.lists["splits"].elements.clone()).flatten().collect();
    assert_eq!(elements, (0..128).collect::<Vec<u8>>());
    assert_eq!(operators.iter().map(|o| o.totals.records_in).sum::<u64>(), 303);
    assert_eq!((0..2).map(|index| restore.received("in", index, 2)).sum::<u64>(), 24);
    assert_eq!(restore.watermark("op", 1, 2), Some(Timestamp(0)));
    let sides = Sides { senders: 2, receivers: 2 };
    assert_eq!(restore.channel("in", 1, 1, sides).map(|c| c.watermark), Some(Timestamp(0)));
}

#[test]
fn what_was_not_there_is_restored_as_nothing() {
    let memory = MemoryStorage::new();
    let restore = Restore::open(&memory, checkpoint_at(&memory, 2)).expect("whole");
    assert_eq!(restore.parallelism("new"), 0);
    assert_eq!(restore.operator("new", 0, 2), OperatorSnapshot::default());
    assert!(restore.keyed(&memory, "new", 0, 2).expect("whole").is_empty());
    assert_eq!(restore.watermark("new", 0, 2), None);
    assert_eq!(restore.channel("new", 0, 0, Sides { senders: 1, receivers: 2 }), None);
}
