//! The harness for operators that wait for something outside: the test decides when answers come in, and
//! gets all that came out, subtask by subtask and life by life.
//!
//! Apart from the other harnesses because what comes out depends on when answers come in: a test says
//! what must be true of it, not what it is.

use super::KeyHash;
use super::life::{Blueprint, Life, Saved};
use std::sync::{Arc, Mutex, PoisonError};
use tidegate_core::element::{AnyBatch, Barrier, Batch, Data, Element, Record, Status, downcast};
use tidegate_core::key::Key;
use tidegate_core::operator::Operator;
use tidegate_core::output::{OutputEdge, Transport};
use tidegate_core::stage::{OperatorStage, Stage};
use tidegate_core::time::Timestamp;

/// Something that came out of a subtask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told<Out> {
    /// A row and its event time.
    Row(Out, i64),
    /// A watermark.
    Watermark(i64),
    /// A change of status.
    Status(Status),
    /// The end.
    End,
}

type Lane<Out> = Arc<Mutex<Vec<Told<Out>>>>;

/// An operator whose surroundings are the test.
pub struct Outside<O: Operator> {
    make: Box<dyn Fn() -> O>,
    key_hash: KeyHash<O::In>,
    /// Whether the output is full after every row.
    full: bool,
    life: Option<Life>,
    lanes: Vec<Lane<O::Out>>,
}

impl<O: Operator> Outside<O> {
    /// A life of what `make` makes, over a stream that is keyed by `key`.
    ///
    /// # Errors
    /// The operator's.
    pub fn begin<K: Key>(
        make: impl Fn() -> O + 'static,
        key: impl Fn(&O::In) -> K + 'static,
        parallelism: u32,
        full: bool,
    ) -> Result<Self, String> {
        let key_hash: KeyHash<O::In> = Box::new(move |value| key(value).stable_hash());
        let make = Box::new(make);
        let mut outside = Self { make, key_hash, full, life: None, lanes: Vec::new() };
        outside.live(&Saved::empty(Timestamp(0)), parallelism)?;
        Ok(outside)
    }

    fn live(&mut self, saved: &Saved, parallelism: u32) -> Result<(), String> {
        self.lanes = (0..parallelism).map(|_| Lane::default()).collect();
        let stage = |capacity: Option<usize>| -> Box<dyn Stage> {
            let operator = (self.make)();
            Box::new(match capacity {
                Some(capacity) => OperatorStage::with_capacity(capacity, operator, |_| {}),
                None => OperatorStage::new(operator, |_| {}),
            })
        };
        let edges = |subtask: usize| -> Vec<Box<dyn OutputEdge>> {
            let lane = Arc::clone(&self.lanes[subtask]);
            vec![Box::new(Teller { lane, fills_up: self.full, full: false })]
        };
        let blueprint = Blueprint { stage: &stage, edges: &edges, inputs: &[0], full: self.full };
        let mut life = Life::begin(&blueprint, saved, parallelism)?;
        life.wake()?;
        self.life = Some(life);
        Ok(())
    }

    fn life(&mut self) -> &mut Life {
        self.life.as_mut().expect("there always is one")
    }

    /// A record arrives at the subtask that owns its key.
    ///
    /// # Errors
    /// The operator's.
    pub fn record(&mut self, value: O::In, at: i64) -> Result<(), String> {
        let key_hash = (self.key_hash)(&value);
        let life = self.life();
        let owner = super::GROUPS.group_of(key_hash);
        let is_owner =
            |index: &u32| super::GROUPS.range_of(*index, life.parallelism()).contains(owner);
        let subtask = (0..life.parallelism()).find(is_owner).expect("every group has an owner");
        let record = Record { value, timestamp: Timestamp(at), key_hash };
        life.feed(subtask as usize, 0, Element::Batch(Box::new(Batch::new(vec![record], vec![]))))
    }

    /// Event time advances, or the status changes, or the input ends.
    ///
    /// # Errors
    /// The operator's.
    pub fn all(&mut self, element: impl Fn() -> Element) -> Result<(), String> {
        self.life().feed_all(0, element)
    }

    /// The wall clock advances.
    ///
    /// # Errors
    /// The operator's.
    pub fn clock(&mut self, to: i64) -> Result<(), String> {
        self.life().advance_clock(Timestamp(to))
    }

    /// Answers have come in.
    ///
    /// # Errors
    /// The operator's.
    pub fn wake(&mut self) -> Result<(), String> {
        self.life().wake()
    }

    /// A snapshot is taken, and a new life begins with it. Returns what the old one has told.
    ///
    /// # Errors
    /// The operator's.
    pub fn restore(&mut self, parallelism: u32) -> Result<Vec<Vec<Told<O::Out>>>, String> {
        let saved = self.life().snapshot()?;
        let told = self.told();
        self.live(&saved, parallelism)?;
        Ok(told)
    }

    /// What this life has told so far, by subtask.
    #[must_use]
    pub fn told(&self) -> Vec<Vec<Told<O::Out>>> {
        self.lanes.iter().map(|lane| lock(lane).clone()).collect()
    }
}

fn lock<T>(lane: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    lane.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An output edge that tells.
struct Teller<Out> {
    lane: Lane<Out>,
    fills_up: bool,
    full: bool,
}

impl<Out: Data> OutputEdge for Teller<Out> {
    fn push(&mut self, batch: &mut dyn AnyBatch) {
        let rows = downcast::<Out>(batch).take_open();
        lock(&self.lane).extend(rows.map(|row| Told::Row(row.value, row.timestamp.millis())));
        self.full = self.fills_up;
    }

    fn watermark(&mut self, watermark: Timestamp) {
        lock(&self.lane).push(Told::Watermark(watermark.millis()));
    }

    fn status(&mut self, status: Status) {
        lock(&self.lane).push(Told::Status(status));
    }

    fn end(&mut self) {
        lock(&self.lane).push(Told::End);
    }

    fn credit(&mut self, _to: u32, _credits: u32) {
        self.full = false;
    }

    fn is_blocked(&self) -> bool {
        self.full
    }

    fn barrier(&mut self, _barrier: Barrier) {}
    fn took(&mut self, _records: usize) {}
    fn flush(&mut self) {}
    fn transmit(&mut self, _edge: usize, _transport: &mut dyn Transport) {}

    fn sent(&self) -> u64 {
        0
    }

    fn credit_use(&self) -> (u32, u32) {
        (0, 1)
    }
}
