//! The workloads: a job each, of a fixed number of records.

use tidegate::core::graph::Graph;
use tidegate::prelude::*;
use tidegate_generator::Sequence;
use tidegate_tests::bench::engine::{Checksum, KeyedCount};

/// Records of a job; a thousand of them to a millisecond of event time.
const RECORDS: u64 = 100_000;
/// Records of each side of the join, whose partners make them dearer.
const JOINED: u64 = 20_000;

/// A job, and where its rows go.
pub(crate) struct Workload {
    pub(crate) graph: Graph,
    pub(crate) rows: Checksum,
    /// Rounds of all tasks from one checkpoint to the next.
    pub(crate) checkpoint_every: Option<u64>,
}

type Keys = Stream<u64>;
type Rows = Stream<(u64, u64)>;

/// All workloads.
pub(crate) const NAMES: [&str; 5] =
    ["keyed-count", "tumbling-window", "sliding-window", "interval-join", "checkpoint"];

/// # Errors
/// When there is no such workload, or its job cannot be drawn.
pub(crate) fn by_name(name: &str) -> Result<Workload, BoxError> {
    match name {
        "keyed-count" => workload(keyed_count),
        "tumbling-window" => workload(|job| windows(job, Window::tumbling(10))),
        "sliding-window" => workload(|job| windows(job, Window::sliding(20, 5))),
        "interval-join" => workload(interval_join),
        "checkpoint" => Ok(Workload { checkpoint_every: Some(8), ..workload(keyed_count)? }),
        _ => Err(format!("one of {}", NAMES.join(", ")).into()),
    }
}

fn workload(draw: fn(&Job) -> Rows) -> Result<Workload, BoxError> {
    let (job, rows) = (Job::new("instructions"), Checksum::default());
    draw(&job).sink("checksum", rows.clone());
    Ok(Workload { graph: job.into_graph()?, rows, checkpoint_every: None })
}

fn keys(job: &Job, name: &str, records: u64, keys: u64) -> Keys {
    job.source(name, Sequence::new(records).keys(keys), WatermarkStrategy::monotonous())
}

fn keyed_count(job: &Job) -> Rows {
    keys(job, "keys", RECORDS, 20_000).key_by(|key| *key).process(KeyedCount::default).uid("count")
}

fn windows(job: &Job, window: Window) -> Rows {
    let keyed = keys(job, "keys", RECORDS, 1_000).key_by(|key| *key);
    let counts = keyed.window(window).aggregate(Count::new()).uid("count");
    counts.map(|count| (count.key, count.value)).uid("rows")
}

fn interval_join(job: &Job) -> Rows {
    let (left, right) = (keys(job, "left", JOINED, 5_000), keys(job, "right", JOINED, 5_000));
    let right = right.map(|key| key ^ 1).uid("others").key_by(|key| *key);
    let joined = left.key_by(|key| *key).interval_join(&right).between(-1, 1).join().uid("join");
    // The sides are equal; the checksum would be 0.
    joined.filter_map(|pair| pair.into_pair().map(|(left, right)| (left, right + 1))).uid("pairs")
}
