//! One subtask as an actor: the thin shell that feeds a [`Task`].
//!
//! Handlers only enqueue. The work is done by one future of the actor, a bounded step at a time, after
//! which the arbiter's other actors have their turn. A panic or an error drops the task; the shell
//! stays, and answers only `Stop`.

mod storing;

use crate::blocking::BlockingPool;
use crate::job_master::JobMasterActor;
use crate::limits::SURVEY_EVERY_MS;
use crate::mailbox::{
    Credit, Deliver, Drain, Released, Run, Stop, SubtaskStopped, Tell, Trigger, Wiring,
};
use crate::stats::{Gauges, SubtaskStats};
use crate::{clock, panics};
use actix::prelude::*;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as PollContext, Poll, Waker};
use std::time::{Duration, Instant};
use tidegate_core::chain::Phase;
use tidegate_core::element::Element;
use tidegate_core::master::{Event, Failure, Remedy};
use tidegate_core::output::Transport;
use tidegate_core::plan::SubtaskId;
use tidegate_core::task::{Capture, StepOutcome, Task, TaskPort};
use tidegate_core::time::Timestamp;
use tidegate_state::CheckpointStorage;
use tidegate_state::upload::{Begun, Chains, Uploader, describe};
use tokio::time::Sleep;

/// What a subtask needs beside its task.
pub struct Surroundings {
    /// Who it is.
    pub subtask: SubtaskId,
    /// Its region.
    pub region: usize,
    /// Its attempt.
    pub attempt: u32,
    /// The job master.
    pub master: Addr<JobMasterActor>,
    /// For calls that block.
    pub pool: BlockingPool,
    /// Where its state goes.
    pub storage: Arc<dyn CheckpointStorage>,
    /// How its blobs are named.
    pub uploader: Arc<Uploader>,
    /// Its blob chains; shared with the upload under way.
    pub chains: Arc<Mutex<Chains>>,
    /// Its counters.
    pub stats: Arc<SubtaskStats>,
}

/// The actor of one subtask in one attempt.
pub struct SubtaskActor {
    around: Surroundings,
    /// `None` before it is built up and after it has failed or stopped.
    task: Option<Task>,
    wiring: Option<Wiring>,
    waiting_uploads: VecDeque<(Capture, Begun)>,
    /// Its chains are being written to or merged.
    storing: bool,
    stopping: bool,
    released: bool,
    watch: Stopwatch,
}

impl SubtaskActor {
    /// An actor that begins when it is told to run.
    #[must_use]
    pub fn new(around: Surroundings, task: Task) -> Self {
        Self {
            around,
            task: Some(task),
            wiring: None,
            waiting_uploads: VecDeque::new(),
            storing: false,
            stopping: false,
            released: false,
            watch: Stopwatch::new(),
        }
    }

    /// One step of the task; says when the next is due, `None` when a message must come first.
    fn step(&mut self, waker: &Waker, ctx: &mut Context<Self>) -> Option<NextStep> {
        let (task, wiring) = (self.task.as_mut()?, self.wiring.as_ref()?);
        let now = clock::now();
        self.watch.begin(&self.around.stats);
        let mut port = Port {
            attempt: self.around.attempt,
            index: self.around.subtask.index,
            wiring,
            chains: &self.around.chains,
            stats: &self.around.stats,
            captured: Vec::new(),
            drained: false,
        };
        let result = panics::catch(|| task.step(now, waker, &mut port));
        let Port { captured, drained, .. } = port;
        let outcome = match result {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => {
                let cause = describe(error.cause.as_ref());
                self.fail(&error.operator, error.phase, &cause, ctx);
                return None;
            }
            Err(panic) => {
                let (operator, phase) = task.active();
                self.fail(&operator, phase, &panic, ctx);
                return None;
            }
        };
        self.watch.end(outcome, task, &self.around.stats);
        if drained || self.watch.is_survey_due(now) {
            survey(task, &self.around.stats);
        }
        self.waiting_uploads.extend(captured);
        self.start_upload(ctx);
        if drained {
            let Surroundings { subtask, attempt, .. } = self.around;
            self.tell(Event::Drained { subtask, attempt });
        }
        Some(match outcome {
            StepOutcome::More => NextStep::Now,
            StepOutcome::Idle(Some(at)) | StepOutcome::Waiting(Some(at)) => NextStep::At(at),
            StepOutcome::Idle(None) | StepOutcome::Backpressured | StepOutcome::Waiting(None) => {
                NextStep::WhenWoken
            }
        })
    }

