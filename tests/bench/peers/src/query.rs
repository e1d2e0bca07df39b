//! Which queries there are, and the steps of them that look at one event at a time.

use crate::sellers::Side;
use crate::windows::{Arrival, Millis, NEWCOMERS_MS, end_of};
use clap::ValueEnum;
use tidegate_generator::{Event, Person};

/// What both engines can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Query {
    /// Every bid, its price in euros
    Q1,
    /// Auction and price of bids on every 123rd auction
    Q2,
    /// Who sells in particular states
    Q3,
    /// The auctions with the most bids of the last ten seconds, every two
    Q5,
    /// The highest bids of every ten seconds
    Q7,
    /// Who has come and opened an auction within the same ten seconds
    Q8,
    /// How often each key has come, told with every key
    Count,
}

/// When an event happened.
#[inline]
pub(crate) fn time_of(event: &Event) -> Millis {
    event.date_time().millis().cast_unsigned()
}

/// q1: what is written as a number of three decimals, the price in euros at 0.908 for a dollar.
#[inline]
pub(crate) const fn in_euros(price: u64) -> u64 {
    price * 908
}

/// q2.
#[inline]
pub(crate) fn some_auctions(event: Event) -> Option<(u64, u64)> {
    match event {
        Event::Bid(bid) if bid.auction % 123 == 0 => Some((bid.auction, bid.price)),
        Event::Bid(_) | Event::Person(_) | Event::Auction(_) => None,
    }
}

/// q3: the two sides of the join.
#[inline]
pub(crate) fn side(event: Event) -> Option<Side> {
    match event {
        Event::Auction(auction) if auction.category == 10 => {
            Some(Side::Sale { seller: auction.seller, auction: auction.id })
        }
        Event::Person(person) if ["OR", "ID", "CA"].contains(&person.state.as_str()) => {
            let Person { id, name, city, state, .. } = *person;
            Some(Side::Seller { id, name, city, state })
        }
        Event::Bid(_) | Event::Person(_) | Event::Auction(_) => None,
    }
}

/// q8: people who come and people who sell.
#[inline]
pub(crate) fn arrival(event: Event) -> Option<Arrival> {
    let window = |event: &Event| end_of(time_of(event), NEWCOMERS_MS);
    match event {
        Event::Bid(_) => None,
        Event::Person(_) => {
            let window = window(&event);
            event.person().map(|person| Arrival { id: person.id, window, name: Some(person.name) })
        }
        Event::Auction(_) => {
            let window = window(&event);
            event.auction().map(|auction| Arrival { id: auction.seller, window, name: None })
        }
    }
}

/// Spreads keys that are multiples of something over workers that are picked by the low bits.
#[inline]
pub(crate) const fn spread(key: u64) -> u64 {
    key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}
