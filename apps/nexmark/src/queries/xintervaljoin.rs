//! xintervaljoin: every auction with its bids of the first two seconds. A join bounded by time, which forgets.

use super::Query;
use crate::output::Output;
use serde::{Deserialize, Serialize};
use tidegate::prelude::*;
use tidegate_generator::Event;

pub(super) const QUERY: Query = Query {
    name: "xintervaljoin",
    about: "Every auction with its bids of the first two seconds",
    header: "id:BIGINT,seller:BIGINT,bidder:BIGINT,price:BIGINT,bid_time:TIMESTAMP(3)",
    draw,
};

/// A bid, as far as the result needs it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Offer {
    auction: u64,
    bidder: u64,
    price: u64,
    at: Timestamp,
}

fn draw(events: &Stream<Event>, out: &Output) {
    let auctions = events.filter_map(|event| match event {
        Event::Auction(auction) => Some((auction.id, auction.seller)),
        _ => None,
    });
    let bids = events.filter_map(|event| {
        let bid = event.bid()?;
        let (auction, bidder, price) = (bid.auction, bid.bidder, bid.price);
        Some(Offer { auction, bidder, price, at: bid.date_time })
    });
    let auctions = auctions.uid("auctions").key_by(|(id, _)| *id);
    let joined = auctions
        .interval_join(&bids.uid("bids").key_by(|bid| bid.auction))
        .between(0, 2_000)
        .join()
        .uid("join")
        .filter_map(Joined::into_pair);
    out.rows(&joined.uid("pairs"), |((id, seller), bid), row| {
        let row = row.number(*id).number(*seller).number(bid.bidder).number(bid.price);
        row.time(bid.at)
    });
}
