//! Simulated inputs: several splits of known records with disordered timestamps.
//!
//! Apart from the jobs because a source is where replay begins: the records of a split are a function
//! of the seed, how many come at once and when nothing comes is left to chance.

use super::chance::Chance;
use super::fate::Fate;
use super::record::{Item, Kind};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::task::Waker;
use tidegate_core::operator::BoxError;
use tidegate_core::sink::SubtaskIdentity;
use tidegate_core::source::{Source, SourceFactory, SourceOutput, SourceStatus};
use tidegate_core::time::Timestamp;

/// The records of an input, split by split.
pub(crate) type Records = Arc<Vec<Vec<Item>>>;

/// How far a record may lie behind the highest timestamp of its split.
pub(crate) const DISORDER_MS: i64 = 30;

/// Makes an input. `straggling` lets some records come later than [`DISORDER_MS`] allows.
pub(crate) fn records(chance: &mut Chance, first_id: u64, straggling: bool) -> Records {
    let mut id = first_id;
    let splits = chance.between(1, 5);
    let keys = chance.pick(&[1, 3, 10, 40]);
    let mut split = |_| {
        let length = chance.below(70);
        let mut time = chance.below(100) as i64;
        let mut record = || {
            time += chance.below(12) as i64;
            let back = chance.below(DISORDER_MS as u64 + 1) as i64;
            let straggler = straggling && chance.one_in(8);
            let at = time - back - if straggler { 3 * DISORDER_MS } else { 0 };
            id += 1;
            Item { kind: Kind::Read, key: chance.below(keys) as u32, id, at, n: 0 }
        };
        (0..length).map(|_| record()).collect()
    };
    Arc::new((0..splits).map(&mut split).collect())
}

/// A split and the position of the next record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Split {
    number: usize,
    position: usize,
}

/// Makes readers of an input.
pub(crate) struct Input {
    pub(crate) records: Records,
    pub(crate) fate: Fate,
    /// The most records per poll.
    pub(crate) poll: u64,
}

impl SourceFactory for Input {
    type Out = Item;
    type Split = Split;
    type Source = Reader;

    fn kind(&self) -> &'static str {
        "simulated-source"
    }

    fn enumerate(&self, _parallelism: u32) -> Result<Vec<Split>, BoxError> {
        Ok((0..self.records.len()).map(|number| Split { number, position: 0 }).collect())
    }

    fn create(&self, _identity: &SubtaskIdentity, splits: Vec<Split>) -> Result<Reader, BoxError> {
        if self.fate.fails() {
            return Err("simulated failure to open the input".into());
        }
        let (records, fate) = (Arc::clone(&self.records), self.fate.clone());
        Ok(Reader { records, fate, splits, poll: self.poll })
    }
}

/// Reads some splits.
pub(crate) struct Reader {
    records: Records,
    fate: Fate,
    splits: Vec<Split>,
    poll: u64,
}

impl Source for Reader {
    type Out = Item;
    type Split = Split;

    fn poll(
        &mut self,
        out: &mut SourceOutput<Item>,
        budget: usize,
        waker: &Waker,
    ) -> Result<SourceStatus, BoxError> {
        let unread = |split: &Split| split.position < self.records[split.number].len();
        for (index, split) in self.splits.iter().enumerate() {
            if !unread(split) {
                out.end_split(index);
            }
        }
        let open: Vec<usize> =
            (0..self.splits.len()).filter(|&index| unread(&self.splits[index])).collect();
        if open.is_empty() {
            return Ok(SourceStatus::Ended);
        }
        if self.fate.draw(|chance| chance.one_in(3)) {
            self.fate.doze(waker);
            return Ok(SourceStatus::Pending);
        }
        if self.fate.fails() && self.fate.fails() {
            return Err("simulated failure to read".into());
        }
        let index = self.fate.draw(|chance| chance.pick(&open));
        let split = &mut self.splits[index];
        let records = &self.records[split.number];
        let wanted = self.fate.draw(|chance| chance.between(1, self.poll)) as usize;
        for _ in 0..wanted.min(budget).min(records.len() - split.position) {
            let item = records[split.position];
            split.position += 1;
            out.emit(index, item, Timestamp(item.at));
        }
        if split.position == records.len() {
            out.end_split(index);
        }
        Ok(SourceStatus::Ready)
    }

    fn splits(&self) -> Vec<Split> {
        self.splits.clone()
    }
}
