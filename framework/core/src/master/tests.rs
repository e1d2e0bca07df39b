//! The master by itself: one source, and whoever drives it by hand.

use super::*;
use crate::element::Barrier;
use crate::graph::{Graph, Node, NodeRestart};
use crate::key::MaxParallelism;
use crate::node::{NodeFactory, SourceNode};
use crate::operator::BoxError;
use crate::restart::{RestartCounts, RestartStrategy};
use crate::sink::SubtaskIdentity;
use crate::snapshot::BlobRef;
use crate::source_head::SourceStage;

struct NoSource;

impl SourceNode for NoSource {
    fn enumerate(&self, _: u32) -> Result<Vec<Vec<u8>>, BoxError> {
        Ok(Vec::new())
    }
    fn fingerprint(&self) -> Result<Option<String>, BoxError> {
        Ok(None)
    }
    fn same_input(&self, _: &str, _: &str) -> bool {
        true
    }
    fn create(
        &self,
        _: &SubtaskIdentity,
        _: &[Vec<u8>],
        _: Timestamp,
    ) -> Result<Box<dyn SourceStage>, BoxError> {
        Err("never built".into())
    }
}

fn source() -> Node {
    Node {
        uid: "s".into(),
        kind: "test".into(),
        parallelism: None,
        chaining: true,
        detail: None,
        meaning: None,
        restart: None,
        factory: NodeFactory::Source(Arc::new(NoSource)),
    }
}

fn master() -> JobMaster {
    master_with(|_| ())
}

fn master_with(change: impl FnOnce(&mut JobConfig)) -> JobMaster {
    master_of(&[("s", None)], change)
}

/// A master of sources that are connected with nobody, with these uids and strategies.
fn master_of(
    sources: &[(&str, Option<RestartStrategy>)],
    change: impl FnOnce(&mut JobConfig),
) -> JobMaster {
    let source = |&(uid, own): &(&str, Option<RestartStrategy>)| Node {
        uid: uid.into(),
        restart: own.map(|strategy| NodeRestart { strategy, with: None }),
        ..source()
    };
    let nodes = sources.iter().map(source).collect();
    let graph = Graph { name: "test".into(), nodes, ..Graph::default() };
    let plan = Plan::new(graph, 1, MaxParallelism::DEFAULT).expect("a sound graph");
    let identity = JobIdentity {
        name: "test".into(),
        instance: String::new(),
        max_parallelism: MaxParallelism::DEFAULT,
        operators: plan.kinds(),
        inputs: BTreeMap::new(),
        meanings: BTreeMap::new(),
    };
    let start = StartingPoint { identity, run: 1, claim: 1, latest: None, seed: 0 };
    let mut config = JobConfig::default();
    config.checkpoint.interval_ms = 10;
    change(&mut config);
    JobMaster::new(&plan, config, start, Timestamp(0))
}

fn ack(checkpoint: CheckpointId) -> Event {
    let part = SubtaskPart {
        vertex: "s".into(),
        index: 0,
        snapshot: BlobRef { name: "s".into(), bytes: 0 },
        keyed: Vec::new(),
        committables: Vec::new(),
        unsealed: Vec::new(),
        sent: BTreeMap::new(),
        received: BTreeMap::new(),
        written: BTreeMap::new(),
    };
    let subtask = SubtaskId { vertex: 0, index: 0 };
    Event::Acknowledged { subtask, attempt: 1, checkpoint, part: Box::new(part) }
}

