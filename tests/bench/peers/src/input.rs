//! Who makes which events: worker `w` of `p` has the events `w`, `w + p`, `w + 2p`, ... as in the engine.

use tidegate_core::sink::Refusal;
use tidegate_generator::{Event, Formula, NexmarkGenerator, Sequence};

use crate::query::time_of;
use crate::windows::Millis;

/// Which events, and for how many workers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    /// Events in all.
    pub(crate) events: u64,
    /// Workers that share them.
    pub(crate) workers: u64,
    events_per_second: u64,
    keys: u64,
    /// When the first event happens.
    start: Millis,
}

impl Share {
    /// # Errors
    /// Says which events cannot be made.
    pub(crate) fn new(
        events: u64,
        workers: u64,
        events_per_second: u64,
        keys: u64,
    ) -> Result<Self, Refusal> {
        let generator = NexmarkGenerator::new(1).events_per_second(events_per_second);
        let start = time_of(&generator.events(events).formula()?.record(0).0);
        Ok(Self { events, workers, events_per_second, keys, start })
    }

    /// When event `n` happens.
    pub(crate) const fn time_of(&self, n: u64) -> Millis {
        self.start + (n as u128 * 1000 / self.events_per_second as u128) as Millis
    }

    /// The events of one worker.
    pub(crate) fn events_of(self, worker: u64) -> impl Iterator<Item = Event> + Send + use<> {
        let generator = NexmarkGenerator::new(1).events_per_second(self.events_per_second);
        let formula = generator.formula().expect("the constructor has asked for it");
        self.positions(worker).map(move |n| formula.record(n).0)
    }

    /// The keys of one worker.
    pub(crate) fn keys_of(self, worker: u64) -> impl Iterator<Item = u64> + Send + use<> {
        let keys = Sequence::new(self.events).keys(self.keys);
        self.positions(worker).map(move |n| keys.key(n))
    }

    /// By hand, as `step_by` divides where it begins.
    fn positions(self, worker: u64) -> impl Iterator<Item = u64> + Send + use<> {
        let mut next = worker;
        std::iter::from_fn(move || {
            let n = next;
            next += self.workers;
            (n < self.events).then_some(n)
        })
    }
}
