//! The job master: supervises the regions of a job, drives its checkpoints, commits its output and
//! ends it. A pure machine: events in, commands out; the runtime and the simulation are its shells.
//!
//! ```text
//! region:  Starting -> Running -> Stopping -> Waiting(restart time) -> Starting ...
//!                                         \-> Stopped (the job ends)
//! ```
//!
//! Invariants: a region restarts only when all its subtasks have stopped and no manifest write and no
//! commit is in flight; it restores the newest durable checkpoint; elements and acknowledgements of an
//! older attempt mean nothing. Output is committed only after its manifest is durable, and again
//! before a region restarts.

mod chance;
mod protocol;
mod region;

pub use protocol::{
    Command, Event, Failure, JobEnd, ManifestOutcome, Notice, Remedy, StartingPoint,
};

use crate::checkpoint::{AckOutcome, Coordinator};
use crate::committers::rows_after_recovery;
use crate::config::JobConfig;
use crate::element::BarrierKind;
use crate::plan::{Plan, SubtaskId};
use crate::restart::{Decision, RestartStrategies};
use crate::snapshot::{
    CheckpointId, Committable, JobIdentity, Manifest, ManifestKind, SubtaskPart,
};
use crate::time::Timestamp;
use chance::Chance;
use region::{AfterStop, Phase, Region};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// How the job is to end, once that is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ending {
    /// A stop was asked for: take a stop checkpoint first.
    StopWithCheckpoint,
    /// Stop everything, then end like this.
    Now(JobEnd),
}

/// Supervises one job.
pub struct JobMaster {
    config: JobConfig,
    strategies: RestartStrategies,
    identity: JobIdentity,
    run: u64,
    regions: Vec<Region>,
    region_of: BTreeMap<usize, usize>,
    coordinator: Coordinator,
    latest: Option<Arc<Manifest>>,
    /// The manifest being written, with the start of its checkpoint.
    writing: Option<(Arc<Manifest>, BarrierKind, Timestamp)>,
    committing: Option<(Vec<Committable>, BarrierKind)>,
    ending: Option<Ending>,
    /// The input of all sources is to end, also of those that start again.
    draining: bool,
    ended: bool,
    chance: Chance,
    commands: VecDeque<Command>,
    restarts: u32,
    audit_broken: bool,
}

impl JobMaster {
    /// A master that has commanded the start of every region.
    #[must_use]
    pub fn new(plan: &Plan, config: JobConfig, start: StartingPoint, now: Timestamp) -> Self {
        let regions = Region::all(plan);
        let vertices = plan.vertices.iter().enumerate();
        let region_of = vertices.map(|(index, vertex)| (index, vertex.region)).collect();
        let coordinator = Coordinator::new(config.checkpoint, start.claim + 1, now);
        let strategies = RestartStrategies::new(config.restart, &plan.graph.nodes);
        let mut master = Self {
            config,
            strategies,
            identity: start.identity,
            run: start.run,
            regions,
            region_of,
            coordinator,
            latest: start.latest,
            writing: None,
            committing: None,
            ending: None,
            draining: false,
            ended: false,
            chance: Chance::new(start.seed),
            commands: VecDeque::new(),
            restarts: 0,
            audit_broken: false,
        };
        (0..master.regions.len()).for_each(|region| master.start(region));
        master
    }

    /// Takes an event and returns what follows from it.
    pub fn handle(&mut self, event: Event, now: Timestamp) -> VecDeque<Command> {
        if !self.ended {
            self.accept(event, now);
            self.proceed(now);
        }
        std::mem::take(&mut self.commands)
    }

