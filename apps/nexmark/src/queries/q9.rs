//! q9: every auction with its winning bid. As q4, with all that is known of both.

use super::Query;
use super::winning_bids::WinningBids;
use crate::output::Output;
use tidegate::prelude::*;
use tidegate_generator::{Auction, Bid, Event};

pub(super) const QUERY: Query = Query {
    name: "q9",
    about: "Every auction with its winning bid",
    header: "id:BIGINT,itemName:VARCHAR(2147483647),description:VARCHAR(2147483647),\
             initialBid:BIGINT,reserve:BIGINT,dateTime:TIMESTAMP(3),expires:TIMESTAMP(3),\
             seller:BIGINT,category:BIGINT,extra:VARCHAR(2147483647),auction:BIGINT,bidder:BIGINT,\
             price:BIGINT,bid_dateTime:TIMESTAMP(3),bid_extra:VARCHAR(2147483647)",
    aligned: true,
    draw,
};

fn draw(events: &Stream<Event>, out: &Output) {
    let (bids, auctions) = events.split("bids", |event| match event {
        Event::Bid(bid) => Way::First(bid),
        Event::Auction(auction) => Way::Second(auction),
        Event::Person(_) => Way::Neither,
    });
    let auctions = auctions.key_by(|auction| auction.id);
    let winning = auctions
        .connect(&bids.key_by(|bid| bid.auction))
        .process(WinningBids::<Box<Auction>, Bid>::default);
    out.rows(&winning.uid("winning-bids"), |(auction, bid), row| {
        let row = row.number(auction.id).text(&auction.item_name).text(&auction.description);
        let row = row.number(auction.initial_bid).number(auction.reserve);
        let row = row.time(auction.date_time).time(auction.expires).number(auction.seller);
        let row = row.number(auction.category).text(&auction.extra).number(bid.auction);
        let row = row.number(bid.bidder).number(bid.price);
        row.time(bid.date_time).text(&bid.extra)
    });
}
