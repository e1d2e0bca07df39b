//! The closed list of metric names, with what each means.
//!
//! Apart so that the page `framework/docs/metrics.md` can be checked against it, and so that nobody
//! invents a name at the place of its use.

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What kind of number it is.
    pub kind: Kind,
    /// Whether it is per job, per subtask, or per operator of a subtask.
    pub labels: &'static [&'static str],
    /// What it means, with its unit.
    pub help: &'static str,
}

const JOB: &[&str] = &["job"];
const SUBTASK: &[&str] = &["job", "vertex", "subtask"];
const OPERATOR: &[&str] = &["job", "operator", "subtask"];

macro_rules! metrics {
    ($($id:ident = $kind:ident $labels:ident $name:literal: $help:literal;)*) => {
        $(#[doc = $help] pub const $id: Metric =
            Metric { name: $name, kind: Kind::$kind, labels: $labels, help: $help };)*
        /// All of them.
        pub const ALL: &[Metric] = &[$($id),*];
    };
}

metrics! {
    RECORDS_IN = Gauge OPERATOR "tidegate_operator_records_in": "Records taken since the job first started; falls back to the checkpoint on a restore, so a replayed record counts once";
    RECORDS_OUT = Gauge OPERATOR "tidegate_operator_records_out": "Records emitted on the main output since the job first started, likewise";
    LATE = Gauge OPERATOR "tidegate_operator_late_records": "Records behind the watermark and past the allowed lateness, likewise";
    DROPPED = Gauge OPERATOR "tidegate_operator_dropped_records": "Records left out by policy (late without a side output, malformed rows skipped or dead-lettered), likewise";
    GAUGE = Gauge OPERATOR "tidegate_operator_gauge": "A figure of the operator's own, named by the label gauge";
    BATCHES_IN = Counter SUBTASK "tidegate_subtask_batches_in_total": "Batches taken by this process";
    BATCHES_OUT = Counter SUBTASK "tidegate_subtask_batches_out_total": "Batches sent by this process";
    BUSY = Counter SUBTASK "tidegate_subtask_busy_ms_total": "Milliseconds in which the subtask worked";
    IDLE = Counter SUBTASK "tidegate_subtask_idle_ms_total": "Milliseconds in which it had nothing to do";
    BACKPRESSURED = Counter SUBTASK "tidegate_subtask_backpressured_ms_total": "Milliseconds in which it had work and no room for the result: something behind it is slow";
    SLOWEST_STEP = Gauge SUBTASK "tidegate_subtask_slowest_step_seconds": "The longest single step so far";
    CREDITS_USED = Gauge SUBTASK "tidegate_subtask_credits_used": "Batches on their way to the subtasks behind it";
    CREDITS_TOTAL = Gauge SUBTASK "tidegate_subtask_credits": "Batches that may be on their way at most";
    WATERMARK = Gauge SUBTASK "tidegate_subtask_watermark_ms": "Event time of the subtask, epoch milliseconds";
    WATERMARK_LAG = Gauge SUBTASK "tidegate_subtask_watermark_lag_seconds": "Wall clock less event time";
    HOLDING_BACK = Gauge SUBTASK "tidegate_subtask_watermark_held_back_by": "1 for the input (labels edge, from) whose watermark is lowest";
    ALIGNMENT = Gauge SUBTASK "tidegate_subtask_alignment_seconds": "From the first barrier to the last, of the last checkpoint";
    STATE_ENTRIES = Gauge SUBTASK "tidegate_subtask_state_entries": "Entries of keyed state, timers included";
    STATE_BYTES = Gauge SUBTASK "tidegate_subtask_checkpoint_bytes": "Bytes written for its part of the last checkpoint";
    CHECKPOINTS = Counter JOB "tidegate_job_checkpoints_total": "Completed checkpoints";
    CHECKPOINTS_FAILED = Counter JOB "tidegate_job_checkpoints_failed_total": "Checkpoints that were given up";
    CHECKPOINT_DURATION = Gauge JOB "tidegate_job_checkpoint_duration_seconds": "From trigger to durable manifest, of the last checkpoint";
    CHECKPOINT_BYTES = Gauge JOB "tidegate_job_checkpoint_bytes": "Bytes written for the last checkpoint";
    CHECKPOINT_AGE = Gauge JOB "tidegate_job_checkpoint_age_seconds": "Since the last checkpoint completed";
    RESTARTS = Counter JOB "tidegate_job_restarts_total": "Region restarts";
    AUDIT_BROKEN = Gauge JOB "tidegate_job_audit_broken": "1 when the conservation audit has found lost or doubled records";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_one_pattern_and_are_used_once() {
        let mut seen = std::collections::BTreeSet::new();
        for metric in ALL {
            assert!(metric.name.starts_with("tidegate_"), "{}", metric.name);
            assert!(seen.insert(metric.name), "{} stands twice", metric.name);
            assert_eq!(
                metric.name.ends_with("_total"),
                metric.kind == Kind::Counter,
                "{}",
                metric.name
            );
        }
    }
}
