//! Queries of each kind, killed again and again and started at another parallelism: the rows are those of a run
//! that was left alone.

use crate::place::{Engine, ONE_EACH_MS, Place, Start, is_full_run};
use std::time::Duration;

/// Windows, sessions, two streams with timers, a changelog, a ranking, a join without a window, buckets.
const QUERIES: [&str; 7] = ["q5", "q11", "q4", "q6", "q19", "q20", "q10"];

/// Topologies: a ranking of windows, joins and aggregates one behind the other, a kind of the program's own, a table.
const TOPOLOGIES: [&str; 4] = ["q5", "q4", "q6", "q13"];

/// Events of a query, and the longest it lives before it is killed.
const EVENTS: u64 = 100_000;
const LONGEST_LIFE_MS: u64 = 400;

#[test]
fn rows_are_the_same_after_kills_at_changing_parallelism() {
    QUERIES.iter().for_each(|query| kill_again_and_again(Engine::Typed, query));
}

#[test]
fn rows_of_topologies_are_the_same_after_kills_at_changing_parallelism() {
    TOPOLOGIES.iter().for_each(|query| kill_again_and_again(Engine::Yaml, query));
}

fn kill_again_and_again(engine: Engine, query: &str) {
    let kills = if is_full_run() { 20 } else { 4 };
    let events =
        |start: Start| start.flag("--events", EVENTS).flag("--events-per-second", ONE_EACH_MS);
    let alone = Place::new();
    let alone = events(alone.query_by(engine, query)).run(query).rows;
    assert!(alone.len() > 1, "{query} has rows");
    let place = Place::new();
    let rate = EVENTS * 1000 / (kills * LONGEST_LIFE_MS);
    let start = |parallelism: u64| {
        let start = events(place.query_by(engine, query));
        let start = start.flag("--state-dir", place.path("state").display());
        start.flag("--parallelism", parallelism)
    };
    for kill in 0..kills {
        let mut running = start(1 + kill % 2).flag("--rate", rate).spawn();
        let life = Duration::from_millis(LONGEST_LIFE_MS * (kill * 7 % 11 + 1) / 12);
        let (_never, nothing) = std::sync::mpsc::channel::<()>();
        assert!(nothing.recv_timeout(life).is_err());
        running.kill().unwrap();
        running.wait().unwrap();
    }
    start(2).run(query).assert_rows(&alone, query);
}
