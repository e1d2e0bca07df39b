//! A simulated transactional sink: parts are written pending, synced at the barrier, and published by
//! a rename once their checkpoint is complete.
//!
//! Apart from the output because this is the sink's own honest logic, the same that a file sink needs:
//! parts may stay open across barriers, and a restore cuts them where the checkpoint says.

use super::fate::{Canary, Fate};
use super::output::Output;
use super::record::Item;
use serde::{Deserialize, Serialize};
use std::task::Waker;
use tidegate_core::codec;
use tidegate_core::element::{Barrier, BarrierKind, Batch};
use tidegate_core::operator::BoxError;
use tidegate_core::sink::{
    Committer, Prepare, Prepared, RecoveryPoint, Sealed, Sink, SinkFactory, SubtaskIdentity,
};
use tidegate_core::snapshot::Committable;

/// Makes the ends of a sink.
pub(crate) struct Files {
    pub(crate) uid: String,
    pub(crate) output: Output,
    pub(crate) fate: Fate,
    /// Whether a part may stay open across a barrier.
    pub(crate) rolling: bool,
}

impl SinkFactory for Files {
    type In = Item;
    type Sink = Writer;

    fn kind(&self) -> &'static str {
        "simulated-sink"
    }

    fn is_transactional(&self) -> bool {
        true
    }

    fn create(&self, identity: &SubtaskIdentity) -> Result<Writer, BoxError> {
        if self.fate.fails() {
            return Err("simulated failure to open the output".into());
        }
        let SubtaskIdentity { index, run, attempt, .. } = identity;
        Ok(Writer {
            uid: self.uid.clone(),
            output: self.output.clone(),
            fate: self.fate.clone(),
            rolling: self.rolling,
            prefix: format!("{run}-{attempt}-{index}"),
            parts: 0,
            open: 0,
            closed: Vec::new(),
        })
    }

    fn committer(&self) -> Result<Box<dyn Committer>, BoxError> {
        let Self { uid, output, fate, .. } = self;
        Ok(Box::new(Publisher { uid: uid.clone(), output: output.clone(), fate: fate.clone() }))
    }
}

/// What a committable says: the first so many rows of this part.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Part {
    name: String,
    rows: usize,
}

/// One subtask's end.
pub(crate) struct Writer {
    uid: String,
    output: Output,
    fate: Fate,
    rolling: bool,
    prefix: String,
    /// Parts begun before the open one.
    parts: u64,
    /// Rows in the open part.
    open: usize,
    /// Parts closed since the last barrier.
    closed: Vec<Part>,
}

impl Writer {
    fn close(&mut self) {
        if self.open > 0 {
            let rows = std::mem::take(&mut self.open);
            self.closed.push(Part { name: self.name(), rows });
            self.parts += 1;
        }
    }

    fn name(&self) -> String {
        format!("{}-{}", self.prefix, self.parts)
    }
}

impl Sink for Writer {
    type In = Item;

    fn write(&mut self, input: &mut Batch<Item>, waker: &Waker) -> Result<(), BoxError> {
        let open = input.open();
        let take =
            self.fate.draw(|chance| if chance.one_in(4) { chance.index(open + 1) } else { open });
        if take == 0 {
            self.fate.doze(waker);
            return Ok(());
        }
        let rows: Vec<Item> =
            std::iter::from_fn(|| input.take()).take(take).map(|record| record.value).collect();
        self.output.append(&self.uid, &self.name(), &rows)?;
        self.open += rows.len();
        if self.rolling && self.fate.draw(|chance| chance.one_in(8)) {
            self.close();
        }
        Ok(())
    }

    fn freeze(&mut self, barrier: Barrier) -> Result<Box<dyn Prepare>, BoxError> {
        let keep_open = self.rolling
            && barrier.kind == BarrierKind::Periodic
            && self.fate.draw(|chance| chance.one_in(2));
        if !keep_open {
            self.close();
        }
        let unsealed = (self.open > 0).then(|| Part { name: self.name(), rows: self.open });
        Ok(Box::new(Sealing {
            uid: self.uid.clone(),
            output: self.output.clone(),
            fate: self.fate.clone(),
            sealed: std::mem::take(&mut self.closed),
            unsealed,
            epoch: barrier.checkpoint,
        }))
    }
}

struct Sealing {
    uid: String,
    output: Output,
    fate: Fate,
    sealed: Vec<Part>,
    unsealed: Option<Part>,
    epoch: u64,
}

impl Prepare for Sealing {
    fn prepare(self: Box<Self>) -> Result<Prepared, BoxError> {
        if self.fate.fails() {
            return Err("simulated failure to prepare".into());
        }
        let mut prepared = Prepared::default();
        for part in self.sealed.iter().chain(&self.unsealed) {
            self.output.sync(&self.uid, &part.name)?;
        }
        let sealed = |part: &Part| Sealed { rows: part.rows as u64, payload: codec::to_cbor(part) };
        prepared.unsealed.extend(self.unsealed.iter().map(sealed));
        if !self.sealed.is_empty() && self.fate.strikes(Canary::ForgetEpoch, 3) {
            return Ok(prepared);
        }
        if self.fate.has_canary(Canary::PublishEarly) {
            for part in &self.sealed {
                self.output.publish(&self.uid, &part.name, part.rows, self.epoch)?;
            }
        }
        prepared.sealed.extend(self.sealed.iter().map(sealed));
        Ok(prepared)
    }
}

struct Publisher {
    uid: String,
    output: Output,
    fate: Fate,
}

impl Publisher {
    fn publish(&self, committables: &[Committable]) -> Result<(), BoxError> {
        if !committables.is_empty() && self.fate.strikes(Canary::SkipCommit, 3) {
            return Ok(());
        }
        for committable in committables {
            let part: Part = codec::from_cbor(&committable.payload)?;
            if committable.rows != part.rows as u64 || committable.sink != self.uid {
                self.fate.violation(format_args!("a committable was altered: {committable:?}"));
            }
            self.output.publish(&self.uid, &part.name, part.rows, committable.epoch)?;
        }
        Ok(())
    }
}

impl Committer for Publisher {
    fn commit(&self, committables: &[Committable]) -> Result<(), BoxError> {
        self.publish(committables)?;
        self.output.sync_folder(&self.uid)
    }

    fn recover(&self, point: RecoveryPoint<'_>) -> Result<(), BoxError> {
        if point.fresh && !self.output.is_empty() {
            self.fate.violation("a job that has output is started afresh");
        }
        self.output.take_back(&self.uid, point.checkpoint.unwrap_or(0))?;
        self.publish(point.committables)?;
        self.output.remove_pending(&self.uid)?;
        self.output.sync_folder(&self.uid)
    }
}
