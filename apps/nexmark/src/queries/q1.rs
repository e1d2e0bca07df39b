//! q1: every bid, its price in euros. A function of each record, in exact decimals.

use super::{Query, in_euros};
use crate::output::Output;
use tidegate::prelude::*;
use tidegate_generator::Event;

pub(super) const QUERY: Query = Query {
    name: "q1",
    about: "Every bid, its price in euros",
    header: "auction:BIGINT,bidder:BIGINT,price:DECIMAL(24;_3),dateTime:TIMESTAMP(3),\
             extra:VARCHAR(2147483647)",
    aligned: false,
    draw,
};

fn draw(events: &Stream<Event>, out: &Output) {
    let in_euros = events.filter_map(|event| match event {
        // Changed where it is, the bid is copied once: to the output.
        Event::Bid(mut bid) => {
            bid.price = in_euros(bid.price);
            Some(bid)
        }
        _ => None,
    });
    out.rows(&in_euros.uid("in-euros"), |bid, row| {
        let row = row.number(bid.auction).number(bid.bidder).thousandths(bid.price);
        row.time(bid.date_time).text(&bid.extra)
    });
}
