//! Left alone the job gives the recorded rows, however it is run; and once finished it stays so.

use crate::job_process::{Place, Storage, is_full_run};

#[test]
fn rows_are_the_recorded_ones_at_every_parallelism_with_every_backend_and_storage() {
    for parallelism in [1, 2, 4] {
        for backend in ["sled", "memory"] {
            for storage in [Storage::Sled, Storage::Memory, Storage::Folder] {
                let varied = backend == "sled" || storage == Storage::Sled;
                if !varied && !is_full_run() {
                    continue;
                }
                let Some(place) = Place::new() else { return };
                let case = format!("parallelism {parallelism}, {backend}, {storage:?}");
                let start = place.job(storage).parallelism(parallelism);
                let ended = start.flag("--state-backend", backend).run();
                ended.assert_clean(&case);
                place.assert_exact(&case);
                let summary = ended.summary.unwrap();
                assert_eq!(summary["restarts"], 0, "{case}");
                assert_eq!(summary["end"], "finished", "{case}");
                let operators = summary["operators"].as_array().unwrap();
                let clicks = operators.iter().find(|operator| operator["uid"] == "clicks").unwrap();
                assert_eq!(clicks["records_out"], 110_300, "{case}: every row is read once");
            }
        }
    }
}

#[test]
fn files_that_stay_open_across_checkpoints_hold_the_recorded_rows_too() {
    let Some(place) = Place::new() else { return };
    let start = place.bare().flag("--input", place.input().display());
    let start = start.flag("--output", place.output().display());
    let ended = start.flag("--checkpoint-interval", "20ms").run();
    ended.assert_clean("as the real job runs");
    place.assert_exact("as the real job runs");
}

#[test]
fn a_finished_job_started_again_says_so_and_changes_nothing() {
    for storage in [Storage::Sled, Storage::Folder] {
        let Some(place) = Place::new() else { return };
        place.job(storage).run().assert_clean("first");
        let files = crate::damage::contents(&place.output());
        for parallelism in [1, 2] {
            let again = place.job(storage).parallelism(parallelism).run();
            again.assert_clean("again");
            assert!(again.said.contains("finished before"), "{}", again.said);
            assert_eq!(again.number("checkpoints"), 0);
            assert_eq!(crate::damage::contents(&place.output()), files);
        }
        let anew = place.job(storage).switch("--fresh").run();
        anew.assert_clean("fresh");
        place.assert_exact("fresh");
        assert!(anew.number("checkpoints") > 0);
    }
}
