//! A panic inside the process that nothing is to be done about.

use crate::job_process::{Place, Storage};

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
