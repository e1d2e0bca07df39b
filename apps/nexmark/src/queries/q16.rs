//! q16: as q15 for each channel, with the minute of its last bid. A few hot keys and ten thousand rare ones.

use super::bid_stats::{CountBids, Seen, bid_stats_columns};
use super::{DAY_MS, Query};
use crate::csv::at_utc;
use crate::output::Output;
use tidegate::prelude::*;
use tidegate_generator::{Event, Text};

pub(super) const QUERY: Query = Query {
    name: "q16",
    about: "The bids of each day and channel, and how many different people and auctions were in them",
    header: concat!(
        "channel:VARCHAR(2147483647),day:VARCHAR(2147483647),minute:VARCHAR(2147483647),",
        bid_stats_columns!()
    ),
    aligned: false,
    draw,
};

fn draw(events: &Stream<Event>, out: &Output) {
    let bids = events.filter_map(|event| match event {
        Event::Bid(bid) => {
            let seen = Seen::of(&bid);
            Some((bid.channel, seen))
        }
        _ => None,
    });
    let days = bids
        .uid("bids")
        .key_by(|(channel, _): &(Text, Seen)| channel.clone())
        .window(Window::tumbling(DAY_MS))
        .aggregate(CountBids::new());
    out.rows(&days.uid("days"), |day, row| {
        let row = row.text(&day.key).text(&at_utc(day.window.start, "%Y-%m-%d"));
        day.value.write(row.text(&at_utc(day.value.last, "%H:%M")))
    });
}
