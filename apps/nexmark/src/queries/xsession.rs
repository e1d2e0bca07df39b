//! xsession: the bids on each auction as long as no three seconds pass between two of them. Short sessions
//! over many keys.

use super::Query;
use super::price_stats::PriceStats;
use crate::output::Output;
use tidegate::prelude::*;
use tidegate_generator::Event;

pub(super) const QUERY: Query = Query {
    name: "xsession",
    about: "The bids on each auction as long as no three seconds pass between two of them",
    header: "auction:BIGINT,window_start:TIMESTAMP(3)_NOT_NULL,window_end:TIMESTAMP(3)_NOT_NULL,\
             num:BIGINT_NOT_NULL,max_price:BIGINT",
    aligned: true,
    draw,
};

fn draw(events: &Stream<Event>, out: &Output) {
    let bids = events.filter_map(|event| match event {
        Event::Bid(bid) => Some((bid.auction, bid.price)),
        _ => None,
    });
    let prices = bids
        .uid("bids")
        .key_by(|(auction, _)| *auction)
        .window(Session::with_gap(3_000))
        .aggregate(PriceStats::new());
    out.rows(&prices.uid("prices"), |prices, row| {
        let row = row.number(prices.key).time(prices.window.start).time(prices.window.end);
        row.number(prices.value.count()).number(prices.value.max)
    });
}
