//! What stands in place of the ends of a topology under test: sources that give what they are fed, taps that keep what
//! comes.

use crate::build::strategy;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use tidegate::core::element::{Barrier, Batch, Data};
use tidegate::core::sink::{NothingToPrepare, Prepare, Sink, SinkFactory, SubtaskIdentity};
use tidegate::core::source::{Source, SourceFactory, SourceOutput, SourceStatus};
use tidegate::prelude::*;
use tidegate_row_connectors::event_time;
use tidegate_rows::{Row, Value};
use tidegate_topology::document::{DeadLetters, Unusable};
use tidegate_topology::plan::{EventTimePlan, NodePlan, PlanNode, SourcePlan};

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a source is fed.
pub(super) enum Fed {
    /// A row, with its event time if that was said.
    Row(Row, Option<i64>),
    /// Nothing up to this event time is to come, in milliseconds.
    Watermark(i64),
    /// Nothing more is to come.
    End,
}

type Feed = Arc<Mutex<VecDeque<Fed>>>;

/// In place of a source: gives what it is fed.
#[derive(Clone)]
pub(super) struct FedSource {
    feed: Feed,
    time: RowTime,
    strategy: WatermarkStrategy,
    malformed: Unusable,
}

/// The event time of a row, or why it has none.
type TimeOf = Arc<dyn Fn(&Row) -> Result<Timestamp, String> + Send + Sync>;

/// How a row gets its event time when it was not said.
#[derive(Clone)]
enum RowTime {
    None,
    Computed(TimeOf),
    /// A column and its unit in milliseconds.
    Column(usize, i64),
}

impl RowTime {
    fn of(&self, row: &Row) -> Result<Timestamp, String> {
        match self {
            Self::None => Ok(Timestamp::MIN),
            Self::Computed(of) => of(row),
            Self::Column(column, unit) => match row.get(*column) {
                Some(Value::Int64(at) | Value::Timestamp(at)) => {
                    let millis = at.checked_mul(*unit).map(Timestamp);
                    millis.ok_or_else(|| format!("the event time {at} is too large"))
                }
                _ => Err("the row has no event time".to_owned()),
            },
        }
    }
}

impl FedSource {
    /// In place of this node. A source that is told its watermarks makes none of its own.
    pub(super) fn new(node: &PlanNode, is_told_watermarks: bool) -> Self {
        let (source, plan) = match &node.kind {
            NodePlan::Source(source, plan) => (Some(source), plan.as_ref()),
            _ => (None, None),
        };
        let has_time = node.outputs.iter().any(|port| port.watermarks);
        let own = source.and_then(SourcePlan::own_time);
        let time = match (plan.and_then(|plan| plan.timestamp.clone()), own) {
            (Some(of), _) => RowTime::Computed(Arc::new(event_time(of))),
            (None, Some((column, unit))) if has_time => RowTime::Column(column, unit),
            _ => RowTime::None,
        };
        let by_clock = plan.is_some_and(EventTimePlan::is_by_clock);
        let mut strategy = match plan {
            _ if is_told_watermarks && !by_clock => WatermarkStrategy::none(),
            // What a registered source does itself is not known.
            None if has_time => WatermarkStrategy::monotonous(),
            plan => strategy(plan),
        };
        // One that waits for others would get its rows in another order than they were fed.
        strategy.alignment = None;
        let malformed = match source {
            Some(
                SourcePlan::File { malformed, .. }
                | SourcePlan::Folder { malformed, .. }
                | SourcePlan::Stdin { malformed, .. },
            ) if *malformed != DeadLetters::Fail => Unusable::Skip,
            _ => Unusable::Fail,
        };
        Self { feed: Feed::default(), time, strategy, malformed }
    }

    pub(super) fn strategy(&self) -> WatermarkStrategy {
        self.strategy.clone()
    }

    pub(super) fn feed(&self, all: impl IntoIterator<Item = Fed>) {
        lock(&self.feed).extend(all);
    }

