//! The generator as a source.

use super::event::Event;
use super::events::NexmarkEvents;
use crate::counted::{Counted, CountedSplit, Formula};
use crate::limits;
use tidegate_core::operator::BoxError;
use tidegate_core::sink::{Refusal, SubtaskIdentity};
use tidegate_core::source::SourceFactory;
use tidegate_core::time::Timestamp;

/// A seeded stream of auctions, bids and the people behind them.
///
/// ```
/// use tidegate_generator::NexmarkGenerator;
/// let events = NexmarkGenerator::new(7).events(1_000_000).events_per_second(10_000);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct NexmarkGenerator {
    pub(super) seed: u64,
    pub(super) events: Option<u64>,
    pub(super) events_per_second: u64,
    pub(super) start: Timestamp,
    pub(super) block: u64,
}

impl NexmarkGenerator {
    /// An unbounded stream in order; the same seed gives the same stream.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            events: None,
            events_per_second: limits::NEXMARK_EVENTS_PER_SECOND,
            start: Timestamp(limits::NEXMARK_START_MS),
            block: 1,
        }
    }

    /// Ends after `events` events, over all subtasks.
    #[must_use]
    pub const fn events(mut self, events: u64) -> Self {
        self.events = Some(events);
        self
    }

    /// The number of events in a second of *event time*; how fast they come is up to the job.
    #[must_use]
    pub const fn events_per_second(mut self, rate: u64) -> Self {
        self.events_per_second = rate;
        self
    }

    /// When the first event happens.
    #[must_use]
    pub const fn start(mut self, start: Timestamp) -> Self {
        self.start = start;
        self
    }

    /// Lets the events of each block of so many arrive in another order, the same in every run.
    #[must_use]
    pub const fn out_of_order(mut self, block: u64) -> Self {
        self.block = block;
        self
    }

    /// The event of each position.
    ///
    /// # Errors
    /// What cannot be generated, and what could be.
    pub fn formula(&self) -> Result<impl Formula<Out = Event> + use<>, Refusal> {
        self.checked()
    }

    fn checked(&self) -> Result<NexmarkEvents, Refusal> {
        let bounds = [
            ("events per second", self.events_per_second, 1, limits::NEXMARK_RATE_MAX),
            ("events", self.events.unwrap_or(0), 0, limits::NEXMARK_EVENTS_MAX),
            ("events out of order", self.block, 1, limits::NEXMARK_BLOCK_MAX),
        ];
        let wrong = bounds.iter().find(|(_, value, low, high)| value < low || value > high);
        if let Some((name, value, low, high)) = wrong {
            let said = format!("nexmark: {name} is {value}; it must be from {low} to {high}");
            return Err(Refusal(said));
        }
        NexmarkEvents::new(self).ok_or_else(|| {
            let said = format!("nexmark: events out of order is {}, a multiple of 953", self.block);
            Refusal(format!("{said}; take another number"))
        })
    }
}

impl SourceFactory for NexmarkGenerator {
    type Out = Event;
    type Split = CountedSplit;
    type Source = Counted<NexmarkEvents>;

