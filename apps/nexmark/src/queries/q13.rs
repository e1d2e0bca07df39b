//! q13: every bid with what a side table says of its auction. The table is broadcast: each subtask has all of
//! it, and bids wait until it has been read.

use super::Query;
use crate::input::Bids;
use crate::output::Output;
use tidegate::prelude::*;
use tidegate_generator::{Bid, Event};

/// Entries of the table: an auction is looked up by its number modulo this.
const ENTRIES: u64 = 10_000;
/// Bids of one subtask that may wait for the table.
const BIDS_HELD: usize = 1_000_000;

pub(super) const QUERY: Query = Query {
    name: "q13",
    about: "Every bid with what a side table says of its auction",
    header: "auction:BIGINT,bidder:BIGINT,price:BIGINT,dateTime:TIMESTAMP(3),\
             value:VARCHAR(2147483647)",
    aligned: false,
    draw,
};

fn draw(events: &Stream<Event>, out: &Output) {
    let table = (0..ENTRIES).map(|key| (key, key.to_string())).collect();
    let table = events.job().source("table", FromVec::new(table), WatermarkStrategy::none());
    let table = table.parallelism(1);
    let bids = events.bids().connect_broadcast(&table).hold_until_rules(BIDS_HELD);
    out.rows(&bids.process(|| Enrich).uid("enriched"), |(bid, value), row| {
        let row = row.number(bid.auction).number(bid.bidder).number(bid.price);
        row.time(bid.date_time).text(value)
    });
}

/// The side table. It is complete when its end has been read.
#[derive(Default)]
struct Table(BroadcastState<u64, String>);

impl BroadcastRules for Table {
    fn states(&mut self, visitor: &mut RulesVisitor<'_>) {
        visitor.state("table", &mut self.0);
    }

    fn suffice(&self) -> bool {
        false
    }
}

/// Puts the entry of its auction to each bid.
struct Enrich;

impl BroadcastProcess for Enrich {
    type In = Bid;
    type Broadcast = (u64, String);
    type Rules = Table;
    type Out = (Bid, String);

    fn process(
        &mut self,
        bid: Bid,
        table: &Self::Rules,
        ctx: &mut ProcessContext<'_, Self::Out>,
    ) -> Result<(), BoxError> {
        if let Some(value) = table.0.get(&(bid.auction % ENTRIES)) {
            let value = value.clone();
            ctx.emit((bid, value));
        }
        Ok(())
    }

    fn process_broadcast(
        &mut self,
        (key, value): (u64, String),
        table: &mut Self::Rules,
        _: &mut ProcessContext<'_, Self::Out>,
    ) -> Result<(), BoxError> {
        table.0.insert(key, value);
        Ok(())
    }
}
