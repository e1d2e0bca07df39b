//! The calls that block: uploads, manifest writes, commits, building a region, garbage collection.
//!
//! Apart because each runs as a whole when the scheduler picks it, at any time after it was asked
//! for; a lit fuse ends the process in the middle of one.

use super::fate::Canary;
use super::process::{Letter, Party, Process};
use super::subtask::{Subtask, Wiring, lock};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tidegate_core::build::TaskSettings;
use tidegate_core::master::{Event, Failure, ManifestOutcome, Remedy};
use tidegate_core::node::NodeFactory;
use tidegate_core::plan::{Plan, SubtaskId};
use tidegate_core::restore::{RestoredOperator, RestoredSubtask};
use tidegate_core::snapshot::{CheckpointId, Committable, Manifest, Redistribution};
use tidegate_core::source_head::SPLITS;
use tidegate_core::task::Capture;
use tidegate_core::time::Timestamp;
use tidegate_state::manifest_log::Settled;
use tidegate_state::recovery::Restore;
use tidegate_state::upload::{self, Begun, Chains, Uploader, describe};
use tidegate_state::{LogError, rescale, share};

/// How often a commit is tried.
const COMMIT_TRIES: u32 = 3;

/// How often an uncertain manifest write is settled.
const SETTLE_TRIES: u32 = 3;

/// A call that blocks.
pub(crate) enum Work {
    Build {
        region: usize,
        attempt: u32,
        from: Option<Arc<Manifest>>,
    },
    Upload {
        id: SubtaskId,
        attempt: u32,
        capture: Box<Capture>,
        begun: Begun,
        uploader: Arc<Uploader>,
        chains: Arc<Mutex<Chains>>,
    },
    Merge {
        id: SubtaskId,
        attempt: u32,
        checkpoint: CheckpointId,
        uploader: Arc<Uploader>,
        chains: Arc<Mutex<Chains>>,
    },
    Write(Arc<Manifest>),
    /// With the number of tries so far.
    Commit(Vec<Committable>, u32),
    Collect,
    Abandon {
        checkpoint: CheckpointId,
        names: Vec<String>,
    },
}

impl Process {
    /// Runs one call.
    pub(crate) fn run_work(&mut self, at: usize, now: Timestamp) {
        match self.work.swap_remove(at) {
            Work::Build { region, attempt, from } => {
                self.build(region, attempt, from.as_deref(), now);
            }
            Work::Upload { id, attempt, capture, begun, uploader, chains } => {
                let checkpoint = capture.barrier.checkpoint;
                self.fate.note(format_args!("upload {checkpoint} of {id}, attempt {attempt}"));
                let access = |f: &mut dyn FnMut(&mut Chains)| f(&mut lock(&chains));
                let result = upload::upload(&self.disk, &uploader, *capture, begun, &access);
                let party = Party::Subtask(id, attempt);
                let result = Box::new(result);
                self.post(party, party, Letter::UploadDone { checkpoint, result });
            }
            Work::Merge { id, attempt, checkpoint, uploader, chains } => {
                self.fate.note(format_args!("merge after {checkpoint} of {id}, attempt {attempt}"));
                let access = |f: &mut dyn FnMut(&mut Chains)| f(&mut lock(&chains));
                match upload::compact_chains(&self.disk, &uploader, checkpoint, &access) {
                    Ok(names) => self.work.push(Work::Abandon { checkpoint, names }),
                    Err(error) => self.fate.note(format_args!("not merged: {}", describe(&error))),
                }
                let party = Party::Subtask(id, attempt);
                self.post(party, party, Letter::MergeDone);
            }
            Work::Write(manifest) => {
                let outcome = self.append(&manifest, now);
                self.fate.note(format_args!("manifest {}: {outcome:?}", manifest.id));
                if outcome == ManifestOutcome::Durable {
                    if self.disk.peek_manifest(manifest.id).is_none() {
                        self.fate.violation("a manifest is said to be durable and is not");
                    }
                    self.work.push(Work::Collect);
                }
                let letter = Letter::Tell(Event::ManifestSettled(outcome));
                self.post(Party::Master, Party::Master, letter);
            }
            Work::Commit(list, tries) => self.commit(list, tries),
            Work::Collect => {
                let swept = self.retention.collect(&mut self.log, &|_| false);
                self.fate.note(format_args!("collected: {swept:?}"));
            }
            Work::Abandon { checkpoint, names } => self.retention.abandon(checkpoint, names),
        }
    }

    fn append(&mut self, manifest: &Manifest, now: Timestamp) -> ManifestOutcome {
        let error = match self.log.append(manifest.clone()) {
            Ok(()) => return ManifestOutcome::Durable,
            Err(error) => error,
        };
        if !self.log.is_uncertain() {
            return match error {
                LogError::Storage(_) => ManifestOutcome::NotWritten(describe(&error)),
                fenced => ManifestOutcome::Lost(describe(&fenced)),
            };
        }
        for _ in 0..SETTLE_TRIES {
            match self.log.settle(now) {
                Ok(Some(Settled::Written(id))) if id == manifest.id => {
                    return ManifestOutcome::Durable;
                }
                Ok(_) => return ManifestOutcome::NotWritten(describe(&error)),
                Err(again) => self.fate.note(format_args!("not settled: {}", describe(&again))),
            }
        }
        ManifestOutcome::Lost(describe(&error))
    }

