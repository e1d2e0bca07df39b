//! q19: the ten highest bids of each auction with their ranks, at any moment. A ranking as a changelog.

use super::Query;
use super::bid_row::{bid_columns, write_bid};
use crate::input::Bids;
use crate::output::Output;
use tidegate::prelude::*;
use tidegate_generator::{Bid, Event};

pub(super) const QUERY: Query = Query {
    name: "q19",
    about: "The ten highest bids of each auction with their ranks",
    header: concat!(bid_columns!(), ",rank_number:BIGINT_NOT_NULL"),
    draw,
};

fn draw(events: &Stream<Event>, out: &Output) {
    let highest = ContinuousTopN::largest(10, |bid: &Bid| bid.price);
    let ranks = events.bids().key_by(|bid| bid.auction).top_n(highest).uid("ranks");
    out.changes(&ranks, |ranked, row| write_bid(&ranked.row, row).number(ranked.rank.into()));
}
