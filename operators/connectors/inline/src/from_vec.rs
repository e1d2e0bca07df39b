//! A source over a vector: the records of an example or a test.

use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::task::Waker;
use tidegate_core::element::Data;
use tidegate_core::operator::BoxError;
use tidegate_core::sink::SubtaskIdentity;
use tidegate_core::source::{Source, SourceFactory, SourceOutput, SourceStatus};
use tidegate_core::time::Timestamp;

/// A bounded source: one split per subtask, each a contiguous share of the vector.
pub struct FromVec<T> {
    records: Arc<Vec<(T, Timestamp)>>,
}

impl<T: Data> FromVec<T> {
    /// Records without timestamps.
    #[must_use]
    pub fn new(records: Vec<T>) -> Self {
        Self::timed(records.into_iter().map(|value| (value, Timestamp::MIN)).collect())
    }

    /// Records with their timestamps.
    #[must_use]
    pub fn timed(records: Vec<(T, Timestamp)>) -> Self {
        Self { records: Arc::new(records) }
    }
}

/// A share of the vector: the records from `next` to `end` are still to come.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VecSplit {
    next: usize,
    end: usize,
}

/// Reads shares of the vector, one after the other.
pub struct VecReader<T> {
    records: Arc<Vec<(T, Timestamp)>>,
    splits: Vec<VecSplit>,
}

impl<T: Data> Source for VecReader<T> {
    type Out = T;
    type Split = VecSplit;

    fn poll(
        &mut self,
        out: &mut SourceOutput<T>,
        budget: usize,
        _waker: &Waker,
    ) -> Result<SourceStatus, BoxError> {
        for (index, split) in self.splits.iter_mut().enumerate() {
            let end = split.end.min(split.next + budget - out.len().min(budget));
            for (value, timestamp) in &self.records[split.next..end] {
                out.emit(index, value.clone(), *timestamp);
            }
            split.next = end;
            if split.next < split.end {
                return Ok(SourceStatus::Ready);
            }
            out.end_split(index);
        }
        Ok(SourceStatus::Ended)
    }

    fn splits(&self) -> Vec<VecSplit> {
        self.splits.clone()
    }
}

impl<T: Data> SourceFactory for FromVec<T> {
    type Out = T;
    type Split = VecSplit;
    type Source = VecReader<T>;

    fn kind(&self) -> &'static str {
        "vec-source"
    }

    fn enumerate(&self, parallelism: u32) -> Result<Vec<VecSplit>, BoxError> {
        let (length, shares) = (self.records.len(), parallelism as usize);
        let cut = |share: usize| length * share / shares;
        Ok((0..shares).map(|share| VecSplit { next: cut(share), end: cut(share + 1) }).collect())
    }

    fn create(
        &self,
        _identity: &SubtaskIdentity,
        splits: Vec<VecSplit>,
    ) -> Result<VecReader<T>, BoxError> {
        let length = self.records.len();
        if splits.iter().any(|split| split.next > split.end || split.end > length) {
            return Err("the vector is shorter than it was when the job first started".into());
        }
        Ok(VecReader { records: Arc::clone(&self.records), splits })
    }
}
