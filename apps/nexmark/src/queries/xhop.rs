//! xhop: the bids through some channels in the last ten seconds, every two. Sliding windows over few keys.

use super::Query;
use super::price_stats::PriceStats;
use crate::output::Output;
use tidegate::prelude::*;
use tidegate_generator::{Event, Text};

/// The channels that are asked for.
const CHANNELS: [&str; 6] = ["Google", "Apple", "Baidu", "Facebook", "channel-1", "channel-77"];

pub(super) const QUERY: Query = Query {
    name: "xhop",
    about: "The bids through some channels in the last ten seconds, every two",
    header: "window_start:TIMESTAMP(3)_NOT_NULL,window_end:TIMESTAMP(3)_NOT_NULL,\
             channel:VARCHAR(2147483647),num:BIGINT_NOT_NULL,sum_price:BIGINT",
    aligned: true,
    draw,
};

fn draw(events: &Stream<Event>, out: &Output) {
    let bids = events.filter_map(|event| match event {
        Event::Bid(bid) if CHANNELS.contains(&bid.channel.as_str()) => {
            Some((bid.channel, bid.price))
        }
        _ => None,
    });
    let prices = bids
        .uid("bids")
        .key_by(|(channel, _): &(Text, u64)| channel.clone())
        .window(Window::sliding(10_000, 2_000))
        .aggregate(PriceStats::new());
    out.rows(&prices.uid("prices"), |prices, row| {
        let row = row.time(prices.window.start).time(prices.window.end).text(&prices.key);
        row.number(prices.value.count()).number(prices.value.sum)
    });
}