    fn emit(&self, row: Row, at: Option<i64>, out: &mut SourceOutput<Row>) -> Result<(), BoxError> {
        let at = match at {
            Some(at) => Ok(Timestamp(at)),
            None => self.time.of(&row),
        };
        match at {
            Ok(at) => out.emit(0, row, at),
            Err(_) if self.malformed == Unusable::Skip => out.count_dropped(),
            Err(reason) => {
                let values = row.values().iter().map(Value::shown).collect::<Vec<_>>().join(", ");
                return Err(format!("{reason}; the row is [{values}]").into());
            }
        }
        Ok(())
    }
}

impl Source for FedSource {
    type Out = Row;
    type Split = u8;

    fn poll(
        &mut self,
        out: &mut SourceOutput<Row>,
        budget: usize,
        _waker: &Waker,
    ) -> Result<SourceStatus, BoxError> {
        let feed = Arc::clone(&self.feed);
        let mut feed = lock(&feed);
        for _ in 0..budget {
            match feed.pop_front() {
                Some(Fed::Row(row, at)) => self.emit(row, at, out)?,
                Some(Fed::Watermark(at)) => out.watermark(0, Timestamp(at)),
                Some(Fed::End) => {
                    out.end_split(0);
                    return Ok(SourceStatus::Ended);
                }
                // Whoever feeds it steps it afterwards.
                None => return Ok(SourceStatus::Pending),
            }
        }
        Ok(SourceStatus::Ready)
    }

    fn splits(&self) -> Vec<u8> {
        vec![0]
    }
}

impl SourceFactory for FedSource {
    type Out = Row;
    type Split = u8;
    type Source = Self;

    fn kind(&self) -> &'static str {
        "fed-source"
    }

    fn enumerate(&self, _: u32) -> Result<Vec<u8>, BoxError> {
        Ok(vec![0])
    }

    fn create(&self, _: &SubtaskIdentity, _: Vec<u8>) -> Result<Self, BoxError> {
        Ok(self.clone())
    }
}

/// A row that has come, and what the change does where rows are taken back.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) kind: Option<RowKind>,
    pub(super) row: Row,
}

impl From<Row> for Seen {
    fn from(row: Row) -> Self {
        Self { kind: None, row }
    }
}

impl From<Change<Row>> for Seen {
    fn from(change: Change<Row>) -> Self {
        Self { kind: Some(change.kind), row: change.row }
    }
}

/// Keeps what comes out of a node, at once.
#[derive(Clone, Default)]
pub(super) struct Tap(Arc<Mutex<Vec<Seen>>>);

impl Tap {
    /// What has come since the first `from`.
    pub(super) fn since(&self, from: usize) -> Vec<Seen> {
        lock(&self.0).get(from..).unwrap_or_default().to_vec()
    }

    /// The sink that keeps records of this type here.
    pub(super) fn sink<T>(&self) -> TapSink<T> {
        TapSink { tap: self.clone(), takes: std::marker::PhantomData }
    }
}

/// The sink of a tap.
pub(super) struct TapSink<T> {
    tap: Tap,
    takes: std::marker::PhantomData<fn(T)>,
}

impl<T: Data + Into<Seen>> Sink for TapSink<T> {
    type In = T;

    fn write(&mut self, input: &mut Batch<T>, _waker: &Waker) -> Result<(), BoxError> {
        lock(&self.tap.0).extend(input.take_open().map(|record| record.value.into()));
        Ok(())
    }

    fn freeze(&mut self, _barrier: Barrier) -> Result<Box<dyn Prepare>, BoxError> {
        Ok(Box::new(NothingToPrepare))
    }
}

impl<T: Data + Into<Seen>> SinkFactory for TapSink<T> {
    type In = T;
    type Sink = Self;

    fn kind(&self) -> &'static str {
        "tap"
    }

    fn is_transactional(&self) -> bool {
        false
    }

    fn create(&self, _: &SubtaskIdentity) -> Result<Self, BoxError> {
        Ok(self.tap.sink())
    }
}
