//! Panics inside the process: the region restarts, nobody else notices.

use crate::job_process::{Place, Storage, is_full_run};

/// An operator and the records at which it may fail: some at parallelism 2 reach less.
const OPERATORS: [(&str, [u64; 3]); 5] = [
    ("clicks", [1, 30_000, 50_000]),
    ("page-views", [1, 30_000, 45_000]),
    ("count", [1, 20_000, 40_000]),
    ("rank", [1, 5_000, 20_000]),
    ("rows", [1, 40, 80]),
];

#[test]
fn a_panic_in_any_operator_changes_no_row() {
    for (operator, records) in OPERATORS {
        for parallelism in [1, 2] {
            let chosen = if is_full_run() { &records[..] } else { &records[1..2] };
            for record in chosen {
                for storage in [Storage::Sled, Storage::Memory] {
                    if storage == Storage::Memory && !is_full_run() {
                        continue;
                    }
                    let Some(place) = Place::new() else { return };
                    let case = format!("{operator}:{record} at parallelism {parallelism}");
                    let start = place.job(storage).parallelism(parallelism);
                    let start = start.flag("--rate", 200_000);
                    let ended = start.flag("--inject-fault", format!("{operator}:{record}")).run();
                    ended.assert_clean(&case);
                    place.assert_exact(&case);
                    assert!(ended.number("restarts") >= 1, "{case}");
                    assert!(ended.said.contains(&format!("operator {operator}")), "{}", ended.said);
                }
            }
        }
    }
}

#[test]
fn a_panic_without_restarts_fails_the_job_in_words_and_the_folder_goes_on() {
    let Some(place) = Place::new() else { return };
    let start = place.job(Storage::Sled).flag("--restart-strategy", "none");
    let ended = start.flag("--inject-fault", "rank:5000").flag("--rate", 200_000).run();
    ended.assert_refused(1, "operator rank");
    place.assert_partial("failed");
    place.job(Storage::Sled).run().assert_clean("resumed");
    place.assert_exact("resumed");
}
