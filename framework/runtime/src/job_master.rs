//! The job master as an actor: carries out what its pure machine ([`JobMaster`]) commands.
//!
//! It lives on an arbiter of its own, so that no flood of data can delay a checkpoint, a restart or a
//! stop. Everything it decides, it decides in the machine; here is only the doing.

use crate::clock;
use crate::limits::{CANCEL_TIMEOUT, COMMIT_PAUSE, COMMIT_TRIES, SETTLE_TRIES};
use crate::mailbox::{Abandoned, Drain, Run, Stop, SubtaskStopped, Tell, Trigger, Wiring};
use crate::region::{BuildError, Builder, Built};
use crate::stats::Stats;
use crate::subtask_actor::{SubtaskActor, Surroundings};
use actix::prelude::*;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tidegate_core::build::TaskSettings;
use tidegate_core::committers::Committers;
use tidegate_core::master::{Command, Event, Failure, JobEnd, JobMaster, ManifestOutcome, Notice};
use tidegate_core::plan::{Plan, SubtaskId};
use tidegate_core::snapshot::{Committable, Manifest};
use tidegate_state::manifest_log::Settled;
use tidegate_state::upload::{Uploader, describe};
use tidegate_state::{ManifestLog, Retention};
use tokio::sync::oneshot;

/// What the master's shell works with.
pub struct Office {
    /// What is to run.
    pub plan: Arc<Plan>,
    /// Builds regions.
    pub builder: Builder,
    /// What is the same for all attempts of all tasks.
    pub settings: TaskSettings,
    /// The chain of manifests.
    pub log: Arc<Mutex<ManifestLog>>,
    /// Collects garbage.
    pub retention: Arc<Mutex<Retention>>,
    /// The arbiters that subtasks run on.
    pub slots: Vec<ArbiterHandle>,
    /// Counters.
    pub stats: Stats,
    /// Where the end is reported.
    pub ended: Option<oneshot::Sender<JobEnd>>,
}

/// One region as the shell sees it.
#[derive(Default)]
struct RegionShell {
    attempt: u32,
    actors: BTreeMap<SubtaskId, Addr<SubtaskActor>>,
    building: bool,
    stop_wanted: bool,
}

/// The actor.
pub struct JobMasterActor {
    machine: JobMaster,
    office: Office,
    regions: Vec<RegionShell>,
    timer: Option<SpawnHandle>,
}

/// The user wants the job to stop.
#[derive(Message)]
#[rtype(result = "()")]
pub struct StopJob;

/// A region has been built, or could not be.
#[derive(Message)]
#[rtype(result = "()")]
struct RegionBuilt {
    region: usize,
    attempt: u32,
    result: Result<Vec<Built>, BuildError>,
}

/// Subtasks of a region are still there after they were told to stop.
#[derive(Message)]
#[rtype(result = "()")]
struct StopOverdue {
    region: usize,
    attempt: u32,
}

impl JobMasterActor {
    /// An actor for `machine`, which has commanded the start of every region already.
    #[must_use]
    pub fn new(machine: JobMaster, office: Office) -> Self {
        let regions = (0..office.plan.regions).map(|_| RegionShell::default()).collect();
        Self { machine, office, regions, timer: None }
    }

    fn feed(&mut self, event: Event, ctx: &mut Context<Self>) {
        let commands = self.machine.handle(event, clock::now());
        for command in commands {
            self.carry_out(command, ctx);
        }
        self.office.stats.job.restarts.set(self.machine.restarts().into());
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        if let Some(at) = self.machine.next_deadline() {
            let tick = |actor: &mut Self, ctx: &mut Context<Self>| actor.feed(Event::Tick, ctx);
            self.timer = Some(ctx.run_later(clock::until(at), tick));
        }
    }

    fn carry_out(&mut self, command: Command, ctx: &mut Context<Self>) {
        match command {
            Command::StartRegion { region, attempt, from } => {
                self.start(region, attempt, from, ctx);
            }
            Command::StopRegion { region } => self.stop(region, ctx),
            Command::Trigger(barrier) => self.to_sources(|actor| actor.do_send(Trigger(barrier))),
            Command::DrainSources => self.to_sources(|actor| actor.do_send(Drain)),
            Command::WriteManifest(manifest) => self.write_manifest(manifest, ctx),
            Command::Commit(committables) => self.commit(committables, ctx),
            Command::Aborted(checkpoint) => {
                tracing::debug!(checkpoint, "checkpoint given up");
            }
            Command::Say(notice) => self.say(notice),
            Command::End(end) => {
                if let Some(ended) = self.office.ended.take() {
                    // Nobody listens when the caller has gone: then there is nobody to tell.
                    drop(ended.send(end));
                }
                ctx.stop();
            }
        }
    }

