//! A job under watch: set to a rate, looked at once a millisecond, and judged by its counters.
//!
//! The only file of the command that knows the running job and the clock.

use super::judge::{Seen, Vertex};
use super::latency::{Latencies, Percentiles};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tidegate::core::master::JobEnd;
use tidegate::core::operator::BoxError;
use tidegate::core::plan::SubtaskId;
use tidegate::core::time::Timestamp;
use tidegate::runtime::JobReport;
use tidegate::runtime::stats::SubtaskStats;
use tidegate::{Interrupt, Running};

/// How often the job is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// The share of a step that passes before it is looked at: what the rate before has left.
const WARM_UP_SHARE: f64 = 0.2;

/// The last share of a step, in which the least lateness counts.
const LAST_SHARE: f64 = 0.2;

/// How long channels may take to run empty after too high a rate; one operator that holds a record longer than that has
/// shown how slow it is.
const DRAIN_MAX: Duration = Duration::from_secs(30);

/// How long a job may take to stop; then it is left behind.
const STOP_MAX: Duration = Duration::from_secs(10);

/// A job, with what is looked at.
pub(super) struct Watch {
    running: Running,
    interrupt: Interrupt,
    subtasks: Vec<(SubtaskId, Arc<SubtaskStats>)>,
    /// Of the sources, of all operators behind which there is none.
    sources: Vec<Arc<SubtaskStats>>,
    ends: Vec<Arc<SubtaskStats>>,
}

/// A step that is over.
pub(super) struct Step {
    pub(super) seen: Seen,
    pub(super) latencies: Percentiles,
    /// Where event time is made behind the sources: the first operators that see it.
    pub(super) timed_from: Vec<String>,
    /// Seconds of event time per second; `None` where there is no event time.
    pub(super) event_time: Option<f64>,
    /// Sources that have ended: their share of the rate was not offered.
    pub(super) ended_sources: usize,
    /// Checkpoints completed, and given up.
    pub(super) checkpoints: (u64, u64),
}

/// A job that has ended in the middle of a step.
pub(super) enum Over {
    /// It has read all its input.
    Ended,
    /// It has failed.
    Failed(String),
    /// Somebody has asked to stop; the job runs on.
    Interrupted,
}

/// Where a subtask's counters stand.
#[derive(Clone, Copy, Default)]
struct Reading {
    emitted: u64,
    busy_ns: u64,
    backpressured_ns: u64,
}

impl Reading {
    fn of(stats: &SubtaskStats) -> Self {
        Self {
            emitted: stats.emitted.get(),
            busy_ns: stats.busy_ns.get(),
            backpressured_ns: stats.backpressured_ns.get(),
        }
    }
}

/// How much a step has shown so far.
struct Looks {
    started: Instant,
    rate: f64,
    before: Vec<Reading>,
    emitted: Vec<u64>,
    late: Duration,
    /// Per subtask: the sum of how full its channels were.
    full: Vec<f64>,
    looks: u64,
    latencies: Latencies,
    /// The vertices at which event time is seen first, and their subtasks.
    origins: Vec<usize>,
    origin: Vec<Arc<SubtaskStats>>,
}

