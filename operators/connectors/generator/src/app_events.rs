//! The events of an app's marketing log: many click, some download, fewer install, and a few uninstall.

use crate::app_event::AppEvent;
use crate::counted::{Counted, CountedSplit, Formula};
use crate::hash::{Zipf, below, splitmix64};
use crate::limits;
use tidegate_core::operator::BoxError;
use tidegate_core::sink::{Refusal, SubtaskIdentity};
use tidegate_core::source::SourceFactory;
use tidegate_core::time::Timestamp;

/// Of 100 events, how many are at most this behaviour.
const SHARES: [(u64, &str); 3] = [(60, "CLICK"), (80, "DOWNLOAD"), (95, "INSTALL")];

/// The channels, the one with most events first.
const CHANNELS: [&str; 6] = ["wechat", "weibo", "appstore", "huaweistore", "xiaomistore", "tieba"];

/// A seeded stream of events in the order of their time.
///
/// ```
/// use tidegate_generator::AppEventGenerator;
/// let events = AppEventGenerator::new(42).events(1_000_000).events_per_second(50);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AppEventGenerator {
    seed: u64,
    events: Option<u64>,
    events_per_second: u64,
}

impl AppEventGenerator {
    /// An unbounded stream; the same seed gives the same stream.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, events: None, events_per_second: limits::EVENTS_PER_SECOND }
    }

    /// Ends after `events` events, over all subtasks.
    #[must_use]
    pub const fn events(mut self, events: u64) -> Self {
        self.events = Some(events);
        self
    }

    /// How many events fall into a second of *event time*; how fast they come is up to the job.
    #[must_use]
    pub const fn events_per_second(mut self, rate: u64) -> Self {
        self.events_per_second = rate;
        self
    }

    /// Says what cannot be generated, and what could be.
    fn check(&self) -> Result<(), Refusal> {
        let bounds = [
            ("events per second", self.events_per_second, 1, limits::RATE_MAX),
            ("events", self.events.unwrap_or(0), 0, limits::RECORDS_MAX),
        ];
        let wrong = bounds.iter().find(|(_, value, low, high)| value < low || value > high);
        wrong.map_or(Ok(()), |(name, value, low, high)| {
            Err(Refusal(format!("app events: {name} is {value}; it must be from {low} to {high}")))
        })
    }
}

/// The event of each position.
#[derive(Clone, Copy, Debug)]
pub struct AppEvents {
    of: AppEventGenerator,
    popularity: Zipf,
}

impl Formula for AppEvents {
    type Out = AppEvent;

    fn record(&self, n: u64) -> (AppEvent, Timestamp) {
        let of = &self.of;
        let (first, second) = (splitmix64(of.seed, 2 * n), splitmix64(of.seed, 2 * n + 1));
        let share = below(first, 100);
        let behavior = SHARES.iter().find(|(up_to, _)| share < *up_to);
        let channel = CHANNELS[self.popularity.rank(second) as usize - 1];
        let millis = (n * 1_000 / of.events_per_second) as i64;
        let timestamp = Timestamp(limits::START_MS).plus(millis);
        let event = AppEvent {
            user: format!("{:08x}", below(second.rotate_left(32), limits::USERS)),
            behavior: behavior.map_or("UNINSTALL", |(_, behavior)| behavior).to_owned(),
            channel: channel.to_owned(),
            timestamp: timestamp.millis().div_euclid(1_000),
        };
        (event, timestamp)
    }
}

impl SourceFactory for AppEventGenerator {
    type Out = AppEvent;
    type Split = CountedSplit;
    type Source = Counted<AppEvents>;

    fn kind(&self) -> &'static str {
        "app-event-generator"
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
    ) -> Result<Counted<AppEvents>, BoxError> {
        self.check()?;
        let popularity = Zipf::new(CHANNELS.len() as u64);
        Ok(Counted::new(AppEvents { of: *self, popularity }, splits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counted::tests::drain;

    #[test]
    fn events_follow_the_seed_and_have_their_shares_in_every_channel() {
        let of = AppEventGenerator::new(3).events(10_000).events_per_second(7);
        let generated = || {
            let splits = of.enumerate(1).unwrap();
            drain(&mut Counted::new(AppEvents { of, popularity: Zipf::new(6) }, splits), 1_024).0
        };
        let events = generated();
        assert_eq!(events, generated());
        assert!(events.is_sorted_by_key(|(_, at)| *at));
        assert_eq!(events[9_999].1, Timestamp(limits::START_MS + 9_999_000 / 7));
        let share = |of: &str| events.iter().filter(|(event, _)| event.behavior == of).count();
        assert!((5_800..6_200).contains(&share("CLICK")), "{}", share("CLICK"));
        assert!((400..600).contains(&share("UNINSTALL")), "{}", share("UNINSTALL"));
        for channel in CHANNELS {
            let of_channel = events.iter().filter(|(event, _)| event.channel == channel).count();
            assert!(of_channel > 300, "{channel}: {of_channel}");
        }
    }

    #[test]
    fn what_cannot_be_generated_is_refused_with_its_bounds() {
        let refused = AppEventGenerator::new(1).events_per_second(0).enumerate(1).unwrap_err();
        let expected = "app events: events per second is 0; it must be from 1 to 4294967295";
        assert_eq!(refused.to_string(), expected);
    }
}