    fn start(
        &mut self,
        region: usize,
        attempt: u32,
        from: Option<Arc<Manifest>>,
        ctx: &Context<Self>,
    ) {
        self.regions[region] = RegionShell { attempt, building: true, ..RegionShell::default() };
        let settings = TaskSettings { attempt, ..self.office.settings.clone() };
        let builder = self.office.builder.clone();
        let me = ctx.address();
        actix_rt::spawn(async move {
            let result = builder.build(region, settings, from).await;
            me.do_send(RegionBuilt { region, attempt, result });
        });
    }

    fn stop(&mut self, region: usize, ctx: &mut Context<Self>) {
        let shell = &mut self.regions[region];
        shell.stop_wanted = true;
        if shell.building {
            return;
        }
        if shell.actors.is_empty() {
            ctx.address().do_send(Tell(Event::RegionStopped { region }));
            return;
        }
        shell.actors.values().for_each(|actor| actor.do_send(Stop));
        let attempt = shell.attempt;
        ctx.notify_later(StopOverdue { region, attempt }, CANCEL_TIMEOUT);
    }

    fn to_sources(&self, tell: impl Fn(&Addr<SubtaskActor>)) {
        for (subtask, actor) in self.regions.iter().flat_map(|shell| &shell.actors) {
            if self.office.plan.is_source(subtask.vertex) {
                tell(actor);
            }
        }
    }

    /// Puts the built tasks into actors, wires them and lets them run.
    fn launch(&mut self, region: usize, attempt: u32, built: Vec<Built>, ctx: &mut Context<Self>) {
        let times = &self.office.stats.job.restart;
        times.built_at.set(self.office.stats.nanos());
        let slowest = |of: fn(&Built) -> Duration| {
            built.iter().map(of).max().map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(0))
        };
        times.read_ns.set(slowest(|built| built.reading));
        times.fill_ns.set(slowest(|built| built.filling));
        let mut actors = BTreeMap::new();
        for Built { subtask, task, chains, .. } in built {
            let plan = &self.office.plan;
            let uploader = Arc::new(Uploader {
                run: self.office.settings.run,
                attempt,
                vertex: plan.vertices[subtask.vertex].uid.clone(),
                index: subtask.index,
                max_parallelism: plan.max_parallelism,
            });
            let around = Surroundings {
                subtask,
                region,
                attempt,
                master: ctx.address(),
                pool: self.office.builder.pool.clone(),
                storage: Arc::clone(&self.office.builder.storage),
                uploader,
                chains,
                stats: self.office.stats.subtask(subtask),
            };
            // Subtask i of every operator lives on the same slot: a key's pipeline stays on one core.
            let slot = &self.office.slots[subtask.index as usize % self.office.slots.len()];
            let actor =
                SubtaskActor::start_in_arbiter(slot, move |_| SubtaskActor::new(around, task));
            actors.insert(subtask, actor);
        }
        for (&subtask, actor) in &actors {
            actor.do_send(Run(wiring(&self.office.plan, subtask, &actors)));
        }
        self.regions[region].actors = actors;
        self.feed(Event::RegionRunning { region, attempt }, ctx);
    }

    fn write_manifest(&self, manifest: Arc<Manifest>, ctx: &Context<Self>) {
        let (log, retention) = (Arc::clone(&self.office.log), Arc::clone(&self.office.retention));
        let (pool, me) = (self.office.builder.pool.clone(), ctx.address());
        actix_rt::spawn(async move {
            let writing = Arc::clone(&log);
            let outcome = pool.run(move || append(&writing, &manifest)).await;
            let outcome = outcome.unwrap_or_else(ManifestOutcome::Lost);
            let durable = outcome == ManifestOutcome::Durable;
            me.do_send(Tell(Event::ManifestSettled(outcome)));
            if durable {
                pool.detach(move || collect_garbage(&log, &retention));
            }
        });
    }

    fn commit(&self, committables: Vec<Committable>, ctx: &Context<Self>) {
        let committers = Arc::clone(&self.office.builder.committers);
        let (pool, me) = (self.office.builder.pool.clone(), ctx.address());
        actix_rt::spawn(async move {
            let result = match pool.run(move || commit_all(&committers, &committables)).await {
                Ok(result) => result,
                Err(panic) => Err(Failure::of_the_job(panic)),
            };
            me.do_send(Tell(Event::Committed { result }));
        });
    }

    fn say(&self, notice: Notice) {
        let job = &self.office.stats.job;
        match notice {
            Notice::CheckpointCompleted { id, duration_ms } => {
                tracing::info!(checkpoint = id, duration_ms, "checkpoint completed");
                let subtasks = self.office.stats.subtasks();
                job.last_bytes.set(subtasks.values().map(|s| s.checkpoint_bytes.get()).sum());
                job.checkpoints.add(1);
                job.last_checkpoint.set(id);
                job.last_duration_ms.set(u64::try_from(duration_ms).unwrap_or(0));
                job.last_completed_ms.set(u64::try_from(clock::now().millis()).unwrap_or(0));
            }
            Notice::CheckpointFailed { id, cause } => {
                tracing::warn!(checkpoint = id, cause, "checkpoint failed");
                job.checkpoints_failed.add(1);
            }
            Notice::RegionFailed { region, cause, restart_at } => match restart_at {
                Some(at) => {
                    job.restart.told_at.set(self.office.stats.nanos());
                    let delay_ms = at.since(clock::now()).max(0);
                    tracing::error!(
                        region,
                        delay_ms,
                        "{cause}; restarting from the last checkpoint"
                    );
                }
                None => tracing::error!(region, "{cause}"),
            },
            Notice::AuditBroken(why) => {
                tracing::error!("audit broken: {why}");
                job.audit_broken.set(1);
            }
        }
    }
}

