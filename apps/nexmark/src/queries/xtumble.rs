//! xtumble: the bids on each auction in every ten seconds. Tumbling windows with several aggregates.

use super::Query;
use super::price_stats::PriceStats;
use crate::output::Output;
use tidegate::prelude::*;
use tidegate_generator::Event;

pub(super) const QUERY: Query = Query {
    name: "xtumble",
    about: "The bids on each auction in every ten seconds",
    header: "window_start:TIMESTAMP(3)_NOT_NULL,window_end:TIMESTAMP(3)_NOT_NULL,auction:BIGINT,\
             num:BIGINT_NOT_NULL,min_price:BIGINT,max_price:BIGINT,sum_price:BIGINT",
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
        .window(Window::tumbling(10_000))
        .aggregate(PriceStats::new());
    out.rows(&prices.uid("prices"), |prices, row| {
        let row = row.time(prices.window.start).time(prices.window.end).number(prices.key);
        let row = row.number(prices.value.count()).number(prices.value.min);
        row.number(prices.value.max).number(prices.value.sum)
    });
}
