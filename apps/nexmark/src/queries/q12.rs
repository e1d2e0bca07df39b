//! q12: how often each bidder has bid in every ten seconds of the wall clock. The only query whose result is
//! another one each time. Bids of a bidder that come together are counted before they are exchanged.

use super::Query;
use crate::output::Output;
use tidegate::operators::aggregate::Sum;
use tidegate::prelude::*;
use tidegate_generator::Event;

/// Ten seconds.
const WINDOW_MS: i64 = 10_000;

pub(super) const QUERY: Query = Query {
    name: "q12",
    about: "How often each bidder has bid in every ten seconds of the wall clock",
    header: "bidder:BIGINT,bid_count:BIGINT_NOT_NULL,starttime:TIMESTAMP(3)_NOT_NULL,\
             endtime:TIMESTAMP(3)_NOT_NULL",
    aligned: true,
    draw,
};

/// A bidder, and a number of bids.
type BidCount = (u64, u64);

fn draw(events: &Stream<Event>, out: &Output) {
    let bidders = events.filter_map(|event| match event {
        Event::Bid(bid) => Some((bid.bidder, 1)),
        _ => None,
    });
    let counts = bidders
        .uid("bids")
        .key_by(|(bidder, _): &BidCount| *bidder)
        .combine(|count, other| count.1 += other.1)
        .window(ProcessingTime(Window::tumbling(WINDOW_MS)))
        .aggregate(Sum::of(|(_, count): &BidCount| *count));
    out.rows(&counts.uid("count"), |count, row| {
        let row = row.number(count.key).number(count.value);
        row.time(count.window.start).time(count.window.end)
    });
}
