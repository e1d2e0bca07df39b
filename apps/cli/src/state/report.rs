//! What was found, for people and for programs.

use super::decode::time;
use super::survey::{Checkpoint, Condition, Operator, State, Survey};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tidegate::core::snapshot::Redistribution;

/// Characters of an entry that are shown.
const WIDEST: usize = 200;

/// A checkpoint in view.
pub(super) struct View<'a> {
    pub(super) survey: &'a Survey,
    pub(super) chosen: &'a Checkpoint,
    pub(super) operators: &'a [Operator],
}

impl View<'_> {
    /// All checkpoints, and an operator per line.
    pub(super) fn to_text(&self) -> String {
        let Survey { job, place, is_finished, checkpoints, problems, .. } = self.survey;
        let mut out =
            format!("job {}, {} key groups; {place}\n", job.name, job.max_parallelism.get());
        if *is_finished {
            out.push_str("the job has finished\n");
        }
        out.push('\n');
        let head = ["checkpoint", "written at", "bytes", ""].map(str::to_owned).to_vec();
        let mut rows = vec![head];
        rows.extend(checkpoints.iter().map(|one| {
            let condition = match &one.condition {
                Condition::Damaged(why) => format!("damaged: {why}"),
                other => other.word().to_owned(),
            };
            vec![one.id.to_string(), at(one), size(one.bytes), condition]
        }));
        table(&rows, &[true, false, true, false], &mut out);
        for problem in problems {
            out.push_str(&format!("{problem}\n"));
        }
        out.push_str(&format!("\n{}\n", self.heading()));
        self.operators_to(&mut out);
        for Operator { uid, unread, .. } in self.operators {
            if let Some(first) = unread.first() {
                let more = match unread.len() - 1 {
                    0 => String::new(),
                    more => format!(", and {more} more"),
                };
                out.push_str(&format!("{uid}: not all of it can be read: {first}{more}\n"));
            }
        }
        out
    }

    /// Which checkpoint is in view.
    fn heading(&self) -> String {
        let id = self.chosen.id;
        match (&self.chosen.condition, self.survey.newest_whole()) {
            (Condition::Whole, Some(newest)) if newest.id == id => {
                format!("checkpoint {id}, the newest whole one")
            }
            (Condition::Whole, _) => format!("checkpoint {id}"),
            (_, Some(_)) => format!("checkpoint {id}, from which no job can go on"),
            (_, None) => {
                format!("checkpoint {id}; none is whole, and the job cannot go on from here")
            }
        }
    }

    fn operators_to(&self, out: &mut String) {
        let head = ["operator", "kind", "subtasks", "entries", "keys", "bytes", "blobs"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        for operator in self.operators {
            let has_state = !operator.states.is_empty();
            let stateful = |text: String| if has_state { text } else { "-".to_owned() };
            rows.push(vec![
                operator.uid.clone(),
                operator.kind.clone(),
                if operator.subtasks == 0 { unknown() } else { operator.subtasks.to_string() },
                stateful(operator.entries().map_or_else(unknown, |n| n.to_string())),
                operator.keys().map_or_else(|| "-".to_owned(), |n| n.to_string()),
                stateful(size(operator.bytes())),
                blobs(operator.blobs()),
            ]);
        }
        let known: Vec<u64> = self.operators.iter().filter_map(Operator::entries).collect();
        let entries = known.iter().sum::<u64>().to_string();
        let rest = if known.len() < self.operators.len() { "+?" } else { "" };
        let bytes = size(self.operators.iter().map(Operator::bytes).sum());
        let all = self.operators.iter().map(Operator::blobs);
        let sum = all.fold((0, 0), |(bases, deltas), one| (bases + one.0, deltas + one.1));
        let dash = || "-".to_owned();
        let entries = format!("{entries}{rest}");
        rows.push(vec![
            "total".to_owned(),
            String::new(),
            dash(),
            entries,
            dash(),
            bytes,
            blobs(sum),
        ]);
        table(&rows, &[false, false, true, true, true, true, true], out);
        out.push_str("blobs: bases + deltas\n");
    }

    /// One operator, state by state.
    pub(super) fn to_detail(&self, samples: &BTreeMap<String, String>) -> String {
        let mut out = String::new();
        for operator in self.operators {
            let Operator { uid, kind, meaning, subtasks, totals, states, waiting, unread } =
                operator;
            let s = if *subtasks == 1 { "" } else { "s" };
            out.push_str(&format!("operator {uid} ({kind}), {subtasks} subtask{s}\n"));
            if let Some(meaning) = meaning {
                out.push_str(&format!("meaning: {meaning}\n"));
            }
            out.push_str(&format!("{}, written at {}\n", self.heading(), at(self.chosen)));
            if let Some(totals) = totals {
                out.push_str(&format!(
                    "records since the job began: {} in, {} out, {} late, {} dropped\n",
                    totals.records_in, totals.records_out, totals.late, totals.dropped
                ));
            }
            if waiting.0 > 0 {
                let (pieces, rows) = waiting;
                out.push_str(&format!(
                    "output that waits for its commit: {rows} rows, {pieces} pieces\n"
                ));
            }
            for why in unread {
                out.push_str(&format!("not all of it can be read: {why}\n"));
            }
            out.push('\n');
            if states.is_empty() {
                out.push_str("it keeps no state\n");
                continue;
            }
            let head =
                ["state", "how it is kept", "entries", "keys", "bytes", "blobs", "key groups"];
            let mut rows = vec![head.map(str::to_owned).to_vec()];
            rows.extend(states.iter().map(|state| self.state_row(state)));
            table(&rows, &[false, false, true, true, true, true, true], &mut out);
            for (state, sample) in samples {
                let cut: String = sample.chars().take(WIDEST).collect();
                let more = if cut.len() < sample.len() { " ..." } else { "" };
                out.push_str(&format!("\none entry of {state}:\n  {cut}{more}\n"));
            }
        }
        out
    }

    fn state_row(&self, state: &State) -> Vec<String> {
        let dash = || "-".to_owned();
        let groups = match state.list {
            Some(_) => dash(),
            None => format!("{} of {}", state.groups, self.survey.job.max_parallelism.get()),
        };
        vec![
            state.name.clone(),
            state.kept().to_owned(),
            state.entries.map_or_else(unknown, |n| n.to_string()),
            state.keys.map_or_else(dash, |n| n.to_string()),
            size(state.bytes),
            blobs((state.bases, state.deltas)),
            groups,
        ]
    }

    /// For programs.
    pub(super) fn to_json(&self) -> Value {
        let Survey { job, place, is_finished, checkpoints, problems, .. } = self.survey;
        let checkpoint = |one: &Checkpoint| {
            let why = match &one.condition {
                Condition::Damaged(why) => Some(why),
                _ => None,
            };
            json!({
                "checkpoint": one.id,
                "written_at": at(one),
                "bytes": one.bytes,
                "condition": one.condition.word(),
                "why": why,
            })
        };
        json!({
            "job": job.name,
            "max_parallelism": job.max_parallelism.get(),
            "is_finished": is_finished,
            "place": place,
            "checkpoints": checkpoints.iter().map(checkpoint).collect::<Vec<_>>(),
            "problems": problems,
            "checkpoint": self.chosen.id,
            "operators": self.operators.iter().map(operator_json).collect::<Vec<_>>(),
        })
    }
}

