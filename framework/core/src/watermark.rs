//! Watermark strategies: how timestamps turn into watermarks, at a source per split, in mid-stream per
//! subtask.
//!
//! Apart from both because the rule that matters lives here alone: *a watermark depends on the
//! records and their positions only*, never on where a batch was cut nor on a wall clock, so a replay
//! makes the same records late. There are two exceptions: idleness, because silence has no position,
//! and ingestion time, which *is* the wall clock. Its stamps never fall within a split, also across a
//! restore; a record that is read again after a failure gets a later stamp than it had, and nothing
//! that a checkpoint holds is stamped twice.

use crate::source_alignment::Alignment;
use crate::state::Value;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How watermarks follow from timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generator {
    /// No watermarks until the input ends.
    None,
    /// Records may come up to `delay_ms` behind the highest timestamp seen: the watermark is that
    /// timestamp - `delay_ms` - 1. With a delay of 0 this is for ascending timestamps.
    BoundedOutOfOrderness {
        /// How far behind the highest timestamp a record may come, in milliseconds.
        delay_ms: i64,
    },
    /// Each record is stamped with the wall clock when it is read, whatever time it names itself, and
    /// the watermark follows the clock also without records.
    IngestionTime,
}

/// At which records a watermark that has advanced is emitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emission {
    /// Behind every record that advances it.
    EachRecord,
    /// When it has advanced by at least so many milliseconds of event time.
    EventTimeMs(i64),
    /// Behind every `n`th record.
    Records(u64),
}

/// How watermarks are made at a source, per split.
///
/// ```
/// use tidegate_core::watermark::WatermarkStrategy;
/// let clicks = WatermarkStrategy::bounded_out_of_orderness(5_000).idle_after(60_000);
/// let sensor = WatermarkStrategy::monotonous().each_record();
/// assert_eq!(clicks.idle_after_ms, Some(60_000));
/// # let _ = sensor;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatermarkStrategy {
    /// From timestamps to a watermark.
    pub generator: Generator,
    /// Where it is emitted.
    pub emission: Emission,
    /// A split without a record for so long (processing time, milliseconds) no longer holds event
    /// time back.
    pub idle_after_ms: Option<i64>,
    /// The group of sources that wait for each other.
    pub alignment: Option<Alignment>,
}

impl WatermarkStrategy {
    /// How far event time must advance before the next watermark is emitted, unless asked otherwise.
    /// As long as Flink's default interval, but measured in event time.
    pub const EMISSION_DEFAULT_MS: i64 = 200;

    /// No watermarks: for jobs that do not use event time.
    #[must_use]
    pub const fn none() -> Self {
        Self::of(Generator::None)
    }

    const fn of(generator: Generator) -> Self {
        Self {
            generator,
            emission: Emission::EventTimeMs(Self::EMISSION_DEFAULT_MS),
            idle_after_ms: None,
            alignment: None,
        }
    }

    /// Records come at most `delay_ms` behind the highest timestamp seen in their split.
    #[must_use]
    pub const fn bounded_out_of_orderness(delay_ms: i64) -> Self {
        Self::of(Generator::BoundedOutOfOrderness { delay_ms })
    }

    /// Event time is the time at which a record is read.
    #[must_use]
    pub const fn ingestion_time() -> Self {
        Self::of(Generator::IngestionTime)
    }

    /// Timestamps never fall within a split.
    #[must_use]
    pub const fn monotonous() -> Self {
        Self::bounded_out_of_orderness(0)
    }

    /// Emits behind every record that advances the watermark.
    #[must_use]
    pub const fn each_record(mut self) -> Self {
        self.emission = Emission::EachRecord;
        self
    }

    /// Emits whenever the watermark has advanced by `millis` of event time.
    #[must_use]
    pub const fn every_event_time_ms(mut self, millis: i64) -> Self {
        self.emission = Emission::EventTimeMs(millis);
        self
    }

    /// Emits behind every `records`th record.
    #[must_use]
    pub const fn every_records(mut self, records: u64) -> Self {
        self.emission = Emission::Records(records);
        self
    }

    /// A split that is silent for `millis` of processing time does not hold event time back.
    #[must_use]
    pub const fn idle_after(mut self, millis: i64) -> Self {
        self.idle_after_ms = Some(millis);
        self
    }

    /// Reads no further while the watermark is more than `max_drift_ms` ahead of the slowest subtask of
    /// the sources of `group`. What one is ahead by, a join behind them keeps as state: to be set where a
    /// backlog is joined, also if it has one source only. It lets a slow partition hold back all others.
    #[must_use]
    pub fn aligned(mut self, group: &str, max_drift_ms: i64) -> Self {
        self.alignment = Some(Alignment { group: group.into(), max_drift_ms });
        self
    }
}

