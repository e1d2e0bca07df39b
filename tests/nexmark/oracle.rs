//! Every query over recorded events: its rows are those of the reference, at parallelism 1 and 2, with a
//! fault, in order and out of order; by its topology too, where it has one.
//!
//! The recorded rows of q9 hold, beside the winning bid of each auction, bids that were the highest for a
//! while and never taken back; so what is compared is that ours are all among them, one for each auction,
//! and the same as those of q6, of which only the right rows were recorded.

use crate::place::{Ended, Engine, Place, is_full_run};
use std::collections::BTreeSet;
use std::path::Path;
use tidegate_tests::shared_material;

/// Queries recorded in order.
const IN_ORDER: [&str; 34] = [
    "q0",
    "q1",
    "q2",
    "q3",
    "q4",
    "q5",
    "q7",
    "q8",
    "q9",
    "q11",
    "q14",
    "q15",
    "q16",
    "q17",
    "q18",
    "q19",
    "q20",
    "q21",
    "q22",
    "xq6",
    "xq5w",
    "xq20",
    "xtumble",
    "xhop",
    "xcumulate",
    "xuvhop",
    "xsession",
    "xintervaljoin",
    "xleftjoin",
    "xover",
    "cep0",
    "cep1",
    "cep2",
    "cep3",
];

/// Queries recorded out of order.
const OUT_OF_ORDER: [&str; 19] = [
    "q3",
    "q4",
    "q5",
    "q7",
    "q8",
    "q11",
    "q15",
    "q16",
    "q17",
    "xq6",
    "xq5w",
    "xtumble",
    "xhop",
    "xcumulate",
    "xuvhop",
    "xsession",
    "xintervaljoin",
    "xleftjoin",
    "xover",
];

/// The recorded rows of a query, header and all.
fn recorded(folder: &Path, query: &str) -> Vec<String> {
    let bytes = std::fs::read(folder.join(format!("{query}.csv.zst"))).unwrap();
    let text = zstd::decode_all(&*bytes).unwrap();
    String::from_utf8(text).unwrap().lines().map(str::to_owned).collect()
}

/// The name under which the rows of a query are recorded.
fn theirs(query: &str) -> &str {
    if query == "xq20" { "q20" } else { query }
}

/// The name under which we know a recorded query.
fn ours(query: &str) -> &str {
    if query == "xq6" { "q6" } else { query }
}

struct Recording {
    place: Place,
    events: String,
    engine: Engine,
}

impl Recording {
    fn run(&self, query: &str, parallelism: u32, fault: Option<(&str, u64)>) -> Ended {
        let case = format!("{query} ({:?}) at {parallelism}, fault {fault:?}", self.engine);
        let start = self.place.query_by(self.engine, ours(query)).flag("--input", &self.events);
        let mut start = start.flag("--parallelism", parallelism);
        if let Some((operator, record)) = fault {
            start = start.flag("--inject-fault", format!("{operator}:{record}"));
        }
        let ended = start.run(&case);
        assert_eq!(ended.report["restarts"], u64::from(fault.is_some()), "{case}");
        ended
    }

    /// Compares the rows of a query with `expected`, left alone and with faults.
    fn check(&self, query: &str, expect: impl Fn(&Ended, &str)) {
        let alone = self.run(query, 1, None);
        expect(&alone, query);
        let operators = alone.operators();
        // Of all operators each query has another one fail, unless all shall.
        let chosen = query.bytes().map(usize::from).sum::<usize>() % operators.len();
        for (at, (operator, records)) in operators.iter().enumerate() {
            if is_full_run() || at == chosen {
                let record = (records / 8).max(1);
                let failed = self.run(query, 2, Some((operator, record)));
                expect(&failed, &format!("{query}, {operator} fails at record {record}"));
            }
        }
    }
}

fn check_all(folder: &str, engine: Engine, queries: &[&str]) {
    let Some(folder) = shared_material::find(folder) else { return };
    let events = folder.join("events.json.zst").display().to_string();
    let recording = Recording { place: Place::new(), events, engine };
    for query in queries.iter().filter(|query| engine.knows(ours(query))) {
        let expected = recorded(&folder, theirs(query));
        if *query == "q9" {
            let winners = recorded(&folder, "xq6");
            recording.check(query, |ended, case| assert_winners(ended, &expected, &winners, case));
        } else {
            recording.check(query, |ended, case| ended.assert_rows(&expected, case));
        }
    }
}

fn assert_winners(ended: &Ended, superset: &[String], winners: &[String], case: &str) {
    let superset: BTreeSet<_> = superset.iter().collect();
    assert_eq!(ended.rows.len(), winners.len(), "{case}");
    assert!(ended.rows.iter().all(|row| superset.contains(row)), "{case}");
    // Seller, auction, time of the bid, price; in q9 the columns 8, 1, 14, 13 of fields without commas.
    let of_q9 = |row: &String| {
        let fields: Vec<&str> = row.split(',').collect();
        [fields[7], fields[0], fields[13], fields[12]].join(",")
    };
    let ours: BTreeSet<String> = ended.rows.iter().skip(1).map(of_q9).collect();
    let of_q6 = |row: &String| row.rsplit_once(',').unwrap().0.to_owned();
    let theirs: BTreeSet<String> = winners.iter().skip(1).map(of_q6).collect();
    assert!(ours == theirs, "{case}");
}

#[test]
fn rows_are_the_recorded_ones_also_when_an_operator_fails() {
    let (first, second) = IN_ORDER.split_at(IN_ORDER.len() / 2);
    std::thread::scope(|scope| {
        scope.spawn(|| check_all("oracle/nexmark", Engine::Typed, first));
        scope.spawn(|| check_all("oracle/nexmark", Engine::Typed, second));
    });
}

#[test]
fn rows_are_the_recorded_ones_when_events_come_out_of_order() {
    check_all("oracle/nexmark/ooo", Engine::Typed, &OUT_OF_ORDER);
}

#[test]
fn rows_of_topologies_are_the_recorded_ones_also_when_an_operator_fails() {
    let (first, second) = IN_ORDER.split_at(IN_ORDER.len() / 2);
    std::thread::scope(|scope| {
        scope.spawn(|| check_all("oracle/nexmark", Engine::Yaml, first));
        scope.spawn(|| check_all("oracle/nexmark", Engine::Yaml, second));
    });
}

#[test]
fn rows_of_topologies_are_the_recorded_ones_when_events_come_out_of_order() {
    check_all("oracle/nexmark/ooo", Engine::Yaml, &OUT_OF_ORDER);
}
