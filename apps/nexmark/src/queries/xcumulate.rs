//! xcumulate: how many different people have bid since the minute began, every ten seconds of it. Windows that
//! grow.

use super::Query;
use super::audience::CountAudience;
use crate::output::Output;
use tidegate::prelude::*;
use tidegate_generator::Event;

pub(super) const QUERY: Query = Query {
    name: "xcumulate",
    about: "How many different people have bid since the minute began, every ten seconds",
    header: "window_start:TIMESTAMP(3)_NOT_NULL,window_end:TIMESTAMP(3)_NOT_NULL,\
             uv:BIGINT_NOT_NULL,num:BIGINT_NOT_NULL",
    aligned: true,
    draw,
};

fn draw(events: &Stream<Event>, out: &Output) {
    let visits = events.filter_map(|event| match event {
        Event::Bid(bid) => Some((bid.bidder as u32, bid.auction as u32)),
        _ => None,
    });
    let minutes = visits.uid("bids").window_all(Window::cumulating(60_000, 10_000));
    out.rows(&minutes.aggregate(CountAudience).uid("audience"), |audience, row| {
        let row = row.time(audience.window.start).time(audience.window.end);
        row.number(audience.value.bidders).number(audience.value.bids)
    });
}
