//! The outputs of a task: partitioning, batching, and credits outwards.
//!
//! Records go into one open buffer per channel. A buffer is sealed into a batch when it is full, when
//! the input has run dry, and before every control element but a watermark: a watermark becomes a
//! mark in the open buffer, so that it cuts nothing. A sealed batch needs a credit; without one it
//! waits here, and the task takes no more input: that is backpressure. Control elements need none.
//!
//! A buffer that fills slowly would hold back records and event time behind input that never runs dry: a join would see
//! the few records of one side long after the many of the other. So a buffer is sealed as well when it has
//! not filled while the task took in as many full batches as the edge has channels ([`OutputEdge::took`]): with its fair
//! share of them it would be full.

use crate::append::append;
use crate::element::{AnyBatch, Barrier, Batch, Data, Element, Mark, Record, Status, downcast};
use crate::key::{Key, KeyGroup, MaxParallelism};
use crate::limits;
use crate::time::Timestamp;
use std::collections::VecDeque;

/// Where an output's elements go; implemented by whoever moves them.
pub trait Transport {
    /// Hands `element` to channel `to` (the receiving subtask's index) of output edge `edge`.
    fn send(&mut self, edge: usize, to: u32, element: Element);
}

/// One channel: the open buffer and what waits behind it.
pub struct Lane<T> {
    buffer: Vec<Record<T>>,
    marks: Vec<Mark>,
    /// Sealed elements in order; batches among them wait for credits.
    waiting: VecDeque<Element>,
    batches_waiting: usize,
    credits: u32,
    sent: u64,
    batch_records: usize,
    /// Size of the last sealed batch: a slow stream need not allocate full buffers.
    last_len: usize,
    /// Whether the open buffer was begun before the current round.
    aged: bool,
}

impl<T: Data> Lane<T> {
    fn new(credits: u32) -> Self {
        Self {
            buffer: Vec::new(),
            marks: Vec::new(),
            waiting: VecDeque::new(),
            batches_waiting: 0,
            credits,
            sent: 0,
            batch_records: limits::batch_records(size_of::<Record<T>>()),
            last_len: 16,
            aged: false,
        }
    }

    /// Adds a record; a full buffer is sealed.
    #[inline]
    pub fn push(&mut self, record: Record<T>) {
        let Record { value, timestamp, key_hash } = record;
        let first = || self.last_len.next_power_of_two().min(self.batch_records);
        append(&mut self.buffer, (value, timestamp, key_hash), first);
        if self.buffer.len() >= self.batch_records {
            self.seal();
        }
    }

    fn seal(&mut self) {
        self.aged = false;
        if self.buffer.is_empty() {
            // Marks without records are no batch: only the last of them matters.
            if let Some(mark) = self.marks.pop() {
                self.marks.clear();
                self.push_watermark(mark.watermark);
            }
            return;
        }
        let records = std::mem::take(&mut self.buffer);
        let marks = std::mem::take(&mut self.marks);
        self.sent += records.len() as u64;
        self.last_len = records.len();
        self.batches_waiting += 1;
        self.waiting.push_back(Element::Batch(Box::new(Batch::new(records, marks))));
    }

    fn push_watermark(&mut self, watermark: Timestamp) {
        match self.waiting.back_mut() {
            Some(Element::Watermark(last)) => *last = watermark,
            _ => self.waiting.push_back(Element::Watermark(watermark)),
        }
    }

    /// Whether there is a credit for what would be sealed.
    fn is_ready(&self) -> bool {
        self.batches_waiting < self.credits as usize
    }

    /// A round is over: a buffer that was begun before it is sealed.
    fn end_round(&mut self) {
        if self.aged && self.is_ready() {
            self.seal();
        }
        self.aged = !(self.buffer.is_empty() && self.marks.is_empty());
    }

    fn mark(&mut self, watermark: Timestamp) {
        let position = self.buffer.len();
        match self.marks.last_mut() {
            Some(last) if last.position == position => last.watermark = watermark,
            _ => self.marks.push(Mark { position, watermark }),
        }
        if self.marks.len() >= limits::BATCH_MARKS {
            self.seal();
        }
    }