/// The generator of one split. Part of the checkpoint, so what was late stays late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitWatermark {
    highest: Timestamp,
    emitted: Timestamp,
    records: u64,
}

impl Default for SplitWatermark {
    fn default() -> Self {
        Self { highest: Timestamp::MIN, emitted: Timestamp::MIN, records: 0 }
    }
}

impl SplitWatermark {
    /// The watermark last emitted for the split.
    #[must_use]
    pub const fn emitted(&self) -> Timestamp {
        self.emitted
    }

    /// The split has ended: it no longer holds event time back.
    pub const fn end(&mut self) {
        self.emitted = Timestamp::MAX;
    }

    /// The input itself says that event time has come to `watermark`; returns it if that is news.
    pub fn on_watermark(&mut self, watermark: Timestamp) -> Option<Timestamp> {
        (watermark > self.emitted).then(|| {
            self.emitted = watermark;
            watermark
        })
    }

    /// The stamp of a record that is read at `now`: never at or below what was said to be complete.
    #[inline]
    pub fn stamp(&mut self, now: Timestamp) -> Timestamp {
        self.highest = now.max(self.highest).max(self.emitted.plus(1));
        self.highest
    }

    /// Ingestion time has come to `now`; returns the watermark that follows, if one is due.
    pub fn on_clock(&mut self, now: Timestamp, strategy: &WatermarkStrategy) -> Option<Timestamp> {
        let candidate = now.minus(1);
        let step = match strategy.emission {
            Emission::EventTimeMs(step) => step,
            Emission::EachRecord | Emission::Records(_) => 1,
        };
        let due = candidate > self.emitted
            && (self.emitted == Timestamp::MIN || candidate.since(self.emitted) >= step);
        due.then(|| {
            self.emitted = candidate;
            candidate
        })
    }

    /// From which timestamp on a record needs [`SplitWatermark::on_record`]; one below it makes no watermark,
    /// and none of those to come another one.
    #[must_use]
    pub fn due(&self, strategy: &WatermarkStrategy) -> Timestamp {
        if strategy.idle_after_ms.is_some() {
            return Timestamp::MIN;
        }
        match (strategy.generator, strategy.emission) {
            (Generator::None, _) => Timestamp::MAX,
            (Generator::IngestionTime, _) | (_, Emission::Records(_)) => Timestamp::MIN,
            _ if self.emitted == Timestamp::MIN => Timestamp::MIN,
            (Generator::BoundedOutOfOrderness { delay_ms }, Emission::EachRecord) => {
                self.emitted.plus(delay_ms).plus(2)
            }
            (Generator::BoundedOutOfOrderness { delay_ms }, Emission::EventTimeMs(step)) => {
                self.emitted.plus(delay_ms).plus(1).plus(step.max(1))
            }
        }
    }

    /// Takes a record's timestamp; returns the watermark that follows this record, if one does.
    #[inline]
    pub fn on_record(&mut self, at: Timestamp, strategy: &WatermarkStrategy) -> Option<Timestamp> {
        let Generator::BoundedOutOfOrderness { delay_ms } = strategy.generator else {
            return None;
        };
        self.records += 1;
        if at > self.highest {
            self.highest = at;
        } else if !matches!(strategy.emission, Emission::Records(_)) {
            return None;
        }
        if self.highest == Timestamp::MIN {
            return None;
        }
        let candidate = self.highest.minus(delay_ms).minus(1);
        let due = match strategy.emission {
            Emission::EachRecord => candidate > self.emitted,
            Emission::EventTimeMs(step) => {
                candidate > self.emitted
                    && (self.emitted == Timestamp::MIN || candidate.since(self.emitted) >= step)
            }
            Emission::Records(n) => self.records.is_multiple_of(n) && candidate > self.emitted,
        };
        due.then(|| {
            self.emitted = candidate;
            candidate
        })
    }
}

/// A rule of the user's own by which watermarks follow from the records of a stream.
///
/// ```
/// use tidegate_core::{time::Timestamp, watermark::WatermarkGenerator};
///
/// /// A record that is marked ends its period: all up to it have come.
/// struct Marked;
///
/// impl WatermarkGenerator<(bool, i64)> for Marked {
///     type State = ();
///     fn on_event(&mut self, record: &(bool, i64), at: Timestamp) -> Option<Timestamp> {
///         record.0.then_some(at)
///     }
///     fn state(&self) {}
///     fn restore(&mut self, (): ()) {}
/// }
/// ```
pub trait WatermarkGenerator<T>: Send + 'static {
    /// What it remembers between records: part of the checkpoint, so that what was late stays late.
    type State: Value;

    /// A record with its event time; returns the watermark that follows this record, if one does.
    /// One that does not advance is left out.
    fn on_event(&mut self, value: &T, at: Timestamp) -> Option<Timestamp>;

    /// The wall clock says that it is time for a watermark; only asked where the user has opted in.
    fn on_periodic_emit(&mut self) -> Option<Timestamp> {
        None
    }

    /// What it remembers.
    fn state(&self) -> Self::State;

    /// Goes on from what it remembered.
    fn restore(&mut self, state: Self::State);
}

