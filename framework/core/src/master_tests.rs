//! The master by itself: one source, and whoever drives it by hand.

use super::*;
use crate::graph::{Graph, Node};
use crate::key::MaxParallelism;
use crate::node::SourceNode;
use crate::operator::BoxError;
use crate::sink::SubtaskIdentity;
use crate::snapshot::BlobRef;
use crate::task::SourceStage;

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

fn master() -> JobMaster {
    let source = Node {
        uid: "s".into(),
        kind: "test".into(),
        parallelism: None,
        chaining: true,
        factory: NodeFactory::Source(Arc::new(NoSource)),
    };
    let graph = Graph { name: "test".into(), nodes: vec![source], edges: Vec::new() };
    let plan = Plan::new(graph, 1, MaxParallelism::DEFAULT).expect("a sound graph");
    let identity = JobIdentity {
        name: "test".into(),
        max_parallelism: MaxParallelism::DEFAULT,
        operators: plan.kinds(),
        inputs: BTreeMap::new(),
    };
    let start = StartingPoint { identity, run: 1, claim: 1, latest: None, seed: 0 };
    let mut config = JobConfig::default();
    config.checkpoint.interval_ms = 10;
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