    fn control(&mut self, element: Element) {
        self.seal();
        self.waiting.push_back(element);
    }

    fn transmit(&mut self, mut send: impl FnMut(Element)) {
        while let Some(element) = self.waiting.pop_front() {
            if matches!(element, Element::Batch(_)) {
                if self.credits == 0 {
                    self.waiting.push_front(element);
                    return;
                }
                self.credits -= 1;
                self.batches_waiting -= 1;
            }
            send(element);
        }
    }
}

/// Deals the records of a stream out to the channels of an edge.
pub trait Partitioner<T>: Send + 'static {
    /// Takes all open records of `input` into `lanes`.
    fn distribute(&mut self, input: &mut Batch<T>, lanes: &mut [Lane<T>]);
}

/// Subtask i sends to subtask i.
#[derive(Debug)]
pub struct Forward;

impl<T: Data> Partitioner<T> for Forward {
    fn distribute(&mut self, input: &mut Batch<T>, lanes: &mut [Lane<T>]) {
        input.take_open().for_each(|record| lanes[0].push(record));
    }
}

/// Everything goes to subtask 0.
#[derive(Debug)]
pub struct Global;

impl<T: Data> Partitioner<T> for Global {
    fn distribute(&mut self, input: &mut Batch<T>, lanes: &mut [Lane<T>]) {
        input.take_open().for_each(|record| lanes[0].push(record));
    }
}

/// Every subtask gets a copy of everything.
#[derive(Debug)]
pub struct Broadcast;

impl<T: Data> Partitioner<T> for Broadcast {
    fn distribute(&mut self, input: &mut Batch<T>, lanes: &mut [Lane<T>]) {
        let Some((last, others)) = lanes.split_last_mut() else { return };
        for record in input.take_open() {
            for lane in &mut *others {
                lane.push(record.clone());
            }
            last.push(record);
        }
    }
}

/// Records are dealt round robin.
#[derive(Debug, Default)]
pub struct Rebalance {
    next: usize,
}

impl<T: Data> Partitioner<T> for Rebalance {
    fn distribute(&mut self, input: &mut Batch<T>, lanes: &mut [Lane<T>]) {
        for record in input.take_open() {
            lanes[self.next].push(record);
            self.next = if self.next + 1 == lanes.len() { 0 } else { self.next + 1 };
        }
    }
}

/// Records with equal keys go to the same subtask: the one that owns the key's group.
pub struct Hash<K, F> {
    key: F,
    max_parallelism: MaxParallelism,
    /// The owning subtask by key group.
    owners: Vec<u32>,
    of: std::marker::PhantomData<fn() -> K>,
}

impl<K, F> Hash<K, F> {
    /// Partitions by `key` over `parallelism` subtasks.
    #[must_use]
    pub fn new(key: F, max_parallelism: MaxParallelism, parallelism: u32) -> Self {
        let owner = |group| max_parallelism.owner(KeyGroup(group), parallelism);
        let owners = (0..max_parallelism.get()).map(owner).collect();
        Self { key, max_parallelism, owners, of: std::marker::PhantomData }
    }
}

impl<T: Data, K: Key, F: Fn(&T) -> K + Send + 'static> Partitioner<T> for Hash<K, F> {
    fn distribute(&mut self, input: &mut Batch<T>, lanes: &mut [Lane<T>]) {
        // First all hashes, where the records lie: a record that has just been changed cannot be moved at once
        // (`crate::append`).
        for record in input.upcoming_mut() {
            record.key_hash = (self.key)(&record.value).stable_hash();
        }
        for record in input.take_open() {
            let group = self.max_parallelism.group_of(record.key_hash);
            lanes[self.owners[group.0 as usize] as usize].push(record);
        }
    }
}