    fn commit(&mut self, list: Vec<Committable>, tries: u32) {
        let result = self.committers.commit(&list);
        let result = result.map_err(|error| Failure::of(&error.sink, describe(&error)));
        if result.is_err() && tries + 1 < COMMIT_TRIES {
            return self.work.push(Work::Commit(list, tries + 1));
        }
        let letter = Letter::Tell(Event::Committed { result });
        self.post(Party::Master, Party::Master, letter);
    }

    fn build(&mut self, region: usize, attempt: u32, from: Option<&Manifest>, now: Timestamp) {
        let result = self.try_build(region, attempt, from);
        self.regions[region].building = false;
        if self.regions[region].stop_wanted {
            drop(result);
            return self.feed(Event::RegionStopped { region }, now);
        }
        match result {
            Ok(subtasks) => {
                for subtask in subtasks {
                    let party = subtask.party();
                    self.regions[region].subtasks.insert(subtask.id, subtask);
                    self.post(Party::Master, party, Letter::Run);
                }
                self.feed(Event::RegionRunning { region, attempt }, now);
            }
            Err(cause) => {
                let (failure, remedy) = (Failure::of_the_job(cause), Remedy::Restart);
                self.feed(Event::Failed { region, attempt, failure, remedy }, now);
            }
        }
    }

    fn try_build(
        &mut self,
        region: usize,
        attempt: u32,
        from: Option<&Manifest>,
    ) -> Result<Vec<Subtask>, String> {
        let recovered = self.committers.recover(&self.plan, region, from);
        recovered.map_err(|error| describe(&error))?;
        let restore = match from {
            Some(manifest) => {
                let restore = if self.fate.has_canary(Canary::IgnoreRescaling) {
                    Restore::open(&self.disk, manifest.clone())
                } else {
                    Restore::open_for(&self.disk, manifest.clone(), &self.plan)
                };
                Some(restore.map_err(|error| describe(&error))?)
            }
            None => None,
        };
        let plan = Arc::clone(&self.plan);
        let own = |subtask: &SubtaskId| plan.vertices[subtask.vertex].region == region;
        let mut built = Vec::new();
        for subtask in plan.subtasks().filter(own) {
            built.push(self.build_one(subtask, attempt, restore.as_ref())?);
        }
        Ok(built)
    }

    fn build_one(
        &mut self,
        subtask: SubtaskId,
        attempt: u32,
        restore: Option<&Restore>,
    ) -> Result<Subtask, String> {
        let plan = Arc::clone(&self.plan);
        let (restored, parts) = match restore {
            Some(restore) => {
                let share = share::read(restore, &self.disk, &plan, subtask);
                let share = share.map_err(|error| describe(&error))?;
                (share.subtask, share.chains)
            }
            None => (first_share(&plan, subtask)?, Vec::new()),
        };
        let settings = TaskSettings { attempt, ..self.settings.clone() };
        let task = plan.build(subtask, &settings, &restored).map_err(|error| {
            format!("{} while {}: {}", error.operator, error.phase, error.cause)
        })?;
        let uploader = Uploader {
            run: settings.run,
            attempt,
            vertex: plan.vertices[subtask.vertex].uid.clone(),
            index: subtask.index,
            max_parallelism: plan.max_parallelism,
        };
        self.open_channels(subtask, attempt, restore, &restored);
        let chains = Chains::new(self.incremental, &parts);
        Ok(Subtask::new(subtask, task, chains, uploader, Wiring::new(&plan, subtask)))
    }

    /// Event time of a channel must not fall back behind the checkpoint, unless the job was rescaled.
    fn open_channels(
        &mut self,
        subtask: SubtaskId,
        attempt: u32,
        restore: Option<&Restore>,
        restored: &RestoredSubtask,
    ) {
        let plan = Arc::clone(&self.plan);
        if plan.is_source(subtask.vertex) {
            return;
        }
        let same = restore.is_some_and(|restore| !restore.is_rescaled());
        for (channel, (info, _)) in plan.inputs(subtask).into_iter().enumerate() {
            let known = restored.channels.iter();
            let known = known.filter(|_| same).find(|c| c.edge == info.edge && c.from == info.from);
            let watermark = known.map_or(Timestamp::MIN, |channel| channel.watermark);
            self.watch.open((subtask, channel, attempt), watermark);
        }
    }
}

/// A subtask's share of an empty start.
fn first_share(plan: &Plan, subtask: SubtaskId) -> Result<RestoredSubtask, String> {
    let vertex = &plan.vertices[subtask.vertex];
    let node = &plan.graph.nodes[vertex.nodes[0]];
    let mut restored = RestoredSubtask::default();
    if let NodeFactory::Source(source) = &node.factory {
        let all = source.enumerate(vertex.parallelism).map_err(|cause| cause.to_string())?;
        let share = if vertex.parallelism == 1 {
            all
        } else {
            let (split, all) = (Redistribution::Split, [&all[..]]);
            rescale::list(split, &all, subtask.index, vertex.parallelism)
        };
        let lists = BTreeMap::from([(SPLITS.to_owned(), share)]);
        let operator = RestoredOperator { lists, ..RestoredOperator::default() };
        restored.operators.insert(vertex.uid.clone(), operator);
    }
    Ok(restored)
}
