//! Floors of the queries that keep numbers, last rows or rankings per key.

use super::Floor;
use hashbrown::{HashMap, HashSet};
use std::hint::black_box;
use tidegate_core::time::Timestamp;
use tidegate_generator::{Bid, Event, Text};

const fn band(price: u64) -> usize {
    match price {
        ..10_000 => 0,
        10_000..1_000_000 => 1,
        _ => 2,
    }
}

/// A bit for each id.
#[derive(Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn insert(&mut self, id: u64) {
        let word = (id / 64) as usize;
        if word >= self.0.len() {
            self.0.resize((word + 1).next_power_of_two(), 0);
        }
        self.0[word] |= 1 << (id % 64);
    }

    fn len(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

#[derive(Default)]
pub(super) struct Q15 {
    bids: [u64; 3],
    bidders: [Bits; 3],
    auctions: [Bits; 3],
}

impl Floor for Q15 {
    fn take(&mut self, event: Event, _: Timestamp) -> u64 {
        let Event::Bid(bid) = event else { return 0 };
        let band = band(bid.price);
        self.bids[band] += 1;
        self.bidders[band].insert(bid.bidder);
        self.auctions[band].insert(bid.auction);
        0
    }

    fn end(&mut self) -> u64 {
        black_box(self.bidders.iter().chain(&self.auctions).map(Bits::len).sum::<u64>());
        1
    }
}

#[derive(Default)]
struct Channel {
    bids: [u64; 3],
    bidders: [HashSet<u64>; 3],
    auctions: [HashSet<u64>; 3],
    last: Option<Timestamp>,
}

#[derive(Default)]
pub(super) struct Q16(HashMap<Text, Channel>);

impl Floor for Q16 {
    fn take(&mut self, event: Event, at: Timestamp) -> u64 {
        let Event::Bid(bid) = event else { return 0 };
        let (channel, band) = (self.0.entry(bid.channel).or_default(), band(bid.price));
        channel.bids[band] += 1;
        channel.bidders[band].insert(bid.bidder);
        channel.auctions[band].insert(bid.auction);
        channel.last = Some(at);
        0
    }

    fn end(&mut self) -> u64 {
        black_box(&self.0).len() as u64
    }
}

#[derive(Default)]
pub(super) struct Q17(HashMap<u64, ([u64; 3], u64, u64, u64)>);

impl Floor for Q17 {
    fn take(&mut self, event: Event, _: Timestamp) -> u64 {
        let Event::Bid(bid) = event else { return 0 };
        let stats = self.0.entry(bid.auction).or_insert(([0; 3], u64::MAX, 0, 0));
        stats.0[band(bid.price)] += 1;
        stats.1 = stats.1.min(bid.price);
        stats.2 = stats.2.max(bid.price);
        stats.3 += bid.price;
        0
    }

    fn end(&mut self) -> u64 {
        black_box(&self.0).len() as u64
    }
}

#[derive(Default)]
pub(super) struct Q18(HashMap<(u64, u64), Bid>);

impl Floor for Q18 {
    fn take(&mut self, event: Event, _: Timestamp) -> u64 {
        let Event::Bid(bid) = event else { return 0 };
        let before = self.0.insert((bid.bidder, bid.auction), bid);
        1 + u64::from(black_box(before).is_some())
    }
}

#[derive(Default)]
pub(super) struct Q19(HashMap<u64, Vec<Bid>>);

impl Floor for Q19 {
    fn take(&mut self, event: Event, _: Timestamp) -> u64 {
        let Event::Bid(bid) = event else { return 0 };
        let highest = self.0.entry(bid.auction).or_default();
        let place = highest.partition_point(|other| other.price >= bid.price);
        if place >= 10 {
            return 0;
        }
        highest.insert(place, bid);
        let moved = 2 * (highest.len() - place) - 1;
        highest.truncate(10);
        // The rows that are taken back and told anew.
        for bid in &highest[place..] {
            black_box(bid.clone());
        }
        moved as u64
    }
}