/// An output edge whose record type only its partitioner knows.
pub trait OutputEdge: Send {
    /// Takes all open records of `batch`.
    fn push(&mut self, batch: &mut dyn AnyBatch);
    /// Event time has advanced.
    fn watermark(&mut self, watermark: Timestamp);
    /// A status for every channel.
    fn status(&mut self, status: Status);
    /// A barrier for every channel, each with its own count of records sent.
    fn barrier(&mut self, barrier: Barrier);
    /// The end of event time.
    fn end(&mut self);
    /// The task has taken in `records` more.
    fn took(&mut self, records: usize);
    /// Seals the open buffers of channels that have a credit to send them.
    fn flush(&mut self);
    /// Sends what may be sent.
    fn transmit(&mut self, edge: usize, transport: &mut dyn Transport);
    /// A batch was processed at the other end.
    fn credit(&mut self, to: u32, credits: u32);
    /// Whether some channel has a batch and no credit for it.
    fn is_blocked(&self) -> bool;
    /// Records sealed within the attempt, over all channels.
    fn sent(&self) -> u64;
    /// Credits in use and credits in all.
    fn credit_use(&self) -> (u32, u32);
}

/// An edge with its partitioner and one lane per receiving subtask.
pub struct Edge<T, P> {
    partitioner: P,
    lanes: Vec<Lane<T>>,
    credits: u32,
    /// The receiving subtask of each lane: itself for a forward edge, else 0.. in order.
    first: u32,
    /// Records taken in since the last round was over: a round is a full batch for each lane.
    taken: usize,
}

impl<T: Data, P: Partitioner<T>> Edge<T, P> {
    /// An edge to `receivers` subtasks starting at index `first`, with `credits` for each channel.
    #[must_use]
    pub fn new(partitioner: P, first: u32, receivers: u32, credits: u32) -> Self {
        let lanes = (0..receivers).map(|_| Lane::new(credits)).collect();
        Self { partitioner, lanes, credits, first, taken: 0 }
    }
}

impl<T: Data, P: Partitioner<T>> OutputEdge for Edge<T, P> {
    fn push(&mut self, batch: &mut dyn AnyBatch) {
        self.partitioner.distribute(downcast(batch), &mut self.lanes);
    }

    fn watermark(&mut self, watermark: Timestamp) {
        self.lanes.iter_mut().for_each(|lane| lane.mark(watermark));
    }

    fn status(&mut self, status: Status) {
        self.lanes.iter_mut().for_each(|lane| lane.control(Element::Status(status)));
    }

    fn barrier(&mut self, barrier: Barrier) {
        for lane in &mut self.lanes {
            lane.seal();
            let sent = lane.sent;
            lane.control(Element::Barrier(Barrier { sent, ..barrier }));
        }
    }

    fn end(&mut self) {
        self.lanes.iter_mut().for_each(|lane| lane.control(Element::EndOfData));
    }

    fn took(&mut self, records: usize) {
        self.taken += records;
        if self.taken >= self.lanes.len() * limits::BATCH_RECORDS {
            self.taken = 0;
            self.lanes.iter_mut().for_each(Lane::end_round);
        }
    }

    fn flush(&mut self) {
        self.lanes.iter_mut().filter(|lane| lane.is_ready()).for_each(Lane::seal);
    }

    fn transmit(&mut self, edge: usize, transport: &mut dyn Transport) {
        for (lane, to) in self.lanes.iter_mut().zip(self.first..) {
            lane.transmit(|element| transport.send(edge, to, element));
        }
    }

    fn credit(&mut self, to: u32, credits: u32) {
        self.lanes[(to - self.first) as usize].credits += credits;
    }

    fn is_blocked(&self) -> bool {
        self.lanes.iter().any(|lane| lane.batches_waiting > lane.credits as usize)
    }

