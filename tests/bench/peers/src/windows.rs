//! What the queries with windows remember, whichever engine drives it.
//!
//! A [`Stage`] takes items and is told when its first window is complete. Written by hand in both engines: timely
//! has no windows; those of renoir 0.6 begin at each key's first element and not at multiples of their size, so
//! that its own operators cannot give the results that are asked for. Its Nexmark (`4-opt`) is written like this
//! too where speed counts.
//!
//! Bids at the very end of a window, which the SQL of q7 shows in both windows if they are high enough, are left
//! out, as in the floor.

use crate::query::time_of;
use hashbrown::{HashMap, HashSet};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use tidegate_generator::{Bid, Event, Text};

/// Event time in milliseconds.
pub(crate) type Millis = u64;

/// q5: a slice, and the window of five of them.
const SLICE_MS: Millis = 2_000;
const HOTTEST_MS: Millis = 10_000;
/// q7.
const HIGHEST_MS: Millis = 10_000;
/// q8.
pub(crate) const NEWCOMERS_MS: Millis = 10_000;

/// A step of a query that remembers.
pub(crate) trait Stage: Clone + Send + 'static {
    /// What comes.
    type In;
    /// Its rows.
    type Out;

    /// Takes an item; what is known at once goes to `rows`.
    fn take(&mut self, item: Self::In, rows: &mut Vec<Self::Out>);

    /// When the first of its windows ends, if there is one: it is complete when all items before have come.
    fn due(&self) -> Option<Millis> {
        None
    }

    /// That window is complete.
    fn end(&mut self, _rows: &mut Vec<Self::Out>) {}
}

/// The end of the tumbling window of `size` into which `at` falls.
#[inline]
pub(crate) const fn end_of(at: Millis, size: Millis) -> Millis {
    (at / size + 1) * size
}

/// Windows that are open, by their ends.
#[derive(Clone)]
struct Open<W>(VecDeque<(Millis, W)>);

impl<W> Default for Open<W> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<W: Default> Open<W> {
    /// The window that ends then; nearly always the newest.
    #[inline]
    fn at(&mut self, end: Millis) -> &mut W {
        let place = match self.0.back() {
            Some((newest, _)) if *newest == end => self.0.len() - 1,
            _ => self.find(end),
        };
        &mut self.0[place].1
    }

    #[cold]
    fn find(&mut self, end: Millis) -> usize {
        let place = self.0.partition_point(|(other, _)| *other < end);
        if self.0.get(place).is_none_or(|(other, _)| *other != end) {
            self.0.insert(place, (end, W::default()));
        }
        place
    }

    fn due(&self) -> Option<Millis> {
        self.0.front().map(|(end, _)| *end)
    }

    /// The first window, if it ends then.
    fn take(&mut self, end: Millis) -> Option<W> {
        self.0.pop_front_if(|(other, _)| *other == end).map(|(_, window)| window)
    }
}

/// q5: the bids on an auction in a slice or window, by its end.
pub(crate) type BidCount = (Millis, u64, u64);

/// q5, where the bids are made: counts per slice.
#[derive(Clone, Default)]
pub(crate) struct Slices(Open<HashMap<u64, u64>>);

impl Stage for Slices {
    type In = Event;
    type Out = BidCount;

    #[inline]
    fn take(&mut self, event: Event, _: &mut Vec<BidCount>) {
        if let Event::Bid(bid) = event {
            let counts = self.0.at(end_of(bid.date_time.millis().cast_unsigned(), SLICE_MS));
            *counts.entry(bid.auction).or_default() += 1;
        }
    }

    fn due(&self) -> Option<Millis> {
        self.0.due()
    }

    fn end(&mut self, rows: &mut Vec<BidCount>) {
        if let Some((end, counts)) = self.0.0.pop_front() {
            rows.extend(counts.into_iter().map(|(auction, count)| (end, auction, count)));
        }
    }
}

/// q5, per auction: counts per window, of which only the greatest go on.
#[derive(Clone, Default)]
pub(crate) struct Counts {
    /// Slices that are in a window that has not been told.
    slices: Open<HashMap<u64, u64>>,
    /// Counts of the last window, less its first slice.
    all: HashMap<u64, u64>,
    next: Option<Millis>,
}

impl Stage for Counts {
    type In = BidCount;
    type Out = BidCount;

    fn take(&mut self, (end, auction, count): BidCount, _: &mut Vec<BidCount>) {
        *self.slices.at(end).entry(auction).or_default() += count;
        self.next = Some(self.next.map_or(end, |next| next.min(end)));
    }

    fn due(&self) -> Option<Millis> {
        self.next
    }

