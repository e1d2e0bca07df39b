//! q7: the highest bids of every ten seconds. A window over all events, aggregated where they are read before
//! the parts meet.
//!
//! As the SQL of the benchmark joins the windows' highest prices with the bids again, both ends included, a
//! bid at the very end of a window, which belongs to the next one, is a row of this one too if its price is
//! that of this window's highest bid. Such a bid is a guest: it is there, and does not raise the price.

use super::Query;
use crate::output::Output;
use serde::{Deserialize, Serialize};
use tidegate::prelude::*;
use tidegate_generator::{Bid, Event};

/// Ten seconds.
const WINDOW_MS: i64 = 10_000;

pub(super) const QUERY: Query = Query {
    name: "q7",
    about: "The highest bids of every ten seconds",
    header: "auction:BIGINT,price:BIGINT,bidder:BIGINT,dateTime:TIMESTAMP(3),\
             extra:VARCHAR(2147483647)",
    aligned: true,
    draw,
};

fn draw(events: &Stream<Event>, out: &Output) {
    let highest = events
        .process(Candidates::default)
        .uid("candidates")
        .window_all(Window::tumbling(WINDOW_MS))
        .aggregate(Highest)
        .uid("highest")
        .flat_map(|highest| highest.value);
    out.rows(&highest.uid("ties"), |bid, row| {
        let row = row.number(bid.auction).number(bid.price).number(bid.bidder);
        row.time(bid.date_time).text(&bid.extra)
    });
}

/// A bid, as a bid of a window or as a guest in the one before.
#[derive(Clone, Debug)]
struct Candidate {
    bid: Bid,
    guest: bool,
}

/// Puts each bid into its window, and what lies on the line between two into both. A bid below one that has
/// already gone into the same window is none of its highest and goes no further: most are.
///
/// What is remembered for that is no state: an instance that has forgotten it lets more bids pass.
#[derive(Default)]
struct Candidates {
    /// The beginning of the window of the last bid that has passed, and its price.
    window: i64,
    price: u64,
}

impl Process for Candidates {
    type In = Event;
    type Out = Candidate;

    #[inline]
    fn process(
        &mut self,
        event: Event,
        ctx: &mut ProcessContext<'_, Candidate>,
    ) -> Result<(), BoxError> {
        let Event::Bid(bid) = event else { return Ok(()) };
        let at = ctx.timestamp();
        let into = at.millis().rem_euclid(WINDOW_MS);
        if into == 0 {
            ctx.emit_at(Candidate { bid: bid.clone(), guest: true }, at.minus(1));
        }
        let window = at.millis() - into;
        if window != self.window || bid.price >= self.price {
            (self.window, self.price) = (window, bid.price);
            ctx.emit(Candidate { bid, guest: false });
        }
        Ok(())
    }
}

/// The highest bids, and the guests that are as high.
#[derive(Clone)]
struct Highest;

/// The bids with the highest price, and all guests.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct High {
    price: u64,
    bids: Vec<Bid>,
    guests: Vec<Bid>,
}

impl High {
    fn add(&mut self, bid: &Bid) {
        if bid.price > self.price {
            self.price = bid.price;
            self.bids.clear();
        }
        if bid.price == self.price {
            self.bids.push(bid.clone());
        }
    }
}

impl Aggregate for Highest {
    type In = Candidate;
    type Accumulator = High;
    type Out = Vec<Bid>;

    fn create(&self) -> High {
        High::default()
    }

    #[inline]
    fn add(&self, high: &mut High, Candidate { bid, guest }: &Candidate) {
        if *guest {
            high.guests.push(bid.clone());
        } else if bid.price >= high.price {
            high.add(bid);
        }
    }

    fn merge(&self, high: &mut High, other: &High) {
        other.bids.iter().for_each(|bid| high.add(bid));
        high.guests.extend_from_slice(&other.guests);
    }

    fn result(&self, high: &High) -> Vec<Bid> {
        let guests = high.guests.iter().filter(|guest| guest.price == high.price);
        high.bids.iter().chain(guests).cloned().collect()
    }
}
