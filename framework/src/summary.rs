//! What a job says of itself when it has ended: for people on the terminal, for programs as JSON.

use crate::usage;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use tidegate_core::master::JobEnd;
use tidegate_core::operator::BoxError;
use tidegate_core::plan::Plan;
use tidegate_core::snapshot::OperatorTotals;
use tidegate_runtime::{JobReport, Stats};

/// The summary of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The job's name.
    pub job: String,
    /// `finished`, `stopped`, `failed` or `refused`.
    pub end: &'static str,
    /// Wall-clock seconds of this run.
    pub seconds: f64,
    /// Region restarts in this run.
    pub restarts: u64,
    /// Checkpoints completed in this run.
    pub checkpoints: u64,
    /// Bytes of the last checkpoint.
    pub checkpoint_bytes: u64,
    /// CPU seconds of this process, over all threads.
    pub cpu_seconds: f64,
    /// The most memory this process has had.
    pub peak_rss_bytes: u64,
    /// `clean`, or `broken` when records were lost or doubled.
    pub audit: &'static str,
    /// The checkpoint this run went on from.
    pub resumed_from: Option<u64>,
    /// Every operator, with what it has done since the job first started.
    pub operators: Vec<OperatorSummary>,
    #[serde(skip)]
    was_finished: bool,
}

/// What one operator has done since the job first started; a replayed record counts once.
#[derive(Clone, Debug, Serialize)]
pub struct OperatorSummary {
    /// Its uid.
    pub uid: String,
    /// Its subtasks.
    pub parallelism: u32,
    /// Records taken.
    pub records_in: u64,
    /// Records emitted.
    pub records_out: u64,
    /// Late records.
    pub late: u64,
    /// Records left out by policy.
    pub dropped: u64,
    /// Figures of its own, summed over its subtasks.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub gauges: BTreeMap<&'static str, u64>,
}

impl Summary {
    /// The summary of a run that has ended.
    #[must_use]
    pub fn new(plan: &Plan, report: &JobReport, stats: &Stats) -> Self {
        let subtasks = stats.subtasks();
        let mut operators = Vec::new();
        for (vertex, v) in plan.vertices.iter().enumerate() {
            for &node in &v.nodes {
                let uid = plan.graph.nodes[node].uid.clone();
                let (mut sum, mut gauges) = (OperatorTotals::default(), BTreeMap::new());
                for (_, stats) in subtasks.iter().filter(|(subtask, _)| subtask.vertex == vertex) {
                    sum.add(stats.totals().get(&uid).copied().unwrap_or_default());
                    for (name, value) in stats.gauges().remove(&uid).unwrap_or_default() {
                        *gauges.entry(name).or_default() += value;
                    }
                }
                let OperatorTotals { records_in, records_out, late, dropped } = sum;
                let parallelism = v.parallelism;
                operators.push(OperatorSummary {
                    uid,
                    parallelism,
                    records_in,
                    records_out,
                    late,
                    dropped,
                    gauges,
                });
            }
        }
        Self {
            job: plan.graph.name.clone(),
            end: match report.end {
                JobEnd::Finished => "finished",
                JobEnd::Stopped => "stopped",
                JobEnd::Failed(_) => "failed",
                JobEnd::Refused(_) => "refused",
            },
            seconds: report.seconds,
            restarts: stats.job.restarts.get(),
            checkpoints: stats.job.checkpoints.get(),
            checkpoint_bytes: stats.job.last_bytes.get(),
            cpu_seconds: usage::cpu_seconds(),
            peak_rss_bytes: usage::peak_rss_bytes(),
            audit: if stats.job.audit_broken.get() == 0 { "clean" } else { "broken" },
            resumed_from: report.resumed_from,
            operators,
            was_finished: report.was_finished,
        }
    }

    /// Prints it on standard error.
    pub fn print(&self) {
        if self.was_finished {
            eprintln!(
                "job {}: finished before, all its output is committed; nothing to do (--fresh starts over)",
                self.job
            );
            return;
        }
        let Self { job, end, seconds, audit, .. } = self;
        let resumed = self.resumed_from.map(|id| format!("resumed from checkpoint {id}, "));
        eprintln!(
            "job {job}: {end} after {seconds:.1} s; {}{}, {}, audit {audit}",
            resumed.unwrap_or_default(),
            counted(self.checkpoints, "checkpoint"),
            counted(self.restarts, "restart")
        );
        let width = self.operators.iter().map(|o| o.uid.len()).max().unwrap_or(0).max(8);
        eprintln!(
            "  {:width$}  {:>3}  {:>13}  {:>13}  {:>9}  {:>9}",
            "operator", "p", "records in", "records out", "late", "dropped"
        );
        for o in &self.operators {
            eprintln!(
                "  {:width$}  {:>3}  {:>13}  {:>13}  {:>9}  {:>9}",
                o.uid, o.parallelism, o.records_in, o.records_out, o.late, o.dropped
            );
            if !o.gauges.is_empty() {
                let gauges: Vec<_> =
                    o.gauges.iter().map(|(name, n)| format!("{name} {n}")).collect();
                eprintln!("  {:width$}  {}", "", gauges.join(", "));
            }
        }
    }

    /// Writes it as JSON.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), BoxError> {
        let json = serde_json::to_vec_pretty(self)?;
        std::fs::write(path, json).map_err(|error| {
            format!("summary {} cannot be written: {error}", path.display()).into()
        })
    }
}

/// So many of something, in words.
fn counted(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
