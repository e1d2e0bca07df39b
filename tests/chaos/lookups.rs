//! Lookups by a service that delays, fails, hangs up and falls silent: the rows are exact all the same, when
//! the job fails, when it is killed, and at any parallelism.

use crate::job_process::{Dice, Place, Start, is_full_run};
use crate::service::Service;
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tidegate_generator::Sequence;
use tidegate_tests::lookups;

/// Until a kill.
const LONGEST_LIFE_MS: u64 = 600;

/// The rows, as anyone could compute them who had all records and answers at once.
fn rows() -> Vec<String> {
    let numbers = Sequence::new(lookups::RECORDS).keys(lookups::KEYS);
    let mut sums: BTreeMap<(u64, u64), u64> = BTreeMap::new();
    for n in 0..lookups::RECORDS {
        let number = numbers.key(n);
        if let Some(value) = lookups::value(number) {
            *sums.entry((n / 1_000, number % lookups::GROUPS)).or_default() += value;
        }
    }
    let mut rows: Vec<_> =
        sums.iter().map(|((window, key), sum)| format!("{window}\t{key}\t{sum}")).collect();
    rows.sort();
    rows
}

fn job(place: &Place, service: &Service) -> Start {
    let start = place.bare().with_job("lookups").flag("--service", service.address);
    let start = start.flag("--output", place.output().display());
    let start = start.flag("--state-dir", place.state().display()).flag("--slots", 2);
    start.flag("--roll-after", "1ms").flag("--checkpoint-interval", "20ms")
}

#[test]
fn rows_are_exact_whatever_the_service_does_also_when_the_lookup_fails() {
    for (parallelism, ordered, cached) in [(1, true, false), (2, false, false), (2, true, true)] {
        let Some(place) = Place::new() else { return };
        let service = Service::start();
        let case = format!("parallelism {parallelism}, ordered {ordered}, cached {cached}");
        let mut start = job(&place, &service).parallelism(parallelism);
        start = if ordered { start.switch("--ordered") } else { start };
        start = if cached { start.flag("--cached-ms", 50) } else { start };
        let ended = start.flag("--inject-fault", "lookup:900").run();
        ended.assert_clean(&case);
        assert_eq!(ended.number("restarts"), 1, "{case}");
        assert_eq!(place.rows(), rows(), "{case}");
        let calls = service.calls.load(Ordering::Relaxed);
        println!("{case}: {calls} calls for {} records", lookups::RECORDS);
    }
}

#[test]
fn rows_are_exact_after_kills_in_the_midst_of_calls() {
    let Some(place) = Place::new() else { return };
    let (service, mut dice) = (Service::start(), Dice(7));
    let kills = if is_full_run() { 30 } else { 6 };
    // So slow that it cannot end before the last of them.
    let rate = 1 + lookups::RECORDS * 1_000 / (kills * LONGEST_LIFE_MS);
    for kill in 1..=kills {
        let start = job(&place, &service).parallelism(1 + dice.below(2) as u32);
        let mut running = start.flag("--rate", rate).spawn();
        let moment = Duration::from_millis(dice.below(LONGEST_LIFE_MS));
        if let Some(ended) = running.wait_for(moment) {
            panic!("kill {kill}: it ended although --rate leaves it no time to: {ended:?}");
        }
        running.kill().assert_no_panic_text(&format!("kill {kill} after {moment:?}"));
        let expected = rows();
        for row in place.rows() {
            assert!(expected.contains(&row), "kill {kill}: {row:?} is wrong");
        }
    }
    job(&place, &service).parallelism(2).run().assert_clean("let alone");
    assert_eq!(place.rows(), rows());
}

#[test]
fn the_job_stops_with_a_checkpoint_while_nobody_answers() {
    let Some(place) = Place::new() else { return };
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    deaf.set_nonblocking(true).unwrap();
    let service = Service::start();
    let nobody = deaf.local_addr().unwrap();
    let running = job(&place, &service).flag("--rate", 20).flag("--service", nobody).spawn();
    let mut calls = Vec::new();
    running.until("calls are under way", || {
        calls.extend(deaf.accept());
        calls.len() > 4
    });
    running.ask_to_stop();
    running.wait().assert_clean("stopped");
    assert_eq!(place.rows(), Vec::<String>::new());
    job(&place, &service).run().assert_clean("answered");
    assert_eq!(place.rows(), rows());
}
