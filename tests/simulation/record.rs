//! The one record type of all simulated jobs, so that the transport can look into every batch.

use serde::{Deserialize, Serialize};
use tidegate_core::element::{Batch, Element, Mark, Record, downcast};
use tidegate_core::time::Timestamp;

/// What a row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// A record as it was read.
    Read,
    /// The nth record of its key.
    Counted,
    /// The records of a key in a window: their number and the sum of their ids.
    Window,
    /// All records of a key, at the end of event time.
    Total,
    /// One record of a window that has fired.
    Fired,
    /// One record that came too late for its window.
    Late,
}

/// A record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    pub(crate) key: u32,
    pub(crate) id: u64,
    /// Event time, or the end of a window.
    pub(crate) at: i64,
    /// A count, or what the watermark was when a window fired.
    pub(crate) n: i64,
}

/// Length of a window of event time.
pub(crate) const WINDOW_MS: i64 = 40;

/// The longest pause within a session.
pub(crate) const GAP_MS: i64 = 25;

/// The end of the window that holds `at`.
pub(crate) const fn window_end(at: i64) -> i64 {
    at.div_euclid(WINDOW_MS) * WINDOW_MS + WINDOW_MS
}

/// What the trace and the checkers see of an element.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) numbers: Vec<u64>,
    /// Watermarks in order.
    pub(crate) watermarks: Vec<Timestamp>,
    /// Records, when it is a batch.
    pub(crate) records: Option<usize>,
}

/// Looks into an element and gives it back unchanged.
pub(crate) fn look(element: Element) -> (Element, Seen) {
    let mut seen = Seen::default();
    let element = match element {
        Element::Batch(mut batch) => {
            let (mut records, mut marks) = (Vec::<Record<Item>>::new(), Vec::new());
            loop {
                records.extend(downcast::<Item>(batch.as_mut()).take_open());
                let Some(watermark) = batch.take_mark() else { break };
                marks.push(Mark { position: records.len(), watermark });
                seen.watermarks.push(watermark);
            }
            for Record { value, timestamp, .. } in &records {
                let Item { kind, key, id, at, n } = *value;
                let stamp = timestamp.millis() as u64;
                seen.numbers.extend([kind as u64, key.into(), id, at as u64, n as u64, stamp]);
            }
            seen.records = Some(records.len());
            Element::Batch(Box::new(Batch::new(records, marks)))
        }
        Element::Watermark(watermark) => {
            seen.watermarks.push(watermark);
            Element::Watermark(watermark)
        }
        other => other,
    };
    seen.numbers.extend(seen.watermarks.iter().map(|watermark| watermark.millis() as u64));
    (element, seen)
}
