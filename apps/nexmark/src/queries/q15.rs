//! q15: the bids of each day, and how many different people and auctions were in them. Distinct counts under
//! the one key of all events, which are made where the events are read before they meet.

use super::bid_stats::{CountBids, Seen, bid_stats_columns};
use super::{DAY_MS, Query};
use crate::csv::at_utc;
use crate::output::Output;
use tidegate::prelude::*;
use tidegate_generator::Event;

pub(super) const QUERY: Query = Query {
    name: "q15",
    about: "The bids of each day, and how many different people and auctions were in them",
    header: concat!("day:VARCHAR(2147483647),", bid_stats_columns!()),
    aligned: false,
    draw,
};

fn draw(events: &Stream<Event>, out: &Output) {
    let bids = events.filter_map(|event| match event {
        Event::Bid(bid) => Some(((), Seen::of(&bid))),
        _ => None,
    });
    let days = bids.uid("bids").window_all(Window::tumbling(DAY_MS)).aggregate(CountBids::new());
    out.rows(&days.uid("days"), |day, row| {
        day.value.write(row.text(&at_utc(day.window.start, "%Y-%m-%d")))
    });
}