/// The neighbours of `subtask`.
fn wiring(
    plan: &Plan,
    subtask: SubtaskId,
    actors: &BTreeMap<SubtaskId, Addr<SubtaskActor>>,
) -> Wiring {
    let vertex = &plan.vertices[subtask.vertex];
    let output = |(number, &edge): (usize, &usize)| {
        let spec = plan.output_spec(subtask, &plan.edges[edge]);
        let receiver = |to| {
            let target = plan.target(subtask, number, to);
            (actors[&target.subtask].clone(), target.channel)
        };
        (spec.first, (spec.first..spec.first + spec.receivers).map(receiver).collect())
    };
    let inputs = if plan.is_source(subtask.vertex) { Vec::new() } else { plan.inputs(subtask) };
    Wiring {
        outputs: vertex.outputs.iter().enumerate().map(output).collect(),
        inputs: inputs
            .into_iter()
            .map(|(_, origin)| (actors[&origin.subtask].clone(), origin.edge))
            .collect(),
    }
}

/// Appends a manifest and finds out what became of it; blocks.
fn append(log: &Mutex<ManifestLog>, manifest: &Manifest) -> ManifestOutcome {
    let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
    let error = match log.append(manifest.clone()) {
        Ok(()) => return ManifestOutcome::Durable,
        Err(error) => error,
    };
    if !log.is_uncertain() {
        return match error {
            tidegate_state::LogError::Storage(_) => ManifestOutcome::NotWritten(describe(&error)),
            fenced => ManifestOutcome::Lost(describe(&fenced)),
        };
    }
    for _ in 0..SETTLE_TRIES {
        match log.settle(clock::now()) {
            Ok(Some(Settled::Written(id))) if id == manifest.id => return ManifestOutcome::Durable,
            Ok(_) => return ManifestOutcome::NotWritten(describe(&error)),
            Err(again) => tracing::warn!(error = %again, "a manifest's fate is not known yet"),
        }
    }
    ManifestOutcome::Lost(format!(
        "it is not known whether checkpoint {} was written ({}); start the job again to go on",
        manifest.id,
        describe(&error)
    ))
}

