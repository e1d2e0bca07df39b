//! xover: each bid of every seventh bidder with the mean price of the bidder's last ten. Rows in the order of
//! event time, whatever the order in which they come.

use super::Query;
use crate::output::Output;
use serde::{Deserialize, Serialize};
use tidegate::prelude::*;
use tidegate_generator::Event;

/// Bids that a mean takes in.
const LAST: usize = 10;

pub(super) const QUERY: Query = Query {
    name: "xover",
    about: "Each bid of every seventh bidder with the mean price of the bidder's last ten",
    header: "bidder:BIGINT,dateTime:TIMESTAMP(3),price:BIGINT,avg10:BIGINT,cnt10:BIGINT_NOT_NULL",
    aligned: true,
    draw,
};

/// A bid, as far as the result needs it; in the order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Offer {
    at: Timestamp,
    bidder: u64,
    price: u64,
}

/// A row: the bid, the mean price, and of how many bids.
type Row = (Offer, u64, u64);

fn draw(events: &Stream<Event>, out: &Output) {
    let bids = events.filter_map(|event| match event {
        Event::Bid(bid) if bid.bidder % 7 == 0 => {
            Some(Offer { at: bid.date_time, bidder: bid.bidder, price: bid.price })
        }
        _ => None,
    });
    let means = bids.uid("bids").key_by(|bid| bid.bidder).process(LastBids::default);
    out.rows(&means.uid("last-bids"), |(bid, mean, count), row| {
        let row = row.number(bid.bidder).time(bid.at).number(bid.price);
        row.number(*mean).number(*count)
    });
}

/// Holds the bids of each bidder until the watermark has come to them, and then goes through them in order.
#[derive(Default)]
struct LastBids {
    waiting: ListState<u64, Offer>,
    /// The prices of the bids that were told last, the last one first.
    prices: ListState<u64, u64>,
}

impl KeyedProcess for LastBids {
    type Key = u64;
    type In = Offer;
    type Out = Row;

    fn process(
        &mut self,
        key: Keyed<'_, u64>,
        bid: Offer,
        ctx: &mut KeyedContext<'_, u64, Row>,
    ) -> Result<(), BoxError> {
        if bid.at <= ctx.watermark() {
            ctx.late::<Offer>(None, bid);
            return Ok(());
        }
        ctx.register_timer(TimeDomain::Event, bid.at);
        self.waiting.push(key, bid);
        Ok(())
    }

    fn on_timer(
        &mut self,
        key: Keyed<'_, u64>,
        timer: Timer,
        ctx: &mut KeyedContext<'_, u64, Row>,
    ) -> Result<(), BoxError> {
        let waiting = self.waiting.take(key);
        let (due, waiting): (Vec<Offer>, Vec<Offer>) =
            waiting.into_iter().partition(|bid| bid.at <= timer.at);
        waiting.into_iter().for_each(|bid| self.waiting.push(key, bid));
        for bid in due {
            let mut prices = self.prices.take(key);
            prices.insert(0, bid.price);
            prices.truncate(LAST);
            let count = prices.len() as u64;
            ctx.emit((bid, prices.iter().sum::<u64>() / count, count));
            prices.into_iter().for_each(|price| self.prices.push(key, price));
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("waiting", &mut self.waiting);
        visitor.keyed("prices", &mut self.prices);
    }
}
