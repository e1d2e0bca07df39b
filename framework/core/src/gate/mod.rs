//! The input gate of a task: many channels in, one event at a time out.
//!
//! The only place that knows channels. It queues what has arrived per channel, picks the next channel
//! fairly, merges watermarks ([`valve`]), aligns barriers ([`alignment`]) and counts every record for
//! the conservation audit ([`audit`]). It refuses to read a channel for one reason only: the barrier
//! that stands there waits for its siblings.

pub mod alignment;
pub mod audit;
pub mod valve;

use crate::element::{AnyBatch, Barrier, Element, Status};
use crate::snapshot::ChannelSnapshot;
use crate::time::Timestamp;
use alignment::{Alignment, Guarantee};
use audit::{AuditFailure, Received};
use std::collections::VecDeque;
use valve::{TimeEvent, Valve};

/// Which logical input of an operator a channel feeds: 0 unless the operator joins streams.
pub type Port = usize;

/// What the gate knows of a channel when it is built.
#[derive(Clone, Debug)]
pub struct ChannelInfo {
    /// The edge it belongs to.
    pub edge: String,
    /// The sending subtask's index.
    pub from: u32,
    /// The operator input it feeds.
    pub port: Port,
}

struct Channel {
    info: ChannelInfo,
    queue: VecDeque<Element>,
    received: Received,
    ended: bool,
}

/// What the task must do next.
pub enum GateEvent {
    /// Process the records of a batch up to its first mark, then give it back to the gate by
    /// [`InputGate::resume`].
    Records {
        /// The channel it came on; its credit is due when the batch is used up.
        channel: usize,
        /// The operator input.
        port: Port,
        /// The records.
        batch: Box<dyn AnyBatch>,
    },
    /// A batch is used up: one credit goes back to the sender.
    Credit {
        /// The channel it came on.
        channel: usize,
    },
    /// Event time has advanced.
    Watermark(Timestamp),
    /// All inputs fell idle, or one woke up.
    Status(Status),
    /// All channels have delivered this barrier: snapshot and pass it on.
    Barrier(Barrier),
    /// A logical input has ended; the last one is followed by [`GateEvent::EndOfData`].
    EndOfInput(Port),
    /// All inputs have ended.
    EndOfData,
}

/// Queues, merges and aligns the input channels of one task.
pub struct InputGate {
    channels: Vec<Channel>,
    valve: Valve,
    alignment: Alignment,
    /// Events that follow from one element, in order.
    ready: VecDeque<GateEvent>,
    /// Where the next round starts.
    next: usize,
    /// Elements queued in all channels.
    queued: usize,
}

impl InputGate {
    /// A gate over `channels` for one attempt.
    #[must_use]
    pub fn new(channels: Vec<ChannelInfo>, guarantee: Guarantee) -> Self {
        let count = channels.len();
        let channel = |info| Channel {
            info,
            queue: VecDeque::new(),
            received: Received::default(),
            ended: false,
        };
        Self {
            channels: channels.into_iter().map(channel).collect(),
            valve: Valve::new(count),
            alignment: Alignment::new(count, guarantee),
            ready: VecDeque::new(),
            next: 0,
            queued: 0,
        }
    }

    /// Takes over event time from a snapshot. `channels[i]` belongs to channel `i` of the gate;
    /// `watermark` is what the task had passed on.
    pub fn restore(&mut self, channels: &[(Timestamp, bool)], watermark: Timestamp) {
        for (channel, &(at, idle)) in channels.iter().enumerate() {
            self.valve.restore_channel(channel, at, idle);
        }
        self.valve.settle(watermark);
    }

    /// Event time per channel, for the snapshot.
    #[must_use]
    pub fn snapshot(&self) -> Vec<ChannelSnapshot> {
        let part = |(index, channel): (usize, &Channel)| {
            let (watermark, idle) = self.valve.channel(index);
            let ChannelInfo { edge, from, .. } = channel.info.clone();
            ChannelSnapshot { edge, from, watermark, idle }
        };
        self.channels.iter().enumerate().map(part).collect()
    }

    /// Puts an element that has arrived at the end of its channel. A watermark that waits there is
    /// replaced by a newer one: watermarks cost no credit, and must not pile up.
    pub fn enqueue(&mut self, channel: usize, element: Element) {
        let queue = &mut self.channels[channel].queue;
        if let (Some(Element::Watermark(last)), Element::Watermark(newer)) =
            (queue.back_mut(), &element)
        {
            *last = *newer;
            return;
        }
        queue.push_back(element);
        self.queued += 1;
    }