fn collect_garbage(log: &Mutex<ManifestLog>, retention: &Mutex<Retention>) {
    let mut retention = retention.lock().unwrap_or_else(PoisonError::into_inner);
    let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
    // Blobs of the checkpoint in flight were never named by a manifest, so they are not candidates.
    match retention.collect(&mut log, &|_| false) {
        Ok(swept) => tracing::debug!(?swept, "old checkpoints removed"),
        Err(error) => tracing::warn!(error = %describe(&error), "old checkpoints not removed yet"),
    }
}

/// Commits, trying several times; blocks.
fn commit_all(committers: &Committers, committables: &[Committable]) -> Result<(), Failure> {
    let mut pause = COMMIT_PAUSE;
    for attempt in 1.. {
        let Err(error) = committers.commit(committables) else { break };
        let why = describe(&error);
        if attempt >= COMMIT_TRIES {
            return Err(Failure::of(&error.sink, why));
        }
        tracing::warn!(sink = error.sink, attempt, why, "commit failed, trying again");
        std::thread::sleep(pause);
        pause *= 2;
    }
    Ok(())
}

impl Actor for JobMasterActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.feed(Event::Tick, ctx);
    }
}

impl Handler<Tell> for JobMasterActor {
    type Result = ();

    fn handle(&mut self, Tell(event): Tell, ctx: &mut Self::Context) {
        self.feed(event, ctx);
    }
}

impl Handler<StopJob> for JobMasterActor {
    type Result = ();

    fn handle(&mut self, _: StopJob, ctx: &mut Self::Context) {
        self.feed(Event::StopRequested, ctx);
    }
}

impl Handler<Abandoned> for JobMasterActor {
    type Result = ();

    fn handle(&mut self, Abandoned { checkpoint, names }: Abandoned, _ctx: &mut Self::Context) {
        let retention = Arc::clone(&self.office.retention);
        self.office.builder.pool.detach(move || {
            let mut retention = retention.lock().unwrap_or_else(PoisonError::into_inner);
            retention.abandon(checkpoint, names);
        });
    }
}

impl Handler<SubtaskStopped> for JobMasterActor {
    type Result = ();

    fn handle(&mut self, stopped: SubtaskStopped, ctx: &mut Self::Context) {
        let region = self.office.plan.vertices[stopped.subtask.vertex].region;
        let shell = &mut self.regions[region];
        if shell.attempt == stopped.attempt {
            shell.actors.remove(&stopped.subtask);
            if shell.actors.is_empty() {
                self.office.stats.job.restart.stopped(self.office.stats.nanos());
                self.feed(Event::RegionStopped { region }, ctx);
            }
        }
    }
}

impl Handler<RegionBuilt> for JobMasterActor {
    type Result = ();

    fn handle(&mut self, built: RegionBuilt, ctx: &mut Self::Context) {
        let RegionBuilt { region, attempt, result } = built;
        let shell = &mut self.regions[region];
        shell.building = false;
        if shell.stop_wanted {
            // Tasks may block while they are dropped; the region is stopped when they are gone.
            let (pool, me) = (self.office.builder.pool.clone(), ctx.address());
            actix_rt::spawn(async move {
                if let Err(panic) = pool.run(move || drop(result)).await {
                    tracing::warn!(%panic, "an operator failed while it was dropped");
                }
                me.do_send(Tell(Event::RegionStopped { region }));
            });
            return;
        }
        match result {
            Ok(tasks) => self.launch(region, attempt, tasks, ctx),
            Err(BuildError { failure, remedy }) => {
                self.feed(Event::Failed { region, attempt, failure, remedy }, ctx);
            }
        }
    }
}

impl Handler<StopOverdue> for JobMasterActor {
    type Result = ();

    /// A subtask that cannot be stopped may still write: the process must not go on beside it.
    fn handle(&mut self, overdue: StopOverdue, _ctx: &mut Self::Context) {
        let shell = &self.regions[overdue.region];
        if shell.attempt != overdue.attempt || shell.actors.is_empty() {
            return;
        }
        let name = |subtask: &SubtaskId| {
            let uid = &self.office.plan.vertices[subtask.vertex].uid;
            format!("{uid} subtask {}", subtask.index)
        };
        let names: Vec<String> = shell.actors.keys().map(name).collect();
        let seconds = CANCEL_TIMEOUT.as_secs();
        eprintln!(
            "error: {} did not stop within {seconds} s, so the process ends; \
             start it again on the same state folder to go on from the last checkpoint",
            names.join(", ")
        );
        std::process::exit(1);
    }
}