    fn kind(&self) -> &'static str {
        "nexmark-generator"
    }

    fn enumerate(&self, parallelism: u32) -> Result<Vec<CountedSplit>, BoxError> {
        self.checked()?;
        let events = self.events.unwrap_or(limits::NEXMARK_EVENTS_MAX);
        Ok(CountedSplit::share(Some(events), parallelism))
    }

    fn fingerprint(&self) -> Result<Option<String>, BoxError> {
        Ok(Some(format!("{self:?}")))
    }

    fn create(
        &self,
        _identity: &SubtaskIdentity,
        splits: Vec<CountedSplit>,
    ) -> Result<Counted<NexmarkEvents>, BoxError> {
        Ok(Counted::new(self.checked()?, splits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counted::tests::drain;
    use crate::nexmark::{Auction, Bid, Person};
    use std::collections::BTreeMap;

    fn generated(of: NexmarkGenerator, parallelism: u32) -> Vec<(Event, Timestamp)> {
        let splits = of.enumerate(parallelism).unwrap();
        let read = |split| drain(&mut Counted::new(of.checked().unwrap(), vec![split]), 1_024).0;
        splits.into_iter().flat_map(read).collect()
    }

    fn events(of: NexmarkGenerator) -> Vec<Event> {
        generated(of.events(100_000), 1).into_iter().map(|(event, _)| event).collect()
    }

    fn parts(events: Vec<Event>) -> (Vec<Person>, Vec<Auction>, Vec<Bid>) {
        let people = events.iter().cloned().filter_map(Event::person).collect();
        let auctions = events.iter().cloned().filter_map(Event::auction).collect();
        (people, auctions, events.into_iter().filter_map(Event::bid).collect())
    }

    #[test]
    fn the_seed_and_nothing_else_decides_the_stream() {
        let of = NexmarkGenerator::new(1).events(10_000).out_of_order(1_000);
        let sorted = |parallelism| {
            let mut rows = generated(of, parallelism);
            rows.sort_by_cached_key(|(event, at)| (*at, format!("{event:?}")));
            rows
        };
        assert_eq!(sorted(1), sorted(3));
        let other = NexmarkGenerator { seed: 2, ..of };
        assert_ne!(generated(of, 1), generated(other, 1));
        let in_order = NexmarkGenerator { block: 1, ..of };
        let mut rows = generated(in_order, 1);
        rows.sort_by_cached_key(|(event, at)| (*at, format!("{event:?}")));
        assert_eq!(sorted(1), rows, "another order, but the same events");
    }

    #[test]
    fn kinds_have_their_shares_and_numbers_follow_each_other() {
        let (people, auctions, bids) = parts(events(NexmarkGenerator::new(3)));
        assert_eq!((people.len(), auctions.len(), bids.len()), (2_000, 6_000, 92_000));
        assert!(people.iter().zip(1000..).all(|(person, id)| person.id == id));
        assert!(auctions.iter().zip(1000..).all(|(auction, id)| auction.id == id));
    }

    #[test]
    fn half_of_the_bids_go_to_hot_auctions_and_three_quarters_come_from_hot_people() {
        let (_, auctions, bids) = parts(events(NexmarkGenerator::new(3)));
        let share = |hot: usize, all: usize| hot as f64 / all as f64;
        let hot = bids.iter().filter(|bid| bid.auction % 100 == 0).count();
        assert!((0.50..0.52).contains(&share(hot, bids.len())), "{hot}");
        let hot = bids.iter().filter(|bid| bid.bidder % 100 == 1).count();
        assert!((0.74..0.77).contains(&share(hot, bids.len())), "{hot}");
        let hot = auctions.iter().filter(|auction| auction.seller % 100 == 0).count();
        assert!((0.74..0.77).contains(&share(hot, auctions.len())), "{hot}");
        let google = bids.iter().filter(|bid| bid.channel.as_str() == "Google").count();
        assert!((0.12..0.13).contains(&share(google, bids.len())), "{google}");
    }

    #[test]
    fn fields_have_the_sizes_and_bounds_of_the_reference() {
        let (people, auctions, bids) = parts(events(NexmarkGenerator::new(3)));
        let mean = |sizes: &mut dyn Iterator<Item = usize>| {
            let (sum, count) = sizes.fold((0, 0), |(sum, count), size| (sum + size, count + 1));
            sum / count
        };
        assert!((66..69).contains(&mean(&mut bids.iter().map(|bid| bid.extra.len()))));
        let sizes =
            auctions.iter().map(|a| 48 + a.item_name.len() + a.description.len() + a.extra.len());
        assert!((490..505).contains(&mean(&mut sizes.into_iter())));
        assert!(people.iter().all(|p| (150..260).contains(&(p.extra.len() + 70))));
        let mut categories = BTreeMap::new();
        for auction in &auctions {
            *categories.entry(auction.category).or_insert(0) += 1;
            let lasts = auction.expires.since(auction.date_time);
            assert!((1..=333).contains(&lasts), "{lasts}");
            assert!(auction.reserve > auction.initial_bid);
        }
        assert_eq!(categories.keys().copied().collect::<Vec<_>>(), [10, 11, 12, 13, 14]);
        assert!(categories.values().all(|count| (1_100..1_300).contains(count)));
    }

    #[test]
    fn bids_are_about_auctions_in_flight() {
        let (_, _, bids) = parts(events(NexmarkGenerator::new(3)));
        for (n, bid) in bids.iter().enumerate() {
            let last = 1000 + n as u64 / 46 * 3 + 2;
            let oldest = (last - 1000).saturating_sub(100) + 1000;
            let hot = (last - 1000) / 100 * 100 + 1000;
            assert!(bid.auction == hot || (oldest..=last + 10).contains(&bid.auction), "{bid:?}");
        }
    }

    #[test]
    fn events_have_the_time_of_their_position_to_the_millisecond() {
        for rate in [1, 3, 1000, 1001, 10_000, 16_000_000] {
            let of = NexmarkGenerator::new(1).events_per_second(rate).checked().unwrap();
            for n in [0, 1, 2, 3, 999, 1000, 1001, 12_345_678, (1 << 40) - 1] {
                let exact = (u128::from(n) * 1000 / u128::from(rate)) as i64;
                let (event, at) = of.record(n);
                assert_eq!(at.millis() - limits::NEXMARK_START_MS, exact, "{n} at {rate}");
                assert_eq!(event.date_time(), at);
            }
        }
    }

    #[test]
    fn out_of_order_events_stay_in_their_block() {
        let of = NexmarkGenerator::new(1).out_of_order(1_000).events_per_second(1000);
        let rows = generated(of.events(5_000), 1);
        for (n, (_, at)) in rows.iter().enumerate() {
            let place = (at.millis() - limits::NEXMARK_START_MS) as usize;
            assert_eq!(place / 1000, n / 1000);
        }
        assert!(!rows.is_sorted_by_key(|(_, at)| *at));
    }

    #[test]
    fn what_cannot_be_generated_is_refused_with_its_bounds() {
        let refused = NexmarkGenerator::new(1).events_per_second(0).enumerate(1).unwrap_err();
        let said = "nexmark: events per second is 0; it must be from 1 to 16777215";
        assert_eq!(refused.to_string(), said);
        // Its multiples would not visit every place.
        assert!(NexmarkGenerator::new(1).out_of_order(953).enumerate(1).is_err());
    }
}
