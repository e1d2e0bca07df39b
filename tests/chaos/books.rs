//! The books of a reconciliation, as the summary of a run tells them: whatever has failed on the way, they
//! balance, and say of the recorded payments what their rows say.

use crate::job_process::{Dice, Ended, Place, Storage};
use crate::subject::TX_MATCH;
use std::time::Duration;

fn gauges(ended: &Ended) -> serde_json::Value {
    let operators = &ended.summary.as_ref().expect("a summary")["operators"];
    let of = |operator: &&serde_json::Value| operator["uid"] == "reconcile";
    let reconcile = operators.as_array().unwrap().iter().find(of).unwrap();
    reconcile["gauges"].clone()
}

/// Four payments have their receipts; thirty-six of either side have no counterpart.
fn assert_balanced(ended: &Ended, case: &str) {
    let gauges = gauges(ended);
    for side in ["left", "right"] {
        let of = |what: &str| gauges[format!("{side}_{what}")].as_u64().unwrap();
        let accounted = of("matched") + of("unmatched") + of("late") + of("pending");
        assert_eq!(of("received"), accounted, "{case}: {gauges}");
        assert_eq!((of("matched"), of("unmatched"), of("late")), (4, 36, 0), "{case}: {gauges}");
    }
}

#[test]
fn the_books_of_a_reconciliation_balance_after_a_fault_and_after_kills() {
    let Some(place) = Place::of(TX_MATCH) else { return };
    let start = place.job(Storage::Sled).parallelism(2).flag("--inject-fault", "reconcile:9");
    let ended = start.run();
    ended.assert_clean("fault");
    assert_eq!(ended.number("restarts"), 1);
    assert_balanced(&ended, "fault");
    let Some(place) = Place::of(TX_MATCH) else { return };
    let mut dice = Dice(3);
    for kill in 1..=4 {
        let start = place.job(Storage::Sled).parallelism(1 + kill % 3).flag("--rate", 50);
        let mut running = start.spawn();
        let moment = Duration::from_millis(100 + dice.below(200));
        assert!(running.wait_for(moment).is_none(), "kill {kill}: --rate leaves it no time to end");
        running.kill().assert_no_panic_text("killed");
    }
    let ended = place.job(Storage::Sled).parallelism(2).run();
    ended.assert_clean("kills");
    place.assert_exact("kills");
    assert_balanced(&ended, "kills");
}
