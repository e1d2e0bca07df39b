//! q12: how often each bidder has bid in every ten seconds of the wall clock. The only query whose result is
//! another one each time.

use super::Query;
use crate::output::Output;
use tidegate::prelude::*;
use tidegate_generator::Event;

/// Ten seconds.
const WINDOW_MS: i64 = 10_000;

pub(super) const QUERY: Query = Query {
    name: "q12",
    about: "How often each bidder has bid in every ten seconds of the wall clock",
    header: "bidder:BIGINT,bid_count:BIGINT_NOT_NULL,starttime:TIMESTAMP(3)_NOT_NULL,\
             endtime:TIMESTAMP(3)_NOT_NULL",
    draw,
};

fn draw(events: &Stream<Event>, out: &Output) {
    let bidders = events.filter_map(|event| match event {
        Event::Bid(bid) => Some(bid.bidder),
        _ => None,
    });
    let counts = bidders
        .uid("bids")
        .key_by(|bidder| *bidder)
        .window(ProcessingTime(Window::tumbling(WINDOW_MS)))
        .aggregate(Count::new());
    out.rows(&counts.uid("count"), |count, row| {
        let row = row.number(count.key).number(count.value);
        row.time(count.window.start).time(count.window.end)
    });
}
