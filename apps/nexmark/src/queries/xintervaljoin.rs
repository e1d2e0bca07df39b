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
    aligned: true,
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
    let (bids, auctions) = events.split("bids", |event| match event {
        Event::Bid(bid) => {
            let (auction, bidder, price) = (bid.auction, bid.bidder, bid.price);
            Way::First(Offer { auction, bidder, price, at: bid.date_time })
        }
        Event::Auction(auction) => Way::Second((auction.id, auction.seller)),
        Event::Person(_) => Way::Neither,
    });
    let auctions = auctions.key_by(|(id, _)| *id);
    let joined = auctions
        .interval_join(&bids.key_by(|bid| bid.auction))
        .between(0, 2_000)
        .join()
        .uid("join")
        .filter_map(Joined::into_pair);
    out.rows(&joined.uid("pairs"), |((id, seller), bid), row| {
        let row = row.number(*id).number(*seller).number(bid.bidder).number(bid.price);
        row.time(bid.at)
    });
}
