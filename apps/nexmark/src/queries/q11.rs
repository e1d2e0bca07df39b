//! q11: how often each bidder has bid in each visit. Sessions that end after ten seconds without a bid.

use super::Query;
use crate::output::Output;
use tidegate::prelude::*;
use tidegate_generator::Event;

/// A visit ends when so long nothing has come.
const GAP_MS: i64 = 10_000;

pub(super) const QUERY: Query = Query {
    name: "q11",
    about: "How often each bidder has bid in each visit",
    header: "bidder:BIGINT,bid_count:BIGINT_NOT_NULL,starttime:TIMESTAMP(3)_NOT_NULL,\
             endtime:TIMESTAMP(3)_NOT_NULL",
    aligned: true,
    draw,
};

fn draw(events: &Stream<Event>, out: &Output) {
    let bidders = events.filter_map(|event| match event {
        Event::Bid(bid) => Some(bid.bidder),
        _ => None,
    });
    let visits = bidders
        .uid("bids")
        .key_by(|bidder| *bidder)
        .window(Session::with_gap(GAP_MS))
        .aggregate(Count::new());
    out.rows(&visits.uid("visits"), |visit, row| {
        let row = row.number(visit.key).number(visit.value);
        row.time(visit.window.start).time(visit.window.end)
    });
}
