//! Rows of results, counted and summed up, so that engines can be held against each other.

use serde::{Deserialize, Serialize};
use tidegate_generator::{Bid, Event, Text};

/// How many rows there were, and a sum over them that does not depend on their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rows {
    /// How many.
    pub(crate) count: u64,
    /// The sum.
    pub(crate) sum: u64,
}

impl Rows {
    /// A row more.
    #[inline]
    pub(crate) fn add(&mut self, row: &impl Row) {
        self.merge(Self { count: 1, sum: row.sum() });
    }

    /// The rows of another worker.
    #[inline]
    pub(crate) const fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.sum = self.sum.wrapping_add(other.sum);
    }
}

/// A row of results.
pub(crate) trait Row {
    /// What it adds to the sum.
    fn sum(&self) -> u64;
}

/// q1.
impl Row for Bid {
    #[inline]
    fn sum(&self) -> u64 {
        self.auction ^ self.bidder ^ self.price
    }
}

/// q1, where bids stay events.
impl Row for Event {
    #[inline]
    fn sum(&self) -> u64 {
        match self {
            Self::Bid(bid) => bid.sum(),
            Self::Person(_) | Self::Auction(_) => 0,
        }
    }
}

/// q2, and the count of each key.
impl Row for (u64, u64) {
    #[inline]
    fn sum(&self) -> u64 {
        self.0 ^ self.1
    }
}

/// q3: name, city, state, auction.
impl Row for (Text, Text, Text, u64) {
    fn sum(&self) -> u64 {
        self.3 ^ ((self.0.len() + self.1.len() + self.2.len()) as u64)
    }
}

/// q5: end of the window, auction, count.
impl Row for (u64, u64, u64) {
    fn sum(&self) -> u64 {
        self.0 ^ self.1 ^ self.2
    }
}

/// q7: end of the window, bid.
impl Row for (u64, Bid) {
    fn sum(&self) -> u64 {
        self.0 ^ self.1.sum()
    }
}

/// q8: person, name, end of the window.
impl Row for (u64, Text, u64) {
    fn sum(&self) -> u64 {
        self.0 ^ self.1.len() as u64 ^ self.2
    }
}
