//! Every job whose rows are recorded: exact when it is left alone, when any of its operators fails, and
//! when it is killed again and again, at parallelism 1 and 2.
//!
//! Apart from the tests around it, which try everything on one job.

use crate::job_process::{Dice, Place, Storage, is_full_run};
use crate::subject::{SUBJECTS, Subject};
use std::time::Duration;

/// Kills of a job before it is let alone.
const KILLS: u32 = 8;

/// Until a kill.
const LONGEST_LIFE_MS: u32 = 400;

/// The operators of a job and the records that each has taken or, for a source, made.
fn operators(place: &Place, case: &str) -> Vec<(String, u64)> {
    let ended = place.job(Storage::Sled).run();
    ended.assert_clean(case);
    place.assert_exact(case);
    let summary = ended.summary.unwrap();
    let operators = summary["operators"].as_array().unwrap().iter();
    let records = |operator: &serde_json::Value| {
        let is_source = operator["records_in"] == 0;
        operator[if is_source { "records_out" } else { "records_in" }].as_u64().unwrap()
    };
    let of = |o: &serde_json::Value| (o["uid"].as_str().unwrap().to_owned(), records(o));
    operators.map(of).collect()
}

fn fails(subject: Subject, parallelism: u32, storage: Storage, operator: &str, record: u64) {
    let Some(place) = Place::of(subject) else { return };
    let case = format!("{}, {operator}:{record} at {parallelism}, {storage:?}", subject.job);
    let start = place.job(storage).parallelism(parallelism);
    let ended = start.flag("--inject-fault", format!("{operator}:{record}")).run();
    ended.assert_clean(&case);
    place.assert_exact(&case);
    assert_eq!(ended.number("restarts"), 1, "{case}");
    assert!(ended.said.contains(&format!("operator {operator}")), "{case}: {}", ended.said);
}

#[test]
fn rows_are_the_recorded_ones_also_when_an_operator_fails() {
    for subject in SUBJECTS {
        let Some(place) = Place::of(subject) else { return };
        let operators = operators(&place, subject.job);
        for parallelism in [1, 2] {
            for (operator, records) in &operators {
                // At parallelism 2 a subtask may take as little as a part of a few records.
                let nth = (records / u64::from(4 * parallelism)).max(1);
                fails(subject, parallelism, Storage::Sled, operator, nth);
                if is_full_run() {
                    fails(subject, parallelism, Storage::Sled, operator, 1);
                    fails(subject, parallelism, Storage::Memory, operator, nth);
                }
            }
        }
    }
}

#[test]
fn rows_are_the_recorded_ones_after_kills_at_changing_parallelism() {
    for (seed, subject) in (40..).zip(SUBJECTS) {
        let Some(place) = Place::of(subject) else { return };
        let mut dice = Dice(seed);
        let kills = if is_full_run() { 5 * KILLS } else { KILLS };
        // So slow that it cannot end before the last of them.
        let rate = subject.rate_for_ms(kills * LONGEST_LIFE_MS);
        for kill in 1..=kills {
            let start = place.job(Storage::Sled).parallelism(1 + dice.below(2) as u32);
            let mut running = start.flag("--rate", rate).spawn();
            let moment = Duration::from_millis(dice.below(LONGEST_LIFE_MS.into()));
            let case = format!("{}, kill {kill} after {moment:?}", subject.job);
            if let Some(ended) = running.wait_for(moment) {
                panic!("{case}: it ended although --rate leaves it no time to: {ended:?}");
            }
            running.kill().assert_no_panic_text(&case);
            place.assert_partial(&case);
        }
        place.job(Storage::Sled).parallelism(2).run().assert_clean(subject.job);
        place.assert_exact(subject.job);
    }
}
