//! The beginning of a run, and what is looked at between runs: damage, and garbage.
//!
//! Apart from the world because it follows the runtime's order of the beginning to the letter.

use super::checks::Watch;
use super::disk::Disk;
use super::fate::{Canary, Fate};
use super::jobs::Tuning;
use super::process::{Process, Region};
use super::world::World;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tidegate_core::build::TaskSettings;
use tidegate_core::committers::Committers;
use tidegate_core::config::{CheckpointConfig, JobConfig};
use tidegate_core::fault::Fault;
use tidegate_core::gate::alignment::Guarantee;
use tidegate_core::master::{Event, JobMaster, StartingPoint};
use tidegate_core::plan::Plan;
use tidegate_core::snapshot::{JobIdentity, Manifest};
use tidegate_core::time::Timestamp;
use tidegate_state::upload::describe;
use tidegate_state::{CheckpointStorage, ManifestLog, Retention, newest_whole};

/// A checkpoint that takes longer is given up.
pub(crate) const TIMEOUT_MS: i64 = 2_000;

/// What came of a start.
pub(crate) enum Started {
    Running(Box<Process>),
    /// The job had finished before.
    Finished,
}

/// Starts a run.
pub(crate) fn start(
    world: &mut World,
    fate: &Fate,
    tuning: Tuning,
    now: Timestamp,
) -> Result<Started, String> {
    let plan = world.job.plan(&tuning, &world.output, fate);
    let storage: Arc<dyn CheckpointStorage> = Arc::new(world.disk.clone());
    let opened = ManifestLog::open(Arc::clone(&storage));
    let (mut log, problems) = opened.map_err(|error| describe(&error))?;
    if !problems.is_empty() {
        fate.note(format_args!("problems: {problems:?}"));
    }
    if log.is_finished() {
        return Ok(Started::Finished);
    }
    let recovered = newest_whole(&log, &world.disk).map_err(|error| describe(&error))?;
    let latest = recovered.manifest.map(Arc::new);
    if !recovered.skipped.is_empty() {
        world.fallbacks += 1;
        fate.note(format_args!("fell back: {:?}", recovered.skipped));
        if latest.is_none() {
            fate.violation("no checkpoint is whole");
        }
    }
    let fell_back = !recovered.skipped.is_empty();
    world.output.begin_run(latest.as_ref().map(|manifest| manifest.id), fell_back);
    let identity = JobIdentity {
        name: plan.graph.name.clone(),
        instance: String::new(),
        max_parallelism: plan.max_parallelism,
        operators: plan.kinds(),
        inputs: BTreeMap::new(),
        meanings: plan.meanings(),
    };
    let committers = Committers::open(&plan, &identity).map_err(|error| describe(&error))?;
    if log.manifests().is_empty() {
        committers.ask().map_err(|error| describe(&error))?;
    }
    let known = !fate.has_canary(Canary::CountDamaged);
    log.pass_over(recovered.skipped.iter().filter(|_| known).map(|skipped| skipped.checkpoint));
    let run = log.next_run();
    let claim = log.claim(run, &identity, now).map_err(|error| describe(&error))?;
    fate.note(format_args!("run {run} claims {claim}, from {:?}", latest.as_ref().map(|m| m.id)));
    let mut retention = Retention::new(storage, world.retained);
    let swept = retention.sweep(&mut log, &|_| false);
    fate.note(format_args!("swept: {swept:?}"));
    let seed = fate.draw(|chance| chance.next());
    let config = config(fate);
    let beginning = StartingPoint { identity, run, claim, latest, seed };
    let mut process = Process {
        fate: fate.clone(),
        disk: world.disk.clone(),
        settings: settings(&plan, run, fate),
        incremental: world.incremental,
        log,
        retention,
        committers,
        master: JobMaster::new(&plan, config, beginning, now),
        regions: (0..plan.regions).map(|_| Region::default()).collect(),
        mail: BTreeMap::new(),
        work: Vec::new(),
        answers: Vec::new(),
        watch: Watch::new(tuning.credits),
        end: None,
        plan: Arc::new(plan),
    };
    process.feed(Event::Tick, now);
    Ok(Started::Running(Box::new(process)))
}

fn config(fate: &Fate) -> JobConfig {
    let (interval_ms, tolerable) =
        fate.draw(|chance| (chance.between(20, 400) as i64, chance.between(1, 5) as u32));
    JobConfig {
        checkpoint: CheckpointConfig {
            interval_ms,
            min_pause_ms: 0,
            timeout_ms: TIMEOUT_MS,
            tolerable_failures: tolerable,
            retained: 1,
        },
        ..JobConfig::default()
    }
}

fn settings(plan: &Plan, run: u64, fate: &Fate) -> TaskSettings {
    let fault = fate.draw(|chance| {
        let node = &plan.graph.nodes[chance.index(plan.graph.nodes.len())];
        let record = chance.between(1, 200);
        chance.one_in(3).then(|| Arc::new(Fault::new(node.uid.clone(), record)))
    });
    TaskSettings {
        guarantee: Guarantee::ExactlyOnce,
        rate: None,
        fault,
        alignment: Arc::default(),
        run,
        attempt: 0,
    }
}

/// Damages a blob that only the newest checkpoint names, if an older one can take its place.
pub(crate) fn rot_newest(disk: &Disk, fate: &Fate) {
    let Ok((log, _)) = ManifestLog::open(Arc::new(disk.clone())) else { return };
    let Ok(before) = newest_whole(&log, disk) else { return };
    let Some(newest) = before.manifest else { return };
    let older: BTreeSet<&String> = log
        .checkpoints()
        .filter(|manifest| manifest.id < newest.id)
        .flat_map(Manifest::blobs)
        .map(|blob| &blob.name)
        .collect();
    let own: Vec<&String> =
        newest.blobs().map(|blob| &blob.name).filter(|name| !older.contains(name)).collect();
    if older.is_empty() || own.is_empty() {
        return;
    }
    let name = own[fate.draw(|chance| chance.index(own.len()))];
    let Some(was) = disk.rot(name) else { return };
    match newest_whole(&log, disk) {
        Ok(after) if after.manifest.is_some() => {
            fate.note(format_args!("--- blob {name} of checkpoint {} rots", newest.id));
        }
        _ => disk.heal(name, was),
    }
}

/// After the end only what the kept checkpoints name is left.
pub(crate) fn check_garbage(world: &World) -> Result<(), String> {
    let storage: Arc<dyn CheckpointStorage> = Arc::new(world.disk.clone());
    let (mut log, _) = ManifestLog::open(Arc::clone(&storage)).map_err(|e| describe(&e))?;
    let mut retention = Retention::new(storage, world.retained);
    retention.sweep(&mut log, &|_| false).map_err(|error| describe(&error))?;
    let named: BTreeSet<String> =
        log.manifests().iter().flat_map(Manifest::blobs).map(|blob| blob.name.clone()).collect();
    let left = world.disk.peek_blobs();
    if let Some(garbage) = left.iter().find(|name| !named.contains(*name)) {
        return Err(format!("blob {garbage} is left, and no manifest names it"));
    }
    let kept = log.checkpoints().count();
    if kept > world.retained {
        return Err(format!("{kept} checkpoints are kept instead of {}", world.retained));
    }
    Ok(())
}
