//! q10: every bid into files, in a folder for each day and in it one for each minute. Exactly once, like any
//! file that the file sink publishes.

use super::Query;
use crate::csv::at_utc;
use crate::input::Bids;
use crate::output::Output;
use tidegate::prelude::*;
use tidegate_generator::{Bid, Event};

pub(super) const QUERY: Query = Query {
    name: "q10",
    about: "Every bid into files, by day and minute",
    header: "auction:BIGINT,bidder:BIGINT,price:BIGINT,dateTime:TIMESTAMP(3),\
             extra:VARCHAR(2147483647),dt:VARCHAR(2147483647),hm:VARCHAR(2147483647)",
    aligned: false,
    draw,
};

fn day(bid: &Bid) -> String {
    at_utc(bid.date_time, "%Y-%m-%d")
}

fn minute(bid: &Bid) -> String {
    at_utc(bid.date_time, "%H:%M")
}

/// A folder of the minute. No colon: not every file system takes one.
fn folder(bid: &Bid) -> String {
    at_utc(bid.date_time, "dt=%Y-%m-%d/hm=%H-%M")
}

fn draw(events: &Stream<Event>, out: &Output) {
    out.bucketed(&events.bids(), folder, |bid, row| {
        let row = row.number(bid.auction).number(bid.bidder).number(bid.price);
        row.time(bid.date_time).text(&bid.extra).text(&day(bid)).text(&minute(bid))
    });
}
