//! Damaged state: it is named, the newest whole checkpoint serves, or the job refuses; never wrong rows.

use crate::job_process::{Dice, Place, Storage, is_full_run};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Every file below `folder` with its content.
pub(crate) fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let Ok(entries) = fs::read_dir(folder) else { return files };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(contents(&path));
        } else {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    files
}

/// The blobs of each complete checkpoint, in checkpoint storage of a folder; their names are
/// `run-attempt-checkpoint-...`.
fn blobs_by_checkpoint(storage: &Path) -> BTreeMap<u64, Vec<PathBuf>> {
    let complete = fs::read_dir(storage.join("manifests")).unwrap();
    let complete = complete.filter_map(|e| e.unwrap().file_name().to_str()?.parse::<u64>().ok());
    let complete: Vec<u64> = complete.collect();
    let mut blobs: BTreeMap<u64, Vec<PathBuf>> = BTreeMap::new();
    for entry in fs::read_dir(storage.join("blobs")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let checkpoint = name.split('-').nth(2).and_then(|number| number.parse().ok());
        if let Some(checkpoint) = checkpoint.filter(|checkpoint| complete.contains(checkpoint)) {
            blobs.entry(checkpoint).or_default().push(path);
        }
    }
    blobs.values_mut().for_each(|blobs| blobs.sort());
    blobs
}

fn newest_blobs(storage: &Path) -> Vec<PathBuf> {
    blobs_by_checkpoint(storage).pop_last().expect("a checkpoint").1
}

/// Flips a bit in the newest checkpoint that has published rows, and in those after it: a restore
/// must take rows back. When there is no older checkpoint left to go back to, does nothing and says so.
pub(crate) fn flip_newest_with_rows(place: &Place) -> bool {
    let newest = newest_epoch_with_rows(place);
    let checkpoints = blobs_by_checkpoint(&place.storage());
    if checkpoints.keys().all(|checkpoint| *checkpoint >= newest) {
        return false;
    }
    for (checkpoint, blobs) in checkpoints {
        if checkpoint >= newest {
            flip(&blobs[0], 0);
        }
    }
    true
}

fn newest_epoch_with_rows(place: &Place) -> u64 {
    let parts = fs::read_dir(place.output()).unwrap();
    let epoch = |name: String| name.strip_prefix("part-")?.split('-').next()?.parse::<u64>().ok();
    let epochs = parts.filter_map(|entry| epoch(entry.unwrap().file_name().into_string().ok()?));
    epochs.max().expect("published rows")
}

