//! The checkpoint coordinator: triggers barriers, collects acknowledgements, audits, and says when a
//! manifest is to be written. A pure machine; the job master is its shell.
//!
//! Invariants: at most one checkpoint is pending. A checkpoint exists from the moment its manifest is
//! durable and not before. Sink output that was acknowledged is never forgotten: if its checkpoint is
//! given up, it goes with the next one. Rows per sink are conserved: written = committed + pending.

use crate::config::CheckpointConfig;
use crate::element::{Barrier, BarrierKind};
use crate::plan::SubtaskId;
use crate::snapshot::{CheckpointId, Committable, SubtaskPart};
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A checkpoint on its way.
#[derive(Clone, Debug)]
struct Pending {
    id: CheckpointId,
    kind: BarrierKind,
    started: Timestamp,
    waiting: BTreeSet<SubtaskId>,
    parts: Vec<SubtaskPart>,
}

/// A checkpoint that all subtasks have acknowledged and the audit has passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// Its number.
    pub id: CheckpointId,
    /// Why it was taken.
    pub kind: BarrierKind,
    /// When it was triggered.
    pub started: Timestamp,
    /// The parts of all subtasks.
    pub parts: Vec<SubtaskPart>,
    /// All sink output not known to be committed.
    pub committables: Vec<Committable>,
    /// Rows per sink known to be committed.
    pub committed_rows: BTreeMap<String, u64>,
}

/// What an acknowledgement leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AckOutcome {
    /// Others are awaited, or the checkpoint is no longer pending.
    Noted,
    /// It was the last one: write the manifest.
    Complete(Box<Acknowledged>),
    /// It was the last one, and records were lost or doubled: nothing may complete.
    AuditBroken(String),
}

/// Collects the parts of one checkpoint at a time.
#[derive(Clone, Debug)]
pub struct Coordinator {
    config: CheckpointConfig,
    next_id: CheckpointId,
    pending: Option<Pending>,
    next_trigger: Timestamp,
    failures_in_a_row: u32,
    /// Sealed sink output not known to be committed.
    committables: Vec<Committable>,
    committed_rows: BTreeMap<String, u64>,
}

impl Coordinator {
    /// A coordinator whose first checkpoint gets number `next_id`.
    #[must_use]
    pub fn new(config: CheckpointConfig, next_id: CheckpointId, now: Timestamp) -> Self {
        Self {
            config,
            next_id,
            pending: None,
            next_trigger: now.plus(config.interval_ms),
            failures_in_a_row: 0,
            committables: Vec::new(),
            committed_rows: BTreeMap::new(),
        }
    }

    /// The number of the pending checkpoint.
    #[must_use]
    pub fn pending(&self) -> Option<CheckpointId> {
        self.pending.as_ref().map(|pending| pending.id)
    }

