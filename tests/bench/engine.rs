//! The engine's side: the same work as a job, with event time and checkpoints to sled.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Waker;
use std::time::{Duration, Instant};
use tidegate::core::config::{CheckpointConfig, JobConfig};
use tidegate::core::element::{Barrier, Batch};
use tidegate::core::graph::Graph;
use tidegate::core::key::MaxParallelism;
use tidegate::core::master::JobEnd;
use tidegate::core::plan::Plan;
use tidegate::core::sink::{NothingToPrepare, Prepare, Sink, SinkFactory, SubtaskIdentity};
use tidegate::prelude::*;
use tidegate::runtime::{Execution, Stats, execute};
use tidegate::state::{SledOptions, SledStorage};
use tidegate_generator::Sequence;

/// A keyed count to run.
#[derive(Clone, Copy, Debug)]
pub struct Count {
    /// Records in all.
    pub records: u64,
    /// Distinct keys.
    pub keys: u64,
    /// Sources and counters.
    pub parallelism: u32,
    /// Milliseconds between checkpoints.
    pub checkpoint_ms: i64,
}

/// How a run went.
#[derive(Clone, Debug)]
pub struct Run {
    /// Records per second, from start to end of the job.
    pub records_per_second: f64,
    /// Sum over all results.
    pub checksum: u64,
    /// CPU nanoseconds per record, over all threads.
    pub cpu_ns: f64,
    /// Checkpoints completed.
    pub checkpoints: u64,
    /// Bytes of the last checkpoint.
    pub checkpoint_bytes: u64,
    /// Duration of the last checkpoint.
    pub checkpoint_ms: u64,
    /// `clean` or `broken`.
    pub audit: &'static str,
    /// The most memory the process has had, as far as the system tells.
    pub peak_rss_bytes: u64,
}

/// Counts the records of each key and emits every new count.
#[derive(Default)]
pub struct KeyedCount {
    counts: ValueState<u64, u64>,
}

impl KeyedProcess for KeyedCount {
    type Key = u64;
    type In = u64;
    type Out = (u64, u64);

    #[inline]
    fn process(
        &mut self,
        key: Keyed<'_, u64>,
        value: u64,
        ctx: &mut KeyedContext<'_, u64, (u64, u64)>,
    ) -> Result<(), BoxError> {
        let count = self.counts.get_or_insert_with(key, || 0);
        *count += 1;
        let count = *count;
        ctx.emit((value, count));
        Ok(())
    }

    fn states(&mut self, visitor: &mut dyn StateVisitor) {
        visitor.keyed("counts", &mut self.counts);
    }
}

/// Adds up what comes and drops it.
#[derive(Clone, Default)]
pub struct Checksum(Arc<AtomicU64>);

impl Checksum {
    /// The sum so far.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One subtask's end of a [`Checksum`].
pub struct ChecksumSink(Arc<AtomicU64>);

impl Sink for ChecksumSink {
    type In = (u64, u64);

    fn write(&mut self, input: &mut Batch<(u64, u64)>, _: &Waker) -> Result<(), BoxError> {
        let xor = |sum: u64, (key, count): (u64, u64)| sum.wrapping_add(key ^ count);
        let sum = input.take_open().map(|record| record.value).fold(0, xor);
        self.0.fetch_add(sum, Ordering::Relaxed);
        Ok(())
    }

    fn freeze(&mut self, _: Barrier) -> Result<Box<dyn Prepare>, BoxError> {
        Ok(Box::new(NothingToPrepare))
    }
}

impl SinkFactory for Checksum {
    type In = (u64, u64);
    type Sink = ChecksumSink;

    fn kind(&self) -> &'static str {
        "checksum"
    }

    fn is_transactional(&self) -> bool {
        false
    }

    fn create(&self, _: &SubtaskIdentity) -> Result<ChecksumSink, BoxError> {
        Ok(ChecksumSink(Arc::clone(&self.0)))
    }
}