/// Flips one bit, in the middle or `dice` bytes further.
fn flip(path: &Path, further: u64) {
    let mut bytes = fs::read(path).unwrap();
    let at = (bytes.len() / 2 + further as usize) % bytes.len();
    bytes[at] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

/// A job that died in the middle, several checkpoints done and their rows published.
fn died_in_the_middle(storage: Storage, parallelism: u32) -> Option<Place> {
    let place = Place::new()?;
    let start = place.job(storage).parallelism(parallelism).flag("--rate", 40_000);
    let ended = start.crash("manifest.write.before:12").run();
    assert!(ended.is_crash(), "{ended:?}");
    Some(place)
}

#[test]
fn a_damaged_blob_is_named_an_older_checkpoint_serves_and_the_rows_are_exact() {
    type Harm = (&'static str, fn(&Path));
    let harms: [Harm; 4] = [
        ("a bit flipped", |blob| flip(blob, 0)),
        ("cut short", |blob| {
            let bytes = fs::read(blob).unwrap();
            fs::write(blob, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("emptied", |blob| fs::write(blob, "").unwrap()),
        ("removed", |blob| fs::remove_file(blob).unwrap()),
    ];
    for (case, harm) in harms {
        let Some(place) = died_in_the_middle(Storage::Folder, 2) else { return };
        let before = place.rows();
        let blob = newest_blobs(&place.storage()).swap_remove(0);
        harm(&blob);
        let resumed = place.job(Storage::Folder).run();
        resumed.assert_clean(case);
        let name = blob.file_name().unwrap().to_str().unwrap();
        assert!(resumed.said.contains(name), "{case}: {name} is not named in {}", resumed.said);
        place.assert_exact(case);
        assert!(!before.is_empty(), "{case}: something had been published");
    }
}

#[test]
fn a_damaged_manifest_is_named_and_the_rows_are_exact_or_the_job_refuses() {
    for further in [0, 7] {
        let Some(place) = died_in_the_middle(Storage::Folder, 1) else { return };
        let manifests = contents(&place.storage().join("manifests"));
        let newest = manifests.keys().next_back().unwrap();
        flip(newest, further);
        let resumed = place.job(Storage::Folder).run();
        resumed.assert_clean("damaged manifest");
        assert!(resumed.said.contains("does not count"), "{}", resumed.said);
        place.assert_exact("damaged manifest");
    }
}

#[test]
fn when_no_checkpoint_is_whole_the_job_refuses_and_touches_nothing() {
    let Some(place) = died_in_the_middle(Storage::Folder, 1) else { return };
    for blob in contents(&place.storage().join("blobs")).into_keys() {
        flip(&blob, 0);
    }
    let before = (contents(&place.output()), contents(&place.storage()));
    place.job(Storage::Folder).run().assert_refused(2, "no checkpoint is whole");
    assert!(before == (contents(&place.output()), contents(&place.storage())));
    place.job(Storage::Folder).switch("--fresh").run().assert_clean("fresh");
    place.assert_exact("fresh");
}

#[test]
fn a_checkpoint_that_breaks_while_the_job_runs_fails_it_in_words_and_a_new_start_knows_what_to_do()
{
    let Some(place) = Place::new() else { return };
    // A checkpoint after a second, broken at once; three quarters of a second later a fault.
    let start = place.eager_job(Storage::Folder, "1s").flag("--rate", 20_000);
    let running = start.flag("--inject-fault", "page-views:35000").spawn();
    running.until("it publishes", || !place.rows().is_empty());
    for blob in contents(&place.storage().join("blobs")).into_keys() {
        flip(&blob, 0);
    }
    let ended = running.wait();
    ended.assert_refused(1, "start the job again: it goes on from an older one");
    place.assert_partial("a broken checkpoint");
    let again = place.job(Storage::Folder).run();
    if again.code == Some(0) {
        place.assert_exact("an older checkpoint serves");
    } else {
        again.assert_refused(2, "no checkpoint is whole");
    }
}

#[test]
fn every_manifest_gone_is_no_first_start_when_there_is_output() {
    let Some(place) = died_in_the_middle(Storage::Folder, 1) else { return };
    for manifest in contents(&place.storage().join("manifests")).into_keys() {
        fs::remove_file(manifest).unwrap();
    }
    let before = contents(&place.output());
    place.job(Storage::Folder).run().assert_refused(2, "holds output of another job");
    assert!(before == contents(&place.output()));
}

#[test]
fn a_checkpoint_that_was_passed_over_is_never_gone_back_to_even_when_it_heals() {
    // The newest checkpoints cannot be read for a while, among them the last that published rows.
    let mut found = None;
    for _ in 0..20 {
        let Some(place) = died_in_the_middle(Storage::Folder, 1) else { return };
        let newest_rows = newest_epoch_with_rows(&place);
        let blobs = blobs_by_checkpoint(&place.storage());
        let hidden: Vec<_> = blobs.into_iter().filter(|(id, _)| *id >= newest_rows).collect();
        if hidden.len() == 2 {
            found = Some((place, hidden));
            break;
        }
    }
    let (place, hidden) = found.expect("a last checkpoint without rows of its own");
    for (_, blobs) in &hidden {
        fs::rename(&blobs[0], place.path("hidden").with_extension(checkpoint_name(&blobs[0])))
            .unwrap();
    }
    // An older one serves, and their output is done anew.
    let start = place.job(Storage::Folder).flag("--rate", 40_000);
    assert!(start.crash("manifest.write.before:3").run().is_crash());
    // They can be read again, and what was done since cannot.
    let last = hidden.last().expect("some").0;
    for (_, blobs) in &hidden {
        fs::rename(place.path("hidden").with_extension(checkpoint_name(&blobs[0])), &blobs[0])
            .unwrap();
    }
    for (checkpoint, blobs) in blobs_by_checkpoint(&place.storage()) {
        if checkpoint > last {
            blobs.iter().for_each(|blob| flip(blob, 0));
        }
    }
    let ended = place.job(Storage::Folder).run();
    ended.assert_clean("healed");
    place.assert_exact("healed");
    let from = ended.number("resumed_from");
    assert!(!hidden.iter().any(|(id, _)| *id == from), "went back to {from}, which had been left");
}

fn checkpoint_name(blob: &Path) -> String {
    let name = blob.file_name().unwrap().to_str().unwrap();
    name.split('-').nth(2).unwrap().to_owned()
}

/// How a file of sled is harmed.
fn harm_sled(place: &Place, dice: &mut Dice) -> String {
    let files = contents(&place.state().join("checkpoints"));
    let files: Vec<_> = files.into_iter().filter(|(_, bytes)| !bytes.is_empty()).collect();
    let (path, mut bytes) = files[dice.below(files.len() as u64) as usize].clone();
    let name = path.strip_prefix(place.state()).unwrap().display().to_string();
    // Sled reserves more than it uses: harm where something stands.
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(1, |last| last + 1) as u64;
    let harm = match dice.below(4) {
        0 => {
            bytes.truncate(dice.below(used) as usize);
            format!("{name} cut to {} bytes", bytes.len())
        }
        1 => {
            let (at, length) = (dice.below(used) as usize, 512.min(bytes.len()));
            let end = (at + length).min(bytes.len());
            bytes[at..end].fill(0);
            format!("{name} zeroed from {at} to {end}")
        }
        _ => {
            let at = dice.below(used) as usize;
            bytes[at] ^= 1 << dice.below(8);
            format!("{name} flipped at {at} of {used}")
        }
    };
    fs::write(path, bytes).unwrap();
    harm
}

#[test]
fn damage_within_sled_ends_in_exact_rows_or_a_clear_refusal() {
    let cases = if is_full_run() { 300 } else { 16 };
    let mut refused = 0;
    for seed in 0..cases {
        let Some(place) = died_in_the_middle(Storage::Sled, 1 + seed as u32 % 2) else { return };
        let mut dice = Dice(seed);
        let harm = harm_sled(&place, &mut dice);
        let case = format!("seed {seed}: {harm}");
        let mut ended = place.job(Storage::Sled).run();
        if ended.code == Some(1) {
            // Sled had shown what it then could not give: that shows as a job that fails.
            ended.assert_refused(1, "start the job again");
            place.assert_partial(&case);
            ended = place.job(Storage::Sled).run();
        }
        match ended.code {
            Some(0) => {
                ended.assert_clean(&case);
                place.assert_exact(&case);
            }
            _ => {
                ended.assert_no_panic_text(&case);
                assert_eq!(ended.code, Some(2), "{case}: {ended:?}");
                let errors = ended.said.lines().filter(|line| line.starts_with("error: "));
                assert_eq!(errors.count(), 1, "{case}: {}", ended.said);
                place.assert_partial(&case);
                refused += 1;
            }
        }
    }
    println!("{refused} of {cases} refused, the others exact");
}
