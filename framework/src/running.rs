//! A job that runs on a thread of its own, for a program that watches and steers it meanwhile.
//!
//! Apart from the launcher, which runs a job for a user: here nothing is printed, no signal is caught, no metrics are
//! served, and state is temporary. It is for rehearsals, such as `tidegate stress`.

use crate::job::Job;
use crate::launch::{cores, refusal};
use crate::settings::{CheckpointStorageChoice, Settings, StateBackend};
use crate::state_folder::StateFolder;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;
use tidegate_core::operator::BoxError;
use tidegate_core::plan::Plan;
use tidegate_core::rate::Rate;
use tidegate_runtime::{Execution, JobReport, Stats, execute};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// A job that runs.
pub struct Running {
    plan: Plan,
    stats: Stats,
    rate: Rate,
    stop: UnboundedSender<()>,
    ended: mpsc::Receiver<Result<JobReport, BoxError>>,
    /// Removed when this is dropped, whether the job has let go of it or not.
    _folder: StateFolder,
}

impl Running {
    /// Starts `job` at a rate of `per_second` records of all its sources together, which [`Running::rate`] changes; 0
    /// lets nothing through. It is a schedule that does not wait for the job ([`Rate::schedule`]), shared equally among
    /// the subtasks of the sources.
    ///
    /// Its state is in a temporary folder whatever the settings say, and so are its checkpoints, unless they go to memory.
    ///
    /// # Errors
    /// When the job cannot be planned, an input is not there, or the folder cannot be made.
    pub fn start(job: Job, settings: &Settings, per_second: f64) -> Result<Self, BoxError> {
        let config = settings.config.clone();
        let graph = job.into_graph().map_err(refusal)?;
        let plan = Plan::new(graph, config.parallelism, config.max_parallelism).map_err(refusal)?;
        crate::launch::check_inputs(&plan)?;
        let folder = StateFolder::open(None, &plan.graph.name, false)?;
        let storage = match settings.checkpoint_storage {
            CheckpointStorageChoice::Memory => CheckpointStorageChoice::Memory,
            CheckpointStorageChoice::Sled | CheckpointStorageChoice::Folder(_) => {
                CheckpointStorageChoice::Sled
            }
        };
        let storage = folder.storage(&storage, false)?;
        let (stop, stopped) = unbounded_channel();
        let (stats, rate) = (Stats::default(), Rate::schedule(per_second));
        let execution = Execution {
            plan: plan.clone(),
            config,
            storage,
            incremental: settings.state_backend == StateBackend::Sled,
            slots: settings.slots.unwrap_or_else(cores).max(1),
            fault: None,
            stats: stats.clone(),
            rate: Some(rate.clone()),
            stop: stopped,
        };
        let (tell, ended) = mpsc::channel();
        let run = move || {
            // Nobody listens any more when the job was left behind.
            drop(tell.send(execute(execution)));
        };
        std::thread::Builder::new().name("tidegate-job".into()).spawn(run)?;
        Ok(Self { plan, stats, rate, stop, ended, _folder: folder })
    }

    /// What runs.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Its counters.
    #[must_use]
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Records per second of all its sources together.
    #[must_use]
    pub const fn rate(&self) -> &Rate {
        &self.rate
    }

    /// Waits until the job has ended, so long at most: `None` when it still runs. How it ended is told once.
    ///
    /// # Errors
    /// When it could not run at all.
    pub fn wait(&self, patience: Duration) -> Result<Option<JobReport>, BoxError> {
        match self.ended.recv_timeout(patience) {
            Ok(report) => report.map(Some),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                Err("the job has ended without a word: this is a bug".into())
            }
        }
    }

    /// Asks it to stop, and waits likewise. A job that is left behind ends with the process.
    ///
    /// # Errors
    /// When it could not run at all.
    pub fn stop(self, patience: Duration) -> Result<Option<JobReport>, BoxError> {
        // Nobody is there to be asked when it has ended.
        let _is_asked = self.stop.send(()).is_ok();
        self.wait(patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::master::JobEnd;
    use tidegate_core::watermark::WatermarkStrategy;
    use tidegate_inline::{Discard, FromVec};

    fn job(name: &str) -> Job {
        let job = Job::new(name);
        let numbers: Vec<u64> = (0..100).collect();
        let source = job.source("numbers", FromVec::new(numbers), WatermarkStrategy::none());
        source.sink("nowhere", Discard::new());
        job
    }

    #[test]
    fn a_job_goes_as_fast_as_it_is_let_and_is_seen_meanwhile() {
        let running = Running::start(job("slow"), &Settings::default(), 0.0).expect("it starts");
        let patience = Duration::from_millis(50);
        assert!(running.wait(patience).expect("it runs").is_none(), "nothing comes through");
        let emitted = |running: &Running| {
            running.stats().subtasks().values().map(|stats| stats.emitted.get()).sum::<u64>()
        };
        assert!(emitted(&running) <= 1);
        running.rate().set(1e6);
        let report = running.wait(Duration::from_secs(60)).expect("it runs").expect("it ends");
        assert_eq!((report.end, emitted(&running)), (JobEnd::Finished, 100));
    }

    #[test]
    fn a_job_that_is_stopped_leaves_no_folder() {
        let running = Running::start(job("stopped"), &Settings::default(), 0.0).expect("it starts");
        let folder = running._folder.path().to_owned();
        assert!(folder.exists());
        let report = running.stop(Duration::from_secs(60)).expect("it runs").expect("it ends");
        assert_eq!(report.end, JobEnd::Stopped);
        assert!(!folder.exists());
    }
}
