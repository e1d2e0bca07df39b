//! Floors of the queries that bring events of several kinds together.

use super::{Floor, row};
use hashbrown::HashMap;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use tidegate_core::time::Timestamp;
use tidegate_generator::{Auction, Bid, Event, Text};

/// Sellers by their ids, and sales that wait for theirs.
#[derive(Default)]
pub(super) struct Q3 {
    sellers: HashMap<u64, (Text, Text, Text)>,
    sales: HashMap<u64, Vec<u64>>,
}

impl Floor for Q3 {
    fn take(&mut self, event: Event, _: Timestamp) -> u64 {
        match event {
            Event::Person(person) if ["OR", "ID", "CA"].contains(&person.state.as_str()) => {
                let sales = self.sales.remove(&person.id).map_or(0, |sales| sales.len());
                let seller = (person.name, person.city, person.state);
                self.sellers.insert(person.id, black_box(seller));
                sales as u64
            }
            Event::Auction(auction) if auction.category == 10 => {
                if let Some(seller) = self.sellers.get(&auction.seller) {
                    return row(seller);
                }
                self.sales.entry(auction.seller).or_default().push(auction.id);
                0
            }
            _ => 0,
        }
    }
}

/// An auction that is open, and the price and what is kept of the best bid on it.
struct Open<A, B> {
    kept: A,
    opens: Timestamp,
    closes: Timestamp,
    best: Option<(u64, B)>,
}

/// Auctions that are open; when they close is told by a queue.
struct Winners<A, B> {
    open: HashMap<u64, Open<A, B>>,
    closing: BinaryHeap<Reverse<(Timestamp, u64)>>,
}

impl<A, B> Default for Winners<A, B> {
    fn default() -> Self {
        Self { open: HashMap::new(), closing: BinaryHeap::new() }
    }
}

impl<A, B> Winners<A, B> {
    fn auction(&mut self, auction: &Auction, kept: A) {
        let (id, opens, closes) = (auction.id, auction.date_time, auction.expires);
        self.insert(id, Open { kept, opens, closes, best: None });
    }

    fn insert(&mut self, id: u64, open: Open<A, B>) {
        self.closing.push(Reverse((open.closes, id)));
        self.open.insert(id, open);
    }

    fn bid(&mut self, bid: Bid, kept: impl FnOnce(Bid) -> B) {
        if let Some(Open { opens, closes, best, .. }) = self.open.get_mut(&bid.auction)
            && *opens <= bid.date_time
            && bid.date_time <= *closes
            && best.as_ref().is_none_or(|(price, _)| *price < bid.price)
        {
            *best = Some((bid.price, kept(bid)));
        }
    }

    /// What has closed before `now`.
    fn closed(&mut self, now: Timestamp, mut each: impl FnMut(A, u64, B)) {
        while let Some(Reverse((at, id))) = self.closing.peek().copied()
            && at < now
        {
            self.closing.pop();
            if let Some(Open { kept, best: Some((price, bid)), .. }) = self.open.remove(&id) {
                each(kept, price, bid);
            }
        }
    }
}

#[derive(Default)]
pub(super) struct Q4 {
    winners: Winners<u64, ()>,
    means: HashMap<u64, (u64, u64)>,
}

impl Q4 {
    fn close(&mut self, now: Timestamp) -> u64 {
        let (means, mut rows) = (&mut self.means, 0);
        self.winners.closed(now, |category, price, ()| {
            let (count, sum) = means.entry(category).or_default();
            *count += 1;
            *sum += price;
            rows += row(*sum / *count);
        });
        rows
    }
}

impl Floor for Q4 {
    fn take(&mut self, event: Event, at: Timestamp) -> u64 {
        match event {
            Event::Auction(auction) => self.winners.auction(&auction, auction.category),
            Event::Bid(bid) => self.winners.bid(bid, |_| ()),
            Event::Person(_) => {}
        }
        self.close(at)
    }

    fn end(&mut self) -> u64 {
        self.close(Timestamp::MAX)
    }
}

#[derive(Default)]
pub(super) struct Q6 {
    winners: Winners<u64, Timestamp>,
    last: HashMap<u64, Vec<u64>>,
}

