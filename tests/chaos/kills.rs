//! SIGKILL at random moments, again and again, on the same folder.

use crate::job_process::{Dice, Place, Storage, is_full_run};
use std::time::Duration;

/// How a series of kills goes about it.
struct Series {
    seed: u64,
    storage: Storage,
    /// Parallelism of a start: any number of these.
    parallelism: &'static [u32],
    kills: u32,
    rate: u32,
    eager: bool,
}

/// Kills until there were enough, then lets the job finish.
fn survive(series: &Series) {
    let Some(place) = Place::new() else { return };
    let Series { seed, storage, parallelism, kills, rate, eager } = *series;
    let mut dice = Dice(seed);
    let start = |dice: &mut Dice| {
        let n = parallelism[dice.below(parallelism.len() as u64) as usize];
        let start = if eager { place.job(storage) } else { place.lazy_job(storage) };
        start.parallelism(n)
    };
    for kill in 1..=kills {
        let mut running = start(&mut dice).flag("--rate", rate).spawn();
        let moment = Duration::from_millis(dice.below(500));
        let case = format!("seed {seed}, kill {kill} after {moment:?}");
        assert!(running.wait_for(moment).is_none(), "{case}: --rate leaves it no time to end");
        running.kill().assert_no_panic_text(&case);
        place.assert_partial(&case);
    }
    let ended = start(&mut dice).run();
    ended.assert_clean("let alone at last");
    assert!(ended.summary.as_ref().is_some_and(|s| s["resumed_from"].is_u64()), "{ended:?}");
    place.assert_exact(&format!("seed {seed}"));
}

#[test]
fn twenty_kills_at_random_moments_leave_exactly_the_expected_rows() {
    let (storage, parallelism) = (Storage::Sled, &[2][..]);
    survive(&Series { seed: 1, storage, parallelism, kills: 25, rate: 10_000, eager: true });
}

#[test]
fn kills_and_another_parallelism_at_every_start_leave_exactly_the_expected_rows() {
    let (storage, parallelism) = (Storage::Folder, &[1, 2, 3, 4][..]);
    survive(&Series { seed: 2, storage, parallelism, kills: 21, rate: 10_000, eager: true });
}

#[test]
fn kills_while_files_stay_open_across_checkpoints_leave_exactly_the_expected_rows() {
    let (storage, parallelism) = (Storage::Sled, &[1, 2, 4][..]);
    survive(&Series { seed: 3, storage, parallelism, kills: 20, rate: 10_000, eager: false });
}

#[test]
fn many_more_kills_with_every_storage() {
    if !is_full_run() {
        return;
    }
    for seed in 10..20 {
        for storage in [Storage::Sled, Storage::Folder] {
            let (parallelism, eager) = (&[1, 2, 3, 4, 8][..], seed % 2 == 0);
            survive(&Series { seed, storage, parallelism, kills: 40, rate: 5_000, eager });
        }
    }
}

#[test]
fn killed_at_parallelism_one_it_goes_on_at_four_and_back() {
    for storage in [Storage::Sled, Storage::Folder] {
        let Some(place) = Place::new() else { return };
        for parallelism in [1, 4, 1] {
            let case = format!("{storage:?}, dying at parallelism {parallelism}");
            let start = place.job(storage).parallelism(parallelism).flag("--rate", 60_000);
            let ended = start.crash("manifest.write.before:7").run();
            assert!(ended.is_crash(), "{case}: {ended:?}");
            place.assert_partial(&case);
        }
        place.job(storage).parallelism(4).run().assert_clean("resumed at 4");
        place.assert_exact("1, 4, 1, 4");
    }
}
