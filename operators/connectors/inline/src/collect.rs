//! A transactional sink into memory: what an example or a test looks at, exactly once.
//!
//! The rows of an epoch travel in the checkpoint itself, as with any sink whose server cannot prepare;
//! the commit puts them where [`Collect::rows`] sees them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use tidegate_core::codec;
use tidegate_core::element::{Barrier, Batch, Data};
use tidegate_core::operator::BoxError;
use tidegate_core::sink::{
    Committer, Prepare, Prepared, RecoveryPoint, Sealed, Sink, SinkFactory, SubtaskIdentity,
};
use tidegate_core::snapshot::{CheckpointId, Committable};
use tidegate_core::state::Value;

/// Committed rows, by epoch and subtask.
type Rows<T> = Arc<Mutex<BTreeMap<(CheckpointId, u32), Vec<T>>>>;

/// Collects the committed rows of a stream.
pub struct Collect<T> {
    rows: Rows<T>,
}

impl<T> Clone for Collect<T> {
    fn clone(&self) -> Self {
        Self { rows: Arc::clone(&self.rows) }
    }
}

impl<T> Default for Collect<T> {
    fn default() -> Self {
        Self { rows: Arc::default() }
    }
}

impl<T: Data + Value> Collect<T> {
    /// An empty collection; clones share it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The rows committed so far, by epoch and subtask.
    #[must_use]
    pub fn rows(&self) -> Vec<T> {
        lock(&self.rows).values().flatten().cloned().collect()
    }
}

fn lock<T>(rows: &Mutex<T>) -> MutexGuard<'_, T> {
    rows.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One subtask's end.
pub struct CollectSink<T> {
    index: u32,
    open: Vec<T>,
}

impl<T: Data + Value> Sink for CollectSink<T> {
    type In = T;

    fn write(&mut self, input: &mut Batch<T>, _waker: &Waker) -> Result<(), BoxError> {
        self.open.extend(input.take_open().map(|record| record.value));
        Ok(())
    }

    fn freeze(&mut self, _barrier: Barrier) -> Result<Box<dyn Prepare>, BoxError> {
        Ok(Box::new(Epoch { index: self.index, rows: std::mem::take(&mut self.open) }))
    }
}

struct Epoch<T> {
    index: u32,
    rows: Vec<T>,
}

impl<T: Value> Prepare for Epoch<T> {
    fn prepare(self: Box<Self>) -> Result<Prepared, BoxError> {
        if self.rows.is_empty() {
            return Ok(Prepared::default());
        }
        let payload = codec::to_cbor(&(self.index, &self.rows));
        let sealed = vec![Sealed { rows: self.rows.len() as u64, payload }];
        Ok(Prepared { sealed, unsealed: Vec::new() })
    }
}

/// Puts committed epochs into the collection.
pub struct CollectCommitter<T> {
    rows: Rows<T>,
}

impl<T: Value> Committer for CollectCommitter<T> {
    fn commit(&self, committables: &[Committable]) -> Result<(), BoxError> {
        for committable in committables {
            let (index, rows): (u32, Vec<T>) = codec::from_cbor(&committable.payload)?;
            lock(&self.rows).insert((committable.epoch, index), rows);
        }
        Ok(())
    }

    fn recover(&self, point: RecoveryPoint<'_>) -> Result<(), BoxError> {
        let last = point.checkpoint.unwrap_or(0);
        lock(&self.rows).retain(|(epoch, _), _| *epoch <= last);
        self.commit(point.committables)
    }
}

impl<T: Data + Value> SinkFactory for Collect<T> {
    type In = T;
    type Sink = CollectSink<T>;

    fn kind(&self) -> &'static str {
        "collect-sink"
    }

    fn is_transactional(&self) -> bool {
        true
    }

    fn create(&self, identity: &SubtaskIdentity) -> Result<CollectSink<T>, BoxError> {
        Ok(CollectSink { index: identity.index, open: Vec::new() })
    }

    fn committer(&self) -> Result<Box<dyn Committer>, BoxError> {
        Ok(Box::new(CollectCommitter { rows: Arc::clone(&self.rows) }))
    }
}
