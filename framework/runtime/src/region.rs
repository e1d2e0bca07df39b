//! Building a region: its sinks are recovered, its tasks built from the newest checkpoint.
//!
//! All of it blocks and runs on the pool; what comes back is ready to be put into actors.

use crate::blocking::BlockingPool;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tidegate_core::build::TaskSettings;
use tidegate_core::chain::ChainError;
use tidegate_core::committers::Committers;
use tidegate_core::master::{Failure, Remedy};
use tidegate_core::node::NodeFactory;
use tidegate_core::operator::BoxError;
use tidegate_core::plan::{Plan, SubtaskId};
use tidegate_core::restore::{RestoredOperator, RestoredSubtask};
use tidegate_core::sink::Refusal;
use tidegate_core::snapshot::{Manifest, Redistribution};
use tidegate_core::source_head::SPLITS;
use tidegate_core::task::Task;
use tidegate_state::recovery::{RecoveryError, Restore};
use tidegate_state::upload::{Chains, describe};
use tidegate_state::{CheckpointStorage, rescale, share};

/// What is needed to build any region of a job.
#[derive(Clone)]
pub struct Builder {
    /// What is to run.
    pub plan: Arc<Plan>,
    /// Where state is.
    pub storage: Arc<dyn CheckpointStorage>,
    /// The sinks' committers.
    pub committers: Arc<Committers>,
    /// Whether captures may be deltas.
    pub incremental: bool,
    /// For calls that block.
    pub pool: BlockingPool,
}

/// A task that is ready to run.
pub struct Built {
    /// Whose it is.
    pub subtask: SubtaskId,
    /// The task.
    pub task: Task,
    /// Its blob chains.
    pub chains: Arc<Mutex<Chains>>,
    /// How long it took to read its share of the checkpoint.
    pub reading: Duration,
    /// How long it took to build the task and to fill its states.
    pub filling: Duration,
}

/// Why a region could not be built.
#[derive(Debug)]
pub struct BuildError {
    /// Why, and whose failure it is.
    pub failure: Failure,
    /// What can be done about it.
    pub remedy: Remedy,
}

impl BuildError {
    /// A failure of the node with the uid `node`.
    fn new(node: &str, context: &str, cause: &BoxError) -> Self {
        let said = describe(cause.as_ref());
        if cause.downcast_ref::<Refusal>().is_some() {
            return Self { failure: Failure::of(node, said), remedy: Remedy::Decision };
        }
        let failure = Failure::of(node, format!("{context}: {said}"));
        Self { failure, remedy: Remedy::Restart }
    }
}

impl From<String> for BuildError {
    fn from(cause: String) -> Self {
        Self { failure: Failure::of_the_job(cause), remedy: Remedy::Restart }
    }
}

impl From<RecoveryError> for BuildError {
    fn from(error: RecoveryError) -> Self {
        let lost = match &error {
            RecoveryError::Damaged { .. } => true,
            RecoveryError::Storage(error) => error.is_loss(),
            RecoveryError::Version { .. } => false,
        };
        if !lost {
            return Self::from(describe(&error));
        }
        let cause = format!(
            "the newest checkpoint is no longer whole: {}; \
             start the job again: it goes on from an older one",
            describe(&error)
        );
        Self { failure: Failure::of_the_job(cause), remedy: Remedy::NewStart }
    }
}

