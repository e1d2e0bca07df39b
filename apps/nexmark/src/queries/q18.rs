//! q18: the last bid of each bidder on each auction. Deduplication by event time, as a changelog.

use super::Query;
use super::bid_row::{bid_columns, write_bid};
use crate::input::Bids;
use crate::output::Output;
use tidegate::operators::dedup::LastRow;
use tidegate::prelude::*;
use tidegate_generator::Event;

pub(super) const QUERY: Query = Query {
    name: "q18",
    about: "The last bid of each bidder on each auction",
    header: bid_columns!(),
    aligned: false,
    draw,
};

fn draw(events: &Stream<Event>, out: &Output) {
    let last = events
        .bids()
        .key_by(|bid| (bid.bidder, bid.auction))
        .process(|| LastRow::new(Retain::Forever).by_event_time());
    out.changes(&ChangelogStream::from_changes(last.uid("last")), write_bid);
}
