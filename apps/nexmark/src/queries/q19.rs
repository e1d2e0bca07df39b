//! q19: the ten highest bids of each auction with their ranks, at any moment. A ranking as a changelog.

use super::Query;
use super::bid_row::{bid_columns, write_bid};
use crate::input::Bids;
use crate::output::Output;
use std::cmp::Reverse;
use tidegate::prelude::*;
use tidegate_generator::{Bid, Event};

pub(super) const QUERY: Query = Query {
    name: "q19",
    about: "The ten highest bids of each auction with their ranks",
    header: concat!(bid_columns!(), ",rank_number:BIGINT_NOT_NULL"),
    aligned: false,
    draw,
};

fn draw(events: &Stream<Event>, out: &Output) {
    // Of equal prices the earlier is ahead, also where bids arrive in another order each time.
    let highest = ContinuousTopN::largest(10, |bid: &Bid| (bid.price, Reverse(bid.date_time)));
    let ranks = events.bids().key_by(|bid| bid.auction).top_n(highest).uid("ranks");
    out.changes(&ranks, |ranked, row| write_bid(&ranked.row, row).number(ranked.rank.into()));
}
