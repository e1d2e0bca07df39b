//! What an operator has emitted, output by output, and the output edges that write it down.
//!
//! Apart from the drive because a case may have any number of outputs and the drive only compares.

use super::case::{Emission, event_time};
use serde_json::Value;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard};
use tidegate_core::element::{AnyBatch, Barrier, Data, Status, downcast};
use tidegate_core::output::{OutputEdge, Transport};
use tidegate_core::time::Timestamp;

/// What was emitted: one list per output, the main one first.
#[derive(Clone, Default)]
pub(super) struct Sheet(Arc<Mutex<Vec<Lane>>>);

#[derive(Default)]
struct Lane {
    tag: Option<&'static str>,
    emissions: Vec<Emission>,
}

impl Sheet {
    fn lanes(&self) -> MutexGuard<'_, Vec<Lane>> {
        self.0.lock().expect("no thread has failed")
    }

    fn open(&self, lane: usize, tag: Option<&'static str>) {
        let mut lanes = self.lanes();
        if lanes.len() <= lane {
            lanes.resize_with(lane + 1, Lane::default);
        }
        lanes[lane].tag = tag;
    }

    /// Changes what is on every output.
    pub(super) fn of_all(&self, each: impl Fn(&mut Vec<Emission>)) {
        self.lanes().iter_mut().for_each(|lane| each(&mut lane.emissions));
    }

    /// Takes everything off, output by output.
    pub(super) fn take(&self) -> Vec<Vec<Emission>> {
        self.lanes().iter_mut().map(|lane| std::mem::take(&mut lane.emissions)).collect()
    }

    /// Whether there is a side output of this name.
    pub(super) fn has(&self, tag: &str) -> bool {
        self.lanes().iter().any(|lane| lane.tag == Some(tag))
    }

    /// Whether an emission is to be seen on `lane`: event time is on all of them.
    pub(super) fn belongs(&self, emission: &Emission, lane: usize) -> bool {
        let tag = self.lanes()[lane].tag;
        match emission {
            Emission::Record { .. } => tag.is_none(),
            Emission::SideOutput { tag: wanted, .. } => tag == Some(wanted),
            Emission::Watermark { .. } | Emission::Status { .. } => true,
        }
    }
}

/// An output edge that writes on the sheet.
pub(super) struct Recorder<T> {
    sheet: Sheet,
    lane: usize,
    tag: Option<&'static str>,
    fills_up: bool,
    full: bool,
    show: fn(&T) -> Value,
    of: PhantomData<fn(T)>,
}

impl<T> Recorder<T> {
    /// The edge of output `lane`; `tag` is the name of a side output.
    pub(super) fn new(
        sheet: &Sheet,
        lane: usize,
        tag: Option<&'static str>,
        fills_up: bool,
        show: fn(&T) -> Value,
    ) -> Self {
        sheet.open(lane, tag);
        Self { sheet: sheet.clone(), lane, tag, fills_up, full: false, show, of: PhantomData }
    }

    fn write(&self, emission: Emission) {
        self.sheet.lanes()[self.lane].emissions.push(emission);
    }
}

impl<T: Data> OutputEdge for Recorder<T> {
    fn push(&mut self, batch: &mut dyn AnyBatch) {
        for record in downcast::<T>(batch).take_open() {
            let (value, ts) = ((self.show)(&record.value), event_time(record.timestamp));
            self.write(match self.tag {
                None => Emission::Record { value, ts },
                Some(tag) => Emission::SideOutput { tag: tag.to_owned(), value, ts },
            });
        }
        self.full = self.fills_up;
    }

    fn watermark(&mut self, watermark: Timestamp) {
        self.write(Emission::Watermark { ts: watermark.millis() });
    }

    fn status(&mut self, status: Status) {
        self.write(Emission::Status { status });
    }

    fn end(&mut self) {
        self.watermark(Timestamp::MAX);
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