impl Q6 {
    fn close(&mut self, now: Timestamp) -> u64 {
        let (last, mut rows) = (&mut self.last, 0);
        self.winners.closed(now, |seller, price, _| {
            let prices = last.entry(seller).or_default();
            if prices.len() == 11 {
                prices.remove(0);
            }
            prices.push(price);
            rows += row(prices.iter().sum::<u64>() / prices.len() as u64);
        });
        rows
    }
}

impl Floor for Q6 {
    fn take(&mut self, event: Event, at: Timestamp) -> u64 {
        match event {
            Event::Auction(auction) => self.winners.auction(&auction, auction.seller),
            Event::Bid(bid) => self.winners.bid(bid, |bid| bid.date_time),
            Event::Person(_) => {}
        }
        self.close(at)
    }

    fn end(&mut self) -> u64 {
        self.close(Timestamp::MAX)
    }
}

#[derive(Default)]
pub(super) struct Q9(Winners<Box<Auction>, Bid>);

impl Floor for Q9 {
    fn take(&mut self, event: Event, at: Timestamp) -> u64 {
        match event {
            Event::Auction(auction) => {
                let (id, opens, closes) = (auction.id, auction.date_time, auction.expires);
                self.0.insert(id, Open { kept: auction, opens, closes, best: None });
            }
            Event::Bid(bid) => self.0.bid(bid, |bid| bid),
            Event::Person(_) => {}
        }
        let mut rows = 0;
        self.0.closed(at, |auction, _, bid| rows += row((auction, bid)));
        rows
    }

    fn end(&mut self) -> u64 {
        let mut rows = 0;
        self.0.closed(Timestamp::MAX, |auction, _, bid| rows += row((auction, bid)));
        rows
    }
}

/// What there is of an auction.
enum Lot {
    /// It has not come, these bids on it have.
    Awaited(Vec<Bid>),
    /// It has come, and is of the category or not.
    Come(Option<Box<Auction>>),
}

/// Auctions, and bids that came before theirs.
#[derive(Default)]
pub(super) struct Q20 {
    lots: HashMap<u64, Lot>,
    /// Auctions come in the order of their numbers: a bid on an earlier one that is not here waits in vain.
    newest: u64,
}

impl Floor for Q20 {
    fn take(&mut self, event: Event, _: Timestamp) -> u64 {
        match event {
            Event::Auction(auction) => {
                self.newest = auction.id;
                let wanted = (auction.category == 10).then_some(auction);
                match self.lots.insert(self.newest, Lot::Come(wanted.clone())) {
                    Some(Lot::Awaited(bids)) => wanted.map_or(0, |auction| {
                        bids.into_iter().map(|bid| row((bid, auction.clone()))).sum()
                    }),
                    _ => 0,
                }
            }
            Event::Bid(bid) => match self.lots.get_mut(&bid.auction) {
                Some(Lot::Come(auction)) => {
                    auction.as_ref().map_or(0, |auction| row((bid, auction.clone())))
                }
                Some(Lot::Awaited(bids)) => {
                    bids.push(bid);
                    0
                }
                None if bid.auction > self.newest => {
                    self.lots.insert(bid.auction, Lot::Awaited(vec![bid]));
                    0
                }
                None => 0,
            },
            Event::Person(_) => 0,
        }
    }
}

/// Auctions of the category, and bids on auctions that have not come (or never will, in it).
#[derive(Default)]
pub(super) struct BothKept {
    auctions: HashMap<u64, Box<Auction>>,
    bids: HashMap<u64, Vec<Bid>>,
}

impl Floor for BothKept {
    fn take(&mut self, event: Event, _: Timestamp) -> u64 {
        match event {
            Event::Auction(auction) if auction.category == 10 => {
                let rows = self.bids.get(&auction.id).map_or(0, Vec::len);
                self.auctions.insert(auction.id, auction);
                rows as u64
            }
            Event::Bid(bid) => {
                let rows = self
                    .auctions
                    .get(&bid.auction)
                    .map_or(0, |auction| row((bid.clone(), auction.clone())));
                self.bids.entry(bid.auction).or_default().push(bid);
                rows
            }
            _ => 0,
        }
    }
}
