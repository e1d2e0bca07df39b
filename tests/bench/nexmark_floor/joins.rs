//! Floors of the queries that bring events of several kinds together.

use super::Floor;
use hashbrown::HashMap;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use tidegate_core::time::Timestamp;
use tidegate_generator::{Auction, Bid, Event, Text};

fn row<T>(row: T) -> u64 {
    black_box(&row);
    1
}

/// Sellers by their ids, and sales by their sellers.
#[derive(Default)]
pub(super) struct Q3 {
    sellers: HashMap<u64, (Text, Text, Text)>,
    sales: HashMap<u64, Vec<u64>>,
}

impl Floor for Q3 {
    fn take(&mut self, event: Event, _: Timestamp) -> u64 {
        match event {
            Event::Person(person) if ["OR", "ID", "CA"].contains(&person.state.as_str()) => {
                let sales = self.sales.get(&person.id).map_or(0, Vec::len);
                let seller = (person.name, person.city, person.state);
                self.sellers.insert(person.id, row_of(seller));
                sales as u64
            }
            Event::Auction(auction) if auction.category == 10 => {
                self.sales.entry(auction.seller).or_default().push(auction.id);
                self.sellers.get(&auction.seller).map_or(0, row)
            }
            _ => 0,
        }
    }
}

fn row_of<T>(row: T) -> T {
    black_box(row)
}

/// Auctions that are open, with the best bid on each; those that close are told by a queue.
struct Winners<A, B> {
    open: HashMap<u64, (A, Timestamp, Timestamp, Option<(u64, B)>)>,
    closing: BinaryHeap<Reverse<(Timestamp, u64)>>,
}

impl<A, B> Default for Winners<A, B> {
    fn default() -> Self {
        Self { open: HashMap::new(), closing: BinaryHeap::new() }
    }
}

impl<A, B> Winners<A, B> {
    fn auction(&mut self, auction: &Auction, kept: A) {
        self.closing.push(Reverse((auction.expires, auction.id)));
        self.open.insert(auction.id, (kept, auction.date_time, auction.expires, None));
    }

    fn bid(&mut self, bid: Bid, kept: impl FnOnce(Bid) -> B) {
        if let Some((_, opens, closes, best)) = self.open.get_mut(&bid.auction)
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
            if let Some((kept, _, _, Some((price, bid)))) = self.open.remove(&id) {
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
                self.0.closing.push(Reverse((auction.expires, auction.id)));
                let (id, opens, closes) = (auction.id, auction.date_time, auction.expires);
                self.0.open.insert(id, (auction, opens, closes, None));
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

/// Auctions of the category, and bids on auctions that have not come (or never will, in it).
#[derive(Default)]
pub(super) struct Q20 {
    auctions: HashMap<u64, Box<Auction>>,
    bids: HashMap<u64, Vec<Bid>>,
}

impl Floor for Q20 {
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