    fn fail(&mut self, operator: &str, phase: Phase, cause: &str, ctx: &Context<Self>) {
        let Surroundings { subtask, region, attempt, .. } = self.around;
        let cause = format!(
            "operator {operator}, subtask {}, attempt {attempt}, while {phase}: {cause}",
            subtask.index
        );
        let node = phase.is_of_an_operator().then(|| operator.to_owned());
        let failure = Failure { node, cause };
        self.tell(Event::Failed { region, attempt, failure, remedy: Remedy::Restart });
        self.release(ctx);
    }

    /// Drops the task where dropping may block.
    fn release(&mut self, ctx: &Context<Self>) {
        let Some(task) = self.task.take() else { return };
        let (pool, me) = (self.around.pool.clone(), ctx.address());
        actix_rt::spawn(async move {
            if let Err(panic) = pool.run(move || drop(task)).await {
                tracing::warn!(%panic, "an operator failed while it was dropped");
            }
            me.do_send(Released);
        });
    }

    fn stop_when_free(&self, ctx: &mut Context<Self>) {
        if self.stopping && self.released && !self.storing {
            let Surroundings { subtask, attempt, .. } = self.around;
            self.around.master.do_send(SubtaskStopped { subtask, attempt });
            ctx.stop();
        }
    }

    fn tell(&self, event: Event) {
        self.around.master.do_send(Tell(event));
    }
}

fn lock(chains: &Mutex<Chains>) -> std::sync::MutexGuard<'_, Chains> {
    // A panic while the lock was held has failed the subtask already.
    chains.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Actor for SubtaskActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.spawn(StepLoop { sleep: None });
    }
}

impl Handler<Deliver> for SubtaskActor {
    type Result = ();

    fn handle(&mut self, message: Deliver, _ctx: &mut Self::Context) {
        if let Some(task) = self.task.as_mut()
            && message.attempt == self.around.attempt
        {
            if matches!(message.element, Element::Batch(_)) {
                self.around.stats.batches_in.add(1);
            }
            task.enqueue(message.channel, message.element);
        }
    }
}

impl Handler<Credit> for SubtaskActor {
    type Result = ();

    fn handle(&mut self, message: Credit, _ctx: &mut Self::Context) {
        if let Some(task) = self.task.as_mut()
            && message.attempt == self.around.attempt
        {
            task.credit(message.edge, message.to);
        }
    }
}

impl Handler<Run> for SubtaskActor {
    type Result = ();

    fn handle(&mut self, Run(wiring): Run, _ctx: &mut Self::Context) {
        self.wiring = Some(wiring);
    }
}

impl Handler<Trigger> for SubtaskActor {
    type Result = ();

    fn handle(&mut self, Trigger(barrier): Trigger, _ctx: &mut Self::Context) {
        if let Some(task) = self.task.as_mut() {
            task.trigger(barrier);
        }
    }
}

impl Handler<Drain> for SubtaskActor {
    type Result = ();

    fn handle(&mut self, _: Drain, _ctx: &mut Self::Context) {
        if let Some(task) = self.task.as_mut() {
            task.drain();
        }
    }
}

impl Handler<Stop> for SubtaskActor {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Self::Context) {
        self.stopping = true;
        self.waiting_uploads.clear();
        self.wiring = None;
        self.release(ctx);
        self.stop_when_free(ctx);
    }
}

impl Handler<Released> for SubtaskActor {
    type Result = ();

    fn handle(&mut self, _: Released, ctx: &mut Self::Context) {
        self.released = true;
        self.stop_when_free(ctx);
    }
}

/// When the next step is due.
enum NextStep {
    Now,
    At(Timestamp),
    WhenWoken,
}

/// Steps the task whenever the actor is polled: after the mailbox has been drained, once.
struct StepLoop {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl ActorFuture<SubtaskActor> for StepLoop {
    type Output = ();

    fn poll(
        mut self: Pin<&mut Self>,
        actor: &mut SubtaskActor,
        ctx: &mut Context<SubtaskActor>,
        poll: &mut PollContext<'_>,
    ) -> Poll<()> {
        self.sleep = None;
        match actor.step(poll.waker(), ctx) {
            Some(NextStep::Now) => poll.waker().wake_by_ref(),
            Some(NextStep::At(at)) => {
                let wait = clock::until(at).max(Duration::from_millis(1));
                let mut sleep = Box::pin(tokio::time::sleep(wait));
                if sleep.as_mut().poll(poll).is_ready() {
                    poll.waker().wake_by_ref();
                }
                self.sleep = Some(sleep);
            }
            Some(NextStep::WhenWoken) | None => {}
        }
        Poll::Pending
    }
}

/// The task's way out during a step.
struct Port<'a> {
    attempt: u32,
    index: u32,
    wiring: &'a Wiring,
    chains: &'a Mutex<Chains>,
    stats: &'a SubtaskStats,
    captured: Vec<(Capture, Begun)>,
    drained: bool,
}