    fn sent(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.sent).sum()
    }

    fn credit_use(&self) -> (u32, u32) {
        let free: u32 = self.lanes.iter().map(|lane| lane.credits.min(self.credits)).sum();
        let all = self.credits * self.lanes.len() as u32;
        (all - free, all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::BarrierKind;

    #[derive(Default)]
    struct Wire(Vec<String>);

    impl Transport for Wire {
        fn send(&mut self, _edge: usize, to: u32, element: Element) {
            self.0.push(match element {
                Element::Batch(mut batch) => {
                    let records = batch.remaining();
                    while batch.open_records() > 0 {
                        downcast::<u64>(batch.as_mut()).take_open().count();
                    }
                    let mark =
                        batch.take_mark().map_or(String::new(), |w| format!("|{}", w.millis()));
                    format!("{to}:{records}{mark}")
                }
                Element::Watermark(watermark) => format!("{to}:W{}", watermark.millis()),
                Element::Barrier(barrier) => format!("{to}:B{}", barrier.sent),
                other => format!("{to}:{other:?}"),
            });
        }
    }

    fn records(count: u64) -> Batch<u64> {
        Batch::new((0..count).map(|n| Record::new(n, Timestamp(0))).collect(), Vec::new())
    }

    fn wire(edge: &mut dyn OutputEdge) -> String {
        let mut wire = Wire::default();
        edge.transmit(0, &mut wire);
        wire.0.join(" ")
    }

    #[test]
    fn a_watermark_cuts_no_batch_and_a_barrier_does() {
        let mut edge = Edge::<u64, _>::new(Rebalance::default(), 0, 2, 8);
        edge.push(&mut records(3));
        edge.watermark(Timestamp(5));
        edge.watermark(Timestamp(6));
        assert_eq!(wire(&mut edge), "");
        edge.barrier(Barrier { checkpoint: 1, kind: BarrierKind::Periodic, sent: 0 });
        assert_eq!(wire(&mut edge), "0:2|6 0:B2 1:1|6 1:B1");
        edge.watermark(Timestamp(7));
        edge.flush();
        assert_eq!(wire(&mut edge), "0:W7 1:W7", "no records: a bare watermark");
    }

    #[test]
    fn without_credit_batches_wait_and_control_waits_behind_them() {
        let mut edge = Edge::<u64, _>::new(Forward, 3, 1, 1);
        let full = limits::batch_records(size_of::<Record<u64>>()) as u64;
        edge.push(&mut records(2 * full));
        edge.end();
        assert!(edge.is_blocked());
        assert_eq!(wire(&mut edge), format!("3:{full}"));
        assert_eq!(edge.credit_use(), (1, 1));
        edge.credit(3, 1);
        assert_eq!(wire(&mut edge), format!("3:{full} 3:EndOfData"));
        assert!(!edge.is_blocked());
    }

    #[test]
    fn a_buffer_that_does_not_fill_while_its_fair_share_is_taken_in_is_sent() {
        let mut edge = Edge::<u64, _>::new(Rebalance::default(), 0, 2, 8);
        edge.push(&mut records(1));
        edge.watermark(Timestamp(5));
        edge.took(2 * limits::BATCH_RECORDS);
        edge.took(limits::BATCH_RECORDS);
        assert_eq!(wire(&mut edge), "", "begun within the first round of two batches");
        edge.took(limits::BATCH_RECORDS);
        assert_eq!(wire(&mut edge), "0:1|5 1:W5");
        let full = limits::batch_records(size_of::<Record<u64>>()) as u64;
        for _ in 0..10 {
            edge.push(&mut records(full));
            edge.took(limits::BATCH_RECORDS);
        }
        let five = |lane| vec![format!("{lane}:{full}"); 5].join(" ");
        assert_eq!(wire(&mut edge), format!("{} {}", five(0), five(1)), "only full ones");
    }

    #[test]
    fn equal_keys_go_to_the_owner_of_their_group() {
        let max = MaxParallelism::DEFAULT;
        let mut edge = Edge::new(Hash::new(|n: &u64| *n, max, 4), 0, 4, 8);
        edge.push(&mut records(1000));
        for (index, lane) in edge.lanes.iter().enumerate() {
            assert!(lane.buffer.len() > 150);
            for record in &lane.buffer {
                assert_eq!(max.owner(max.group_of(record.value.stable_hash()), 4), index as u32);
            }
        }
    }
}
