//! q17: the bids on each auction of each day, in numbers. Several aggregates in one, over many keys.

use super::price_stats::PriceStats;
use super::{DAY_MS, Query};
use crate::csv::at_utc;
use crate::output::Output;
use tidegate::prelude::*;
use tidegate_generator::Event;

pub(super) const QUERY: Query = Query {
    name: "q17",
    about: "The bids on each auction of each day, in numbers",
    header: "auction:BIGINT,day:VARCHAR(2147483647),total_bids:BIGINT_NOT_NULL,\
             rank1_bids:BIGINT_NOT_NULL,rank2_bids:BIGINT_NOT_NULL,rank3_bids:BIGINT_NOT_NULL,\
             min_price:BIGINT,max_price:BIGINT,avg_price:BIGINT,sum_price:BIGINT",
    aligned: false,
    draw,
};

fn draw(events: &Stream<Event>, out: &Output) {
    let bids = events.filter_map(|event| match event {
        Event::Bid(bid) => Some((bid.auction, bid.price)),
        _ => None,
    });
    let days = bids
        .uid("bids")
        .key_by(|(auction, _)| *auction)
        .window(Window::tumbling(DAY_MS))
        .aggregate(PriceStats::new());
    out.rows(&days.uid("days"), |day, row| {
        let (prices, total) = (day.value, day.value.count());
        let row = row.number(day.key).text(&at_utc(day.window.start, "%Y-%m-%d")).number(total);
        let row = prices.bids.iter().fold(row, |row, bids| row.number(*bids));
        let row = row.number(prices.min).number(prices.max);
        row.number(prices.sum / total).number(prices.sum)
    });
}
