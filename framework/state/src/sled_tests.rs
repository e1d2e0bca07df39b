//! What only sled can get wrong: locks, hanging opens, headless chunks, and a disk that grows.

use super::*;
use crate::fixtures::Folder;
use crate::limits::SLED_VALUE_BYTES;

fn small() -> SledOptions {
    SledOptions { cache_bytes: 8 << 20, ..SledOptions::default() }
}

#[test]
fn a_folder_in_use_is_said_to_be_in_use() {
    let folder = Folder::new();
    let held = SledStorage::open(folder.path(), small()).expect("opens");
    let refused = SledStorage::open(folder.path(), small()).expect_err("it is held");
    assert!(matches!(refused, StorageError::InUse { .. }), "{refused}");
    drop(held);
    SledStorage::open(folder.path(), small()).expect("free again at once");
}

#[test]
fn an_open_that_is_past_its_deadline_says_what_to_do() {
    let folder = Folder::new();
    let options = SledOptions { open_deadline: Duration::ZERO, ..small() };
    let error = SledStorage::open(folder.path(), options).expect_err("no time at all");
    assert!(error.to_string().contains("start from a savepoint"), "{error}");
}

#[test]
fn a_folder_that_is_no_database_is_an_error_and_no_panic() {
    let folder = Folder::new();
    std::fs::write(folder.path().join("conf"), b"not a configuration").expect("writable");
    std::fs::write(folder.path().join("db"), vec![7; 1 << 20]).expect("writable");
    let error = SledStorage::open(folder.path(), small()).expect_err("it cannot be read");
    assert!(matches!(error, StorageError::Open { .. }), "{error}");
}

#[test]
fn what_the_operating_system_says_is_told_in_its_words() {
    let full = || io::Error::from(io::ErrorKind::StorageFull);
    let told = guarded(|| Err::<(), _>(sled::Error::Io(full()))).expect_err("it is full");
    assert_eq!(told.to_string(), full().to_string());
}

#[test]
fn a_kill_while_sled_writes_a_snapshot_does_no_harm() {
    let folder = Folder::new();
    let storage = SledStorage::open(folder.path(), small()).expect("opens");
    let blob = storage.put_blob("a", b"kept").expect("put");
    storage.flush().expect("flush");
    drop(storage);
    for torn in [&b""[..], b"torn", &[7; 2162]] {
        let snapshot = folder.path().join("snap.7FFFFFFFFFFFFFFF.generating");
        std::fs::write(&snapshot, torn).expect("writable");
        let storage = SledStorage::open(folder.path(), small()).expect("opens");
        assert_eq!(storage.get_blob(&blob).expect("whole"), b"kept");
        assert!(!snapshot.exists());
    }
}

#[test]
fn chunks_without_a_head_are_removed_and_all_others_stay() {
    let folder = Folder::new();
    let storage = SledStorage::open(folder.path(), small()).expect("opens");
    let bytes = vec![1; 3 * SLED_VALUE_BYTES];
    let first = storage.put_blob("first", &bytes).expect("put");
    storage.stage(&storage.blobs, &bytes, "crash before the head").expect("staged");
    let last = storage.put_blob("last", &bytes).expect("put");
    storage.stage(&storage.manifests, b"short", "crash before the head").expect("staged");
    assert_eq!(storage.remove_unfinished().expect("sweep"), 4);
    assert_eq!(storage.remove_unfinished().expect("sweep"), 0);
    assert!([first, last].iter().all(|blob| storage.get_blob(blob).is_ok_and(|b| b == bytes)));
}

#[test]
fn a_blob_with_a_lost_chunk_is_damaged() {
    let folder = Folder::new();
    let storage = SledStorage::open(folder.path(), small()).expect("opens");
    let blob = storage.put_blob("torn", &vec![1; 2 * SLED_VALUE_BYTES]).expect("put");
    let (second, _) = storage.blobs.chunks.last().expect("readable").expect("there");
    storage.blobs.chunks.remove(second).expect("removable");
    let error = storage.get_blob(&blob).expect_err("half of it is gone");
    assert!(matches!(error, StorageError::DamagedBlob { .. }), "{error}");
}

