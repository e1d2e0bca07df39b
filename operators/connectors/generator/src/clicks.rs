//! The clicks of a shop: who clicks what, how popular it is, and how late the click arrives.
//!
//! Apart from the reader because it is a pure function. Event `n` has the base time
//! `start + n / rate`; its timestamp lags that by up to the asked disorder, mostly by little (the
//! fourth power of a uniform fraction: half of all events lag by less than 1/16 of the maximum).
//! Hence no event is further than the disorder behind the highest timestamp before it, and
//! `WatermarkStrategy::bounded_out_of_orderness` with that delay makes none late.

use crate::click::{Behavior, Click};
use crate::counted::{Counted, CountedSplit, Formula};
use crate::hash::{Zipf, below, splitmix64, squared};
use crate::limits;
use tidegate_core::operator::BoxError;
use tidegate_core::sink::{Refusal, SubtaskIdentity};
use tidegate_core::source::SourceFactory;
use tidegate_core::time::Timestamp;

/// Of 10,000 events, how many are at most this behaviour; the shares of the user behaviour data set.
const SHARES: [(u64, Behavior); 3] =
    [(8_920, Behavior::Pv), (9_470, Behavior::Cart), (9_770, Behavior::Fav)];

/// A seeded stream of clicks.
///
/// ```
/// use tidegate_generator::ClickGenerator;
/// let clicks = ClickGenerator::new(42).events(10_000_000).disorder_ms(5_000);
/// ```
///
/// A record's timestamp is exact to the millisecond; [`Click::timestamp`] is the same in seconds.
/// Users and items are numbered from 1 in the order of their popularity: that of items falls as
/// 1/rank, that of users as 1/sqrt(rank). An item has one category.
#[derive(Clone, Copy, Debug)]
pub struct ClickGenerator {
    seed: u64,
    events: Option<u64>,
    users: u64,
    items: u64,
    categories: u64,
    events_per_second: u64,
    start: Timestamp,
    disorder_ms: u64,
}

impl ClickGenerator {
    /// An unbounded stream in order; the same seed gives the same stream.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            events: None,
            users: limits::USERS,
            items: limits::ITEMS,
            categories: limits::CATEGORIES,
            events_per_second: limits::EVENTS_PER_SECOND,
            start: Timestamp(limits::START_MS),
            disorder_ms: 0,
        }
    }

    /// Ends after `events` events, over all subtasks.
    #[must_use]
    pub const fn events(mut self, events: u64) -> Self {
        self.events = Some(events);
        self
    }

    /// The number of distinct users.
    #[must_use]
    pub const fn users(mut self, users: u64) -> Self {
        self.users = users;
        self
    }

    /// The number of distinct items.
    #[must_use]
    pub const fn items(mut self, items: u64) -> Self {
        self.items = items;
        self
    }

    /// The number of distinct categories.
    #[must_use]
    pub const fn categories(mut self, categories: u64) -> Self {
        self.categories = categories;
        self
    }

    /// How many events fall into a second of *event time*; how fast they come is up to the job.
    #[must_use]
    pub const fn events_per_second(mut self, rate: u64) -> Self {
        self.events_per_second = rate;
        self
    }

    /// The base time of the first event.
    #[must_use]
    pub const fn start(mut self, start: Timestamp) -> Self {
        self.start = start;
        self
    }

    /// How far an event's timestamp may lag its place in the stream, in milliseconds.
    #[must_use]
    pub const fn disorder_ms(mut self, disorder_ms: u64) -> Self {
        self.disorder_ms = disorder_ms;
        self
    }

    fn formula(&self) -> Clicks {
        Clicks { of: *self, popularity: Zipf::new(self.items) }
    }

    /// Says what cannot be generated, and what could be.
    fn check(&self) -> Result<(), Refusal> {
        let bounds = [
            ("users", self.users, 1, limits::POPULATION_MAX),
            ("items", self.items, 1, limits::POPULATION_MAX),
            ("categories", self.categories, 1, limits::POPULATION_MAX),
            ("events per second", self.events_per_second, 1, limits::RATE_MAX),
            ("disorder in ms", self.disorder_ms, 0, limits::RATE_MAX),
            ("events", self.events.unwrap_or(0), 0, limits::RECORDS_MAX),
        ];
        let wrong = bounds.iter().find(|(_, value, low, high)| value < low || value > high);
        wrong.map_or(Ok(()), |(name, value, low, high)| {
            Err(Refusal(format!("clicks: {name} is {value}; it must be from {low} to {high}")))
        })
    }
}

/// The click of each position.
#[derive(Clone, Copy, Debug)]
pub struct Clicks {
    of: ClickGenerator,
    popularity: Zipf,
}

impl Clicks {
    #[inline]
    const fn category_of(&self, item: u64) -> u32 {
        below(splitmix64(self.of.seed, !item), self.of.categories) as u32 + 1
    }
}

impl Formula for Clicks {
    type Out = Click;

    #[inline]
    fn record(&self, n: u64) -> (Click, Timestamp) {
        let of = &self.of;
        let (first, second) = (splitmix64(of.seed, 3 * n), splitmix64(of.seed, 3 * n + 1));
        let third = splitmix64(of.seed, 3 * n + 2);
        let item_id = self.popularity.rank(first);
        let user = squared(second as u32);
        let lag = squared(squared((second >> 32) as u32));
        let share = below(third, 10_000);
        let behavior = SHARES.iter().find(|(up_to, _)| share < *up_to);
        let base = of.start.plus((n * 1_000 / of.events_per_second) as i64);
        let timestamp = base.minus(((u64::from(lag) * (of.disorder_ms + 1)) >> 32) as i64);
        let click = Click {
            user_id: ((u64::from(user) * of.users) >> 32) + 1,
            item_id,
            category_id: self.category_of(item_id),
            behavior: behavior.map_or(Behavior::Buy, |(_, behavior)| *behavior),
            timestamp: timestamp.millis().div_euclid(1_000),
        };
        (click, timestamp)
    }
}

