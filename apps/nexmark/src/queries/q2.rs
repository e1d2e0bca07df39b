//! q2: auction and price of bids on every 123rd auction. A filter that lets little through.

use super::Query;
use crate::output::Output;
use tidegate::prelude::*;
use tidegate_generator::Event;

pub(super) const QUERY: Query = Query {
    name: "q2",
    about: "Auction and price of bids on every 123rd auction",
    header: "auction:BIGINT,price:BIGINT",
    aligned: false,
    draw,
};

fn draw(events: &Stream<Event>, out: &Output) {
    let some = events.filter_map(|event| match event {
        Event::Bid(bid) if bid.auction % 123 == 0 => Some((bid.auction, bid.price)),
        _ => None,
    });
    out.rows(&some.uid("some"), |(auction, price), row| row.number(*auction).number(*price));
}
