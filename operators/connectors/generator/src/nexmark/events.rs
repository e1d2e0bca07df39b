//! The event of each position, by the rules of the reference generator.
//!
//! Of fifty events the first is a person, three are auctions, the rest bids. Most of what is drawn is *hot*:
//! the newest auction or person whose number is a multiple of a hundred.

use super::event::{Auction, Bid, Event, Person};
use super::generator::NexmarkGenerator;
use super::pool::{self, Pool, draw};
use super::price::price;
use super::text::Text;
use crate::counted::Formula;
use crate::hash::{below, splitmix64};
use crate::limits;
use tidegate_core::time::Timestamp;

/// Events of a round.
const ROUND: u64 = 50;
/// Of these, people.
const PEOPLE: u64 = 1;
/// Of these, auctions.
pub(super) const AUCTIONS: u64 = 3;

/// The first person, auction and category.
const FIRST_PERSON: u64 = 1000;
const FIRST_AUCTION: u64 = 1000;
const FIRST_CATEGORY: u64 = 10;
const CATEGORIES: u64 = 5;

/// How far ids that are bid on or sell may lie ahead of those that exist.
const LEAD: u64 = 10;
/// People who sell or bid.
const ACTIVE_PEOPLE: u64 = 1000;
/// Auctions that are bid on.
const IN_FLIGHT: u64 = 100;
/// Every so many numbers one is hot.
const HOT: u64 = 100;

/// Average sizes in bytes.
const PERSON_BYTES: u32 = 200;
const AUCTION_BYTES: u32 = 500;
const BID_BYTES: u32 = 100;

/// A prime: multiples of it visit every place of a block whose length it does not divide.
const STEP: u64 = 953;

/// The event of each position.
#[derive(Clone, Copy, Debug)]
pub struct NexmarkEvents {
    seed: u64,
    start: Timestamp,
    /// Milliseconds per event with 64 fractional bits.
    step_ms: u128,
    /// Events that change places with each other.
    block: u64,
    /// What is drawn for how long an auction lasts.
    lasts_ms: u64,
}

/// The chance of one event.
struct Chance {
    seed: u64,
    drawn: u64,
}

impl Chance {
    #[inline]
    const fn next(&mut self) -> u64 {
        let hash = splitmix64(self.seed, self.drawn);
        self.drawn += 1;
        hash
    }

    #[inline]
    const fn below(&mut self, n: u64) -> u64 {
        below(self.next(), n)
    }
}

impl NexmarkEvents {
    /// `None` where events out of order could not visit every place of their block.
    pub(super) fn new(of: &NexmarkGenerator) -> Option<Self> {
        if of.block.is_multiple_of(STEP) {
            return None;
        }
        let step_ms = (1000_u128 << 64).div_ceil(u128::from(of.events_per_second));
        let ahead = IN_FLIGHT * ROUND / AUCTIONS;
        let horizon_ms = ahead * 1000 / of.events_per_second;
        let lasts_ms = (2 * horizon_ms).max(1);
        Some(Self { seed: of.seed, start: of.start, step_ms, block: of.block, lasts_ms })
    }

    /// When event `n` happens. Exact below 2^40 events and 2^24 events per second: what the step is too
    /// large by does not reach the next millisecond.
    #[inline]
    fn time_of(&self, n: u64) -> Timestamp {
        self.start.plus(((u128::from(n) * self.step_ms) >> 64) as i64)
    }

    /// Which event comes at place `n`.
    #[inline]
    const fn event_at(&self, n: u64) -> u64 {
        if self.block <= 1 {
            return n;
        }
        let within = n % self.block;
        n - within + within * STEP % self.block
    }

    #[cold]
    fn person(round: u64, at: Timestamp, chance: &mut Chance, pool: &Pool) -> Person {
        let name = draw(&pool.names, chance.next());
        let email = draw(&pool.addresses, chance.next());
        let card = draw(&pool.cards, chance.next());
        let city = draw(&pool.cities, chance.next());
        let state = draw(&pool.states, chance.next());
        let size = 8 + [name, email, card, city, state].map(|text| text.length).iter().sum::<u32>();
        Person {
            id: FIRST_PERSON + round * PEOPLE,
            name: name.into(),
            email_address: email.into(),
            credit_card: card.into(),
            city: city.into(),
            state: state.into(),
            date_time: at,
            extra: extra(chance.next(), size, PERSON_BYTES, pool),
        }
    }

