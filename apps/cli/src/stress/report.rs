//! What a search has found, for people and for programs.

use super::judge::{Behind, Seen};
use super::search::{Outcome, Phase, Trial, Verdict};
use super::watch::Step;
use crate::number::{grouped, in_time, three_digits};
use serde_json::{Value, json};
use std::fmt::Write;

/// Which percentiles are told.
const PERCENTILES: [f64; 5] = [50.0, 90.0, 99.0, 99.9, 100.0];

/// What is measured, so that nobody takes it for something else.
const LATENCY_IS: &str = "from when the record that a watermark follows was due until every last operator has passed the \
watermark: the schedule does not wait for the job (no coordinated omission). It is the time through all operators, not \
the wait for a window's end.";

/// A trial and what came of it.
pub(super) struct Row {
    pub(super) trial: Trial,
    pub(super) step: Step,
    pub(super) outcome: Outcome,
}

/// All of a search.
pub(super) struct Report {
    pub(super) job: String,
    /// What was changed for the rehearsal.
    pub(super) changed: Vec<String>,
    pub(super) rows: Vec<Row>,
    pub(super) verdict: Verdict,
    pub(super) hold_seconds: f64,
}

impl Report {
    /// Whether a rate was found and held.
    pub(super) const fn found(&self) -> bool {
        self.rate().is_some()
    }

    /// The rate that was held.
    pub(super) const fn rate(&self) -> Option<f64> {
        match self.verdict {
            Verdict::Sustained(rate) | Verdict::AtMaximum(rate) => Some(rate),
            _ => None,
        }
    }

    /// The hold, if there was one that was kept.
    pub(super) fn hold(&self) -> Option<&Row> {
        let last = self.rows.last()?;
        (self.found() && last.trial.phase == Phase::Hold).then_some(last)
    }

    /// The step that shows best what limits the job: the slowest one that was too much; else the last.
    fn telling(&self) -> Option<&Row> {
        let missed = self.rows.iter().filter(|row| row.outcome != Outcome::Kept);
        missed.min_by(|a, b| a.trial.rate.total_cmp(&b.trial.rate)).or_else(|| self.rows.last())
    }

    /// For people.
    pub(super) fn to_text(&self) -> String {
        let mut out = format!("stress of job {}\n", self.job);
        for changed in &self.changed {
            let _ = writeln!(out, "  {changed}");
        }
        self.table(&mut out);
        let _ = writeln!(out, "\n{}", self.verdict_text());
        self.bottleneck_text(&mut out);
        self.latency_text(&mut out);
        self.notes(&mut out);
        out
    }

    fn table(&self, out: &mut String) {
        if self.rows.is_empty() {
            return;
        }
        let _ = writeln!(
            out,
            "\n  {:<6}  {:>13}  {:>13}  {:>8}  {:>9}  result",
            "step", "offered/s", "achieved/s", "late", "p99"
        );
        for Row { trial, step, .. } in &self.rows {
            let p99 = step.latencies.at(99.0).map_or("-".to_owned(), |ms| in_time(ms / 1e3));
            let result = step.seen.behind().map_or("kept".to_owned(), |b| why(&b, &step.seen));
            let _ = writeln!(
                out,
                "  {:<6}  {:>13}  {:>13}  {:>8}  {:>9}  {result}",
                trial.phase.word(),
                grouped(step.seen.offered),
                grouped(step.seen.achieved),
                late(step.seen.late),
                p99,
            );
        }
    }