#[test]
fn the_disk_stays_within_a_few_times_the_live_bytes_over_many_checkpoints() {
    const CHECKPOINTS: u64 = 300;
    const BYTES: usize = 1 << 20;
    const RETAINED: u64 = 3;
    let folder = Folder::new();
    let storage = SledStorage::open(folder.path(), small()).expect("opens");
    let mut highest = 0;
    for id in 1..=CHECKPOINTS {
        let bytes = id.to_le_bytes().repeat(BYTES / 8);
        storage.put_blob(&format!("c{id}"), &bytes).expect("put");
        storage.flush().expect("flush");
        storage.create_manifest(id, &id.to_le_bytes()).expect("free");
        if id > RETAINED {
            storage.delete_manifest(id - RETAINED).expect("delete");
            storage.delete_blob(&format!("c{}", id - RETAINED)).expect("delete");
        }
        highest = highest.max(storage.bytes_on_disk().expect("size"));
    }
    storage.flush().expect("flush");
    let live = RETAINED * BYTES as u64;
    let ratio = |bytes: u64| bytes as f64 / live as f64;
    let last = storage.bytes_on_disk().expect("size");
    println!("disk: highest {:.1} x live, last {:.1} x", ratio(highest), ratio(last));
    assert!(ratio(highest) < 12.0, "the disk grew to {:.1} times the live bytes", ratio(highest));
}

fn files(folder: &Folder) -> usize {
    std::fs::read_dir(folder.path().join("large")).expect("readable").count()
}

/// Longer than what lies in the database.
fn long(byte: u8) -> Vec<u8> {
    vec![byte; SLED_OBJECT_BYTES + 1]
}

#[test]
fn a_large_object_is_one_file_from_its_name_to_the_flush_behind_its_end() {
    let folder = Folder::new();
    let storage = SledStorage::open(folder.path(), small()).expect("opens");
    let blob = storage.put_blob("long", &long(1)).expect("put");
    assert_eq!(storage.put_blob("long", &long(1)).expect("the same again is fine"), blob);
    assert!(matches!(storage.put_blob("long", &long(2)), Err(StorageError::BlobExists(_))));
    assert_eq!(files(&folder), 1);
    drop(storage);
    let storage = SledStorage::open(folder.path(), small()).expect("opens");
    assert_eq!(storage.get_blob(&blob).expect("whole"), long(1));
    storage.delete_blob("long").expect("delete");
    assert!(matches!(storage.get_blob(&blob), Err(StorageError::MissingBlob(_))));
    assert_eq!(files(&folder), 1, "until it is forgotten durably");
    storage.flush().expect("flush");
    assert_eq!(files(&folder), 0);
}

#[test]
fn a_blob_in_pieces_is_not_there_before_its_end_and_leaves_nothing_when_it_is_dropped() {
    let folder = Folder::new();
    let storage = SledStorage::open(folder.path(), small()).expect("opens");
    for length in [10, SLED_OBJECT_BYTES * 2] {
        let name = format!("of-{length}");
        let mut dropped = storage.begin_blob(&name, 4).expect("begins");
        dropped.write_all(&vec![7; length]).expect("written");
        drop(dropped);
        assert_eq!(files(&folder), 0);
        let mut blob = storage.begin_blob(&name, 4).expect("begins");
        for piece in vec![7; length].chunks(100_000) {
            blob.write_all(piece).expect("written");
        }
        assert!(!storage.blobs().expect("list").contains(&name));
        let blob = blob.finish(b"head").expect("finished");
        let expected = [&b"head"[..], &vec![7; length]].concat();
        assert_eq!(storage.get_blob(&blob).expect("whole"), expected);
        let again = |byte| {
            let mut again = storage.begin_blob(&name, 4).expect("begins");
            again.write_all(&vec![byte; length]).expect("written");
            again.finish(b"head")
        };
        assert_eq!(again(7).expect("the same again is fine"), blob);
        assert!(matches!(again(8), Err(StorageError::BlobExists(_))));
        assert_eq!(storage.get_blob(&blob).expect("whole"), expected);
        storage.delete_blob(&name).expect("delete");
        storage.flush().expect("flush");
    }
}

