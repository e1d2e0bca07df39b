//! Asked to stop: with a checkpoint, or by draining the input.

use crate::job_process::{Dice, Place, Storage};
use std::time::Duration;

#[test]
fn sigterm_at_random_moments_exits_with_zero_and_the_job_goes_on_where_it_was() {
    for (storage, rate) in [(Storage::Sled, 20_000), (Storage::Folder, 30_000)] {
        let Some(place) = Place::new() else { return };
        let mut dice = Dice(4);
        for stop in 1..=8 {
            let parallelism = 1 + dice.below(4) as u32;
            let start = place.job(storage).parallelism(parallelism);
            let mut running = start.flag("--rate", rate).spawn();
            let moment = Duration::from_millis(dice.below(300));
            let case = format!("{storage:?}, stop {stop} after {moment:?}");
            assert!(running.wait_for(moment).is_none(), "{case}: --rate leaves it no time to end");
            running.ask_to_stop();
            let ended = running.wait();
            ended.assert_clean(&case);
            let end = ended.summary.as_ref().map(|summary| summary["end"].clone());
            assert_eq!(end, Some("stopped".into()), "{case}: {ended:?}");
            place.assert_partial(&case);
        }
        place.job(storage).run().assert_clean("let alone at last");
        place.assert_exact(&format!("{storage:?}"));
    }
}

#[test]
fn a_stop_publishes_everything_that_was_computed_and_fires_no_window_early() {
    let Some(place) = Place::new() else { return };
    let running = place.lazy_job(Storage::Folder).flag("--rate", 50_000).spawn();
    wait_for_checkpoints(&place, &running);
    running.ask_to_stop();
    let ended = running.wait();
    ended.assert_clean("stopped");
    place.assert_partial("stopped");
    let summary = ended.summary.unwrap();
    let operators = summary["operators"].as_array().unwrap();
    let rows = operators.iter().find(|operator| operator["uid"] == "rows").unwrap();
    assert_eq!(rows["records_in"], place.rows().len() as u64, "what was written is published");
    place.job(Storage::Folder).run().assert_clean("resumed");
    place.assert_exact("resumed");
}

#[test]
fn a_drained_job_fires_what_is_open_and_is_finished() {
    let Some(place) = Place::new() else { return };
    let running =
        place.job(Storage::Folder).switch("--drain").flag("--rate", 50_000).parallelism(2).spawn();
    wait_for_checkpoints(&place, &running);
    running.ask_to_stop();
    let ended = running.wait();
    ended.assert_clean("drained");
    let summary = ended.summary.unwrap();
    assert_eq!(summary["end"], "finished");
    let operators = summary["operators"].as_array().unwrap();
    let of = |uid: &str| operators.iter().find(|o| o["uid"] == uid).unwrap().clone();
    let read = of("clicks")["records_out"].as_u64().unwrap();
    assert!(read < 110_300, "it was asked to end before the end: {read}");
    assert_eq!(of("rows")["records_in"], place.rows().len() as u64);
    let again = place.job(Storage::Folder).run();
    again.assert_clean("again");
    assert!(again.said.contains("finished before"), "{}", again.said);
}

fn wait_for_checkpoints(place: &Place, running: &crate::job_process::Running) {
    let manifests = place.storage().join("manifests");
    running.until("some checkpoints", || {
        let newest = std::fs::read_dir(&manifests).into_iter().flatten().flatten();
        let numbers = newest.filter_map(|entry| entry.file_name().to_str()?.parse::<u64>().ok());
        numbers.max().unwrap_or(0) >= 8
    });
}
