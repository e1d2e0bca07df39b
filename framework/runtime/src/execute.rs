//! Runs a job from beginning to end in this process.
//!
//! The order of the beginning matters: storage is opened and its manifests read, the job is compared
//! with the one whose state lies there, the sinks are asked whether their output may be written; only
//! then is the job claimed. Until the claim nothing has been changed.

use crate::blocking::BlockingPool;
use crate::clock;
use crate::job_master::{JobMasterActor, Office, StopJob};
use crate::panics;
use crate::region::Builder;
use crate::stats::Stats;
use actix::prelude::*;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tidegate_core::build::TaskSettings;
use tidegate_core::committers::Committers;
use tidegate_core::config::JobConfig;
use tidegate_core::fault::Fault;
use tidegate_core::master::{JobEnd, JobMaster, StartingPoint};
use tidegate_core::node::NodeFactory;
use tidegate_core::operator::BoxError;
use tidegate_core::plan::Plan;
use tidegate_core::rate::Rate;
use tidegate_core::sink::Refusal;
use tidegate_core::snapshot::{CheckpointId, JobIdentity, Manifest};
use tidegate_state::manifest_log::Fault as LogFault;
use tidegate_state::upload::describe;
use tidegate_state::{CheckpointStorage, ManifestLog, Retention, newest_whole};
use tokio::sync::{mpsc, oneshot};

/// A job and everything it needs to run.
pub struct Execution {
    /// What is to run.
    pub plan: Plan,
    /// How.
    pub config: JobConfig,
    /// Where checkpoints go.
    pub storage: Arc<dyn CheckpointStorage>,
    /// Whether checkpoints hold only what has changed.
    pub incremental: bool,
    /// The number of arbiters that subtasks run on.
    pub slots: usize,
    /// A fault on purpose.
    pub fault: Option<Arc<Fault>>,
    /// Counters, for whoever wants to look while it runs.
    pub stats: Stats,
    /// Records per second of all sources together, in place of that of the configuration: whoever keeps a copy may
    /// change it while the job runs.
    pub rate: Option<Rate>,
    /// Requests to stop.
    pub stop: mpsc::UnboundedReceiver<()>,
}

/// How a job went.
#[derive(Clone, Debug)]
pub struct JobReport {
    /// How it ended.
    pub end: JobEnd,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// The checkpoint it started from.
    pub resumed_from: Option<u64>,
    /// Whether it had been finished before.
    pub was_finished: bool,
}

/// Runs a job; returns when nothing of it runs any more.
///
/// # Errors
/// [`Refusal`] when the user must decide something first; other errors when the process cannot run
/// jobs at all.
pub fn execute(execution: Execution) -> Result<JobReport, BoxError> {
    panics::install();
    let started = Instant::now();
    let opened = open(&execution)?;
    let resumed_from = opened.latest.as_ref().map(|manifest| manifest.id);
    let report = |end, was_finished| JobReport {
        end,
        seconds: started.elapsed().as_secs_f64(),
        resumed_from,
        was_finished,
    };
    // What had been finished had also been committed: the mark is written after the commit.
    if opened.log.is_finished() {
        return Ok(report(JobEnd::Finished, true));
    }
    let claimed = claim(&execution, opened)?;
    let end = System::new().block_on(run(execution, claimed))?;
    Ok(report(end, false))
}

/// The job's state, looked at and found to be ours to take over.
struct Opened {
    log: ManifestLog,
    latest: Option<Arc<Manifest>>,
    /// Newer checkpoints that are not whole.
    passed_over: Vec<CheckpointId>,
    identity: JobIdentity,
    committers: Arc<Committers>,
}

/// The job's state, taken over.
struct Claimed {
    log: ManifestLog,
    start: StartingPoint,
    retention: Retention,
    committers: Arc<Committers>,
}

/// Takes the job over: from here on an older run of it can complete nothing.
fn claim(execution: &Execution, opened: Opened) -> Result<Claimed, BoxError> {
    let Opened { mut log, latest, passed_over, identity, committers } = opened;
    log.pass_over(passed_over);
    let run = log.next_run();
    let claim = log.claim(run, &identity, clock::now()).map_err(|error| describe(&error))?;
    let retained = execution.config.checkpoint.retained;
    let mut retention = Retention::new(Arc::clone(&execution.storage), retained);
    if let Err(error) = retention.sweep(&mut log, &|_| false) {
        tracing::warn!(error = %describe(&error), "what crashed runs left is not removed yet");
    }
    let seed = u64::from(std::process::id()) ^ clock::now().millis().unsigned_abs();
    let start = StartingPoint { identity, run, claim, latest, seed };
    Ok(Claimed { log, start, retention, committers })
}

fn open(execution: &Execution) -> Result<Opened, BoxError> {
    let storage = &execution.storage;
    let (log, problems) = ManifestLog::open(Arc::clone(storage)).map_err(|e| not_read(&e))?;
    for problem in &problems {
        if let LogFault::Version(_) = problem.why {
            let said = format!(
                "{}: {problem}; run it with the release that wrote it, or pass --fresh",
                storage.describe()
            );
            return Err(Refusal(said).into());
        }
        tracing::warn!(%problem, "manifest ignored");
    }
    let before = log.manifests().last().map(|manifest| &manifest.job);
    let instance = before.map_or_else(new_instance, |before| before.instance.clone());
    let identity = identity(&execution.plan, instance)?;
    if let Some(before) = before {
        compare(before, &identity, &execution.plan)?;
    }
    let recovered = newest_whole(&log, &**storage).map_err(|e| not_read(&e))?;
    for skipped in &recovered.skipped {
        tracing::error!(
            checkpoint = skipped.checkpoint,
            "checkpoint passed over: blob {} is damaged: {}",
            skipped.blob,
            skipped.why
        );
    }
    if recovered.manifest.is_none()
        && let Some(newest) = recovered.skipped.first()
    {
        return Err(Refusal(format!(
            "{}: no checkpoint is whole; in the newest, {}, blob {} is damaged ({}); \
             restore the folder from a copy, or pass --fresh to start over",
            storage.describe(),
            newest.checkpoint,
            newest.blob,
            newest.why
        ))
        .into());
    }
    let committers = Committers::open(&execution.plan, &identity).map_err(|e| e.cause)?;
    if log.manifests().is_empty() {
        committers.ask().map_err(|error| error.cause)?;
    }
    let passed_over = recovered.skipped.iter().map(|skipped| skipped.checkpoint).collect();
    Ok(Opened {
        log,
        latest: recovered.manifest.map(Arc::new),
        passed_over,
        identity,
        committers: Arc::new(committers),
    })
}