#[test]
fn no_tick_is_wanted_for_a_checkpoint_that_must_wait_for_a_write_or_a_commit() {
    let mut master = master();
    master.handle(Event::RegionRunning { region: 0, attempt: 1 }, Timestamp(0));
    assert_eq!(master.next_deadline(), Some(Timestamp(10)));
    master.handle(Event::Tick, Timestamp(10));
    let commands = master.handle(ack(2), Timestamp(11));
    assert!(matches!(commands.back(), Some(Command::WriteManifest(_))), "{commands:?}");
    assert_eq!(master.next_deadline(), None, "the manifest is being written");
    let durable = Event::ManifestSettled(ManifestOutcome::Durable);
    let commands = master.handle(durable, Timestamp(50));
    assert!(matches!(commands.back(), Some(Command::Commit(_))), "{commands:?}");
    assert_eq!(master.next_deadline(), None, "its output is being committed");
    let commands = master.handle(Event::Committed { result: Ok(()) }, Timestamp(60));
    assert!(matches!(commands.back(), Some(Command::Trigger(_))), "{commands:?}");
}

fn names(commands: &VecDeque<Command>) -> Vec<String> {
    let name = |command: &Command| {
        let said = format!("{command:?}");
        said.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
    };
    commands.iter().map(name).collect()
}

fn failed(attempt: u32) -> Event {
    failed_of(None, attempt)
}

fn failed_of(node: Option<&str>, attempt: u32) -> Event {
    let failure = Failure { node: node.map(Into::into), cause: "a fault".into() };
    Event::Failed { region: 0, attempt, failure, remedy: Remedy::Restart }
}

#[test]
fn a_region_that_fails_restarts_when_it_has_stopped_and_older_attempts_mean_nothing() {
    let mut master = master();
    assert_eq!(names(&master.handle(Event::Tick, Timestamp(0))), ["StartRegion"]);
    master.handle(Event::RegionRunning { region: 0, attempt: 1 }, Timestamp(0));
    let commands = master.handle(failed(1), Timestamp(1));
    assert_eq!(names(&commands), ["Say", "StopRegion"]);
    assert!(master.handle(failed(1), Timestamp(1)).is_empty(), "it is stopping already");
    let commands = master.handle(Event::RegionStopped { region: 0 }, Timestamp(2));
    assert_eq!(names(&commands), ["StartRegion"], "the first restart is immediate");
    assert_eq!((master.attempt(0), master.restarts()), (2, 1));
    master.handle(Event::RegionRunning { region: 0, attempt: 1 }, Timestamp(3));
    assert!(master.handle(failed(1), Timestamp(3)).is_empty(), "an older attempt");
    master.handle(Event::RegionRunning { region: 0, attempt: 2 }, Timestamp(3));
    assert_eq!(names(&master.handle(failed(2), Timestamp(4))), ["Say", "StopRegion"]);
}

#[test]
fn a_stop_takes_a_checkpoint_and_ends_when_its_output_is_committed() {
    let mut master = master();
    master.handle(Event::RegionRunning { region: 0, attempt: 1 }, Timestamp(0));
    let commands = master.handle(Event::StopRequested, Timestamp(1));
    assert!(matches!(
        commands.back(),
        Some(Command::Trigger(Barrier { kind: BarrierKind::Stop, .. }))
    ));
    assert_eq!(names(&master.handle(ack(2), Timestamp(2))), ["WriteManifest"]);
    let durable = Event::ManifestSettled(ManifestOutcome::Durable);
    assert_eq!(names(&master.handle(durable, Timestamp(3))), ["Say", "Commit"]);
    let committed = Event::Committed { result: Ok(()) };
    assert_eq!(names(&master.handle(committed, Timestamp(4))), ["StopRegion"]);
    let commands = master.handle(Event::RegionStopped { region: 0 }, Timestamp(5));
    assert!(matches!(commands.back(), Some(Command::End(JobEnd::Stopped))), "{commands:?}");
}

#[test]
fn a_failure_during_a_stop_ends_the_job_resumable_instead_of_restarting_it() {
    let mut master = master();
    master.handle(Event::RegionRunning { region: 0, attempt: 1 }, Timestamp(0));
    master.handle(Event::StopRequested, Timestamp(1));
    assert_eq!(names(&master.handle(failed(1), Timestamp(2))), ["Aborted", "Say", "StopRegion"]);
    let commands = master.handle(Event::RegionStopped { region: 0 }, Timestamp(3));
    assert!(matches!(commands.back(), Some(Command::End(JobEnd::Stopped))), "{commands:?}");
}

