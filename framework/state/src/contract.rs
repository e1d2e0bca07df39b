//! One suite that every storage must pass. What a storage promises is what is checked here.

use crate::fixtures::Folder;
use crate::limits::SLED_VALUE_BYTES;
use crate::storage::{CheckpointStorage, StorageError};
use crate::{MemoryStorage, ObjectStorage, SledOptions, SledStorage};
use std::path::Path;
use std::sync::{Arc, Barrier};
use tidegate_core::snapshot::BlobRef;

type Open<'a> = dyn Fn() -> Arc<dyn CheckpointStorage> + 'a;

fn sled(folder: &Path) -> Arc<dyn CheckpointStorage> {
    let options = SledOptions { cache_bytes: 8 << 20, ..SledOptions::default() };
    Arc::new(SledStorage::open(folder, options).expect("sled opens"))
}

fn object(folder: &Path) -> Arc<dyn CheckpointStorage> {
    Arc::new(ObjectStorage::folder(folder).expect("the folder opens"))
}

/// Runs `check` over an empty storage of each kind; calling the opener again is a restart.
fn over_all(check: impl Fn(&Open<'_>)) {
    let memory = MemoryStorage::new();
    check(&|| Arc::new(memory.clone()));
    let folder = Folder::new();
    check(&|| sled(folder.path()));
    let folder = Folder::new();
    check(&|| object(folder.path()));
}

/// Bytes without a pattern that a storage could profit from.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(step).collect()
}

#[test]
fn a_blob_comes_back_whole_at_every_size_also_after_a_restart() {
    over_all(|open| {
        let chunk = SLED_VALUE_BYTES;
        let sizes = [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 5 << 20];
        let blobs: Vec<(BlobRef, Vec<u8>)> = {
            let storage = open();
            let put = |size| {
                let bytes = noise(size, size as u64);
                (storage.put_blob(&format!("blob-{size}"), &bytes).expect("put"), bytes)
            };
            let blobs = sizes.into_iter().map(put).collect();
            storage.flush().expect("flush");
            blobs
        };
        let storage = open();
        for (blob, bytes) in &blobs {
            assert_eq!(blob.bytes, bytes.len() as u64);
            assert!(storage.get_blob(blob).expect("get") == *bytes, "{} differs", blob.name);
        }
        assert_eq!(storage.blobs().expect("list").len(), sizes.len());
    });
}

#[test]
fn a_name_keeps_the_content_it_was_first_given() {
    over_all(|open| {
        let storage = open();
        let blob = storage.put_blob("a", b"first").expect("put");
        assert_eq!(storage.put_blob("a", b"first").expect("the same again is fine"), blob);
        let other = storage.put_blob("a", b"other");
        assert!(matches!(other, Err(StorageError::BlobExists(name)) if name == "a"));
        assert_eq!(storage.get_blob(&blob).expect("get"), b"first");
    });
}

#[test]
fn a_missing_or_shortened_blob_is_an_error_that_names_it() {
    over_all(|open| {
        let storage = open();
        let blob = storage.put_blob("kept", b"four").expect("put");
        let longer = BlobRef { bytes: 5, ..blob };
        let damaged = storage.get_blob(&longer).expect_err("the length differs");
        assert!(damaged.is_loss() && damaged.to_string().contains("kept"), "{damaged}");
        let absent = BlobRef { name: "gone".into(), bytes: 1 };
        let missing = storage.get_blob(&absent).expect_err("it is not there");
        assert!(missing.is_loss() && missing.to_string().contains("gone"), "{missing}");
    });
}

#[test]
fn names_that_some_storage_could_not_keep_are_refused_by_all() {
    over_all(|open| {
        let storage = open();
        let long = "x".repeat(201);
        for name in ["", ".", "..", ".hidden", "a/b", "a b", "a#1", "ü", &long] {
            let answer = storage.put_blob(name, b"");
            assert!(matches!(answer, Err(StorageError::BadName(_))), "{name:?} was taken");
        }
        assert_eq!(storage.blobs().expect("list"), [""; 0]);
    });
}

#[test]
fn a_manifest_is_created_once_and_listed_in_order() {
    over_all(|open| {
        {
            let storage = open();
            for id in [10, 9, 300, 1, u64::MAX] {
                storage.create_manifest(id, format!("m{id}").as_bytes()).expect("free");
            }
            let again = storage.create_manifest(9, b"another");
            assert!(matches!(again, Err(StorageError::ManifestExists(9))));
        }
        let storage = open();
        assert_eq!(storage.manifests().expect("list"), [1, 9, 10, 300, u64::MAX]);
        assert_eq!(storage.get_manifest(9).expect("get"), b"m9");
        let missing = storage.get_manifest(2);
        assert!(matches!(missing, Err(StorageError::MissingManifest(2))));
        let big = noise(3 * SLED_VALUE_BYTES + 7, 3);
        storage.create_manifest(2, &big).expect("free");
        assert!(storage.get_manifest(2).expect("get") == big);
    });
}

