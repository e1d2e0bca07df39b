//! q20: every bid on an auction of one category with all that is known of the auction. A join without a window
//! in which one side is large.
//!
//! An auction comes once, so a bid waits for its auction only. Of the auctions of other categories it is
//! kept that they came: no bid need wait for them. `xq20` is the join that is told neither and keeps all bids.

use super::Query;
use super::bid_row::{bid_columns, write_bid};
use crate::output::Output;
use tidegate::prelude::*;
use tidegate_generator::{Auction, Bid, Event};

/// The category that is asked for.
const CATEGORY: u64 = 10;

pub(super) const QUERY: Query = Query {
    name: "q20",
    about: "Every bid on an auction of category 10 with all that is known of the auction",
    header: concat!(
        bid_columns!(),
        ",itemName:VARCHAR(2147483647),description:VARCHAR(2147483647),initialBid:BIGINT,\
         reserve:BIGINT,dateTime0:TIMESTAMP(3),expires:TIMESTAMP(3),seller:BIGINT,category:BIGINT,\
         extra0:VARCHAR(2147483647)"
    ),
    aligned: true,
    draw,
};

/// The same by a join that has to keep both sides.
pub(super) const BOTH_KEPT: Query = Query {
    name: "xq20",
    about: "q20 by a join that is not told that an auction comes once",
    header: QUERY.header,
    aligned: true,
    draw: draw_both_kept,
};

fn draw(events: &Stream<Event>, out: &Output) {
    let (bids, auctions) = events.split("bids", |event| match event {
        Event::Bid(bid) => Way::First(bid),
        Event::Auction(auction) => {
            Way::Second((auction.id, (auction.category == CATEGORY).then_some(auction)))
        }
        Event::Person(_) => Way::Neither,
    });
    let bids = bids.key_by(|bid| bid.auction).connect(&auctions.key_by(|auction| auction.0));
    let joined = bids.many_to_one_join(Retain::Forever).uid("join");
    let joined = joined.filter_map(|(bid, (_, auction))| Some((bid, auction?))).uid("of-category");
    write(&joined, out);
}

fn draw_both_kept(events: &Stream<Event>, out: &Output) {
    let (bids, auctions) = events.split("bids", |event| match event {
        Event::Bid(bid) => Way::First(bid),
        Event::Auction(auction) if auction.category == CATEGORY => Way::Second(auction),
        _ => Way::Neither,
    });
    let bids = bids.key_by(|bid| bid.auction);
    let joined = bids.connect(&auctions.key_by(|auction| auction.id));
    write(&joined.unbounded_join(Retain::Forever).uid("join"), out);
}

fn write(joined: &Stream<(Bid, Box<Auction>)>, out: &Output) {
    out.rows(joined, |(bid, auction), row| {
        let row = write_bid(bid, row).text(&auction.item_name).text(&auction.description);
        let row = row.number(auction.initial_bid).number(auction.reserve);
        let row = row.time(auction.date_time).time(auction.expires).number(auction.seller);
        row.number(auction.category).text(&auction.extra)
    });
}