    #[cold]
    fn auction(
        &self,
        round: u64,
        id: u64,
        at: Timestamp,
        chance: &mut Chance,
        pool: &Pool,
    ) -> Auction {
        let name = pool.words(chance.next(), 3 + chance.below(17) as u32);
        let description = pool.words(chance.next(), 3 + chance.below(97) as u32);
        let initial_bid = price(chance.next());
        let seller = if chance.below(4) > 0 { round / HOT * HOT } else { active(round, chance) };
        let size = 8 + name.length + description.length + 5 * 8;
        Auction {
            id: FIRST_AUCTION + id,
            item_name: name.into(),
            description: description.into(),
            initial_bid,
            reserve: initial_bid + price(chance.next()),
            date_time: at,
            expires: at.plus(1 + chance.below(self.lasts_ms) as i64),
            seller: FIRST_PERSON + seller,
            category: FIRST_CATEGORY + chance.below(CATEGORIES),
            extra: extra(chance.next(), size, AUCTION_BYTES, pool),
        }
    }

    #[inline]
    fn bid(round: u64, at: Timestamp, chance: &mut Chance, pool: &Pool) -> Bid {
        // One number decides several things: its highest bits what is hot, the others which.
        let hash = chance.next();
        let (hot_auction, hot_bidder, hot_channel) =
            (hash >> 63 > 0, (hash >> 61) & 3 > 0, (hash >> 60) & 1 > 0);
        let last = round * AUCTIONS + AUCTIONS - 1;
        let auction = if hot_auction {
            last / HOT * HOT
        } else {
            let first = last.saturating_sub(IN_FLIGHT);
            first + below(hash << 4, last - first + 1 + LEAD)
        };
        let bidder = if hot_bidder { round / HOT * HOT + 1 } else { active(round, chance) };
        let hash = chance.next();
        let channel = if hot_channel {
            draw(&pool.hot_channels, hash)
        } else {
            draw(&pool.rare_channels, hash)
        };
        Bid {
            auction: FIRST_AUCTION + auction,
            bidder: FIRST_PERSON + bidder,
            price: price(chance.next()),
            channel: channel.name.into(),
            url: channel.url.into(),
            date_time: at,
            extra: extra(hash.rotate_right(24), 4 * 8, BID_BYTES, pool),
        }
    }
}

/// Somebody active: one of the last who have come, or one of the next.
#[inline]
const fn active(round: u64, chance: &mut Chance) -> u64 {
    let people = round + 1;
    let active = if people < ACTIVE_PEOPLE { people } else { ACTIVE_PEOPLE };
    people - active + chance.below(active + LEAD)
}

/// Letters that fill an event of `size` bytes up to `average`, give or take a fifth of what is missing.
#[inline]
fn extra(hash: u64, size: u32, average: u32, pool: &Pool) -> Text {
    let missing = average.saturating_sub(size);
    let spread = (missing + 2) / 5;
    let length = missing - spread + below(hash, u64::from(2 * spread)) as u32;
    pool.letters(hash, length).into()
}

impl Formula for NexmarkEvents {
    type Out = Event;

    #[inline]
    fn record(&self, n: u64) -> (Event, Timestamp) {
        self.hand(n, |event, at| (event, at))
    }

    #[inline]
    fn hand<R>(&self, n: u64, take: impl FnOnce(Event, Timestamp) -> R) -> R {
        let (n, pool) = (self.event_at(n), pool::pool());
        let at = self.time_of(n);
        let mut chance = Chance { seed: self.seed, drawn: n * limits::NEXMARK_DRAWS };
        let (round, place) = (n / ROUND, n % ROUND);
        if place >= PEOPLE + AUCTIONS {
            return take(Event::Bid(Self::bid(round, at, &mut chance, pool)), at);
        }
        let event = if place < PEOPLE {
            Event::Person(Box::new(Self::person(round, at, &mut chance, pool)))
        } else {
            let id = round * AUCTIONS + place - PEOPLE;
            Event::Auction(Box::new(self.auction(round, id, at, &mut chance, pool)))
        };
        take(event, at)
    }
}