/// State that cannot be read: nothing has been changed yet, so it is for the user to decide.
fn not_read(error: &dyn std::error::Error) -> Refusal {
    Refusal(describe(error))
}

/// A name that no other job has, as far as chance can tell.
fn new_instance() -> String {
    format!("{:016x}", RandomState::new().hash_one(clock::now()))
}

fn identity(plan: &Plan, instance: String) -> Result<JobIdentity, BoxError> {
    let mut inputs = BTreeMap::new();
    for node in &plan.graph.nodes {
        if let NodeFactory::Source(source) = &node.factory
            && let Some(fingerprint) = source.fingerprint()?
        {
            inputs.insert(node.uid.clone(), fingerprint);
        }
    }
    Ok(JobIdentity {
        name: plan.graph.name.clone(),
        instance,
        max_parallelism: plan.max_parallelism,
        operators: plan.kinds(),
        inputs,
        meanings: plan.meanings(),
    })
}

/// Whether the state of the job `before` may be taken over by the job `now`.
fn compare(before: &JobIdentity, now: &JobIdentity, plan: &Plan) -> Result<(), Refusal> {
    let refuse = |what: String| {
        Err(Refusal(format!(
            "the state folder belongs to another job: {what}{}choose another --state-dir, or pass --fresh \
             to start over",
            if what.ends_with('\n') { "" } else { "; " }
        )))
    };
    if before.name != now.name {
        return refuse(format!("it holds job `{}`, this is job `{}`", before.name, now.name));
    }
    if before.max_parallelism != now.max_parallelism {
        let (was, is) = (before.max_parallelism.get(), now.max_parallelism.get());
        return refuse(format!("its max parallelism is {was}, this job's is {is}"));
    }
    for (uid, kind) in &before.operators {
        match now.operators.get(uid) {
            None => return refuse(format!("it has an operator `{uid}`, which this job lacks")),
            Some(other) if other != kind => {
                return refuse(format!("its operator `{uid}` is a {kind}, here it is a {other}"));
            }
            Some(_) => {}
        }
    }
    for (uid, was) in &before.meanings {
        if let Some(is) = now.meanings.get(uid).filter(|is| *is != was) {
            return refuse(format!(
                "the state of its operator `{uid}` means something else\n  there  {was}\n  here   {is}\n"
            ));
        }
    }
    if let Some(uid) = now.operators.keys().find(|uid| !before.operators.contains_key(*uid)) {
        return refuse(format!("it has no operator `{uid}`"));
    }
    for node in &plan.graph.nodes {
        if let (NodeFactory::Source(source), Some(was), Some(is)) =
            (&node.factory, before.inputs.get(&node.uid), now.inputs.get(&node.uid))
            && !source.same_input(was, is)
        {
            return refuse(format!("the input of source `{}` is not the one it was", node.uid));
        }
    }
    Ok(())
}

async fn run(execution: Execution, claimed: Claimed) -> Result<JobEnd, BoxError> {
    let Execution { plan, config, storage, incremental, slots, fault, stats, rate, mut stop } =
        execution;
    let Claimed { log, start, retention, committers } = claimed;
    let pool = BlockingPool::new()?;
    let plan = Arc::new(plan);
    let sources: u32 = (0..plan.vertices.len())
        .filter(|&vertex| plan.is_source(vertex))
        .map(|vertex| plan.vertices[vertex].parallelism)
        .sum();
    let settings = TaskSettings {
        guarantee: config.guarantee,
        rate: rate.or_else(|| config.rate.map(Rate::new)).map(|rate| rate.share(sources)),
        fault,
        alignment: Arc::default(),
        run: start.run,
        attempt: 0,
    };
    let machine = JobMaster::new(&plan, config, start, clock::now());
    let arbiters: Vec<Arbiter> = (0..slots.max(1)).map(|_| Arbiter::new()).collect();
    let (ended, end) = oneshot::channel();
    let office = Office {
        builder: Builder { plan: Arc::clone(&plan), storage, committers, incremental, pool },
        plan,
        settings,
        log: Arc::new(Mutex::new(log)),
        retention: Arc::new(Mutex::new(retention)),
        slots: arbiters.iter().map(Arbiter::handle).collect(),
        stats,
        ended: Some(ended),
    };
    let office_arbiter = Arbiter::new();
    let master = JobMasterActor::start_in_arbiter(&office_arbiter.handle(), move |_| {
        JobMasterActor::new(machine, office)
    });
    let stopper = actix_rt::spawn(async move {
        while stop.recv().await.is_some() {
            master.do_send(StopJob);
        }
    });
    let end = end.await.map_err(|_| "the job master has gone without a word: this is a bug")?;
    stopper.abort();
    for arbiter in arbiters.into_iter().chain([office_arbiter]) {
        arbiter.stop();
        // A panic outside any actor has been reported by the hook.
        drop(arbiter.join());
    }
    Ok(end)
}