impl Watch {
    /// Watches a job that was started at rate 0, until somebody asks to stop.
    pub(super) fn new(running: Running, interrupt: Interrupt) -> Self {
        let plan = running.plan();
        let (mut subtasks, mut sources, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for (vertex, planned) in plan.vertices.iter().enumerate() {
            for index in 0..planned.parallelism {
                let id = SubtaskId { vertex, index };
                let stats = running.stats().subtask(id);
                if plan.is_source(vertex) {
                    sources.push(Arc::clone(&stats));
                }
                if planned.outputs.is_empty() {
                    ends.push(Arc::clone(&stats));
                }
                subtasks.push((id, stats));
            }
        }
        Self { running, interrupt, subtasks, sources, ends }
    }

    /// Runs at a rate, in records per second of all sources together, for so long; `look` is told now and then how long.
    pub(super) fn step(
        &self,
        rate: f64,
        span: Duration,
        look: &mut dyn FnMut(Duration),
    ) -> Result<Result<Step, Over>, BoxError> {
        self.running.rate().set(rate);
        let warm_up = Instant::now();
        while warm_up.elapsed() < span.mul_f64(WARM_UP_SHARE) {
            if let Some(over) = self.wait()? {
                return Ok(Err(over));
            }
        }
        let job = &self.running.stats().job;
        let checkpoints = || (job.checkpoints.get(), job.checkpoints_failed.get());
        let mut looks = self.begin(rate);
        let (taken, from) = (checkpoints(), event_time(&looks.origin));
        let mut told = Instant::now();
        while looks.started.elapsed() < span {
            if let Some(over) = self.wait()? {
                return Ok(Err(over));
            }
            self.look(&mut looks, span);
            if told.elapsed() > Duration::from_millis(200) {
                told = Instant::now();
                look(looks.started.elapsed());
            }
        }
        let (until, now) = (event_time(&looks.origin), checkpoints());
        let seconds = looks.started.elapsed().as_secs_f64();
        let event_time =
            from.zip(until).map(|(from, until)| until.since(from) as f64 / 1e3 / seconds);
        let ended_sources = self.sources.iter().filter(|stats| has_ended(stats)).count();
        let seen = self.seen(&looks);
        let timed_from = self.timed_from(&looks.origins);
        let latencies = looks.latencies.end(looks.started.elapsed());
        let checkpoints = (now.0 - taken.0, now.1 - taken.1);
        Ok(Ok(Step { seen, latencies, timed_from, event_time, ended_sources, checkpoints }))
    }

    /// Waits until the next look, unless there is none.
    fn wait(&self) -> Result<Option<Over>, BoxError> {
        if self.interrupt.exit_code().is_some() {
            return Ok(Some(Over::Interrupted));
        }
        Ok(self.running.wait(LOOK_EVERY)?.map(over))
    }

    /// Lets nothing through until the channels are empty, as far as that comes.
    pub(super) fn drain(&self) -> Result<Result<(), Over>, BoxError> {
        self.running.rate().set(0.0);
        let started = Instant::now();
        let mut empty = 0;
        // Empty for a while: what has just left one channel may not have reached the next.
        while empty < 100 && started.elapsed() < DRAIN_MAX {
            if let Some(over) = self.wait()? {
                return Ok(Err(over));
            }
            let used = self.subtasks.iter().any(|(_, stats)| stats.credits_used.get() > 0);
            empty = if used { 0 } else { empty + 1 };
        }
        Ok(Ok(()))
    }

    /// Stops the job, whatever it has to say.
    pub(super) fn stop(self) {
        self.running.rate().set(0.0);
        drop(self.running.stop(STOP_MAX));
    }

    fn begin(&self, rate: f64) -> Looks {
        let origins = self.origins();
        let before: Vec<Reading> =
            self.subtasks.iter().map(|(_, stats)| Reading::of(stats)).collect();
        Looks {
            started: Instant::now(),
            rate,
            before,
            emitted: self.sources.iter().map(|stats| stats.emitted.get()).collect(),
            late: Duration::MAX,
            full: vec![0.0; self.subtasks.len()],
            looks: 0,
            latencies: Latencies::default(),
            origin: origins.iter().flat_map(|vertex| self.of(*vertex)).collect(),
            origins,
        }
    }

    /// The subtasks of a vertex.
    fn of(&self, vertex: usize) -> Vec<Arc<SubtaskStats>> {
        let own = self.subtasks.iter().filter(|(id, _)| id.vertex == vertex);
        own.map(|(_, stats)| Arc::clone(stats)).collect()
    }

    /// The vertices that have event time while none that feeds them has.
    fn origins(&self) -> Vec<usize> {
        let plan = self.running.plan();
        let timed: Vec<bool> =
            (0..plan.vertices.len()).map(|at| least(&self.of(at)) > Timestamp::MIN).collect();
        let is_fed =
            |at: usize| plan.vertices[at].inputs.iter().any(|edge| timed[plan.edges[*edge].from]);
        (0..plan.vertices.len()).filter(|&at| timed[at] && !is_fed(at)).collect()
    }

    /// The names of those that are no sources.
    fn timed_from(&self, origins: &[usize]) -> Vec<String> {
        let plan = self.running.plan();
        let behind = origins.iter().filter(|at| !plan.is_source(**at));
        behind.map(|at| plan.vertices[*at].uid.clone()).collect()
    }

    fn look(&self, looks: &mut Looks, span: Duration) {
        let now = looks.started.elapsed();
        let late = self.late(looks, now);
        if now >= span.mul_f64(1.0 - LAST_SHARE) {
            looks.late = looks.late.min(late);
        }
        for (full, (_, stats)) in looks.full.iter_mut().zip(&self.subtasks) {
            let credits = stats.credits_total.get();
            if credits > 0 {
                *full += stats.credits_used.get() as f64 / credits as f64;
            }
        }
        looks.looks += 1;
        let passed = least(&self.ends);
        looks.latencies.look(now, least(&looks.origin), late, passed);
    }

    /// By how much the source that is furthest behind its schedule reads too late.
    fn late(&self, looks: &Looks, now: Duration) -> Duration {
        let rate = looks.rate / self.sources.len().max(1) as f64;
        let late = self.sources.iter().zip(&looks.emitted).filter(|(stats, _)| !has_ended(stats));
        let late = late.map(|(stats, before)| {
            let emitted = stats.emitted.get().saturating_sub(*before) as f64;
            now.as_secs_f64() - emitted / rate
        });
        Duration::try_from_secs_f64(late.fold(0.0, f64::max)).unwrap_or_default()
    }

    fn seen(&self, looks: &Looks) -> Seen {
        let plan = self.running.plan();
        let seconds = looks.started.elapsed().as_secs_f64();
        let mut vertices: Vec<Vertex> = plan
            .vertices
            .iter()
            .map(|vertex| Vertex {
                operators: vertex
                    .nodes
                    .iter()
                    .map(|node| plan.graph.nodes[*node].uid.clone())
                    .collect(),
                inputs: vertex.inputs.iter().map(|edge| plan.edges[*edge].from).collect(),
                parallelism: vertex.parallelism,
                ..Vertex::default()
            })
            .collect();
        let mut emitted = 0;
        for (at, (id, stats)) in self.subtasks.iter().enumerate() {
            let (before, now) = (looks.before[at], Reading::of(stats));
            let share = |before: u64, now: u64| {
                (now.saturating_sub(before) as f64 / 1e9 / seconds).min(1.0)
            };
            let busy = share(before.busy_ns, now.busy_ns);
            let vertex = &mut vertices[id.vertex];
            vertex.busy = vertex.busy.max(busy);
            vertex.busy_mean += busy / f64::from(vertex.parallelism);
            let waited = share(before.backpressured_ns, now.backpressured_ns);
            vertex.backpressured = vertex.backpressured.max(waited);
            vertex.full = vertex.full.max(looks.full[at] / looks.looks.max(1) as f64);
            emitted += now.emitted.saturating_sub(before.emitted);
        }
        let active = self.sources.iter().filter(|stats| !has_ended(stats)).count();
        Seen {
            offered: looks.rate * active as f64 / self.sources.len().max(1) as f64,
            achieved: emitted as f64 / seconds,
            seconds,
            late: if looks.late == Duration::MAX { 0.0 } else { looks.late.as_secs_f64() },
            vertices,
        }
    }
}

fn event_time(origin: &[Arc<SubtaskStats>]) -> Option<Timestamp> {
    Some(least(origin)).filter(|at| *at > Timestamp::MIN && *at < Timestamp::MAX)
}

fn least(all: &[Arc<SubtaskStats>]) -> Timestamp {
    all.iter().map(|stats| stats.watermark()).min().unwrap_or(Timestamp::MIN)
}

fn has_ended(stats: &SubtaskStats) -> bool {
    stats.watermark() == Timestamp::MAX
}

fn over(report: JobReport) -> Over {
    match report.end {
        JobEnd::Finished | JobEnd::Stopped => Over::Ended,
        JobEnd::Failed(cause) | JobEnd::Refused(cause) => Over::Failed(cause),
    }
}
