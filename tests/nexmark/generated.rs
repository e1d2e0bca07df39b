//! Queries over made-up events: those without recorded rows against their definition, each at parallelism 1
//! against 2, and each topology against its twin in Rust.

use crate::place::ONE_EACH_MS;
use crate::place::{Ended, Engine, Place};
use nexmark::QUERIES;

/// Events, and how far they are out of order.
const EVENTS: u64 = 20_000;
const BLOCK: u64 = 700;

fn run(query: &str, parallelism: u32) -> Ended {
    run_by(Engine::Typed, query, parallelism)
}

fn run_by(engine: Engine, query: &str, parallelism: u32) -> Ended {
    let place = Place::new();
    let start =
        place.query_by(engine, query).flag("--events", EVENTS).flag("--out-of-order", BLOCK);
    let start = start.flag("--events-per-second", ONE_EACH_MS);
    start.flag("--parallelism", parallelism).run(query)
}

/// What `row` makes of auction, bidder, price, time and text of each bid, sorted.
fn of_bids(row: impl Fn(&[&str]) -> String) -> Vec<String> {
    let bids = run("q0", 1).rows;
    let mut rows: Vec<_> =
        bids[1..].iter().map(|bid| row(&bid.split(',').collect::<Vec<_>>())).collect();
    rows.sort();
    rows
}

#[test]
fn rows_are_the_same_at_parallelism_1_and_2() {
    // Windows of the wall clock that are open when the input ends do not fire, as in Flink: q12 has no rows.
    for query in QUERIES.iter().filter(|query| query.name != "q12") {
        let alone = run(query.name, 1);
        assert_eq!(alone.report["events"], EVENTS);
        assert!(alone.rows.len() > 1, "{} has rows", query.name);
        run(query.name, 2).assert_rows(&alone.rows, query.name);
        if Engine::Yaml.knows(query.name) {
            let ended = run_by(Engine::Yaml, query.name, 2);
            assert_eq!(
                (&ended.report["engine"], &ended.report["events"]),
                (&"yaml".into(), &EVENTS.into())
            );
            ended.assert_rows(&alone.rows, &format!("{} as a topology", query.name));
        }
    }
}

#[test]
fn q12_runs_as_a_topology_as_well() {
    assert_eq!(run_by(Engine::Yaml, "q12", 2).rows, run("q12", 2).rows);
}

#[test]
fn q10_puts_each_bid_into_the_folder_of_its_day_and_minute() {
    let expected = of_bids(|bid| [bid, &[&bid[3][..10], &bid[3][11..16]]].concat().join(","));
    assert_eq!(run("q10", 2).rows[1..], expected);
}

#[test]
fn q13_finds_the_entry_of_each_auction() {
    let value = |bid: &[&str]| bid[0].parse::<u64>().unwrap() % 10_000;
    let expected = of_bids(|bid| format!("{},{}", bid[..4].join(","), value(bid)));
    assert_eq!(run("q13", 2).rows[1..], expected);
}
