//! What happens at the auction house: people come, open auctions, and bid.
//!
//! Fields, their types and their names are those of the reference generator (github.com/nexmark/nexmark).

use super::text::Text;
use serde::{Deserialize, Serialize};
use tidegate_core::time::Timestamp;

/// Somebody has come who will sell or bid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// Unique.
    pub id: u64,
    /// First and last name.
    pub name: Text,
    /// An address.
    pub email_address: Text,
    /// Four groups of four digits.
    pub credit_card: Text,
    /// One of ten cities.
    pub city: Text,
    /// One of six states, by two letters.
    pub state: Text,
    /// When.
    pub date_time: Timestamp,
    /// Whatever else there is; it makes the event as large as asked for.
    pub extra: Text,
}

/// An auction has been opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Auction {
    /// Unique.
    pub id: u64,
    /// What is sold.
    pub item_name: Text,
    /// More about it.
    pub description: Text,
    /// The least bid, in cents.
    pub initial_bid: u64,
    /// It is not sold below that, in cents.
    pub reserve: u64,
    /// When it was opened.
    pub date_time: Timestamp,
    /// When it closes.
    pub expires: Timestamp,
    /// The person who sells.
    pub seller: u64,
    /// One of five, from 10.
    pub category: u64,
    /// Whatever else there is.
    pub extra: Text,
}

/// Somebody has bid in an auction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bid {
    /// Which.
    pub auction: u64,
    /// The person.
    pub bidder: u64,
    /// In cents.
    pub price: u64,
    /// Where the bidder came from.
    pub channel: Text,
    /// The page on which it was made.
    pub url: Text,
    /// When.
    pub date_time: Timestamp,
    /// Whatever else there is.
    pub extra: Text,
}

/// One event. People and auctions are few and large, bids many: only those lie in the event itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// One in fifty.
    Person(Box<Person>),
    /// Three in fifty.
    Auction(Box<Auction>),
    /// All others.
    Bid(Bid),
}

impl Event {
    /// When it happened.
    #[must_use]
    pub fn date_time(&self) -> Timestamp {
        match self {
            Self::Person(person) => person.date_time,
            Self::Auction(auction) => auction.date_time,
            Self::Bid(bid) => bid.date_time,
        }
    }

    /// The person of this event, if it is one.
    #[must_use]
    pub fn person(self) -> Option<Person> {
        match self {
            Self::Person(person) => Some(*person),
            Self::Auction(_) | Self::Bid(_) => None,
        }
    }

    /// The auction of this event, if it is one.
    #[must_use]
    pub fn auction(self) -> Option<Auction> {
        match self {
            Self::Auction(auction) => Some(*auction),
            Self::Person(_) | Self::Bid(_) => None,
        }
    }

    /// The bid of this event, if it is one.
    #[must_use]
    pub fn bid(self) -> Option<Bid> {
        match self {
            Self::Bid(bid) => Some(bid),
            Self::Person(_) | Self::Auction(_) => None,
        }
    }
}