#[test]
fn a_drain_is_not_forgotten_by_a_region_that_restarts() {
    let mut master = master_with(|config| config.drain_on_stop = true);
    master.handle(Event::RegionRunning { region: 0, attempt: 1 }, Timestamp(0));
    assert_eq!(names(&master.handle(Event::StopRequested, Timestamp(1))), ["DrainSources"]);
    master.handle(failed(1), Timestamp(2));
    master.handle(Event::RegionStopped { region: 0 }, Timestamp(3));
    let commands = master.handle(Event::RegionRunning { region: 0, attempt: 2 }, Timestamp(4));
    assert_eq!(names(&commands), ["DrainSources"]);
}

#[test]
fn the_last_checkpoint_is_final_and_the_job_is_marked_finished_behind_its_commit() {
    let mut master = master();
    master.handle(Event::RegionRunning { region: 0, attempt: 1 }, Timestamp(0));
    let subtask = SubtaskId { vertex: 0, index: 0 };
    let commands = master.handle(Event::Drained { subtask, attempt: 1 }, Timestamp(1));
    assert!(matches!(
        commands.back(),
        Some(Command::Trigger(Barrier { kind: BarrierKind::Final, .. }))
    ));
    master.handle(ack(2), Timestamp(2));
    master.handle(Event::ManifestSettled(ManifestOutcome::Durable), Timestamp(3));
    let commands = master.handle(Event::Committed { result: Ok(()) }, Timestamp(4));
    let Some(Command::WriteManifest(mark)) = commands.back() else { panic!("{commands:?}") };
    assert_eq!(mark.kind, ManifestKind::Finished);
    let durable = Event::ManifestSettled(ManifestOutcome::Durable);
    assert_eq!(names(&master.handle(durable, Timestamp(5))), ["StopRegion"]);
    let commands = master.handle(Event::RegionStopped { region: 0 }, Timestamp(6));
    assert!(matches!(commands.back(), Some(Command::End(JobEnd::Finished))), "{commands:?}");
}

#[test]
fn a_commit_that_fails_restarts_the_region_whose_sink_it_is() {
    let mut master = master();
    master.regions[0].sinks.push("out".into());
    master.handle(Event::RegionRunning { region: 0, attempt: 1 }, Timestamp(0));
    master.handle(Event::Tick, Timestamp(10));
    let Event::Acknowledged { subtask, attempt, checkpoint, mut part } = ack(2) else {
        unreachable!("that is what it is")
    };
    let (sink, payload) = ("out".to_owned(), Vec::new());
    part.committables.push(Committable { sink, epoch: 2, rows: 0, payload });
    master.handle(Event::Acknowledged { subtask, attempt, checkpoint, part }, Timestamp(11));
    master.handle(Event::ManifestSettled(ManifestOutcome::Durable), Timestamp(12));
    let failed = Event::Committed { result: Err(Failure::of("out", "the disk is full".into())) };
    assert_eq!(names(&master.handle(failed, Timestamp(13))), ["Say", "StopRegion"]);
    let commands = master.handle(Event::RegionStopped { region: 0 }, Timestamp(14));
    let Some(Command::StartRegion { from, .. }) = commands.back() else { panic!("{commands:?}") };
    assert_eq!(from.as_ref().map(|manifest| manifest.id), Some(2), "it commits again from there");
}

/// What a failure of `node` leads to, region 0 having run since the last one.
fn after_failure(master: &mut JobMaster, node: Option<&str>) -> Vec<String> {
    let attempt = master.attempt(0);
    master.handle(Event::RegionRunning { region: 0, attempt }, Timestamp(5));
    master.handle(failed_of(node, attempt), Timestamp(6));
    names(&master.handle(Event::RegionStopped { region: 0 }, Timestamp(7)))
}

