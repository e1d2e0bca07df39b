//! Data that waits for the first rules of a broadcast stream.
//!
//! Apart from [`super::broadcast`] because this is a small machine of its own: closed, releasing, open.
//! While it is closed, records are put into state with event time as it was when they arrived, and
//! neither the function nor what follows hears of event time. The release plays it all back: records in
//! the order of their arrival, and event time as far as it had come before each. So the result is that of
//! a run in which the first rules had been there before all data. A release that has begun goes on until
//! it is done, over as many full outputs as it takes; no snapshot falls into it.

use super::broadcast::DataSide;
use crate::codec::{self, DecodeError};
use crate::element::{Batch, Record, Status};
use crate::key::Key;
use crate::operator::{BoxError, Context, Progress};
use crate::snapshot::Redistribution;
use crate::state::handles::ListState;
use crate::state::list::OperatorList;
use crate::state::{OperatorState, StateVisitor, Value};
use crate::time::Timestamp;
use crate::timer::TimeDomain;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// A place among the records that wait: by event time at arrival, then by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    watermark: Timestamp,
    number: u64,
}

impl Place {
    /// `record` in this place.
    pub fn held<T>(self, record: Record<T>) -> Held<T> {
        Held { place: self, timestamp: record.timestamp, value: record.value }
    }
}

/// A record that waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Held<T> {
    place: Place,
    timestamp: Timestamp,
    value: T,
}

impl<T> Held<T> {
    fn into_record(self, key_hash: u64) -> (Place, Record<T>) {
        (self.place, Record { value: self.value, timestamp: self.timestamp, key_hash })
    }
}

/// A state in which records wait.
pub trait Waiting<T>: Send + 'static {
    /// Nothing waits.
    fn new() -> Self;
    /// Looks at every record that waits.
    fn each(&self, look: &mut dyn FnMut(&Held<T>));
    /// Changes every record that waits.
    fn change(&mut self, change: &mut dyn FnMut(&mut Held<T>));
    /// Takes all out, in no particular order.
    fn take_all(&mut self) -> Vec<(Place, Record<T>)>;
    /// Shows the state.
    fn show(&mut self, name: &str, visitor: &mut dyn StateVisitor);
}

impl<K: Key, T: Value> Waiting<T> for ListState<K, Held<T>> {
    fn new() -> Self {
        Self::default()
    }

    fn each(&self, look: &mut dyn FnMut(&Held<T>)) {
        self.iter().for_each(|(_, list)| list.iter().for_each(&mut *look));
    }

    fn change(&mut self, change: &mut dyn FnMut(&mut Held<T>)) {
        self.retain(|_, list| {
            list.iter_mut().for_each(&mut *change);
            true
        });
    }

    fn take_all(&mut self) -> Vec<(Place, Record<T>)> {
        let mut all = Vec::new();
        self.retain(|key, list| {
            let hash = key.stable_hash();
            all.extend(list.drain(..).map(|held| held.into_record(hash)));
            false
        });
        all
    }

    fn show(&mut self, name: &str, visitor: &mut dyn StateVisitor) {
        visitor.keyed(name, self);
    }
}

impl<T: Value> Waiting<T> for OperatorList<Held<T>> {
    fn new() -> Self {
        Self::split()
    }

    fn each(&self, look: &mut dyn FnMut(&Held<T>)) {
        self.elements.iter().for_each(look);
    }

    fn change(&mut self, change: &mut dyn FnMut(&mut Held<T>)) {
        self.elements.iter_mut().for_each(change);
    }

    fn take_all(&mut self) -> Vec<(Place, Record<T>)> {
        self.elements.drain(..).map(|held| held.into_record(0)).collect()
    }

    fn show(&mut self, name: &str, visitor: &mut dyn StateVisitor) {
        visitor.list(name, self);
    }
}

/// Whether the first rules are in. All subtasks agree on it at every barrier, as on the rules.
struct RulesAreIn(bool);

impl OperatorState for RulesAreIn {
    fn redistribution(&self) -> Redistribution {
        Redistribution::Broadcast
    }

    fn snapshot(&self) -> Vec<Vec<u8>> {
        vec![codec::to_cbor(&self.0)]
    }

    fn restore(&mut self, elements: &[Vec<u8>]) -> Result<(), DecodeError> {
        for element in elements {
            self.0 = codec::from_cbor(element)?;
        }
        Ok(())
    }
}

/// Records that arrived between the same two watermarks, behind the first of them.
struct Stretch<T> {
    watermark: Timestamp,
    records: Batch<T>,
}

/// Holds data until the first rules are in.
pub(super) struct Hold<D: DataSide> {
    most: usize,
    open: RulesAreIn,
    waiting: D::Waiting,
    /// How many wait, and the number of the next one.
    count: usize,
    next: u64,
    /// What is on its way out.
    releasing: Option<VecDeque<Stretch<D::In>>>,
    /// Event time as it has come in.
    watermark: Timestamp,
    /// Event time as the function and what follows know it.
    told: Timestamp,
    /// Whether the inputs are idle, and what follows was not told so.
    idle: bool,
}