    fn verdict_text(&self) -> String {
        let hold = in_time(self.hold_seconds);
        match &self.verdict {
            Verdict::Sustained(rate) => {
                let kept = format!("sustainable: {} records/s, held for {hold}", grouped(*rate));
                match self.telling().filter(|row| row.outcome != Outcome::Kept) {
                    Some(row) => format!("{kept}; {} were too many", grouped(row.trial.rate)),
                    None => kept,
                }
            }
            Verdict::AtMaximum(rate) => format!(
                "sustainable: {} records/s at least, held for {hold}; that is the highest rate allowed (--max-rate)",
                grouped(*rate)
            ),
            Verdict::Never(rate) => format!(
                "not sustainable: the job does not even keep up with {} records/s",
                grouped(*rate)
            ),
            Verdict::Unsteady(rate) => format!(
                "not sustainable: rates were kept for a step, but none for {hold}, down to {} records/s; what is slow \
                 grows with time (state, compaction), or the machine is busy with something else: try a longer --step",
                grouped(*rate)
            ),
            Verdict::Failed { rate, cause } => {
                format!("the job failed at {} records/s: {cause}", grouped(*rate))
            }
            Verdict::Ended(rate) => format!(
                "the input ended at {} records/s before anything was found: give a larger file, a generator in its place, \
                 or shorter steps (--step, --hold). A file is not read twice: its event times would go back",
                grouped(*rate)
            ),
            Verdict::Interrupted(rate) => {
                format!("interrupted at {} records/s; {}", grouped(*rate), self.known())
            }
        }
    }

    /// What a search that is not over has shown.
    fn known(&self) -> String {
        let rates = |kept: bool| {
            let of_them =
                self.rows.iter().filter(move |row| (row.outcome == Outcome::Kept) == kept);
            of_them.map(|row| row.trial.rate)
        };
        let kept = rates(true).reduce(f64::max);
        let missed = rates(false).reduce(f64::min);
        match (kept, missed) {
            (None, None) => "no step is over yet".to_owned(),
            (Some(kept), None) => {
                format!("{} were kept for a step, and more may be possible", grouped(kept))
            }
            (None, Some(missed)) => {
                format!("{} were too many, and no rate was kept yet", grouped(missed))
            }
            (Some(kept), Some(missed)) => {
                format!("{} were kept for a step, {} were too many", grouped(kept), grouped(missed))
            }
        }
    }

    fn bottleneck_text(&self, out: &mut String) {
        let Some(row) = self.telling() else { return };
        let seen = &row.step.seen;
        let Some(at) = seen.bottleneck() else { return };
        let vertex = &seen.vertices[at];
        let _ = writeln!(out, "\nbottleneck: {}", vertex.operators.join(" > "));
        let _ = writeln!(
            out,
            "  busy {} of the time at {} records/s{}",
            share(vertex.busy),
            grouped(row.trial.rate),
            if vertex.parallelism > 1 {
                format!(
                    " in the busiest of {} subtasks, {} on average{}",
                    vertex.parallelism,
                    share(vertex.busy_mean),
                    if vertex.busy > 2.0 * vertex.busy_mean { ": a key is hot" } else { "" }
                )
            } else {
                String::new()
            }
        );
        for &input in &vertex.inputs {
            let before = &seen.vertices[input];
            let _ = writeln!(
                out,
                "  before it {} waited for room {} of the time",
                before.operators.join(" > "),
                share(before.backpressured)
            );
        }
        if vertex.operators.len() > 1 {
            let _ = writeln!(
                out,
                "  operators in a chain share a subtask: `chaining: false` at a node tells them apart"
            );
        }
    }

    fn latency_text(&self, out: &mut String) {
        let Some(row) = self.hold() else { return };
        let latencies = &row.step.latencies;
        let _ = writeln!(out);
        if latencies.count() == 0 {
            let _ = writeln!(
                out,
                "latency: not told, as no watermarks pass through this job (`event_time` at its sources gives it some); \
                 the sources read {} late at most times",
                late(row.step.seen.late)
            );
            return;
        }
        let told = PERCENTILES.iter().filter_map(|&percent| {
            let ms = latencies.at(percent)?;
            let name = if percent >= 100.0 { "max".to_owned() } else { format!("p{percent}") };
            Some(format!("{name} {}", in_time(ms / 1e3)))
        });
        let told: Vec<String> = told.collect();
        let _ = writeln!(out, "latency at the hold: {}", told.join(", "));
        let _ = writeln!(out, "  {} watermarks; {LATENCY_IS}", grouped(latencies.count() as f64));
        if !row.step.timed_from.is_empty() {
            let from = row.step.timed_from.join(", ");
            let _ = writeln!(
                out,
                "  event time is made behind the sources: the way up to {from} is left out"
            );
        }
    }