    fn end(&mut self, rows: &mut Vec<BidCount>) {
        let Some(end) = self.next else { return };
        if let Some((_, newest)) = self.slices.0.iter().find(|(slice, _)| *slice == end) {
            for (auction, count) in newest {
                *self.all.entry(*auction).or_default() += count;
            }
        }
        let most = self.all.values().max().copied().unwrap_or(0);
        let hottest = self.all.iter().filter(|(_, count)| **count == most);
        rows.extend(hottest.map(|(auction, count)| (end, *auction, *count)));
        for (auction, count) in self.slices.take(end + SLICE_MS - HOTTEST_MS).into_iter().flatten()
        {
            if let Some(all) = self.all.get_mut(&auction) {
                *all -= count;
                if *all == 0 {
                    self.all.remove(&auction);
                }
            }
        }
        self.next = self.slices.due().map(|_| end + SLICE_MS);
    }
}

/// q5: the greatest counts of each window.
#[derive(Clone, Default)]
pub(crate) struct Hottest(Open<Vec<(u64, u64)>>);

impl Stage for Hottest {
    type In = BidCount;
    type Out = BidCount;

    fn take(&mut self, (end, auction, count): BidCount, _: &mut Vec<BidCount>) {
        let hottest = self.0.at(end);
        let most = hottest.first().map_or(0, |(_, most)| *most);
        if count > most {
            hottest.clear();
        }
        if count >= most {
            hottest.push((auction, count));
        }
    }

    fn due(&self) -> Option<Millis> {
        self.0.due()
    }

    fn end(&mut self, rows: &mut Vec<BidCount>) {
        if let Some((end, hottest)) = self.0.0.pop_front() {
            rows.extend(hottest.into_iter().map(|(auction, count)| (end, auction, count)));
        }
    }
}

/// q7: the highest bids of each window. Where bids are made, and where the highest of each worker meet.
#[derive(Clone, Default)]
pub(crate) struct Highest(Open<(u64, Vec<Bid>)>);

impl Highest {
    #[inline]
    fn add(&mut self, end: Millis, bid: Bid) {
        let (price, bids) = self.0.at(end);
        if bid.price > *price {
            *price = bid.price;
            bids.clear();
        }
        if bid.price == *price {
            bids.push(bid);
        }
    }

    fn end(&mut self, rows: &mut Vec<(Millis, Bid)>) {
        if let Some((end, (_, bids))) = self.0.0.pop_front() {
            rows.extend(bids.into_iter().map(|bid| (end, bid)));
        }
    }
}

/// q7, where bids are made.
#[derive(Clone, Default)]
pub(crate) struct HighestHere(Highest);

impl Stage for HighestHere {
    type In = Event;
    type Out = (Millis, Bid);

    #[inline]
    fn take(&mut self, event: Event, _: &mut Vec<(Millis, Bid)>) {
        let end = end_of(time_of(&event), HIGHEST_MS);
        if let Event::Bid(bid) = event {
            self.0.add(end, bid);
        }
    }

    fn due(&self) -> Option<Millis> {
        self.0.0.due()
    }

    fn end(&mut self, rows: &mut Vec<(Millis, Bid)>) {
        self.0.end(rows);
    }
}

impl Stage for Highest {
    type In = (Millis, Bid);
    type Out = (Millis, Bid);

    fn take(&mut self, (end, bid): (Millis, Bid), _: &mut Vec<(Millis, Bid)>) {
        self.add(end, bid);
    }

    fn due(&self) -> Option<Millis> {
        self.0.due()
    }

    fn end(&mut self, rows: &mut Vec<(Millis, Bid)>) {
        Self::end(self, rows);
    }
}

/// q8: somebody comes, with a name, or sells.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Arrival {
    /// The person.
    pub(crate) id: u64,
    /// The end of the window.
    pub(crate) window: Millis,
    /// Of those who come.
    pub(crate) name: Option<Text>,
}

/// q8, per person: who has come in a window, and who sells.
#[derive(Clone, Default)]
pub(crate) struct Newcomers(Open<(HashMap<u64, Text>, HashSet<u64>)>);

impl Stage for Newcomers {
    type In = Arrival;
    type Out = (u64, Text, Millis);

    #[inline]
    fn take(&mut self, Arrival { id, window, name }: Arrival, _: &mut Vec<Self::Out>) {
        let (people, sellers) = self.0.at(window);
        match name {
            Some(name) => drop(people.insert(id, name)),
            None => drop(sellers.insert(id)),
        }
    }

    fn due(&self) -> Option<Millis> {
        self.0.due()
    }

    fn end(&mut self, rows: &mut Vec<Self::Out>) {
        if let Some((end, (people, sellers))) = self.0.0.pop_front() {
            let both = people.into_iter().filter(|(id, _)| sellers.contains(id));
            rows.extend(both.map(|(id, name)| (id, name, end)));
        }
    }
}
