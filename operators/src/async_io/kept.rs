//! What of the operator is in a snapshot: the records under way, and where their event time stands.
//!
//! Apart from the queue because answers, calls and timers are not kept: a restored record is called anew.
//! Records of a keyed stream are kept under their key groups, others are dealt out; each remembers the
//! watermark that had come before it, so that the event time between records is drawn up again from
//! the records alone.

use super::queue::{InFlight, Queue};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use tidegate_core::codec::{self, DecodeError};
use tidegate_core::element::Record;
use tidegate_core::key::{KeyGroupRange, MaxParallelism};
use tidegate_core::snapshot::Redistribution;
use tidegate_core::state::delta::Delta;
use tidegate_core::state::delta_writer::DeltaWriter;
use tidegate_core::state::{Frozen, KeyedState, OperatorState, Value};
use tidegate_core::time::Timestamp;

/// A record under way, as it is stored; numbers give the order among those of one old subtask.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Stored<In> {
    pub(super) number: u64,
    behind: Timestamp,
    timestamp: Timestamp,
    key_hash: u64,
    value: In,
}

impl<In: Clone> Stored<In> {
    fn new((number, in_flight): (usize, &InFlight<In>)) -> Self {
        let InFlight { record, behind } = in_flight;
        let Record { value, timestamp, key_hash } = record.clone();
        Self { number: number as u64, behind: *behind, timestamp, key_hash, value }
    }

    pub(super) fn into_in_flight(self) -> InFlight<In> {
        let Self { behind, timestamp, key_hash, value, .. } = self;
        InFlight { record: Record { value, timestamp, key_hash }, behind }
    }
}

/// The records under way as a state.
pub(super) struct KeptRecords<In, Out> {
    pub(super) queue: Queue<In, Out>,
    /// Those from a snapshot, until the operator opens.
    pub(super) restored: Vec<Stored<In>>,
}

impl<In: Value, Out> KeptRecords<In, Out> {
    /// All of them, also when the operator has not been opened since it was restored.
    fn all(&self) -> Vec<Stored<In>> {
        let queued = self.queue.in_flight().enumerate().map(Stored::new);
        self.restored.iter().cloned().chain(queued).collect()
    }
}

impl<In: Value, Out: Send> KeyedState for KeptRecords<In, Out> {
    fn capture(&mut self, _: bool) -> Box<dyn Frozen> {
        Box::new(FrozenRecords(self.all()))
    }

    fn restore(&mut self, delta: &Delta, groups: KeyGroupRange) -> Result<(), DecodeError> {
        delta.for_each(groups, |_, entry| {
            self.restored.extend(delta.value(&entry)?);
            Ok(())
        })
    }

    fn entries(&self) -> u64 {
        (self.restored.len() + self.queue.records()) as u64
    }
}

struct FrozenRecords<In>(Vec<Stored<In>>);

impl<In: Value> Frozen for FrozenRecords<In> {
    /// Always: records under way are few, and few of them are there twice.
    fn is_full(&self) -> bool {
        true
    }

    fn encode(self: Box<Self>, max_parallelism: MaxParallelism, into: &mut DeltaWriter<'_>) {
        for stored in self.0 {
            let group = max_parallelism.group_of(stored.key_hash);
            into.put(group, &[], &stored.number, Some(&stored));
        }
    }
}

impl<In: Value, Out: Send> OperatorState for KeptRecords<In, Out> {
    fn redistribution(&self) -> Redistribution {
        Redistribution::Split
    }

    fn snapshot(&self) -> Vec<Vec<u8>> {
        self.all().iter().map(codec::to_cbor).collect()
    }

    fn restore(&mut self, elements: &[Vec<u8>]) -> Result<(), DecodeError> {
        self.restored =
            elements.iter().map(|element| codec::from_cbor(element)).collect::<Result<_, _>>()?;
        Ok(())
    }
}

/// How far event time has come out. Whoever gets the parts of several subtasks goes on from the one that
/// was furthest behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptTime {
    /// The watermark that came out last.
    pub(super) emitted: Timestamp,
    /// Whether the input is idle.
    pub(super) idle: bool,
    /// Whether what follows has been told so.
    pub(super) told_idle: bool,
    /// Watermarks that wait for records.
    pub(super) waiting: VecDeque<Timestamp>,
}

impl KeptTime {
    pub(super) const BEGINNING: Self =
        Self { emitted: Timestamp::MIN, idle: false, told_idle: false, waiting: VecDeque::new() };
}

impl OperatorState for KeptTime {
    fn redistribution(&self) -> Redistribution {
        Redistribution::Split
    }

    fn snapshot(&self) -> Vec<Vec<u8>> {
        vec![codec::to_cbor(self)]
    }

    fn restore(&mut self, elements: &[Vec<u8>]) -> Result<(), DecodeError> {
        let parts = elements.iter().map(|part| codec::from_cbor::<Self>(part));
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        let merged = parts.into_iter().reduce(|one, other| Self {
            emitted: one.emitted.min(other.emitted),
            idle: one.idle && other.idle,
            told_idle: one.told_idle && other.told_idle,
            waiting: one.waiting.into_iter().chain(other.waiting).collect(),
        });
        *self = merged.unwrap_or(Self::BEGINNING);
        Ok(())
    }
}