/// A [`WatermarkStrategy`] as the generator of a whole stream.
#[derive(Clone, Debug)]
pub struct StrategyGenerator {
    strategy: WatermarkStrategy,
    state: SplitWatermark,
}

impl StrategyGenerator {
    /// Makes watermarks by `strategy`; its idleness is the business of whoever has a clock.
    #[must_use]
    pub fn new(strategy: WatermarkStrategy) -> Self {
        Self { strategy, state: SplitWatermark::default() }
    }
}

impl<T> WatermarkGenerator<T> for StrategyGenerator {
    type State = SplitWatermark;

    fn on_event(&mut self, _: &T, at: Timestamp) -> Option<Timestamp> {
        self.state.on_record(at, &self.strategy)
    }

    fn state(&self) -> SplitWatermark {
        self.state
    }

    fn restore(&mut self, state: SplitWatermark) {
        self.state = state;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emitted(strategy: &WatermarkStrategy, timestamps: &[i64]) -> Vec<Option<i64>> {
        let mut split = SplitWatermark::default();
        let emit = |&at| split.on_record(Timestamp(at), strategy).map(Timestamp::millis);
        timestamps.iter().map(emit).collect()
    }

    #[test]
    fn bounded_out_of_orderness_trails_the_maximum_by_the_delay_and_one() {
        let strategy = WatermarkStrategy::bounded_out_of_orderness(10).each_record();
        assert_eq!(emitted(&strategy, &[100, 95, 101, 101]), [Some(89), None, Some(90), None]);
    }

    #[test]
    fn emission_by_event_time_and_by_record_count() {
        let by_time = WatermarkStrategy::monotonous().every_event_time_ms(10);
        assert_eq!(
            emitted(&by_time, &[1, 5, 11, 12, 40]),
            [Some(0), None, Some(10), None, Some(39)]
        );
        let by_count = WatermarkStrategy::monotonous().every_records(2);
        assert_eq!(emitted(&by_count, &[7, 3, 9, 1]), [None, Some(6), None, Some(8)]);
        assert_eq!(emitted(&WatermarkStrategy::none(), &[1, 2]), [None, None]);
    }

    #[test]
    fn a_record_below_what_is_due_could_as_well_not_be_told() {
        let chance = |n: i64| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64) >> 40) % 40;
        for strategy in [
            WatermarkStrategy::none(),
            WatermarkStrategy::bounded_out_of_orderness(10).each_record(),
            WatermarkStrategy::bounded_out_of_orderness(3).every_event_time_ms(7),
            WatermarkStrategy::monotonous().every_event_time_ms(0),
            WatermarkStrategy::monotonous().every_records(3),
        ] {
            let (mut all, mut some) = (SplitWatermark::default(), SplitWatermark::default());
            for n in 0..1000 {
                let at = Timestamp(n + chance(n));
                let expected = all.on_record(at, &strategy);
                let is_due = at >= some.due(&strategy);
                let found = if is_due { some.on_record(at, &strategy) } else { None };
                assert_eq!(found, expected, "{strategy:?}, record {n}");
            }
        }
    }

    #[test]
    fn ingestion_stamps_never_fall_although_the_clock_does() {
        let strategy = WatermarkStrategy::ingestion_time().every_event_time_ms(10);
        let mut split = SplitWatermark::default();
        assert_eq!(split.stamp(Timestamp(100)), Timestamp(100));
        assert_eq!(split.stamp(Timestamp(90)), Timestamp(100));
        assert_eq!(split.on_clock(Timestamp(105), &strategy), Some(Timestamp(104)));
        assert_eq!(split.stamp(Timestamp(80)), Timestamp(105), "not late");
        assert_eq!(split.on_clock(Timestamp(114), &strategy), None);
        assert_eq!(split.on_clock(Timestamp(115), &strategy), Some(Timestamp(114)));
    }

    #[test]
    fn the_ends_of_the_scale_do_not_wrap() {
        let strategy = WatermarkStrategy::bounded_out_of_orderness(i64::MAX).each_record();
        assert_eq!(emitted(&strategy, &[i64::MIN, i64::MIN + 1]), [None, None]);
        let strategy = WatermarkStrategy::monotonous().each_record();
        assert_eq!(emitted(&strategy, &[i64::MAX]), [Some(i64::MAX - 1)]);
    }
}