impl SourceFactory for ClickGenerator {
    type Out = Click;
    type Split = CountedSplit;
    type Source = Counted<Clicks>;

    fn kind(&self) -> &'static str {
        "click-generator"
    }

    fn enumerate(&self, parallelism: u32) -> Result<Vec<CountedSplit>, BoxError> {
        self.check()?;
        Ok(CountedSplit::share(self.events, parallelism))
    }

    fn fingerprint(&self) -> Result<Option<String>, BoxError> {
        Ok(Some(format!("{self:?}")))
    }

    fn create(
        &self,
        _identity: &SubtaskIdentity,
        splits: Vec<CountedSplit>,
    ) -> Result<Counted<Clicks>, BoxError> {
        self.check()?;
        Ok(Counted::new(self.formula(), splits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counted::tests::drain;

    const EVENTS: u64 = 100_000;

    fn generated(of: ClickGenerator, parallelism: u32) -> Vec<(Click, Timestamp)> {
        let of = of.events(EVENTS);
        let splits = of.enumerate(parallelism).unwrap();
        let read = |split| drain(&mut Counted::new(of.formula(), vec![split]), 1_024).0;
        splits.into_iter().flat_map(read).collect()
    }

    #[test]
    fn the_seed_and_nothing_else_decides_the_stream() {
        let of = ClickGenerator::new(1).disorder_ms(500);
        assert_eq!(generated(of, 1), generated(of, 1));
        assert_ne!(generated(of, 1), generated(ClickGenerator::new(2).disorder_ms(500), 1));
        let sorted = |mut rows: Vec<(Click, Timestamp)>| {
            rows.sort_unstable_by_key(|(click, at)| (*at, click.user_id, click.item_id));
            rows
        };
        assert_eq!(sorted(generated(of, 1)), sorted(generated(of, 3)));
    }

    #[test]
    fn disorder_is_genuine_bounded_and_mostly_small() {
        let rows = generated(ClickGenerator::new(3).disorder_ms(2_000), 1);
        let (mut highest, mut worst, mut behind, mut little) = (Timestamp::MIN, 0, 0, 0);
        for (n, (_, at)) in rows.iter().enumerate() {
            highest = highest.max(*at);
            worst = worst.max(highest.since(*at));
            behind += u32::from(*at < highest);
            little += u32::from(Timestamp(limits::START_MS + n as i64).since(*at) <= 2_000 / 16);
        }
        assert!((1_500..=2_000).contains(&worst), "the worst is {worst} ms late");
        assert!(behind > 70_000, "{behind} are behind the highest");
        assert!((48_000..53_000).contains(&little), "{little} lag by less than a sixteenth");
    }

    #[test]
    fn without_disorder_timestamps_never_fall_and_follow_the_rate() {
        let rows = generated(ClickGenerator::new(3).events_per_second(20_000), 1);
        assert!(rows.is_sorted_by_key(|(_, at)| *at));
        assert_eq!(rows[0].1, Timestamp(limits::START_MS));
        assert_eq!(rows[99_999].1, Timestamp(limits::START_MS + 4_999));
        assert!(rows.iter().all(|(click, at)| click.timestamp == at.millis() / 1_000));
    }

    #[test]
    fn behaviours_have_their_shares_and_populations_their_bounds() {
        let rows = generated(ClickGenerator::new(4).users(500).items(300).categories(7), 2);
        let share = |of| rows.iter().filter(|(click, _)| click.behavior == of).count();
        assert!((88_800..89_600).contains(&share(Behavior::Pv)), "{}", share(Behavior::Pv));
        assert!((5_250..5_750).contains(&share(Behavior::Cart)), "{}", share(Behavior::Cart));
        assert!((2_800..3_200).contains(&share(Behavior::Fav)), "{}", share(Behavior::Fav));
        assert!((2_150..2_450).contains(&share(Behavior::Buy)), "{}", share(Behavior::Buy));
        let highest = |of: fn(&Click) -> u64| rows.iter().map(|(click, _)| of(click)).max();
        assert_eq!(highest(|click| click.user_id), Some(500));
        assert_eq!(highest(|click| click.item_id), Some(300));
        assert_eq!(highest(|click| u64::from(click.category_id)), Some(7));
        assert!(rows.iter().all(|(click, _)| click.user_id > 0 && click.item_id > 0));
    }

    #[test]
    fn few_items_get_most_clicks() {
        let rows = generated(ClickGenerator::new(5), 1);
        let upto = |rank| rows.iter().filter(|(click, _)| click.item_id <= rank).count();
        assert!((5_500..6_500).contains(&upto(1)), "the first item: {}", upto(1));
        assert!(upto(1_000) > 55_000, "one item in a hundred: {}", upto(1_000));
    }

    #[test]
    fn what_cannot_be_generated_is_refused_with_its_bounds() {
        let refused = ClickGenerator::new(1).users(0).enumerate(1).unwrap_err();
        assert_eq!(refused.to_string(), "clicks: users is 0; it must be from 1 to 4294967295");
        assert!(refused.downcast_ref::<Refusal>().is_some());
        assert!(ClickGenerator::new(1).events_per_second(0).enumerate(1).is_err());
    }
}
