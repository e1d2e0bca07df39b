//! q0: every bid, unchanged. What it costs to move events at all.

use super::Query;
use crate::input::Bids;
use crate::output::Output;
use tidegate::prelude::*;
use tidegate_generator::Event;

pub(super) const QUERY: Query = Query {
    name: "q0",
    about: "Every bid, unchanged",
    header: "auction:BIGINT,bidder:BIGINT,price:BIGINT,dateTime:TIMESTAMP(3),\
             extra:VARCHAR(2147483647)",
    aligned: false,
    draw,
};

fn draw(events: &Stream<Event>, out: &Output) {
    out.rows(&events.bids(), |bid, row| {
        let row = row.number(bid.auction).number(bid.bidder).number(bid.price);
        row.time(bid.date_time).text(&bid.extra)
    });
}