impl Builder {
    /// Recovers the sinks of `region` to `from`, then builds its tasks.
    ///
    /// # Errors
    /// The first thing that went wrong.
    pub async fn build(
        self,
        region: usize,
        settings: TaskSettings,
        from: Option<Arc<Manifest>>,
    ) -> Result<Vec<Built>, BuildError> {
        let this = self.clone();
        let manifest = from.clone();
        self.pool.run(move || this.recover_sinks(region, manifest.as_deref())).await??;
        let this = self.clone();
        let (plan, storage) = (Arc::clone(&self.plan), Arc::clone(&self.storage));
        let start = self.pool.run(move || match from {
            Some(manifest) => {
                let manifest = Manifest::clone(&manifest);
                let restore = Restore::open_for(&*storage, manifest, &plan);
                let start = |restore| Start::Checkpoint(Box::new(restore));
                restore.map(start).map_err(BuildError::from)
            }
            None => first_splits(&plan, region).map(Start::Empty),
        });
        let start = Arc::new(start.await??);
        let subtasks: Vec<SubtaskId> = this
            .plan
            .subtasks()
            .filter(|subtask| this.plan.vertices[subtask.vertex].region == region)
            .collect();
        let jobs: Vec<_> = subtasks
            .into_iter()
            .map(|subtask| {
                let (this, start, settings) = (this.clone(), Arc::clone(&start), settings.clone());
                let pool = this.pool.clone();
                actix_rt::spawn(async move {
                    pool.run(move || this.build_one(subtask, &settings, &start)).await
                })
            })
            .collect();
        let mut built = Vec::with_capacity(jobs.len());
        for job in jobs {
            let result = job.await.map_err(|error| BuildError::from(error.to_string()))?;
            built.push(result??);
        }
        Ok(built)
    }

    fn recover_sinks(&self, region: usize, from: Option<&Manifest>) -> Result<(), BuildError> {
        let recovered = self.committers.recover(&self.plan, region, from);
        recovered.map_err(|error| {
            let context = format!("sink {} cannot be recovered", error.sink);
            BuildError::new(&error.sink, &context, &error.cause)
        })
    }

    fn build_one(
        &self,
        subtask: SubtaskId,
        settings: &TaskSettings,
        start: &Start,
    ) -> Result<Built, BuildError> {
        let began = Instant::now();
        let (restored, parts) = match start {
            Start::Checkpoint(restore) => {
                let share = share::read(restore, &*self.storage, &self.plan, subtask)
                    .map_err(BuildError::from)?;
                (share.subtask, share.chains)
            }
            Start::Empty(splits) => (empty_share(&self.plan, splits, subtask), Vec::new()),
        };
        let (reading, began) = (began.elapsed(), Instant::now());
        let task = self.plan.build(subtask, settings, &restored).map_err(|error| {
            let ChainError { operator, phase, cause } = error;
            BuildError::new(&operator, &format!("operator {operator}, while {phase}"), &cause)
        })?;
        let chains = Arc::new(Mutex::new(Chains::new(self.incremental, &parts)));
        Ok(Built { subtask, task, chains, reading, filling: began.elapsed() })
    }
}

/// Where the tasks of a region get their state from.
enum Start {
    Checkpoint(Box<Restore>),
    /// No state: the splits of each source.
    Empty(BTreeMap<String, Vec<Vec<u8>>>),
}

/// The splits of the sources of a region, at their beginnings.
pub(crate) fn first_splits(
    plan: &Plan,
    region: usize,
) -> Result<BTreeMap<String, Vec<Vec<u8>>>, BuildError> {
    let mut splits = BTreeMap::new();
    for vertex in plan.vertices.iter().filter(|vertex| vertex.region == region) {
        let node = &plan.graph.nodes[vertex.nodes[0]];
        if let NodeFactory::Source(source) = &node.factory {
            let found = source.enumerate(vertex.parallelism).map_err(|cause| {
                BuildError::new(&node.uid, &format!("source {}", node.uid), &cause)
            })?;
            splits.insert(node.uid.clone(), found);
        }
    }
    Ok(splits)
}

/// A subtask's share of an empty start: the splits that fall to it.
pub(crate) fn empty_share(
    plan: &Plan,
    splits: &BTreeMap<String, Vec<Vec<u8>>>,
    subtask: SubtaskId,
) -> RestoredSubtask {
    let vertex = &plan.vertices[subtask.vertex];
    let mut restored = RestoredSubtask::default();
    if let Some(all) = splits.get(&vertex.uid) {
        let share = if vertex.parallelism == 1 {
            all.clone()
        } else {
            let all: [&[Vec<u8>]; 1] = [all];
            rescale::list(Redistribution::Split, &all, subtask.index, vertex.parallelism)
        };
        let lists = BTreeMap::from([(SPLITS.to_owned(), share)]);
        let operator = RestoredOperator { lists, ..RestoredOperator::default() };
        restored.operators.insert(vertex.uid.clone(), operator);
    }
    restored
}
