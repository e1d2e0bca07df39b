//! Floors of the queries with windows.

use super::Floor;
use hashbrown::{HashMap, HashSet};
use std::collections::VecDeque;
use std::hint::black_box;
use std::time::{Duration, Instant};
use tidegate_core::time::Timestamp;
use tidegate_generator::{Bid, Event, Text};

/// The window or slice of `size_ms` into which `at` falls.
const fn number(at: Timestamp, size_ms: i64) -> i64 {
    at.millis().div_euclid(size_ms)
}

/// Counts of the last slices, and of all of them together.
#[derive(Default)]
pub(super) struct Q5 {
    slice: i64,
    slices: VecDeque<HashMap<u64, u32>>,
    all: HashMap<u64, u32>,
}

impl Q5 {
    /// Ends a slice: the window that ends with it, and what leaves it.
    fn slide(&mut self) -> u64 {
        let most = self.all.values().max().copied().unwrap_or(0);
        let rows = self.all.iter().filter(|(_, count)| **count == most).count();
        if self.slices.len() == 5 {
            for (auction, count) in self.slices.pop_front().into_iter().flatten() {
                if let Some(all) = self.all.get_mut(&auction) {
                    *all -= count;
                    if *all == 0 {
                        self.all.remove(&auction);
                    }
                }
            }
        }
        self.slices.push_back(HashMap::new());
        rows as u64
    }
}

impl Floor for Q5 {
    fn take(&mut self, event: Event, at: Timestamp) -> u64 {
        let slice = number(at, 2_000);
        let mut rows = 0;
        if self.slices.is_empty() {
            self.slice = slice;
            self.slices.push_back(HashMap::new());
        }
        while self.slice < slice {
            rows += self.slide();
            self.slice += 1;
        }
        if let Event::Bid(bid) = event {
            *self.all.entry(bid.auction).or_default() += 1;
            if let Some(counts) = self.slices.back_mut() {
                *counts.entry(bid.auction).or_default() += 1;
            }
        }
        rows
    }

    fn end(&mut self) -> u64 {
        (0..5).map(|_| self.slide()).sum()
    }
}

#[derive(Default)]
pub(super) struct Q7 {
    window: i64,
    price: u64,
    bids: Vec<Bid>,
}

impl Floor for Q7 {
    fn take(&mut self, event: Event, at: Timestamp) -> u64 {
        let Event::Bid(bid) = event else { return 0 };
        let window = number(at, 10_000);
        let mut rows = 0;
        if window != self.window {
            rows = self.end();
            self.window = window;
        }
        if bid.price > self.price {
            self.price = bid.price;
            self.bids.clear();
        }
        if bid.price == self.price {
            self.bids.push(bid);
        }
        rows
    }

    fn end(&mut self) -> u64 {
        self.price = 0;
        black_box(self.bids.drain(..)).count() as u64
    }
}

#[derive(Default)]
pub(super) struct Q8 {
    window: i64,
    people: HashMap<u64, Text>,
    sellers: HashSet<u64>,
}

impl Floor for Q8 {
    fn take(&mut self, event: Event, at: Timestamp) -> u64 {
        let window = number(at, 10_000);
        let mut rows = 0;
        if window != self.window {
            rows = self.end();
            self.window = window;
        }
        match event {
            Event::Person(person) => drop(self.people.insert(person.id, person.name)),
            Event::Auction(auction) => drop(self.sellers.insert(auction.seller)),
            Event::Bid(_) => {}
        }
        rows
    }

    fn end(&mut self) -> u64 {
        let both = self.people.iter().filter(|(id, _)| self.sellers.contains(*id));
        let rows = both.map(black_box).count();
        self.people.clear();
        self.sellers.clear();
        rows as u64
    }
}

/// A session ends when the next bid of its bidder comes too late; all are looked at every ten seconds.
#[derive(Default)]
pub(super) struct Q11 {
    sessions: HashMap<u64, (Timestamp, Timestamp, u64)>,
    looked: i64,
}

impl Floor for Q11 {
    fn take(&mut self, event: Event, at: Timestamp) -> u64 {
        let Event::Bid(bid) = event else { return 0 };
        let mut rows = 0;
        if number(at, 10_000) != self.looked {
            self.looked = number(at, 10_000);
            let before = self.sessions.len();
            self.sessions.retain(|_, (_, last, _)| at.since(*last) <= 10_000);
            rows += (before - self.sessions.len()) as u64;
        }
        let (start, last, count) = self.sessions.entry(bid.bidder).or_insert((at, at, 0));
        if at.since(*last) > 10_000 {
            rows += 1;
            (*start, *count) = (at, 0);
        }
        *last = at;
        *count += 1;
        rows
    }

    fn end(&mut self) -> u64 {
        black_box(&self.sessions).len() as u64
    }
}

pub(super) struct Q12 {
    counts: HashMap<u64, u64>,
    ends: Instant,
    taken: u64,
}

impl Default for Q12 {
    fn default() -> Self {
        Self { counts: HashMap::new(), ends: Instant::now() + Duration::from_secs(10), taken: 0 }
    }
}

impl Floor for Q12 {
    fn take(&mut self, event: Event, _: Timestamp) -> u64 {
        let Event::Bid(bid) = event else { return 0 };
        let mut rows = 0;
        self.taken += 1;
        if self.taken.is_multiple_of(1024) && Instant::now() >= self.ends {
            self.ends += Duration::from_secs(10);
            rows = black_box(self.counts.drain()).count() as u64;
        }
        *self.counts.entry(bid.bidder).or_default() += 1;
        rows
    }
}
