//! q6: the average selling price of each seller over the last ten auctions. A row for each sale, with the
//! mean over it and the ten before it, in the order in which the winning bids were made.
//!
//! The winner of an auction is known when it closes, which may be after that of an auction won later. So a
//! sale may come between sales that were told before: the means behind it are revised.

use super::Query;
use super::winning_bids::winning_bids;
use crate::output::Output;
use serde::{Deserialize, Serialize};
use tidegate::prelude::*;
use tidegate_generator::Event;

/// How many sales before a sale its mean takes in.
const BEFORE: usize = 10;

pub(super) const QUERY: Query = Query {
    name: "q6",
    about: "The average selling price of each seller over the last ten auctions",
    header: "seller:BIGINT,id:BIGINT,dateTime:TIMESTAMP(3),price:BIGINT,avg_price:BIGINT",
    draw,
};

/// A sale, in the order of sales.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Sale {
    won: Timestamp,
    auction: u64,
    seller: u64,
    price: u64,
}

/// A sale and the mean price of the last ones.
type Row = (Sale, u64);

fn draw(events: &Stream<Event>, out: &Output) {
    let sales = winning_bids(events, |auction| auction.seller)
        .map(|(auction, bid)| Sale {
            won: bid.at,
            auction: auction.auction,
            seller: auction.of,
            price: bid.price,
        })
        .uid("sales");
    let means = sales.key_by(|sale| sale.seller).process(LastSales::default).uid("last-sales");
    out.changes(&ChangelogStream::from_changes(means), |(sale, mean), row| {
        let row = row.number(sale.seller).number(sale.auction).time(sale.won);
        row.number(sale.price).number(*mean)
    });
}

/// All sales of each seller in order, and their means.
#[derive(Default)]
struct LastSales {
    sales: ValueState<u64, Vec<Sale>>,
}

/// The mean price of the sale at `place` and of those before it, rounded down.
fn mean(sales: &[Sale], place: usize) -> u64 {
    let last = &sales[place.saturating_sub(BEFORE)..=place];
    last.iter().map(|sale| sale.price).sum::<u64>() / last.len() as u64
}

impl KeyedProcess for LastSales {
    type Key = u64;
    type In = Sale;
    type Out = Change<Row>;

    fn process(
        &mut self,
        key: Keyed<'_, u64>,
        sale: Sale,
        ctx: &mut KeyedContext<'_, u64, Self::Out>,
    ) -> Result<(), BoxError> {
        let sales = self.sales.get_or_insert_with(key, Vec::new);
        let place = sales.partition_point(|other| *other < sale);
        let behind = sales.len().min(place + BEFORE);
        let before: Vec<u64> = (place..behind).map(|place| mean(sales, place)).collect();
        sales.insert(place, sale);
        ctx.emit(Change::insert((sale, mean(sales, place))));
        for (place, before) in (place + 1..).zip(before) {
            let (moved, after) = (sales[place], mean(sales, place));
            if before != after {
                ctx.emit(Change::update_before((moved, before)));
                ctx.emit(Change::update_after((moved, after)));
            }
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("sales", &mut self.sales);
    }
}
