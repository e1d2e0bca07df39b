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

impl Lasts for Box<Auction> {
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

/// What is known of an auction.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Lot<A, B> {
    /// It has not come yet, these bids on it have.
    Awaited(Vec<B>),
    /// It is open.
    Open(Open<A, B>),
}

/// An auction that is open.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Open<A, B> {
    auction: A,
    best: Option<B>,
}

impl<A: Lasts, B: Offers> Open<A, B> {
    /// An auction that has come after these bids on it.
    fn after(early: &[B], auction: A) -> Self {
        let mut open = Self { auction, best: None };
        let mut best = None;
        for offer in early {
            if open.counts(offer) && best.is_none_or(|best: &B| best.rank() < offer.rank()) {
                best = Some(offer);
            }
        }
        open.best = best.cloned();
        open
    }

    /// Whether a bid is in time.
    fn counts(&self, offer: &B) -> bool {
        let (opens, closes) = self.auction.lasts();
        opens <= offer.at() && offer.at() <= closes
    }

    /// Whether a bid is in time and better than all before.
    fn is_led_by(&self, offer: &B) -> bool {
        self.counts(offer) && self.best.as_ref().is_none_or(|best| best.rank() < offer.rank())
    }
}

/// Finds the winning bids of auctions.
pub(super) struct WinningBids<A, B> {
    lots: ValueState<u64, Lot<A, B>>,
    /// Lists of bids that have been emptied, with their memory: for the next auctions that are awaited.
    emptied: Vec<Vec<B>>,
}

/// Lists whose memory is kept.
const EMPTIED: usize = 1024;

impl<A, B> Default for WinningBids<A, B> {
    fn default() -> Self {
        Self { lots: ValueState::default(), emptied: Vec::new() }
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
        let lot = self.lots.get_or_insert_with(key, || Lot::Awaited(Vec::new()));
        if let Lot::Awaited(early) = lot {
            let mut early = std::mem::take(early);
            *lot = Lot::Open(Open::after(&early, auction));
            if early.capacity() > 0 && self.emptied.len() < EMPTIED {
                early.clear();
                self.emptied.push(early);
            }
        }
        Ok(())
    }

    fn process_second(
        &mut self,
        key: Keyed<'_, u64>,
        offer: B,
        ctx: &mut KeyedContext<'_, u64, Self::Out>,
    ) -> Result<(), BoxError> {
        match self.lots.get(key) {
            // Most bids change nothing, which the state need not know.
            Some(Lot::Open(open)) if !open.is_led_by(&offer) => return Ok(()),
            Some(Lot::Open(_)) => {}
            // An auction that opens later cannot have it.
            Some(Lot::Awaited(_)) | None if offer.at() <= ctx.watermark() => return Ok(()),
            Some(Lot::Awaited(_)) => {}
            // One timer for all that wait: it asks for another one if it does not find the last of them.
            None => ctx.register_timer(TimeDomain::Event, offer.at()),
        }
        let Self { lots, emptied } = self;
        match lots.get_or_insert_with(key, || Lot::Awaited(emptied.pop().unwrap_or_default())) {
            Lot::Open(open) => open.best = Some(offer),
            Lot::Awaited(early) => early.push(offer),
        }
        Ok(())
    }

    fn on_timer(
        &mut self,
        key: Keyed<'_, u64>,
        timer: Timer,
        ctx: &mut KeyedContext<'_, u64, Self::Out>,
    ) -> Result<(), BoxError> {
        match self.lots.get(key) {
            Some(Lot::Open(open)) if open.auction.lasts().1 <= timer.at => {
                if let Some(Lot::Open(Open { auction, best: Some(best) })) = self.lots.remove(key) {
                    ctx.emit((auction, best));
                }
            }
            Some(Lot::Awaited(_)) => self.await_on(key, ctx),
            Some(Lot::Open(_)) | None => {}
        }
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("lots", &mut self.lots);
    }
}

impl<A: Lasts, B: Offers> WinningBids<A, B> {
    /// Lets bids go whose auction can come no more, and asks to be called again for the others.
    fn await_on(&mut self, key: Keyed<'_, u64>, ctx: &mut KeyedContext<'_, u64, (A, B)>) {
        let Some(Lot::Awaited(early)) = self.lots.get_mut(key) else { return };
        early.retain(|offer| offer.at() > ctx.watermark());
        match early.iter().map(Offers::at).max() {
            Some(last) => ctx.register_timer(TimeDomain::Event, last),
            None => drop(self.lots.remove(key)),
        }
    }
}