#[test]
fn files_without_a_name_are_removed_and_a_name_without_its_file_is_damage() {
    let folder = Folder::new();
    let storage = SledStorage::open(folder.path(), small()).expect("opens");
    let kept = storage.put_blob("kept", &long(1)).expect("put");
    storage.stage_file(&long(2), "crash before the head").expect("staged");
    storage.put_blob("deleted", &long(3)).expect("put");
    storage.delete_blob("deleted").expect("delete, and crash before the flush");
    assert_eq!(storage.remove_unfinished().expect("sweep"), 2);
    assert_eq!(storage.get_blob(&kept).expect("whole"), long(1));
    for entry in std::fs::read_dir(folder.path().join("large")).expect("readable") {
        std::fs::write(entry.expect("readable").path(), b"cut").expect("writable");
    }
    assert!(matches!(storage.get_blob(&kept), Err(StorageError::DamagedBlob { .. })));
    std::fs::remove_dir_all(folder.path().join("large")).expect("removable");
    assert!(matches!(storage.get_blob(&kept), Err(StorageError::DamagedBlob { .. })));
}

#[test]
fn a_head_that_cannot_be_read_stops_the_sweep_before_its_chunks_go() {
    let folder = Folder::new();
    let storage = SledStorage::open(folder.path(), small()).expect("opens");
    storage.put_blob("a", &[1; 100]).expect("put");
    storage.blobs.heads.insert("a", &[9; 17][..]).expect("writable");
    let error = storage.remove_unfinished().expect_err("what it leads to is not known");
    assert!(matches!(error, StorageError::Unknown { .. }), "{error}");
    assert_eq!(storage.blobs.chunks.len(), 1);
}

/// Names and bytes of the files of a database.
fn contents(folder: &Path) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    let (mut found, mut below) = (std::collections::BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(folder) = below.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                below.push(path);
            } else {
                let bytes = std::fs::read(&path).expect("a file");
                found.insert(path, bytes);
            }
        }
    }
    found
}

#[test]
fn a_copy_shows_what_is_durable_while_the_database_is_held_and_leaves_it_as_it_is() {
    let folder = Folder::new();
    let held = SledStorage::open(folder.path(), small()).expect("opens");
    let one = held.put_blob("small", b"kept").expect("put");
    let bytes = vec![5; SLED_OBJECT_BYTES + 1];
    let other = held.put_blob("large", &bytes).expect("put");
    held.create_manifest(7, b"frame").expect("created");
    let copy = SledStorage::open_copy(folder.path(), small()).expect("it comes to rest");
    let kept_at = copy.copied.as_ref().expect("a copy").folder().to_owned();
    assert_eq!(copy.manifests().expect("listed"), [7]);
    assert_eq!(copy.get_blob(&one).expect("whole"), b"kept");
    assert!(copy.get_blob(&other).expect("whole") == bytes, "read where it is");
    held.put_blob("later", b"more").expect("the database is free to be written");
    held.flush().expect("flush");
    assert!(!copy.blobs().expect("listed").contains(&"later".to_owned()));
    drop(held);
    let torn = folder.path().join("snap.7FFFFFFFFFFFFFFF.generating");
    std::fs::write(&torn, b"torn").expect("writable");
    let before = contents(folder.path());
    let again = SledStorage::open_copy(folder.path(), small()).expect("a torn snapshot is no harm");
    assert_eq!(again.blobs().expect("listed"), ["large", "later", "small"]);
    drop((again, copy));
    assert!(contents(folder.path()) == before, "not even what is torn is removed");
    assert!(!kept_at.exists());
}

#[test]
fn a_copy_of_what_is_no_database_is_an_error() {
    let folder = Folder::new();
    std::fs::write(folder.path().join("conf"), b"not a configuration").expect("writable");
    std::fs::write(folder.path().join("db"), vec![7; 1 << 20]).expect("writable");
    let error = SledStorage::open_copy(folder.path(), small()).expect_err("it cannot be read");
    assert!(matches!(error, StorageError::Open { .. }), "{error}");
}

/// A database as a job leaves it: checkpoints of many parts, of which the last three are kept.
fn worn(folder: &Path) {
    let storage = SledStorage::open(folder, small()).expect("opens");
    let part = |id: u64, part: u64| format!("1-1-{id}-operator-{part}");
    for id in 1..=20_u64 {
        for n in 0..12 {
            let bytes = vec![id as u8; 50 + 2_000 * n as usize * n as usize];
            storage.put_blob(&part(id, n), &bytes).expect("put");
        }
        storage.flush().expect("flush");
        storage.create_manifest(id, &[id as u8; 3_000]).expect("free");
        if let Some(old) = id.checked_sub(3).filter(|old| *old > 0) {
            storage.delete_manifest(old).expect("delete");
            (0..12).for_each(|n| storage.delete_blob(&part(old, n)).expect("delete"));
        }
    }
    storage.flush().expect("flush");
}

