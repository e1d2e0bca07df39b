//! Floors of the queries that look at one event at a time. A row is made and looked at, and no more.

use super::{Floor, row};
use std::hint::black_box;
use tidegate_core::time::Timestamp;
use tidegate_generator::{Bid, Event};

/// The generator alone.
#[derive(Default)]
pub(super) struct Generator;

impl Floor for Generator {
    fn take(&mut self, event: Event, _: Timestamp) -> u64 {
        black_box(&event);
        1
    }
}

fn bid(event: Event, rows: impl FnOnce(Bid) -> u64) -> u64 {
    match event {
        Event::Bid(bid) => rows(bid),
        Event::Person(_) | Event::Auction(_) => 0,
    }
}

#[derive(Default)]
pub(super) struct Q0;

impl Floor for Q0 {
    fn take(&mut self, event: Event, _: Timestamp) -> u64 {
        bid(event, row)
    }
}

#[derive(Default)]
pub(super) struct Q1;

impl Floor for Q1 {
    fn take(&mut self, event: Event, _: Timestamp) -> u64 {
        bid(event, |mut bid| {
            bid.price *= 908;
            row(bid)
        })
    }
}

#[derive(Default)]
pub(super) struct Q2;

impl Floor for Q2 {
    fn take(&mut self, event: Event, _: Timestamp) -> u64 {
        bid(event, |bid| if bid.auction % 123 == 0 { row((bid.auction, bid.price)) } else { 0 })
    }
}

/// The side table is a list.
pub(super) struct Q13(Vec<String>);

impl Default for Q13 {
    fn default() -> Self {
        Self((0..10_000).map(|key: u64| key.to_string()).collect())
    }
}

impl Floor for Q13 {
    fn take(&mut self, event: Event, _: Timestamp) -> u64 {
        bid(event, |bid| {
            let value = self.0[(bid.auction % 10_000) as usize].clone();
            row((bid, value))
        })
    }
}

#[derive(Default)]
pub(super) struct Q14;

impl Floor for Q14 {
    fn take(&mut self, event: Event, at: Timestamp) -> u64 {
        bid(event, |bid| {
            let price = bid.price * 908;
            if price <= 1_000_000_000 || price >= 50_000_000_000 {
                return 0;
            }
            let time_of_day = match at.millis().rem_euclid(86_400_000) / 3_600_000 {
                8..=18 => "dayTime",
                0..=6 | 20.. => "nightTime",
                _ => "otherTime",
            };
            let letters = bid.extra.bytes().filter(|letter| *letter == b'c').count();
            row((bid, price, time_of_day, letters))
        })
    }
}

#[derive(Default)]
pub(super) struct Q21;

impl Floor for Q21 {
    fn take(&mut self, event: Event, _: Timestamp) -> u64 {
        bid(event, |bid| {
            let channel = bid.channel.as_str();
            let known = ["apple", "google", "facebook", "baidu"];
            let known = known.iter().position(|name| channel.eq_ignore_ascii_case(name));
            let id = known.or_else(|| bid.url.find("channel_id="));
            id.map_or(0, |id| row((bid, id)))
        })
    }
}

#[derive(Default)]
pub(super) struct Q22;

impl Floor for Q22 {
    fn take(&mut self, event: Event, _: Timestamp) -> u64 {
        bid(event, |bid| {
            let mut slashes = bid.url.bytes().enumerate().filter(|(_, byte)| *byte == b'/');
            let folders = [(); 6].map(|()| slashes.next().map(|(at, _)| at));
            row((bid, folders))
        })
    }
}
