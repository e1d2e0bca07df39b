//! The queries, a file each: what is asked, how it is answered, and the columns of the result.
//!
//! `q0` to `q22` are those of the benchmark; the others ask what it leaves out. Where the SQL of the benchmark
//! revises a running result with every event, the same result is told here when it is complete, if event
//! time says when that is: the rows that are left in the end are the same.

mod audience;
mod bid_row;
mod bid_stats;
mod cep;
mod price_stats;
mod q0;
mod q1;
mod q10;
mod q11;
mod q12;
mod q13;
mod q14;
mod q15;
mod q16;
mod q17;
mod q18;
mod q19;
mod q2;
mod q20;
mod q21;
mod q22;
mod q3;
mod q4;
mod q5;
mod q6;
mod q7;
mod q8;
mod q9;
mod winning_bids;
mod xcumulate;
mod xhop;
mod xintervaljoin;
mod xleftjoin;
mod xover;
mod xsession;
mod xtumble;
mod xuvhop;

use crate::output::Output;
use tidegate::prelude::*;
use tidegate_generator::Event;

/// A query.
#[derive(Debug)]
pub struct Query {
    /// What it is called.
    pub name: &'static str,
    /// What it asks, in a sentence.
    pub about: &'static str,
    /// The columns of its result and their types.
    pub header: &'static str,
    /// Whether the subtasks of the source keep pace in event time: where what one of them is ahead by would be kept
    /// as state (ADR 0016).
    pub aligned: bool,
    /// Draws it from the events to the output.
    pub draw: fn(&Stream<Event>, &Output),
}

/// All queries.
pub const QUERIES: &[Query] = &[
    q0::QUERY,
    q1::QUERY,
    q2::QUERY,
    q3::QUERY,
    q4::QUERY,
    q5::QUERY,
    q6::QUERY,
    q7::QUERY,
    q8::QUERY,
    q9::QUERY,
    q10::QUERY,
    q11::QUERY,
    q12::QUERY,
    q13::QUERY,
    q14::QUERY,
    q15::QUERY,
    q16::QUERY,
    q17::QUERY,
    q18::QUERY,
    q19::QUERY,
    q20::QUERY,
    q21::QUERY,
    q22::QUERY,
    q5::WITH_WINDOWS,
    q20::BOTH_KEPT,
    xtumble::QUERY,
    xhop::QUERY,
    xcumulate::QUERY,
    xuvhop::QUERY,
    xsession::QUERY,
    xintervaljoin::QUERY,
    xleftjoin::QUERY,
    xover::QUERY,
    cep::CEP0,
    cep::CEP1,
    cep::CEP2,
    cep::CEP3,
];

impl Query {
    /// The query of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        QUERIES.iter().find(|query| query.name == name)
    }
}

/// What is written as a number of three decimals: the price in euros at 0.908 for a dollar.
const fn in_euros(price: u64) -> u64 {
    price * 908
}

/// How long a day lasts.
const DAY_MS: i64 = 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_query_has_a_name_of_its_own_and_can_be_drawn() {
        let names: BTreeSet<_> = QUERIES.iter().map(|query| query.name).collect();
        assert_eq!(names.len(), QUERIES.len());
        for query in QUERIES {
            let job = Job::new(query.name);
            let events = tidegate_generator::NexmarkGenerator::new(1).events(1);
            let events = job.source("events", events, WatermarkStrategy::none());
            (query.draw)(&events, &Output::new(None, false));
            let graph = job.into_graph().unwrap_or_else(|why| panic!("{}: {why}", query.name));
            let uids: BTreeSet<_> = graph.nodes.iter().map(|node| node.uid.clone()).collect();
            assert_eq!(uids.len(), graph.nodes.len(), "{}", query.name);
        }
    }
}