const TWICE: RestartStrategy = RestartStrategy::FixedDelay { attempts: 2, delay_ms: 0 };

#[test]
fn failures_of_a_node_with_a_strategy_are_decided_by_it_and_all_others_by_the_jobs() {
    let own = [("own", Some(RestartStrategy::None)), ("plain", None)];
    for (node, follows) in [
        (Some("own"), "StopRegion"),
        (Some("plain"), "StartRegion"),
        (Some("unheard-of"), "StartRegion"),
        (None, "StartRegion"),
    ] {
        let mut master = master_of(&own, |config| config.restart = TWICE);
        master.handle(failed_of(node, 1), Timestamp(1));
        let commands = names(&master.handle(Event::RegionStopped { region: 0 }, Timestamp(2)));
        // Where the job ends, the region of the other source is stopped on the way.
        let expected: &[&str] = if follows == "StartRegion" { &["StartRegion"] } else { &[] };
        assert_eq!(commands, expected, "{node:?}");
        let ending = matches!(master.ending, Some(Ending::Now(JobEnd::Failed(_))));
        assert_eq!(ending, follows == "StopRegion", "{node:?}");
    }
}

#[test]
fn the_failures_of_a_node_are_counted_apart_from_those_of_the_job() {
    let mut master = master_of(&[("s", Some(TWICE))], |config| config.restart = TWICE);
    for node in [Some("s"), None, None, Some("s")] {
        assert_eq!(after_failure(&mut master, node), ["StartRegion"], "{node:?}");
    }
    assert_eq!(master.restarts(), 4, "two of each, however they come");
    let mut other = master_of(&[("s", Some(TWICE))], |config| config.restart = TWICE);
    (0..2).for_each(|_| assert_eq!(after_failure(&mut other, Some("s")), ["StartRegion"]));
    assert_eq!(after_failure(&mut other, Some("s")), ["End"], "the job's are left, but not for it");
    assert_eq!(after_failure(&mut master, None), ["End"]);
}

#[test]
fn nodes_that_do_the_work_of_one_are_counted_together() {
    let nodes = |with| {
        let node = |uid: &str, with| Node {
            uid: uid.into(),
            restart: Some(NodeRestart { strategy: TWICE, with }),
            ..source()
        };
        [node("front", with), node("behind", None)]
    };
    for (with, together) in [(Some(1), true), (None, false)] {
        let strategies = RestartStrategies::new(RestartStrategy::None, &nodes(with));
        let mut counts = RestartCounts::default();
        let mut decide = |node: &str| counts.on_failure(&strategies, Some(node), Timestamp(0), 0.5);
        assert_eq!(decide("front"), Decision::RestartAt(Timestamp(0)));
        assert_eq!(decide("behind"), Decision::RestartAt(Timestamp(0)));
        let third = decide("front");
        assert_eq!(third == Decision::GiveUp, together, "{with:?}: {third:?}");
    }
}

#[test]
fn a_commit_that_fails_is_a_failure_of_its_sink() {
    let mut master = master_of(&[("s", None), ("out", Some(RestartStrategy::None))], |_| ());
    master.regions[0].sinks.push("out".into());
    for region in 0..2 {
        master.handle(Event::RegionRunning { region, attempt: 1 }, Timestamp(0));
    }
    master.handle(Event::Tick, Timestamp(10));
    let committables =
        vec![Committable { sink: "out".into(), epoch: 2, rows: 0, payload: Vec::new() }];
    master.committing = Some((committables, BarrierKind::Periodic));
    let failed = Event::Committed { result: Err(Failure::of("out", "the disk is full".into())) };
    master.handle(failed, Timestamp(13));
    let Some(Ending::Now(JobEnd::Failed(cause))) = &master.ending else {
        panic!("the job goes on: {:?}", master.ending)
    };
    assert_eq!(cause, "commit failed: the disk is full");
}