impl<D: DataSide> Hold<D> {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            open: RulesAreIn(false),
            waiting: D::Waiting::new(),
            count: 0,
            next: 0,
            releasing: None,
            watermark: Timestamp::MIN,
            told: Timestamp::MIN,
            idle: false,
        }
    }

    /// Whether data must wait.
    pub(super) const fn is_closed(&self) -> bool {
        !self.open.0
    }

    pub(super) const fn is_releasing(&self) -> bool {
        self.releasing.is_some()
    }

    /// Everything goes on from a snapshot, with event time at `watermark`.
    pub(super) fn open(&mut self, watermark: Timestamp) {
        self.watermark = watermark;
        let Self { waiting, count, next, .. } = self;
        let mut ahead = false;
        waiting.each(&mut |held| {
            *count += 1;
            *next = (*next).max(held.place.number + 1);
            ahead |= held.place.watermark > watermark;
        });
        if ahead {
            // Event time is that of the subtask that was furthest behind; what arrives from now on must
            // not come before what has been here.
            waiting.change(&mut |held| held.place.watermark = held.place.watermark.min(watermark));
        }
    }

    /// Puts data where it waits.
    pub(super) fn take(&mut self, data: &D, input: &mut Batch<D::In>) -> Result<(), BoxError> {
        for record in input.take_open() {
            if self.count == self.most {
                return Err(format!(
                    "{} records wait for the first rules, as many as may: start the rules before the \
                     data, or let more records wait",
                    self.most
                )
                .into());
            }
            let place = Place { watermark: self.watermark, number: self.next };
            data.wait(record, &mut self.waiting, place);
            self.count += 1;
            self.next += 1;
        }
        Ok(())
    }

    /// Lets the function see event time as it has been told.
    pub(super) fn stop_time(&self, ctx: &mut Context<D::Out>) {
        ctx.set_time(self.told, ctx.processing_time());
    }

    pub(super) fn on_watermark(
        &mut self,
        watermark: Timestamp,
        data: &mut D,
        ctx: &mut Context<D::Out>,
    ) -> Result<Progress, BoxError> {
        self.watermark = watermark;
        if self.is_closed() {
            self.stop_time(ctx);
            return Ok(Progress::Done);
        }
        self.advance(watermark, data, ctx)
    }

    pub(super) fn on_status(&mut self, status: Status, ctx: &mut Context<D::Out>) {
        // Event time must not pass what waits.
        self.idle = status == Status::Idle && self.is_closed() && self.count > 0;
        if !self.idle {
            ctx.emit_status(status);
        }
    }

    /// The first rules are in.
    pub(super) fn begin_release(&mut self) {
        let mut all = self.waiting.take_all();
        all.sort_unstable_by_key(|(place, _)| *place);
        let mut stretches: VecDeque<Stretch<D::In>> = VecDeque::new();
        let mut all = all.into_iter().peekable();
        while let Some((Place { watermark, .. }, first)) = all.next() {
            let mut records = vec![first];
            while let Some((_, next)) = all.next_if(|(place, _)| place.watermark == watermark) {
                records.push(next);
            }
            stretches.push_back(Stretch { watermark, records: Batch::new(records, Vec::new()) });
        }
        self.count = 0;
        self.releasing = Some(stretches);
    }

    /// Lets go what waits, as far as `ctx` has room.
    pub(super) fn release(
        &mut self,
        data: &mut D,
        ctx: &mut Context<D::Out>,
    ) -> Result<Progress, BoxError> {
        if self.releasing.is_none() {
            self.begin_release();
        }
        self.stop_time(ctx);
        let mut stretches = self.releasing.take().unwrap_or_default();
        while let Some(Stretch { watermark, records }) = stretches.front_mut() {
            if self.advance(*watermark, data, ctx)? == Progress::Done {
                data.process(records, ctx)?;
                if records.open() == 0 {
                    stretches.pop_front();
                    continue;
                }
            }
            self.releasing = Some(stretches);
            return Ok(Progress::More);
        }
        if self.advance(self.watermark, data, ctx)? == Progress::More {
            self.releasing = Some(stretches);
            return Ok(Progress::More);
        }
        self.open.0 = true;
        if std::mem::take(&mut self.idle) {
            ctx.emit_status(Status::Idle);
        }
        Ok(Progress::Done)
    }

    /// Event time goes on to `to`, for the function and then for what follows.
    fn advance(
        &mut self,
        to: Timestamp,
        data: &mut D,
        ctx: &mut Context<D::Out>,
    ) -> Result<Progress, BoxError> {
        if to <= self.told {
            return Ok(Progress::Done);
        }
        ctx.set_time(to, ctx.processing_time());
        let progress = data.fire(TimeDomain::Event, to, ctx)?;
        if progress == Progress::Done {
            self.told = to;
            // The end of event time follows from the end of the data alone.
            if to < Timestamp::MAX {
                ctx.emit_watermark(to);
            }
        }
        Ok(progress)
    }

    pub(super) fn states(&mut self, visitor: &mut dyn StateVisitor) {
        self.waiting.show("hold.waiting", visitor);
        visitor.list("hold.rules-are-in", &mut self.open);
    }
}