    fn notes(&self, out: &mut String) {
        let Some(row) = self.hold() else { return };
        let Step { event_time, ended_sources, checkpoints: (taken, given_up), .. } = &row.step;
        let _ = writeln!(out, "checkpoints at the hold: {taken}, {given_up} given up");
        if let Some(speed) = event_time.filter(|speed| *speed > 1.5 || *speed < 0.67) {
            let _ = writeln!(
                out,
                "event time ran {} times as fast as the clock: windows held {} records than they would at this rate \
                 (a generator's `events_per_second` sets it)",
                three_digits(speed),
                if speed > 1.0 { "fewer" } else { "more" }
            );
        }
        if *ended_sources > 0 {
            let _ = writeln!(
                out,
                "{ended_sources} subtasks of sources had ended: their share of the rate was not offered"
            );
        }
    }

    /// For programs.
    pub(super) fn to_json(&self) -> Value {
        let (verdict, cause) = match &self.verdict {
            Verdict::Sustained(_) => ("sustained", None),
            Verdict::AtMaximum(_) => ("at_maximum", None),
            Verdict::Never(_) => ("never", None),
            Verdict::Unsteady(_) => ("unsteady", None),
            Verdict::Failed { cause, .. } => ("failed", Some(cause)),
            Verdict::Ended(_) => ("ended", None),
            Verdict::Interrupted(_) => ("interrupted", None),
        };
        let bottleneck = self.telling().and_then(|row| {
            let vertex = &row.step.seen.vertices[row.step.seen.bottleneck()?];
            Some(json!({
                "operators": vertex.operators,
                "parallelism": vertex.parallelism,
                "busy": vertex.busy,
                "busy_mean": vertex.busy_mean,
                "at_rate": row.trial.rate,
            }))
        });
        let latency = self.hold().filter(|row| row.step.latencies.count() > 0).map(|row| {
            let at = |percent| row.step.latencies.at(percent);
            json!({
                "what": LATENCY_IS,
                "timed_from": row.step.timed_from,
                "watermarks": row.step.latencies.count(),
                "p50_ms": at(50.0), "p90_ms": at(90.0), "p99_ms": at(99.0), "p99.9_ms": at(99.9),
                "max_ms": at(100.0),
            })
        });
        json!({
            "job": self.job,
            "verdict": verdict,
            "cause": cause,
            "records_per_second": self.rate(),
            "hold_seconds": self.hold_seconds,
            "changed": self.changed,
            "bottleneck": bottleneck,
            "latency": latency,
            "event_time_speed": self.hold().and_then(|row| row.step.event_time),
            "steps": self.rows.iter().map(step_json).collect::<Vec<_>>(),
        })
    }
}

fn step_json(row: &Row) -> Value {
    let seen = &row.step.seen;
    let vertices = seen.vertices.iter().map(|vertex| {
        json!({
            "operators": vertex.operators,
            "busy": vertex.busy,
            "backpressured": vertex.backpressured,
            "channels_full": vertex.full,
        })
    });
    json!({
        "phase": row.trial.phase.word(),
        "offered": seen.offered,
        "achieved": seen.achieved,
        "seconds": seen.seconds,
        "late_seconds": seen.late,
        "p99_ms": row.step.latencies.at(99.0),
        "kept": row.outcome == Outcome::Kept,
        "why": seen.behind().map(|behind| why(&behind, seen)),
        "checkpoints": row.step.checkpoints.0,
        "vertices": vertices.collect::<Vec<_>>(),
    })
}

fn why(behind: &Behind, seen: &Seen) -> String {
    let name = |at: &usize| seen.vertices[*at].operators.first().map_or("", String::as_str);
    match behind {
        Behind::Late(seconds) => format!("too much: sources read {} late", late(*seconds)),
        Behind::Backpressure(at, waited) => {
            format!("too much: {} waits for room {} of the time", name(at), share(*waited))
        }
        Behind::Queues(at) => format!("too much: the channels behind {} are full", name(at)),
    }
}

fn late(seconds: f64) -> String {
    if seconds < 1e-3 { "0 ms".to_owned() } else { in_time(seconds) }
}

fn share(of: f64) -> String {
    format!("{:.0} %", of * 100.0)
}