/// What a job asks of a database that opens. That parts are damaged it takes.
fn serve(storage: &SledStorage) -> Result<(), StorageError> {
    for name in storage.blobs()? {
        if let Err(error @ StorageError::Read { .. }) =
            storage.get_blob(&BlobRef { name, bytes: 0 })
        {
            return Err(error);
        }
    }
    for run in 1..30 {
        for operator in ["aggregate", "operator", "zip"] {
            storage.put_blob(&format!("{run}-2-7-{operator}-0"), &[7; 9_000])?;
        }
    }
    for id in storage.manifests()? {
        storage.delete_manifest(id)?;
    }
    storage.flush()?;
    storage.create_manifest(1_000, &[7; 3_000])?;
    for name in storage.blobs()? {
        storage.delete_blob(&name)?;
    }
    storage.remove_unfinished()?;
    storage.flush()
}

#[test]
fn what_sled_says_when_it_gives_up_can_be_read() {
    let gave_up = |said: String| guarded::<()>(|| panic!("{said}")).expect_err("it panics");
    let key = "255, ".repeat(1 << 20);
    let told = gave_up(format!("cannot find page 5, looking for key [{key}]")).to_string();
    assert!(told.starts_with("sled gave up: cannot find page 5, looking for key [255, "), "{told}");
    assert_eq!(told.chars().count(), "sled gave up: ".len() + SLED_REASON_CHARS);
    assert_eq!(gave_up("é".repeat(9)).to_string(), "sled gave up: ééééééééé");
}

#[test]
fn damage_is_told_apart_from_a_disk_that_fails() {
    let told = |cause| StorageError::Read { doing: "list".into(), source: cause }.to_string();
    let broken = guarded::<()>(|| Err(sled::Error::ReportableBug("torn".into())));
    assert!(told(broken.expect_err("broken")).contains("it looks damaged"));
    let cut = || Err(sled::Error::Io(io::ErrorKind::UnexpectedEof.into()));
    assert!(told(guarded::<()>(cut).expect_err("cut short")).contains("it looks damaged"));
    let refused = || Err(sled::Error::Io(io::ErrorKind::PermissionDenied.into()));
    assert!(told(guarded::<()>(refused).expect_err("refused")).contains("try again"));
}

#[test]
fn what_is_damaged_is_refused_or_serves_or_is_called_damaged() {
    const CASES: u64 = 24;
    let whole = Folder::new();
    worn(whole.path());
    let files = contents(whole.path());
    let (mut refused, mut served) = (0, 0);
    for seed in 0..CASES {
        let mut state: u64 = seed;
        // SplitMix64.
        let mut below = |bound: usize| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) % bound as u64) as usize
        };
        let folder = Folder::new();
        let harmed = below(files.len());
        for (n, (path, bytes)) in files.iter().enumerate() {
            let mut bytes = bytes.clone();
            // Sled reserves more than it uses: harm where something stands.
            let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            if (n == harmed || path.ends_with("db") && below(2) == 0) && used > 0 {
                let at = below(used);
                match below(4) {
                    0 => bytes.truncate(at),
                    1 => bytes[at..used.min(at + 512)].fill(0),
                    _ => bytes[at] ^= 1 << below(8),
                }
            }
            let path = folder.path().join(path.strip_prefix(whole.path()).expect("within"));
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
            std::fs::write(path, bytes).expect("writable");
        }
        match SledStorage::open(folder.path(), small()) {
            // What only the index leads to may be met no sooner than in use: then it is called damage.
            Ok(storage) => match serve(&storage) {
                Ok(()) => served += 1,
                Err(error) => assert!(
                    error.to_string().contains("it looks damaged"),
                    "seed {seed}: {error}: {error:?}"
                ),
            },
            Err(error) => {
                refused += 1;
                assert!(error.to_string().len() < 400, "seed {seed}, not in words: {error}");
            }
        }
    }
    assert!(refused > 0 && served > 0, "{refused} of {CASES} refused, {served} served");
}