impl Transport for Port<'_> {
    fn send(&mut self, edge: usize, to: u32, element: Element) {
        if matches!(element, Element::Batch(_)) {
            self.stats.batches_out.add(1);
        }
        let (first, receivers) = &self.wiring.outputs[edge];
        let (address, channel) = &receivers[(to - first) as usize];
        address.do_send(Deliver { attempt: self.attempt, channel: *channel, element });
    }
}

impl TaskPort for Port<'_> {
    fn credit(&mut self, channel: usize) {
        let (address, edge) = &self.wiring.inputs[channel];
        address.do_send(Credit { attempt: self.attempt, edge: *edge, to: self.index });
    }

    fn wants_base(&mut self, operator: &str, state: &str, entries: u64) -> bool {
        lock(self.chains).begin(operator, state, entries)
    }

    fn captured(&mut self, capture: Capture) {
        // At once: a step may pass two barriers, and each capture has its own.
        self.captured.push((capture, lock(self.chains).take_begun()));
    }

    fn drained(&mut self) {
        self.drained = true;
    }
}

/// Where a subtask's time goes.
struct Stopwatch {
    last: Instant,
    /// What it was doing since then.
    last_outcome: StepOutcome,
    aligning_since: Option<Instant>,
    surveyed: Timestamp,
    published: Instant,
}

/// Totals are published at most so often while the task is busy.
const PUBLISH_EVERY: Duration = Duration::from_millis(20);

impl Stopwatch {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            last: now,
            last_outcome: StepOutcome::Idle(None),
            aligning_since: None,
            surveyed: Timestamp::MIN,
            published: now,
        }
    }

    fn begin(&mut self, stats: &SubtaskStats) {
        let now = Instant::now();
        let waited = nanos(now - self.last);
        match self.last_outcome {
            StepOutcome::More => {}
            StepOutcome::Idle(_) => stats.idle_ns.add(waited),
            StepOutcome::Backpressured => stats.backpressured_ns.add(waited),
            // Who waits for the outside is busy: it is the slow one, not what is behind it.
            StepOutcome::Waiting(_) => stats.busy_ns.add(waited),
        }
        self.last = now;
    }

    fn end(&mut self, outcome: StepOutcome, task: &Task, stats: &SubtaskStats) {
        let now = Instant::now();
        let worked = nanos(now - self.last);
        stats.busy_ns.add(worked);
        stats.slowest_step_ns.raise(worked);
        self.last = now;
        self.last_outcome = outcome;
        stats.emitted.set(task.emitted());
        stats.set_watermark(task.gate().watermark());
        match (task.gate().is_aligning(), self.aligning_since) {
            (true, None) => self.aligning_since = Some(now),
            (false, Some(since)) => {
                stats.alignment_ns.set(nanos(now - since));
                self.aligning_since = None;
            }
            _ => {}
        }
        if outcome != StepOutcome::More || now - self.published >= PUBLISH_EVERY {
            self.published = now;
            stats.set_totals(task.totals());
            let (used, total) = task.credit_use();
            stats.credits_used.set(used.into());
            stats.credits_total.set(total.into());
        }
    }

    /// Whether it is time to look at what is dearer to look at; says so once.
    fn is_survey_due(&mut self, wall: Timestamp) -> bool {
        let is_due = wall.since(self.surveyed) >= SURVEY_EVERY_MS;
        if is_due {
            self.surveyed = wall;
        }
        is_due
    }
}

/// Looks at what holds event time back, at the size of state, and at the operators' own figures.
fn survey(task: &mut Task, stats: &SubtaskStats) {
    let holder = task.gate().holding_back();
    stats.set_holding_back(holder.map(|channel| (channel.edge.clone(), channel.from)));
    let mut entries = 0;
    task.state_entries(&mut |_, _, n| entries += n);
    stats.state_entries.set(entries);
    let mut gauges = Gauges::new();
    task.gauges(&mut |operator, name, value| {
        gauges.entry(operator.to_owned()).or_default().insert(name, value);
    });
    stats.set_gauges(gauges);
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