    /// The subtasks that the pending checkpoint waits for.
    pub fn awaited(&self) -> impl Iterator<Item = SubtaskId> + '_ {
        self.pending.iter().flat_map(|pending| pending.waiting.iter().copied())
    }

    /// When to look again: the next trigger or the timeout of the pending checkpoint.
    #[must_use]
    pub fn next_deadline(&self) -> Timestamp {
        match &self.pending {
            Some(pending) => pending.started.plus(self.config.timeout_ms),
            None => self.next_trigger,
        }
    }

    /// Whether a periodic checkpoint is due.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.pending.is_none() && now >= self.next_trigger
    }

    /// Whether the pending checkpoint has taken too long.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        let timeout_ms = self.config.timeout_ms;
        self.pending.as_ref().is_some_and(|pending| now.since(pending.started) >= timeout_ms)
    }

    /// Starts a checkpoint that all of `subtasks` must acknowledge.
    ///
    /// # Panics
    /// When one is pending.
    pub fn trigger(
        &mut self,
        kind: BarrierKind,
        subtasks: BTreeSet<SubtaskId>,
        now: Timestamp,
    ) -> Barrier {
        assert!(self.pending.is_none(), "one checkpoint at a time");
        let id = self.take_id();
        let parts = Vec::with_capacity(subtasks.len());
        self.pending = Some(Pending { id, kind, started: now, waiting: subtasks, parts });
        self.next_trigger = now.plus(self.config.interval_ms);
        Barrier { checkpoint: id, kind, sent: 0 }
    }

    /// A number for a manifest that is no checkpoint.
    pub const fn take_id(&mut self) -> CheckpointId {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// A subtask's part of checkpoint `id` is durable. Also a part that comes too late counts: its
    /// sink output must go with the next manifest.
    pub fn on_ack(
        &mut self,
        subtask: SubtaskId,
        id: CheckpointId,
        part: SubtaskPart,
        now: Timestamp,
    ) -> AckOutcome {
        self.committables.extend(part.committables.iter().cloned());
        let Some(pending) = self.pending.as_mut().filter(|pending| pending.id == id) else {
            return AckOutcome::Noted;
        };
        if pending.waiting.remove(&subtask) {
            pending.parts.push(part);
        }
        if !pending.waiting.is_empty() {
            return AckOutcome::Noted;
        }
        let Some(done) = self.pending.take() else { return AckOutcome::Noted };
        self.next_trigger = self.next_trigger.max(now.plus(self.config.min_pause_ms));
        if let Err(broken) = self.audit(&done.parts) {
            return AckOutcome::AuditBroken(format!("checkpoint {id}: {broken}"));
        }
        let mut parts = done.parts;
        parts.sort_by(|a, b| (&a.vertex, a.index).cmp(&(&b.vertex, b.index)));
        AckOutcome::Complete(Box::new(Acknowledged {
            id,
            kind: done.kind,
            started: done.started,
            parts,
            committables: self.committables.clone(),
            committed_rows: self.committed_rows.clone(),
        }))
    }

    /// Sink output that was prepared although its subtask could not store its part.
    pub fn keep(&mut self, committables: Vec<Committable>) {
        self.committables.extend(committables);
    }

    /// Compares what was sent with what was received on every edge, and what was written with what
    /// is committed or pending in every sink.
    fn audit(&self, parts: &[SubtaskPart]) -> Result<(), String> {
        fn sum<'a>(
            maps: impl Iterator<Item = &'a BTreeMap<String, u64>>,
        ) -> BTreeMap<&'a str, u64> {
            let mut total = BTreeMap::new();
            for (name, count) in maps.flatten() {
                *total.entry(name.as_str()).or_default() += count;
            }
            total
        }
        let sent = sum(parts.iter().map(|part| &part.sent));
        let received = sum(parts.iter().map(|part| &part.received));
        for edge in sent.keys().chain(received.keys()) {
            let (out, into) = (sent.get(edge).unwrap_or(&0), received.get(edge).unwrap_or(&0));
            if out != into {
                return Err(format!("edge {edge}: {out} records sent, {into} received"));
            }
        }
        for (sink, written) in sum(parts.iter().map(|part| &part.written)) {
            let of = |list: &[Committable]| -> u64 {
                list.iter().filter(|c| c.sink == sink).map(|c| c.rows).sum()
            };
            let unsealed: u64 = parts.iter().map(|part| of(&part.unsealed)).sum();
            let committed = self.committed_rows.get(sink).copied().unwrap_or(0);
            let kept = committed + of(&self.committables) + unsealed;
            if written != kept {
                return Err(format!(
                    "sink {sink}: {written} rows written, {kept} prepared ({committed} committed)"
                ));
            }
        }
        Ok(())
    }

    /// Gives up the pending checkpoint; returns its number and whether the job may go on.
    pub fn abort(&mut self) -> Option<(CheckpointId, bool)> {
        let pending = self.pending.take()?;
        self.failures_in_a_row += 1;
        Some((pending.id, self.failures_in_a_row <= self.config.tolerable_failures))
    }

    /// Gives up the pending checkpoint because the region failed, which is no fault of its own.
    pub fn cancel(&mut self) -> Option<CheckpointId> {
        self.pending.take().map(|pending| pending.id)
    }

    /// A manifest could not be written.
    pub const fn on_manifest_failed(&mut self) -> bool {
        self.failures_in_a_row += 1;
        self.failures_in_a_row <= self.config.tolerable_failures
    }

    /// A manifest is durable.
    pub const fn on_completed(&mut self) {
        self.failures_in_a_row = 0;
    }

    /// Sink output has been committed.
    pub fn on_committed(&mut self, committed: &[Committable]) {
        self.committables.retain(|kept| !committed.contains(kept));
        for committable in committed {
            *self.committed_rows.entry(committable.sink.clone()).or_default() += committable.rows;
        }
    }

    /// Sinks were brought back to a restore point at which so many rows are committed and nothing is
    /// pending.
    pub fn reset_sink(&mut self, sink: &str, committed_rows: u64) {
        self.committables.retain(|committable| committable.sink != sink);
        self.committed_rows.insert(sink.to_owned(), committed_rows);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::BlobRef;

    const A: SubtaskId = SubtaskId { vertex: 0, index: 0 };
    const B: SubtaskId = SubtaskId { vertex: 1, index: 0 };

    fn coordinator() -> Coordinator {
        let config = CheckpointConfig { interval_ms: 10, timeout_ms: 100, ..Default::default() };
        Coordinator::new(config, 1, Timestamp(0))
    }

    fn part(vertex: &str, sent: u64, received: u64) -> SubtaskPart {
        let counts = |n: u64| BTreeMap::from([("a->b".to_owned(), n)]);
        SubtaskPart {
            vertex: vertex.into(),
            index: 0,
            snapshot: BlobRef { name: vertex.into(), bytes: 0 },
            keyed: Vec::new(),
            committables: Vec::new(),
            unsealed: Vec::new(),
            sent: if sent > 0 { counts(sent) } else { BTreeMap::new() },
            received: if received > 0 { counts(received) } else { BTreeMap::new() },
            written: BTreeMap::new(),
        }
    }

    fn sink_part(written: u64, rows: u64, epoch: CheckpointId) -> SubtaskPart {
        let committable = Committable { sink: "out".into(), epoch, rows, payload: vec![] };
        SubtaskPart {
            committables: if rows > 0 { vec![committable] } else { Vec::new() },
            written: BTreeMap::from([("out".to_owned(), written)]),
            ..part("b", 0, written)
        }
    }

    #[test]
    fn a_checkpoint_completes_when_all_have_acknowledged_and_the_sums_agree() {
        let mut coordinator = coordinator();
        assert!(!coordinator.is_due(Timestamp(9)) && coordinator.is_due(Timestamp(10)));
        let barrier = coordinator.trigger(BarrierKind::Periodic, [A, B].into(), Timestamp(10));
        assert_eq!(coordinator.on_ack(A, 1, part("a", 5, 0), Timestamp(11)), AckOutcome::Noted);
        let outcome = coordinator.on_ack(B, 1, part("b", 0, 5), Timestamp(12));
        assert!(matches!(outcome, AckOutcome::Complete(done) if done.id == barrier.checkpoint));
        assert!(!coordinator.is_due(Timestamp(19)) && coordinator.is_due(Timestamp(20)));
    }

    #[test]
    fn a_lost_record_lets_nothing_complete() {
        let mut coordinator = coordinator();
        coordinator.trigger(BarrierKind::Periodic, [A, B].into(), Timestamp(0));
        coordinator.on_ack(A, 1, part("a", 5, 0), Timestamp(1));
        let outcome = coordinator.on_ack(B, 1, part("b", 0, 4), Timestamp(1));
        let AckOutcome::AuditBroken(why) = outcome else { panic!("{outcome:?}") };
        assert!(why.contains("edge a->b: 5 records sent, 4 received"), "{why}");
    }

    #[test]
    fn output_of_an_aborted_checkpoint_goes_with_the_next() {
        let mut coordinator = coordinator();
        coordinator.trigger(BarrierKind::Periodic, [A, B].into(), Timestamp(0));
        coordinator.on_ack(B, 1, sink_part(3, 3, 1), Timestamp(1));
        assert!(coordinator.is_expired(Timestamp(100)));
        assert_eq!(coordinator.abort(), Some((1, true)));
        coordinator.trigger(BarrierKind::Periodic, [A, B].into(), Timestamp(101));
        coordinator.on_ack(A, 2, part("a", 5, 0), Timestamp(102));
        let outcome = coordinator.on_ack(B, 2, sink_part(5, 2, 2), Timestamp(103));
        let AckOutcome::Complete(done) = outcome else { panic!("{outcome:?}") };
        assert_eq!(
            done.committables.iter().map(|c| (c.epoch, c.rows)).collect::<Vec<_>>(),
            [(1, 3), (2, 2)]
        );
        coordinator.on_committed(&done.committables);
        coordinator.trigger(BarrierKind::Periodic, [B].into(), Timestamp(200));
        let mut quiet = sink_part(5, 0, 3);
        quiet.received.clear();
        let outcome = coordinator.on_ack(B, 3, quiet, Timestamp(201));
        assert!(matches!(outcome, AckOutcome::Complete(done) if done.committed_rows["out"] == 5));
    }

    #[test]
    fn failures_in_a_row_beyond_what_is_tolerated_fail_the_job() {
        let mut coordinator = coordinator();
        for round in 0..4 {
            coordinator.trigger(BarrierKind::Periodic, [A].into(), Timestamp(round));
            assert_eq!(coordinator.abort().map(|(_, go_on)| go_on), Some(round < 3));
        }
    }
}