    /// Whether nothing that has arrived can be read.
    #[must_use]
    pub fn is_dry(&self) -> bool {
        self.ready.is_empty() && (self.queued == 0 || self.readable().is_none())
    }

    /// Event time as last handed to the task.
    #[must_use]
    pub const fn watermark(&self) -> Timestamp {
        self.valve.watermark()
    }

    /// Whether all channels that have not ended are idle.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.valve.is_idle()
    }

    /// Whether a barrier waits for its siblings.
    #[must_use]
    pub fn is_aligning(&self) -> bool {
        self.alignment.is_pending()
    }

    /// The channel that holds event time back.
    #[must_use]
    pub fn holding_back(&self) -> Option<&ChannelInfo> {
        self.valve.holding_back().map(|channel| &self.channels[channel].info)
    }

    /// Records received per edge within the attempt.
    pub fn received(&self) -> impl Iterator<Item = (&str, u64)> {
        self.channels.iter().map(|c| (c.info.edge.as_str(), c.received.records()))
    }

    fn readable(&self) -> Option<usize> {
        let count = self.channels.len();
        (0..count).map(|offset| (self.next + offset) % count).find(|&channel| {
            !self.channels[channel].queue.is_empty() && !self.alignment.is_blocked(channel)
        })
    }

    /// The next event, `None` when the gate is dry.
    ///
    /// # Errors
    /// When a barrier's count differs from what was received: records were lost or doubled.
    pub fn poll(&mut self) -> Result<Option<GateEvent>, AuditFailure> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            if self.queued == 0 {
                return Ok(None);
            }
            let Some(channel) = self.readable() else { return Ok(None) };
            let Some(element) = self.channels[channel].queue.pop_front() else { return Ok(None) };
            self.queued -= 1;
            // One batch per turn; control elements do not use up a channel's turn.
            if matches!(element, Element::Batch(_)) {
                self.next = (channel + 1) % self.channels.len();
            }
            self.accept(channel, element)?;
        }
    }

    fn accept(&mut self, channel: usize, element: Element) -> Result<(), AuditFailure> {
        match element {
            Element::Batch(batch) => {
                self.channels[channel].received.add(batch.remaining() as u64);
                self.resume(channel, batch);
            }
            Element::Watermark(watermark) => self.on_watermark(channel, watermark),
            Element::Status(status) => {
                let events = self.valve.on_status(channel, status);
                self.ready.extend(events.into_iter().flatten().map(GateEvent::from));
            }
            Element::Barrier(barrier) => {
                let Channel { info, received, .. } = &self.channels[channel];
                received.check(info, barrier)?;
                let complete = self.alignment.on_barrier(channel, barrier);
                self.ready.extend(complete.map(GateEvent::Barrier));
            }
            Element::EndOfData => self.on_end(channel),
        }
        Ok(())
    }

    /// Takes back a batch whose open records the task has used: its marks now count, and what follows
    /// them opens. A used-up batch yields its credit.
    pub fn resume(&mut self, channel: usize, mut batch: Box<dyn AnyBatch>) {
        loop {
            if batch.open_records() > 0 {
                let port = self.channels[channel].info.port;
                self.ready.push_back(GateEvent::Records { channel, port, batch });
                return;
            }
            let Some(watermark) = batch.take_mark() else { break };
            self.on_watermark(channel, watermark);
        }
        self.ready.push_back(GateEvent::Credit { channel });
    }

    fn on_watermark(&mut self, channel: usize, watermark: Timestamp) {
        let event = self.valve.on_watermark(channel, watermark);
        self.ready.extend(event.map(GateEvent::from));
    }

    fn on_end(&mut self, channel: usize) {
        // An ended input holds nothing back, whatever it was before.
        let woken = self.valve.on_status(channel, Status::Active);
        self.ready.extend(woken.into_iter().flatten().map(GateEvent::from));
        self.on_watermark(channel, Timestamp::MAX);
        self.channels[channel].ended = true;
        let port = self.channels[channel].info.port;
        if self.channels.iter().all(|c| c.ended || c.info.port != port) {
            self.ready.push_back(GateEvent::EndOfInput(port));
        }
        if self.channels.iter().all(|c| c.ended) {
            self.ready.push_back(GateEvent::EndOfData);
        }
    }
}

