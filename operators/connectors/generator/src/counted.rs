//! A source whose `n`th record follows from `n`: the splits, the reader, and how records are shared.
//!
//! Apart from the formulas so that each of them is nothing but a function. Split `s` of `p` holds the
//! records `s, s + p, s + 2p, ...` of the stream, so all splits cover the same stretch of event time,
//! their lengths differ by at most one, and the stream itself is the same at every parallelism.
//!
//! Invariant: a reader with several splits goes on with the one that is furthest behind, so that none
//! of them holds event time back; within a split the order is always that of the positions.

use crate::limits::{RECORDS_MAX, RUN_RECORDS};
use serde::{Deserialize, Serialize};
use std::task::Waker;
use tidegate_core::element::Data;
use tidegate_core::operator::BoxError;
use tidegate_core::source::{Source, SourceOutput, SourceStatus};
use tidegate_core::time::Timestamp;

/// What the `n`th record of a stream is.
pub trait Formula: Send + 'static {
    /// The record.
    type Out: Data;

    /// Record `n` with its event time; a pure function of `self` and `n`.
    fn record(&self, n: u64) -> (Self::Out, Timestamp);

    /// Hands record `n` and its event time to `take`. A formula whose records are of several kinds does so from where
    /// each is made: they need not be brought together in one place first, from which they would be copied.
    #[inline]
    fn hand<R>(&self, n: u64, take: impl FnOnce(Self::Out, Timestamp) -> R) -> R {
        let (value, timestamp) = self.record(n);
        take(value, timestamp)
    }
}

/// Where the event time of a record comes from.
pub trait EventTime<T>: Send + 'static {
    /// The event time of `value`, whose own is `own`.
    ///
    /// # Errors
    /// When it has none: the source fails.
    fn of(&self, value: &T, own: Timestamp) -> Result<Timestamp, BoxError>;
}

/// The event time that the formula says.
#[derive(Clone, Copy, Debug, Default)]
pub struct OwnTime;

impl<T> EventTime<T> for OwnTime {
    #[inline]
    fn of(&self, _value: &T, own: Timestamp) -> Result<Timestamp, BoxError> {
        Ok(own)
    }
}

/// Every `stride`th record of a stream, from `first` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedSplit {
    /// The number of its first record in the stream.
    pub first: u64,
    /// How many splits share the stream.
    pub stride: u64,
    /// How many of its own records have been emitted.
    pub position: u64,
    /// How many records it has.
    pub records: u64,
}

impl CountedSplit {
    /// Shares `records` (`None`: as many as there are numbers) out to `parallelism` splits.
    pub(crate) fn share(records: Option<u64>, parallelism: u32) -> Vec<Self> {
        let (total, stride) = (records.unwrap_or(RECORDS_MAX), u64::from(parallelism.max(1)));
        let split = |first| Self {
            first,
            stride,
            position: 0,
            records: total / stride + u64::from(first < total % stride),
        };
        (0..stride).map(split).collect()
    }

    const fn remaining(&self) -> u64 {
        self.records - self.position
    }
}

/// One subtask's reader of a [`Formula`]; `E` says the event times.
#[derive(Debug)]
pub struct Counted<F, E = OwnTime> {
    formula: F,
    event_time: E,
    splits: Vec<CountedSplit>,
}

impl<F: Formula> Counted<F> {
    pub(crate) const fn new(formula: F, splits: Vec<CountedSplit>) -> Self {
        Self { formula, event_time: OwnTime, splits }
    }

    /// The same splits, read by what `of` makes of the formula.
    pub(crate) fn with_formula<G>(self, of: impl FnOnce(F) -> G) -> Counted<G> {
        Counted { formula: of(self.formula), event_time: OwnTime, splits: self.splits }
    }

    /// The same records with event times of `event_time`.
    pub fn timed<E: EventTime<F::Out>>(self, event_time: E) -> Counted<F, E> {
        Counted { formula: self.formula, event_time, splits: self.splits }
    }
}

impl<F: Formula, E> Counted<F, E> {
    /// The split that is furthest behind and has records left.
    fn hindmost(&self) -> Option<usize> {
        let unfinished = self.splits.iter().enumerate().filter(|(_, split)| split.remaining() > 0);
        unfinished.min_by_key(|(_, split)| split.position).map(|(index, _)| index)
    }
}

impl<F: Formula, E: EventTime<F::Out>> Source for Counted<F, E> {
    type Out = F::Out;
    type Split = CountedSplit;

    fn poll(
        &mut self,
        out: &mut SourceOutput<F::Out>,
        budget: usize,
        _waker: &Waker,
    ) -> Result<SourceStatus, BoxError> {
        let mut left = budget;
        while left > 0 {
            let Some(index) = self.hindmost() else { break };
            // A reader of one split has nobody to take turns with.
            let turn = if self.splits.len() == 1 { left } else { left.min(RUN_RECORDS) };
            let split = &mut self.splits[index];
            let run = split.remaining().min(turn as u64);
            let mut n = split.first + split.position * split.stride;
            for _ in 0..run {
                self.formula.hand(n, |value, own| {
                    let timestamp = self.event_time.of(&value, own)?;
                    out.emit(index, value, timestamp);
                    Ok::<(), BoxError>(())
                })?;
                n = n.wrapping_add(split.stride);
            }
            split.position += run;
            left -= run as usize;
        }
        let mut ended = true;
        for (index, split) in self.splits.iter().enumerate() {
            if split.remaining() == 0 {
                out.end_split(index);
            }
            ended &= split.remaining() == 0;
        }
        Ok(if ended { SourceStatus::Ended } else { SourceStatus::Ready })
    }