fn operator_json(operator: &Operator) -> Value {
    let state = |state: &State| {
        json!({
            "state": state.name,
            "kept": state.kept(),
            "entries": state.entries,
            "keys": state.keys,
            "bytes": state.bytes,
            "bases": state.bases,
            "deltas": state.deltas,
            "key_groups": state.list.is_none().then_some(state.groups),
        })
    };
    let totals = operator.totals.map(|totals| {
        json!({
            "in": totals.records_in,
            "out": totals.records_out,
            "late": totals.late,
            "dropped": totals.dropped,
        })
    });
    json!({
        "operator": operator.uid,
        "kind": operator.kind,
        "meaning": operator.meaning,
        "subtasks": operator.subtasks,
        "records": totals,
        "entries": operator.entries(),
        "keys": operator.keys(),
        "bytes": operator.bytes(),
        "waiting": { "pieces": operator.waiting.0, "rows": operator.waiting.1 },
        "unread": operator.unread,
        "states": operator.states.iter().map(state).collect::<Vec<_>>(),
    })
}

impl Condition {
    const fn word(&self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Damaged(_) => "damaged",
            Self::PassedOver => "passed over",
        }
    }
}

impl State {
    /// Where its entries go when parallelism changes.
    const fn kept(&self) -> &'static str {
        match self.list {
            None => "by key",
            Some(Redistribution::Split) => "list, dealt out",
            Some(Redistribution::Union) => "list, all to each",
            Some(Redistribution::Broadcast) => "list, the same in each",
        }
    }
}

fn at(checkpoint: &Checkpoint) -> String {
    let millis = checkpoint.written_at.millis();
    time(millis).unwrap_or_else(|| format!("{millis} ms"))
}

fn blobs((bases, deltas): (u64, u64)) -> String {
    if bases + deltas == 0 { "-".to_owned() } else { format!("{bases} + {deltas}") }
}

/// What cannot be read.
fn unknown() -> String {
    "?".to_owned()
}

/// Bytes, for people.
fn size(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let (mut value, mut unit) = (bytes as f64 / 1024.0, 0);
    while value >= 1023.95 && unit + 1 < units.len() {
        (value, unit) = (value / 1024.0, unit + 1);
    }
    format!("{value:.1} {}", units[unit])
}

/// Columns side by side; `right` are those of numbers.
fn table(rows: &[Vec<String>], right: &[bool], out: &mut String) {
    let width = |at: usize| {
        rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..right.len()).map(|at| width(at).unwrap_or(0)).collect();
    for row in rows {
        let cells = row.iter().zip(&widths).zip(right).map(|((cell, &width), &right)| {
            if right { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        out.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_the_unit_that_fits() {
        let told = [0, 1023, 1024, 1_048_524, 1_048_576, 5 << 30, u64::MAX].map(size);
        assert_eq!(
            told,
            ["0 B", "1023 B", "1.0 KiB", "1023.9 KiB", "1.0 MiB", "5.0 GiB", "16777216.0 TiB"]
        );
    }

    #[test]
    fn columns_of_numbers_end_at_one_place() {
        let rows: Vec<Vec<String>> = [["a", "1", "x"], ["bcd", "23", ""]]
            .map(|row| row.map(str::to_owned).to_vec())
            .to_vec();
        let mut out = String::new();
        table(&rows, &[false, true, false], &mut out);
        assert_eq!(out, "a     1  x\nbcd  23\n");
    }
}