#[test]
fn of_many_writers_of_one_manifest_exactly_one_wins_and_its_bytes_stay() {
    const WRITERS: usize = 8;
    over_all(|open| {
        let storage = open();
        for round in 1..=5 {
            let gate = Barrier::new(WRITERS);
            let won: Vec<usize> = std::thread::scope(|scope| {
                let write = |writer: usize| {
                    let (storage, gate) = (&storage, &gate);
                    move || {
                        gate.wait();
                        let frame = vec![writer as u8; SLED_VALUE_BYTES + writer];
                        match storage.create_manifest(round, &frame) {
                            Ok(()) => Some(writer),
                            Err(StorageError::ManifestExists(id)) if id == round => None,
                            Err(error) => panic!("{error}"),
                        }
                    }
                };
                let writers: Vec<_> = (0..WRITERS).map(|w| scope.spawn(write(w))).collect();
                writers.into_iter().filter_map(|w| w.join().expect("no panic")).collect()
            });
            assert_eq!(won.len(), 1, "winners of round {round}: {won:?}");
            let winner = won[0];
            let stored = storage.get_manifest(round).expect("get");
            assert!(stored == vec![winner as u8; SLED_VALUE_BYTES + winner], "mixed bytes");
        }
        assert_eq!(storage.remove_unfinished().expect("sweep"), 0, "losers clean up");
    });
}

#[test]
fn writers_of_one_blob_name_agree_on_its_content() {
    over_all(|open| {
        let storage = open();
        let gate = Barrier::new(6);
        let kept: usize = std::thread::scope(|scope| {
            let put = |writer: u8| {
                let (storage, gate) = (&storage, &gate);
                move || {
                    gate.wait();
                    storage.put_blob("contested", &[writer % 2; 100_000]).is_ok()
                }
            };
            let writers: Vec<_> = (0..6).map(|w| scope.spawn(put(w))).collect();
            writers.into_iter().map(|w| usize::from(w.join().expect("no panic"))).sum()
        });
        assert_eq!(kept, 3, "the three that wrote the same content");
        let bytes = storage.get_blob(&BlobRef { name: "contested".into(), bytes: 100_000 });
        let bytes = bytes.expect("get");
        assert!(bytes.iter().all(|byte| *byte == bytes[0]), "mixed bytes");
    });
}

#[test]
fn what_is_deleted_is_gone_for_good_and_its_name_leaves_the_listing() {
    over_all(|open| {
        let (kept, gone) = {
            let storage = open();
            let kept = storage.put_blob("kept", &noise(100_000, 1)).expect("put");
            let gone = storage.put_blob("gone", &noise(100_000, 2)).expect("put");
            storage.create_manifest(1, b"one").expect("free");
            storage.create_manifest(2, b"two").expect("free");
            for _ in 0..2 {
                storage.delete_blob("gone").expect("deleting twice is fine");
                storage.delete_manifest(1).expect("deleting twice is fine");
            }
            storage.flush().expect("flush");
            (kept, gone)
        };
        let storage = open();
        assert_eq!(storage.blobs().expect("list"), ["kept"]);
        assert_eq!(storage.manifests().expect("list"), [2]);
        assert!(storage.get_blob(&gone).is_err() && storage.get_blob(&kept).is_ok());
        assert_eq!(storage.remove_unfinished().expect("sweep"), 0, "deletion leaves no pieces");
        assert!(storage.bytes_on_disk().expect("size") >= 100_000);
        assert!(!storage.describe().is_empty());
    });
}

#[test]
fn a_storage_may_be_used_and_dropped_inside_another_runtime() {
    over_all(|open| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        runtime.block_on(async {
            let storage = open();
            let inner = Arc::clone(&storage);
            let work = move || {
                let blob = inner.put_blob("from-a-pool", b"x").expect("put");
                inner.get_blob(&blob).expect("get")
            };
            assert_eq!(tokio::task::spawn_blocking(work).await.expect("no panic"), b"x");
            drop(storage);
        });
    });
}

#[test]
fn bytes_flipped_in_a_folder_are_found_and_staged_leftovers_removed() {
    use tidegate_core::codec::{DecodeError, FrameKind, open, seal};
    let folder = Folder::new();
    let storage = object(folder.path());
    let blob = storage.put_blob("state", &seal(FrameKind::KeyedState, b"entries")).expect("put");
    let file = folder.path().join("blobs/state");
    let mut bytes = std::fs::read(&file).expect("there");
    *bytes.last_mut().expect("not empty") ^= 1;
    std::fs::write(&file, bytes).expect("writable");
    let frame = storage.get_blob(&blob).expect("the length is right");
    assert_eq!(open(FrameKind::KeyedState, &frame), Err(DecodeError::Checksum));

    let manifests = folder.path().join("manifests");
    std::fs::write(folder.path().join("blobs/half#1"), b"cut").expect("writable");
    std::fs::write(manifests.join("00000000000000000007#2"), b"cut").expect("writable");
    std::fs::write(manifests.join("README"), b"a stranger").expect("writable");
    assert_eq!(storage.blobs().expect("list"), ["state"]);
    assert_eq!(storage.manifests().expect("list"), [0; 0]);
    assert_eq!(storage.remove_unfinished().expect("sweep"), 2);
    assert_eq!(storage.remove_unfinished().expect("sweep"), 0);
}
