//! q4: the average closing price of each category. Two streams into one state, then a running mean.

use super::Query;
use super::winning_bids::winning_bids;
use crate::output::Output;
use serde::{Deserialize, Serialize};
use tidegate::prelude::*;
use tidegate_generator::Event;

pub(super) const QUERY: Query = Query {
    name: "q4",
    about: "The average closing price of each category",
    header: "category:BIGINT,EXPR$1:BIGINT",
    aligned: true,
    draw,
};

fn draw(events: &Stream<Event>, out: &Output) {
    let prices = winning_bids(events, |auction| auction.category)
        .map(|(auction, bid)| (auction.of, bid.price))
        .uid("prices");
    let means = prices.key_by(|(category, _)| *category).process(Means::default).uid("means");
    let means = ChangelogStream::from_changes(means);
    out.changes(&means, |(category, mean), row| row.number(*category).number(*mean));
}

/// How many prices there were, and their sum.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Prices {
    count: u64,
    sum: u64,
}

/// The mean of the prices of each key so far, rounded down, as it changes.
#[derive(Default)]
struct Means {
    prices: ValueState<u64, Prices>,
}

impl KeyedProcess for Means {
    type Key = u64;
    type In = (u64, u64);
    type Out = Change<(u64, u64)>;

    fn process(
        &mut self,
        key: Keyed<'_, u64>,
        (category, price): (u64, u64),
        ctx: &mut KeyedContext<'_, u64, Self::Out>,
    ) -> Result<(), BoxError> {
        let prices = self.prices.get_or_insert_with(key, Prices::default);
        let before = prices.sum.checked_div(prices.count);
        prices.count += 1;
        prices.sum += price;
        let after = prices.sum / prices.count;
        match before {
            None => ctx.emit(Change::insert((category, after))),
            Some(before) if before == after => {}
            Some(before) => {
                ctx.emit(Change::update_before((category, before)));
                ctx.emit(Change::update_after((category, after)));
            }
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("prices", &mut self.prices);
    }
}