    fn splits(&self) -> Vec<CountedSplit> {
        self.splits.clone()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use tidegate_core::element::{Element, downcast};
    use tidegate_core::watermark::{SplitWatermark, WatermarkStrategy};

    type Rows<S> = Vec<(<S as Source>::Out, Timestamp)>;
    type Positions<S> = Vec<Vec<<S as Source>::Split>>;

    /// All that `reader` emits in polls of `budget`, and its splits after each of them.
    pub(crate) fn drain<S: Source>(reader: &mut S, budget: usize) -> (Rows<S>, Positions<S>) {
        let fresh = vec![(SplitWatermark::default(), false); reader.splits().len()];
        let mut out = SourceOutput::new(WatermarkStrategy::none(), fresh, Timestamp::MIN);
        let (mut rows, mut splits) = (Vec::new(), Vec::new());
        loop {
            let status = reader.poll(&mut out, budget, Waker::noop()).unwrap();
            assert!(out.len() <= budget);
            for element in out.take() {
                let Element::Batch(mut batch) = element else { continue };
                let open = downcast::<S::Out>(&mut *batch).take_open();
                rows.extend(open.map(|record| (record.value, record.timestamp)));
            }
            splits.push(reader.splits());
            if status == SourceStatus::Ended {
                return (rows, splits);
            }
        }
    }

    struct Numbers;

    impl Formula for Numbers {
        type Out = u64;

        fn record(&self, n: u64) -> (u64, Timestamp) {
            (n, Timestamp(n as i64))
        }
    }

    #[test]
    fn splits_share_the_stream_exactly_at_every_parallelism() {
        for (records, parallelism) in [(0, 3), (1, 4), (10, 1), (10, 3), (1_000, 7)] {
            let mut all = Vec::new();
            for split in CountedSplit::share(Some(records), parallelism) {
                all.extend(drain(&mut Counted::new(Numbers, vec![split]), 64).0);
            }
            all.sort_unstable();
            let expected: Vec<_> = (0..records).map(|n| (n, Timestamp(n as i64))).collect();
            assert_eq!(all, expected, "{records} records at parallelism {parallelism}");
        }
    }

    #[test]
    fn a_reader_resumed_at_any_position_emits_the_same_tail() {
        let splits = CountedSplit::share(Some(1_000), 3);
        let (whole, positions) = drain(&mut Counted::new(Numbers, splits), 7);
        for at in positions {
            let emitted: u64 = at.iter().map(|split| split.position).sum();
            let (mut tail, _) = drain(&mut Counted::new(Numbers, at), 1_000);
            let mut expected = whole[emitted as usize..].to_vec();
            tail.sort_unstable();
            expected.sort_unstable();
            assert_eq!(tail, expected);
        }
    }

    /// Half of the own time; none for 7.
    struct Half;

    impl EventTime<u64> for Half {
        fn of(&self, value: &u64, own: Timestamp) -> Result<Timestamp, BoxError> {
            if *value == 7 { Err("7 has no time".into()) } else { Ok(Timestamp(own.0 / 2)) }
        }
    }

    #[test]
    fn a_reader_can_have_other_event_times_and_fails_where_there_is_none() {
        let of = |records| Counted::new(Numbers, CountedSplit::share(Some(records), 1)).timed(Half);
        let rows = drain(&mut of(4), 3).0;
        assert_eq!(rows, [(0, 0), (1, 0), (2, 1), (3, 1)].map(|(n, at)| (n, Timestamp(at))));
        let fresh = vec![(SplitWatermark::default(), false)];
        let mut out = SourceOutput::new(WatermarkStrategy::none(), fresh, Timestamp::MIN);
        let error = of(9).poll(&mut out, 100, Waker::noop()).expect_err("7 has none");
        assert_eq!(error.to_string(), "7 has no time");
    }

    #[test]
    fn no_split_of_a_reader_falls_behind_the_others() {
        let mut reader = Counted::new(Numbers, CountedSplit::share(None, 4));
        let fresh = vec![(SplitWatermark::default(), false); 4];
        let mut out = SourceOutput::new(WatermarkStrategy::none(), fresh, Timestamp::MIN);
        for _ in 0..100 {
            reader.poll(&mut out, 1_000, Waker::noop()).unwrap();
            let positions = reader.splits().into_iter().map(|split| split.position);
            let (low, high) = positions.fold((u64::MAX, 0), |(l, h), p| (l.min(p), h.max(p)));
            assert!(high - low <= RUN_RECORDS as u64, "from {low} to {high}");
        }
    }
}