/// Runs a keyed count as a job, with checkpoints to sled in a temporary folder.
///
/// # Errors
/// When the job does not finish.
pub fn keyed_count(count: &Count) -> Result<Run, BoxError> {
    let checksum = Checksum::default();
    let job = Job::new("keyed-count");
    job.source(
        "keys",
        Sequence::new(count.records).keys(count.keys),
        WatermarkStrategy::monotonous(),
    )
    .key_by(|key| *key)
    .process(KeyedCount::default)
    .uid("count")
    .sink("checksum", checksum.clone());
    let stats = Stats::default();
    let (started, cpu) = (Instant::now(), super::cpu_seconds());
    run(job.into_graph()?, count.parallelism, count.checkpoint_ms, &stats)?;
    let seconds = started.elapsed().as_secs_f64();
    Ok(Run {
        records_per_second: count.records as f64 / seconds,
        checksum: checksum.sum(),
        cpu_ns: (super::cpu_seconds() - cpu) * 1e9 / count.records as f64,
        checkpoints: stats.job.checkpoints.get(),
        checkpoint_bytes: stats.job.last_bytes.get(),
        checkpoint_ms: stats.job.last_duration_ms.get(),
        audit: if stats.job.audit_broken.get() == 0 { "clean" } else { "broken" },
        peak_rss_bytes: super::peak_rss_bytes(),
    })
}

/// Runs a job on two slots, with checkpoints to sled in a temporary folder.
///
/// # Errors
/// When the job does not finish.
pub fn run(
    graph: Graph,
    parallelism: u32,
    interval_ms: i64,
    stats: &Stats,
) -> Result<(), BoxError> {
    run_watched(graph, parallelism, interval_ms, stats, &Arc::default(), None)
}

/// As [`run`], with the size of the folder and a rate in records per second.
///
/// # Errors
/// When the job does not finish.
pub fn run_watched(
    graph: Graph,
    parallelism: u32,
    interval_ms: i64,
    stats: &Stats,
    disk: &Arc<DiskWatch>,
    rate: Option<f64>,
) -> Result<(), BoxError> {
    let plan = Plan::new(graph, parallelism, MaxParallelism::DEFAULT)?;
    // Jobs may run side by side in a process.
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let (process, run) = (std::process::id(), RUNS.fetch_add(1, Ordering::Relaxed));
    let folder = std::env::temp_dir().join(format!("tidegate-bench-{process}-{run}"));
    let storage = Arc::new(SledStorage::open(&folder, SledOptions::default())?);
    let checkpoint = CheckpointConfig { interval_ms, ..CheckpointConfig::default() };
    let (_stop, stopped) = tokio::sync::mpsc::unbounded_channel();
    let watching = DiskWatch::start(disk, &folder, stats);
    let report = execute(Execution {
        plan,
        config: JobConfig { parallelism, checkpoint, rate, ..JobConfig::default() },
        storage,
        incremental: true,
        slots: 2,
        fault: None,
        stats: stats.clone(),
        rate: None,
        stop: stopped,
    });
    drop(watching);
    std::fs::remove_dir_all(&folder)?;
    match report?.end {
        JobEnd::Finished => Ok(()),
        end => Err(format!("the job did not finish: {end:?}").into()),
    }
}

/// The size of a folder over time.
#[derive(Debug, Default)]
pub struct DiskWatch {
    peak: AtomicU64,
    last: AtomicU64,
}

impl DiskWatch {
    /// The largest size seen, in bytes.
    #[must_use]
    pub fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }

    /// The last size seen, in bytes.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.last.load(Ordering::Relaxed)
    }

    /// Looks after every twentieth checkpoint until what is returned is dropped.
    fn start(watch: &Arc<Self>, folder: &Path, stats: &Stats) -> mpsc::Sender<()> {
        let (stop, stopped) = mpsc::channel();
        let (watch, folder, stats) = (Arc::clone(watch), folder.to_owned(), stats.clone());
        std::thread::spawn(move || {
            let mut seen = 0;
            let pause = Duration::from_millis(5);
            while stopped.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Timeout) {
                if stats.job.checkpoints.get() >= seen + 20 {
                    seen = stats.job.checkpoints.get();
                    let size = folder_bytes(&folder);
                    watch.peak.fetch_max(size, Ordering::Relaxed);
                    watch.last.store(size, Ordering::Relaxed);
                }
            }
        });
        stop
    }
}

fn folder_bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(data) if data.is_dir() => folder_bytes(&entry.path()),
        Ok(data) => data.len(),
        Err(_) => 0,
    };
    entries.map(size).sum()
}