impl From<TimeEvent> for GateEvent {
    fn from(event: TimeEvent) -> Self {
        match event {
            TimeEvent::Watermark(watermark) => Self::Watermark(watermark),
            TimeEvent::Status(status) => Self::Status(status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::{BarrierKind, Batch, Mark, Record};

    fn gate(channels: u32) -> InputGate {
        let info = |from| ChannelInfo { edge: "a->b".into(), from, port: 0 };
        InputGate::new((0..channels).map(info).collect(), Guarantee::ExactlyOnce)
    }

    fn batch(values: &[i64], marks: &[(usize, i64)]) -> Element {
        let records = values.iter().map(|&v| Record::new(v, Timestamp(v))).collect();
        let mark = |&(position, at)| Mark { position, watermark: Timestamp(at) };
        Element::Batch(Box::new(Batch::new(records, marks.iter().map(mark).collect())))
    }

    fn barrier(checkpoint: u64, sent: u64) -> Element {
        Element::Barrier(Barrier { checkpoint, kind: BarrierKind::Periodic, sent })
    }

    /// Runs the gate dry and says what came out, one word per event.
    fn drain(gate: &mut InputGate) -> String {
        let mut said = Vec::new();
        while let Some(event) = gate.poll().expect("no audit failure") {
            match event {
                GateEvent::Records { channel, mut batch, .. } => {
                    let typed = crate::element::downcast::<i64>(batch.as_mut());
                    said.extend(typed.take_open().map(|r| format!("{channel}:{}", r.value)));
                    gate.resume(channel, batch);
                }
                GateEvent::Credit { channel } => said.push(format!("credit{channel}")),
                GateEvent::Watermark(w) => said.push(format!("W{}", w.millis())),
                GateEvent::Status(status) => said.push(format!("{status:?}")),
                GateEvent::Barrier(b) => said.push(format!("B{}", b.checkpoint)),
                GateEvent::EndOfInput(port) => said.push(format!("endOf{port}")),
                GateEvent::EndOfData => said.push("end".into()),
            }
        }
        said.join(" ")
    }

    #[test]
    fn marks_split_a_batch_where_they_stand() {
        let mut gate = gate(1);
        gate.enqueue(0, batch(&[1, 2, 3], &[(1, 1), (3, 3)]));
        assert_eq!(drain(&mut gate), "0:1 W1 0:2 0:3 W3 credit0");
    }

    #[test]
    fn a_channel_behind_a_barrier_waits_for_its_siblings() {
        let mut gate = gate(2);
        gate.enqueue(0, batch(&[1], &[]));
        gate.enqueue(0, barrier(1, 1));
        gate.enqueue(0, batch(&[9], &[]));
        gate.enqueue(1, batch(&[2], &[]));
        assert_eq!(drain(&mut gate), "0:1 credit0 1:2 credit1");
        assert!(gate.is_dry() && gate.is_aligning());
        gate.enqueue(1, barrier(1, 1));
        assert_eq!(drain(&mut gate), "B1 0:9 credit0");
    }

    #[test]
    fn watermarks_that_wait_do_not_pile_up() {
        let mut gate = gate(1);
        for at in 1..1000 {
            gate.enqueue(0, Element::Watermark(Timestamp(at)));
        }
        assert_eq!(gate.queued, 1);
        assert_eq!(drain(&mut gate), "W999");
    }

    #[test]
    fn a_lost_record_is_found_at_the_next_barrier() {
        let mut gate = gate(1);
        gate.enqueue(0, batch(&[1], &[]));
        assert_eq!(drain(&mut gate), "0:1 credit0");
        gate.enqueue(0, barrier(1, 2));
        let failure = gate.poll().err().expect("one record is missing");
        assert_eq!((failure.sent, failure.received), (2, 1));
    }

    #[test]
    fn the_end_of_all_channels_ends_event_time_and_barriers_still_pass() {
        let mut gate = gate(2);
        gate.enqueue(0, Element::EndOfData);
        gate.enqueue(1, Element::Watermark(Timestamp(7)));
        assert_eq!(drain(&mut gate), "W7");
        gate.enqueue(1, Element::Status(Status::Idle));
        gate.enqueue(1, Element::EndOfData);
        assert_eq!(drain(&mut gate), format!("Idle Active W{} endOf0 end", i64::MAX));
        gate.enqueue(0, barrier(1, 0));
        gate.enqueue(1, barrier(1, 0));
        assert_eq!(drain(&mut gate), "B1");
    }

    #[test]
    fn event_time_survives_a_restore() {
        let mut before = gate(2);
        before.enqueue(0, Element::Watermark(Timestamp(5)));
        before.enqueue(1, Element::Watermark(Timestamp(9)));
        drain(&mut before);
        let parts: Vec<_> = before.snapshot().iter().map(|c| (c.watermark, c.idle)).collect();
        let mut after = gate(2);
        after.restore(&parts, before.watermark());
        assert_eq!(after.watermark(), Timestamp(5));
        after.enqueue(0, Element::Watermark(Timestamp(6)));
        assert_eq!(drain(&mut after), "W6");
    }
}
