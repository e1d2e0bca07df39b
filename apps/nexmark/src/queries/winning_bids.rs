//! The winning bid of each auction: the highest between its opening and its closing, both included; of
//! several as high, the earliest. What q4, q6 and q9 begin with.
//!
//! Bids may come before their auction and in any order: event time says when all are in. An auction is told
//! once, when the watermark has reached its closing; an auction without a bid is not.
//!
//! State: an auction is kept until it has closed. A bid that comes before its auction waits until the
//! watermark has reached it, for an auction that opens later cannot have it.

use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use tidegate::core::element::Data;
use tidegate::core::state::Value;
use tidegate::prelude::*;
use tidegate_generator::{Auction, Bid, Event};

/// What must be known of an auction.
pub(super) trait Lasts: Data + Value {
    /// From when to when it is open.
    fn lasts(&self) -> (Timestamp, Timestamp);
}

/// What must be known of a bid.
pub(super) trait Offers: Data + Value {
    /// When it was made.
    fn at(&self) -> Timestamp;
    /// How high it is.
    fn price(&self) -> u64;
    /// Higher wins.
    fn rank(&self) -> (u64, Reverse<Timestamp>) {
        (self.price(), Reverse(self.at()))
    }
}

impl Lasts for Auction {
    fn lasts(&self) -> (Timestamp, Timestamp) {
        (self.date_time, self.expires)
    }
}

impl Offers for Bid {
    fn at(&self) -> Timestamp {
        self.date_time
    }

    fn price(&self) -> u64 {
        self.price
    }
}

/// An auction, with what else is wanted of it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Opened {
    pub(super) auction: u64,
    pub(super) opens: Timestamp,
    pub(super) closes: Timestamp,
    /// Its category, or its seller.
    pub(super) of: u64,
}

/// A bid, as short as can be.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Offer {
    pub(super) auction: u64,
    pub(super) price: u64,
    pub(super) at: Timestamp,
}

impl Lasts for Opened {
    fn lasts(&self) -> (Timestamp, Timestamp) {
        (self.opens, self.closes)
    }
}

impl Offers for Offer {
    fn at(&self) -> Timestamp {
        self.at
    }

    fn price(&self) -> u64 {
        self.price
    }
}

/// The winning bids, with what `of` says of their auctions.
pub(super) fn winning_bids(
    events: &Stream<Event>,
    of: fn(&Auction) -> u64,
) -> Stream<(Opened, Offer)> {
    let (bids, auctions) = events.split("bids", move |event| match event {
        Event::Bid(bid) => {
            let (auction, price, at) = (bid.auction, bid.price, bid.date_time);
            Way::First(Offer { auction, price, at })
        }
        Event::Auction(auction) => {
            let (opens, closes) = (auction.date_time, auction.expires);
            Way::Second(Opened { auction: auction.id, opens, closes, of: of(&auction) })
        }
        Event::Person(_) => Way::Neither,
    });
    let auctions = auctions.key_by(|auction| auction.auction);
    let winning = auctions.connect(&bids.key_by(|bid| bid.auction));
    winning.process(WinningBids::<Opened, Offer>::default).uid("winning-bids")
}

/// An auction that is open.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Open<A, B> {
    auction: A,
    best: Option<B>,
}

impl<A: Lasts, B: Offers> Open<A, B> {
    fn take(&mut self, offer: B) {
        let (opens, closes) = self.auction.lasts();
        let counts = opens <= offer.at() && offer.at() <= closes;
        if counts && self.best.as_ref().is_none_or(|best| best.rank() < offer.rank()) {
            self.best = Some(offer);
        }
    }
}

/// Finds the winning bids of auctions.
pub(super) struct WinningBids<A, B> {
    open: ValueState<u64, Open<A, B>>,
    /// Bids on auctions that have not come.
    early: ListState<u64, B>,
}

impl<A, B> Default for WinningBids<A, B> {
    fn default() -> Self {
        Self { open: ValueState::default(), early: ListState::default() }
    }
}

impl<A: Lasts, B: Offers> KeyedCoProcess for WinningBids<A, B> {
    type Key = u64;
    type First = A;
    type Second = B;
    type Out = (A, B);

    fn process_first(
        &mut self,
        key: Keyed<'_, u64>,
        auction: A,
        ctx: &mut KeyedContext<'_, u64, Self::Out>,
    ) -> Result<(), BoxError> {
        ctx.register_timer(TimeDomain::Event, auction.lasts().1);
        let mut open = Open { auction, best: None };
        self.early.take(key).into_iter().for_each(|offer| open.take(offer));
        self.open.set(key, open);
        Ok(())
    }

    fn process_second(
        &mut self,
        key: Keyed<'_, u64>,
        offer: B,
        ctx: &mut KeyedContext<'_, u64, Self::Out>,
    ) -> Result<(), BoxError> {
        if let Some(open) = self.open.get(key) {
            // Most bids change nothing, which the state need not know.
            let best = open.best.as_ref().map(Offers::rank);
            if best.is_none_or(|best| best < offer.rank())
                && let Some(open) = self.open.get_mut(key)
            {
                open.take(offer);
            }
        } else if offer.at() > ctx.watermark() {
            // One timer for all that wait: it asks for another one if it does not find the last of them.
            if self.early.get(key).is_empty() {
                ctx.register_timer(TimeDomain::Event, offer.at());
            }
            self.early.push(key, offer);
        }
        Ok(())
    }

    fn on_timer(
        &mut self,
        key: Keyed<'_, u64>,
        timer: Timer,
        ctx: &mut KeyedContext<'_, u64, Self::Out>,
    ) -> Result<(), BoxError> {
        match self.open.get(key) {
            Some(open) if open.auction.lasts().1 <= timer.at => {
                if let Some(Open { auction, best: Some(best) }) = self.open.remove(key) {
                    ctx.emit((auction, best));
                }
            }
            Some(_) => {}
            None => {
                let mut early = self.early.take(key);
                early.retain(|offer| offer.at() > ctx.watermark());
                if let Some(last) = early.iter().map(Offers::at).max() {
                    ctx.register_timer(TimeDomain::Event, last);
                }
                early.into_iter().for_each(|offer| self.early.push(key, offer));
            }
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("open", &mut self.open);
        visitor.keyed("early", &mut self.early);
    }
}