    /// When the master wants a tick; `None` while a manifest write or a commit is in flight, because
    /// nothing can be begun before it has ended.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        if !self.is_settled() {
            return None;
        }
        let restarts = self.regions.iter().filter_map(|region| match region.phase {
            Phase::Waiting(at) => Some(at),
            _ => None,
        });
        let checkpoint = self.all_running().then(|| self.coordinator.next_deadline());
        restarts.chain(checkpoint).min()
    }

    /// Region restarts so far.
    #[must_use]
    pub const fn restarts(&self) -> u32 {
        self.restarts
    }

    /// Whether the conservation audit has ever failed.
    #[must_use]
    pub const fn audit_broken(&self) -> bool {
        self.audit_broken
    }

    /// The newest durable checkpoint.
    #[must_use]
    pub const fn latest(&self) -> Option<&Arc<Manifest>> {
        self.latest.as_ref()
    }

    /// The current attempt of a region.
    #[must_use]
    pub fn attempt(&self, region: usize) -> u32 {
        self.regions[region].attempt
    }

    /// The pending checkpoint and the subtasks it waits for.
    #[must_use]
    pub fn awaited(&self) -> Option<(CheckpointId, Vec<SubtaskId>)> {
        Some((self.coordinator.pending()?, self.coordinator.awaited().collect()))
    }

    fn accept(&mut self, event: Event, now: Timestamp) {
        match event {
            Event::Tick => {}
            Event::RegionRunning { region, attempt } => self.on_running(region, attempt, now),
            Event::RegionStopped { region } => self.on_stopped(region),
            Event::Failed { region, attempt, failure, remedy } => {
                if self.regions[region].attempt == attempt {
                    self.on_failed(region, failure, remedy, now);
                }
            }
            Event::Acknowledged { subtask, attempt, checkpoint, part } => {
                if self.is_current(subtask, attempt) {
                    self.on_ack(subtask, checkpoint, *part, now);
                }
            }
            Event::Declined { subtask, attempt, checkpoint, cause, committables } => {
                if self.is_current(subtask, attempt) {
                    self.coordinator.keep(committables);
                    if self.coordinator.pending() == Some(checkpoint) {
                        self.give_up_checkpoint(&cause);
                    }
                }
            }
            Event::Drained { subtask, attempt } => {
                if self.is_current(subtask, attempt) {
                    let region = self.region_of[&subtask.vertex];
                    self.regions[region].drained.insert(subtask);
                }
            }
            Event::ManifestSettled(outcome) => self.on_manifest(outcome, now),
            Event::Committed { result } => self.on_committed(result, now),
            Event::StopRequested => self.on_stop_requested(),
        }
    }

    /// What may go on now that an event has been taken.
    fn proceed(&mut self, now: Timestamp) {
        if self.coordinator.is_expired(now) {
            let awaited: Vec<String> = self.coordinator.awaited().map(|s| s.to_string()).collect();
            self.give_up_checkpoint(&format!(
                "timed out waiting for subtasks {}",
                awaited.join(", ")
            ));
        }
        let settled = self.is_settled();
        if let Some(Ending::Now(_)) = &self.ending {
            return self.wind_up(settled);
        }
        for region in 0..self.regions.len() {
            if let Phase::Waiting(at) = self.regions[region].phase
                && now >= at
                && settled
            {
                self.start(region);
            }
        }
        if self.all_running() && self.coordinator.pending().is_none() && settled {
            self.trigger(now);
        }
    }

    fn trigger(&mut self, now: Timestamp) {
        let drained = self.regions.iter().all(|region| region.drained == region.subtasks);
        let kind = if drained {
            BarrierKind::Final
        } else if self.ending == Some(Ending::StopWithCheckpoint) {
            BarrierKind::Stop
        } else if self.coordinator.is_due(now) {
            BarrierKind::Periodic
        } else {
            return;
        };
        let all = self.regions.iter().flat_map(|region| region.subtasks.iter().copied()).collect();
        let barrier = self.coordinator.trigger(kind, all, now);
        self.commands.push_back(Command::Trigger(barrier));
    }

    fn start(&mut self, region: usize) {
        let from = self.latest.clone();
        let Region { phase, attempt, .. } = &mut self.regions[region];
        *phase = Phase::Starting;
        let attempt = *attempt;
        self.commands.push_back(Command::StartRegion { region, attempt, from });
    }

    fn on_running(&mut self, region: usize, attempt: u32, _now: Timestamp) {
        if self.regions[region].attempt != attempt || self.regions[region].phase != Phase::Starting
        {
            return;
        }
        self.regions[region].phase = Phase::Running;
        if self.draining {
            self.commands.push_back(Command::DrainSources);
        }
        for sink in &self.regions[region].sinks {
            let rows =
                self.latest.as_ref().map_or(0, |manifest| rows_after_recovery(manifest, sink));
            self.coordinator.reset_sink(sink, rows);
        }
    }

    fn on_failed(&mut self, region: usize, failure: Failure, remedy: Remedy, now: Timestamp) {
        if !matches!(self.regions[region].phase, Phase::Starting | Phase::Running) {
            return;
        }
        if let Some(id) = self.coordinator.cancel() {
            self.commands.push_back(Command::Aborted(id));
        }
        let Failure { node, cause } = failure;
        let chance = self.chance.draw();
        let decision = match remedy {
            Remedy::Restart => {
                let counts = &mut self.regions[region].restarts;
                counts.on_failure(&self.strategies, node.as_deref(), now, chance)
            }
            Remedy::NewStart | Remedy::Decision => Decision::GiveUp,
        };
        let stopping = self.ending.is_some();
        let restart_at = match decision {
            Decision::RestartAt(at) if !stopping => Some(at),
            _ => None,
        };
        self.commands.push_back(Command::Say(Notice::RegionFailed {
            region,
            cause: cause.clone(),
            restart_at,
        }));
        let after = restart_at.map_or(AfterStop::Stay, AfterStop::RestartAt);
        self.stop(region, after);
        if restart_at.is_none() {
            let end = if remedy == Remedy::Decision {
                JobEnd::Refused(cause)
            } else if self.ending == Some(Ending::StopWithCheckpoint) {
                JobEnd::Stopped
            } else {
                JobEnd::Failed(cause)
            };
            self.end(end);
        }
    }

    fn stop(&mut self, region: usize, after: AfterStop) {
        self.regions[region].phase = Phase::Stopping(after);
        self.commands.push_back(Command::StopRegion { region });
    }

    fn on_stopped(&mut self, region: usize) {
        let state = &mut self.regions[region];
        let Phase::Stopping(after) = &state.phase else { return };
        state.phase = match after {
            AfterStop::RestartAt(at) => Phase::Waiting(*at),
            AfterStop::Stay => Phase::Stopped,
        };
        state.attempt += 1;
        state.drained.clear();
        if matches!(state.phase, Phase::Waiting(_)) {
            self.restarts += 1;
        }
    }

    fn on_ack(&mut self, subtask: SubtaskId, id: CheckpointId, part: SubtaskPart, now: Timestamp) {
        match self.coordinator.on_ack(subtask, id, part, now) {
            AckOutcome::Noted => {}
            AckOutcome::AuditBroken(why) => {
                self.audit_broken = true;
                self.commands.push_back(Command::Say(Notice::AuditBroken(why.clone())));
                for region in 0..self.regions.len() {
                    let failure = Failure::of_the_job(format!("audit broken: {why}"));
                    self.on_failed(region, failure, Remedy::Restart, now);
                }
            }
            AckOutcome::Complete(done) => {
                let manifest = Arc::new(Manifest {
                    id: done.id,
                    predecessor: None,
                    run: self.run,
                    kind: ManifestKind::Checkpoint,
                    job: self.identity.clone(),
                    written_at: now,
                    parts: done.parts,
                    committables: done.committables,
                    committed_rows: done.committed_rows,
                    passed_over: Vec::new(),
                });
                self.write(manifest, done.kind, done.started);
            }
        }
    }

    fn write(&mut self, manifest: Arc<Manifest>, kind: BarrierKind, started: Timestamp) {
        self.commands.push_back(Command::WriteManifest(Arc::clone(&manifest)));
        self.writing = Some((manifest, kind, started));
    }

    fn on_manifest(&mut self, outcome: ManifestOutcome, now: Timestamp) {
        let Some((manifest, kind, started)) = self.writing.take() else { return };
        match outcome {
            ManifestOutcome::Durable => {
                if manifest.kind == ManifestKind::Finished {
                    return self.end(JobEnd::Finished);
                }
                self.coordinator.on_completed();
                let duration_ms = now.since(started);
                let notice = Notice::CheckpointCompleted { id: manifest.id, duration_ms };
                self.commands.push_back(Command::Say(notice));
                let committables = manifest.committables.clone();
                self.latest = Some(manifest);
                self.committing = Some((committables.clone(), kind));
                self.commands.push_back(Command::Commit(committables));
            }
            ManifestOutcome::NotWritten(cause) => {
                let go_on = self.coordinator.on_manifest_failed();
                self.checkpoint_failed(manifest.id, &cause, go_on);
            }
            ManifestOutcome::Lost(cause) => self.end(JobEnd::Failed(cause)),
        }
    }

    fn on_committed(&mut self, result: Result<(), Failure>, now: Timestamp) {
        let Some((committables, kind)) = self.committing.take() else { return };
        match result {
            Ok(()) => {
                self.coordinator.on_committed(&committables);
                match kind {
                    BarrierKind::Periodic => {}
                    BarrierKind::Stop => self.end(JobEnd::Stopped),
                    BarrierKind::Final => self.finish(now),
                }
            }
            Err(Failure { node, cause }) => {
                let sinks: BTreeSet<&String> = committables.iter().map(|c| &c.sink).collect();
                let hit = |region: &Region| region.sinks.iter().any(|sink| sinks.contains(sink));
                let regions: Vec<usize> =
                    (0..self.regions.len()).filter(|&region| hit(&self.regions[region])).collect();
                for region in regions {
                    let (node, cause) = (node.clone(), format!("commit failed: {cause}"));
                    self.on_failed(region, Failure { node, cause }, Remedy::Restart, now);
                }
            }
        }
    }

    /// The last checkpoint is complete and committed: say so for ever.
    fn finish(&mut self, now: Timestamp) {
        let manifest = Manifest {
            id: self.coordinator.take_id(),
            predecessor: None,
            run: self.run,
            kind: ManifestKind::Finished,
            job: self.identity.clone(),
            written_at: now,
            parts: Vec::new(),
            committables: Vec::new(),
            committed_rows: BTreeMap::new(),
            passed_over: Vec::new(),
        };
        self.write(Arc::new(manifest), BarrierKind::Final, now);
    }

    fn on_stop_requested(&mut self) {
        if self.ending.is_some() {
            return;
        }
        if self.config.drain_on_stop {
            self.draining = true;
            self.commands.push_back(Command::DrainSources);
        } else if self.all_running() {
            self.ending = Some(Ending::StopWithCheckpoint);
        } else {
            self.end(JobEnd::Stopped);
        }
    }

    fn give_up_checkpoint(&mut self, cause: &str) {
        if let Some((id, go_on)) = self.coordinator.abort() {
            self.commands.push_back(Command::Aborted(id));
            self.checkpoint_failed(id, cause, go_on);
        }
    }

    fn checkpoint_failed(&mut self, id: CheckpointId, cause: &str, go_on: bool) {
        let notice = Notice::CheckpointFailed { id, cause: cause.to_owned() };
        self.commands.push_back(Command::Say(notice));
        if !go_on {
            let end = if self.ending == Some(Ending::StopWithCheckpoint) {
                JobEnd::Stopped
            } else {
                JobEnd::Failed(format!("too many checkpoints failed in a row, the last: {cause}"))
            };
            self.end(end);
        }
    }

    fn end(&mut self, end: JobEnd) {
        if !matches!(self.ending, Some(Ending::Now(_))) {
            self.ending = Some(Ending::Now(end));
        }
    }

    /// Stops every region, and ends when all have stopped and nothing is in flight.
    fn wind_up(&mut self, settled: bool) {
        for region in 0..self.regions.len() {
            match self.regions[region].phase {
                Phase::Starting | Phase::Running => self.stop(region, AfterStop::Stay),
                Phase::Stopping(AfterStop::RestartAt(_)) => {
                    self.regions[region].phase = Phase::Stopping(AfterStop::Stay);
                }
                Phase::Waiting(_) => self.regions[region].phase = Phase::Stopped,
                Phase::Stopping(AfterStop::Stay) | Phase::Stopped => {}
            }
        }
        let stopped = self.regions.iter().all(|region| region.phase == Phase::Stopped);
        if stopped
            && settled
            && let Some(Ending::Now(end)) = self.ending.take()
        {
            self.ended = true;
            self.commands.push_back(Command::End(end));
        }
    }

    /// Whether no manifest write and no commit is in flight.
    const fn is_settled(&self) -> bool {
        self.writing.is_none() && self.committing.is_none()
    }

    fn all_running(&self) -> bool {
        self.regions.iter().all(|region| region.phase == Phase::Running)
    }

    fn is_current(&self, subtask: SubtaskId, attempt: u32) -> bool {
        let region = &self.regions[self.region_of[&subtask.vertex]];
        region.attempt == attempt && matches!(region.phase, Phase::Starting | Phase::Running)
    }
}

#[cfg(test)]
mod tests;
