//! q14: bids of a middle price, with the time of day and the number of letters `c` in what they say. Arithmetic,
//! conditions and text.

use super::{DAY_MS, Query, in_euros};
use crate::output::Output;
use tidegate::prelude::*;
use tidegate_generator::{Event, Text};

pub(super) const QUERY: Query = Query {
    name: "q14",
    about: "Bids of a middle price, the time of day, and how many c they hold",
    header: "auction:BIGINT,bidder:BIGINT,price:DECIMAL(24;_3),bidTimeType:VARCHAR(9)_NOT_NULL,\
             dateTime:TIMESTAMP(3),extra:VARCHAR(2147483647),c_counts:BIGINT_NOT_NULL",
    aligned: false,
    draw,
};

/// A row.
#[derive(Clone, Debug)]
struct Priced {
    auction: u64,
    bidder: u64,
    /// In thousandths.
    price: u64,
    time_of_day: &'static str,
    date_time: Timestamp,
    extra: Text,
    letters_c: u64,
}

fn draw(events: &Stream<Event>, out: &Output) {
    out.rows(&events.filter_map(priced).uid("priced"), |priced, row| {
        let row = row.number(priced.auction).number(priced.bidder).thousandths(priced.price);
        let row = row.text(priced.time_of_day).time(priced.date_time).text(&priced.extra);
        row.number(priced.letters_c)
    });
}

fn priced(event: Event) -> Option<Priced> {
    let Event::Bid(bid) = event else { return None };
    let price = in_euros(bid.price);
    if price <= 1_000_000_000 || price >= 50_000_000_000 {
        return None;
    }
    Some(Priced {
        auction: bid.auction,
        bidder: bid.bidder,
        price,
        time_of_day: time_of_day(bid.date_time),
        date_time: bid.date_time,
        letters_c: memchr::memchr_iter(b'c', bid.extra.as_bytes()).count() as u64,
        extra: bid.extra,
    })
}

const fn time_of_day(at: Timestamp) -> &'static str {
    match at.millis().rem_euclid(DAY_MS) / 3_600_000 {
        8..=18 => "dayTime",
        0..=6 | 20.. => "nightTime",
        _ => "otherTime",
    }
}
