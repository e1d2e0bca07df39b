//! Runs a topology to its end: its sinks are of the kind `collect`, which keeps what it gets.

use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tidegate::core::config::{CheckpointConfig, JobConfig};
use tidegate::core::fault::Fault;
use tidegate::core::key::MaxParallelism;
use tidegate::core::master::JobEnd;
use tidegate::core::plan::Plan;
use tidegate::prelude::*;
use tidegate::runtime::{Execution, Stats, execute};
use tidegate::state::memory::MemoryStorage;
use tidegate_deploy::{Flow, Outputs, Registry, deploy};
use tidegate_rows::{Row, Value};
use tidegate_topology::diagnostic::Paint;
use tidegate_topology::kinds::Traits;
use tidegate_topology::tree::Variables;
use tidegate_topology::{Loaded, Source, load};

/// Rows by the name of their sink, as text: values between bars, changes with their kind in front.
pub(crate) type Rows = BTreeMap<String, Vec<String>>;

/// Keeps what it gets.
#[derive(Deserialize, JsonSchema)]
struct Collecting {}

type Kept = Arc<Mutex<Vec<(String, Kind)>>>;

#[derive(Clone)]
enum Kind {
    Rows(Collect<Row>),
    Changes(Collect<Change<Row>>),
}

/// How a run is made harder.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Run<'a> {
    /// Subtasks of each operator.
    pub(crate) parallelism: u32,
    /// An operator that fails once, at this record.
    pub(crate) fault: Option<(&'a str, u64)>,
    /// What follows failures, if not a few restarts where there is a fault and none where there is none.
    pub(crate) restart: Option<&'a str>,
    /// The time zone of the job, if it names one.
    pub(crate) zone: Option<&'a str>,
    /// Runs everything on one thread: what has been sent first is then also read first.
    pub(crate) one_thread: bool,
    /// What the program brings along.
    pub(crate) brings: Option<fn(&mut Registry)>,
}

/// A topology of these sections, read without mistakes.
///
/// # Panics
/// When there are mistakes: with what is told of them.
pub(crate) fn loaded(sections: &str, registry: &Registry) -> Loaded {
    loaded_in(None, sections, registry)
}

fn loaded_in(zone: Option<&str>, sections: &str, registry: &Registry) -> Loaded {
    let zone = zone.map(|zone| format!(", time_zone: {zone}")).unwrap_or_default();
    let text = format!("job: {{ name: test{zone} }}\n{sections}");
    let loaded = load(Source::new("test.yaml", text), &Variables::default(), registry.kinds());
    assert!(!loaded.diagnostics.has_errors(), "{}", loaded.render(Paint::Plain));
    loaded
}

/// Runs a topology to its end and gives the sorted rows of its sinks, or why the job failed.
pub(crate) fn run_once(sections: &str, run: Run<'_>) -> Result<Rows, String> {
    let kept = Kept::default();
    let mut registry = registry(&kept);
    if let Some(bring) = run.brings {
        bring(&mut registry);
    }
    let loaded = loaded_in(run.zone, sections, &registry);
    let job = deploy(&loaded, &registry).map_err(|error| error.to_string())?;
    let max = MaxParallelism::DEFAULT;
    let plan =
        Plan::new(job.into_graph()?, run.parallelism, max).map_err(|error| error.to_string())?;
    let (_stop, stop) = tokio::sync::mpsc::unbounded_channel();
    let checkpoint = CheckpointConfig { interval_ms: 5, ..CheckpointConfig::default() };
    let usual = if run.fault.is_some() { "fixed-delay:3:1" } else { "none" };
    let restart = run.restart.unwrap_or(usual).parse()?;
    let parallelism = run.parallelism;
    let fault = run.fault.map(|(node, record)| Arc::new(Fault::new(node.to_owned(), record)));
    let execution = Execution {
        plan,
        config: JobConfig { parallelism, checkpoint, restart, ..JobConfig::default() },
        storage: Arc::new(MemoryStorage::new()),
        incremental: true,
        slots: if run.one_thread { 1 } else { 2 },
        fault: fault.clone(),
        stats: Stats::default(),
        rate: None,
        stop,
    };
    let report = execute(execution).map_err(|error| error.to_string())?;
    assert!(fault.is_none_or(|fault| fault.has_struck()), "no record of that number came");
    match report.end {
        JobEnd::Finished => Ok(rows(&kept)),
        JobEnd::Failed(why) | JobEnd::Refused(why) => Err(why),
        JobEnd::Stopped => Err("somebody stopped it".to_owned()),
    }
}

/// Runs it at parallelism 1 and 2; the rows must be the same.
pub(crate) fn run(sections: &str) -> Rows {
    run_as(sections, Run::default())
}

/// As [`run`], made harder.
pub(crate) fn run_as(sections: &str, run: Run<'_>) -> Rows {
    let of = |parallelism| {
        let rows = run_once(sections, Run { parallelism, ..run });
        rows.unwrap_or_else(|why| panic!("the job failed at parallelism {parallelism}: {why}"))
    };
    let (one, two) = (of(1), of(2));
    assert_eq!(one, two, "parallelism 1 (left) and 2 (right) give other rows");
    one
}

/// As [`run`], and once more with a fault at a record of a node.
pub(crate) fn run_with_fault(sections: &str, node: &str, record: u64) -> Rows {
    let rows = run(sections);
    let run = Run { parallelism: 2, fault: Some((node, record)), ..Run::default() };
    let faulty = run_once(sections, run);
    assert_eq!(Ok(&rows), faulty.as_ref(), "the fault (right) has changed the rows");
    rows
}

/// What the engine tells of the job, at parallelism 2.
pub(crate) fn explain(sections: &str) -> String {
    let registry = registry(&Kept::default());
    let job = deploy(&loaded(sections, &registry), &registry).expect("a job");
    let graph = job.into_graph().expect("a sound graph");
    Plan::new(graph, 2, MaxParallelism::DEFAULT).expect("a sound plan").explain()
}

/// Why a run fails.
pub(crate) fn failure(sections: &str) -> String {
    run_once(sections, Run { parallelism: 1, ..Run::default() })
        .expect_err("the job should have failed")
}

fn registry(kept: &Kept) -> Registry {
    let mut registry = Registry::default();
    let kept = Arc::clone(kept);
    let traits = Traits::inputs(1).takes_changes();
    let collect = registry.sink("collect", traits, move |_: &Collecting, wiring| {
        let name = wiring.node().name.clone();
        let kind = match wiring.input(0) {
            Flow::Rows(rows) => {
                let collect = Collect::new();
                rows.sink(&name, collect.clone());
                Kind::Rows(collect)
            }
            Flow::Changes(changes) => {
                let collect = Collect::new();
                changes.sink(&name, collect.clone());
                Kind::Changes(collect)
            }
        };
        kept.lock().expect("no test panics within").push((name, kind));
        Ok(Outputs::none())
    });
    collect.expect("a new name");
    registry
}

fn rows(kept: &Kept) -> Rows {
    let kept = kept.lock().expect("no test panics within");
    let of = |(name, kind): &(String, Kind)| {
        let mut rows: Vec<String> = match kind {
            Kind::Rows(rows) => rows.rows().iter().map(text).collect(),
            Kind::Changes(changes) => {
                let changes = changes.rows();
                changes
                    .iter()
                    .map(|change| format!("{} {}", change.kind, text(&change.row)))
                    .collect()
            }
        };
        rows.sort();
        (name.clone(), rows)
    };
    kept.iter().map(of).collect()
}

fn text(row: &Row) -> String {
    row.values().iter().map(Value::to_string).collect::<Vec<_>>().join("|")
}
