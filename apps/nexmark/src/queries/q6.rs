//! q6: the average selling price of each seller over the last ten auctions. A row for each sale, with the
//! mean over it and the ten before it, in the order in which the winning bids were made.
//!
//! The winner of an auction is known when it closes, which may be after that of an auction won later. So a
//! sale may come between sales that were told before: the means behind it are revised.

use super::Query;
use super::winning_bids::winning_bids;
use crate::last_sales::{Sale, Told, put_in};
use crate::output::Output;
use tidegate::prelude::*;
use tidegate_generator::Event;

/// How many sales before a sale its mean takes in.
const BEFORE: usize = 10;

pub(super) const QUERY: Query = Query {
    name: "q6",
    about: "The average selling price of each seller over the last ten auctions",
    header: "seller:BIGINT,id:BIGINT,dateTime:TIMESTAMP(3),price:BIGINT,avg_price:BIGINT",
    aligned: true,
    draw,
};

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

impl KeyedProcess for LastSales {
    type Key = u64;
    type In = Sale;
    type Out = Change<Told>;

    fn process(
        &mut self,
        key: Keyed<'_, u64>,
        sale: Sale,
        ctx: &mut KeyedContext<'_, u64, Self::Out>,
    ) -> Result<(), BoxError> {
        let sales = self.sales.get_or_insert_with(key, Vec::new);
        put_in(sales, sale, BEFORE, |change| ctx.emit(change));
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("sales", &mut self.sales);
    }
}
