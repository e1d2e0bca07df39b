//! The sheet: from what is known of a job to what it needs, line by line.
//!
//! Pure, and each line shows its own arithmetic: the numbers in its formula are those that were computed with.

use super::costs::{Costs, PAGE, Work};
use super::model::{Held, Model, Node, distinct};
use crate::number::{grouped, in_bytes, in_time, three_digits};
use serde_json::{Value, json};
use std::fmt::Write;
use tidegate::core::limits::{BATCH_BYTES, CHANNEL_CREDITS, GATE_BYTES};

/// Bytes that the hash table of keyed state has beside key and value: the round of the last change, a flag, a control byte.
const SLOT_BYTES: f64 = 9.0;

/// A hash table doubles when 7/8 of it are full, so at worst 16/7 of what is needed is there.
const TABLE: f64 = 16.0 / 7.0;

/// A chain of incremental checkpoints is made anew when more of it is superseded than alive.
const CHAIN: f64 = 2.0;

/// The share of its cores that a job may use while all is well.
const UTILISATION: f64 = 0.7;

/// In what a line is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Bytes,
    BytesPerSecond,
    Seconds,
    Cores,
    Entries,
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Bytes => in_bytes(value),
            Self::BytesPerSecond => format!("{}/s", in_bytes(value)),
            Self::Seconds => in_time(value),
            Self::Cores if value == 1.0 => "1 core".to_owned(),
            Self::Cores => format!("{} cores", three_digits(value)),
            Self::Entries => format!("{} entries", grouped(value)),
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::BytesPerSecond => "bytes/s",
            Self::Seconds => "seconds",
            Self::Cores => "cores",
            Self::Entries => "entries",
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) section: &'static str,
    pub(super) name: String,
    pub(super) value: f64,
    pub(super) unit: Unit,
    /// How it follows, with its numbers.
    pub(super) formula: String,
}

/// All of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sheet {
    title: String,
    given: Vec<(String, String, String)>,
    pub(super) lines: Vec<Line>,
    notes: Vec<String>,
}

/// What a node's state comes to.
struct State {
    entries: f64,
    /// Bytes of keys and values.
    bytes: f64,
    /// Bytes of what a checkpoint writes.
    delta: f64,
}

impl Sheet {
    /// What a job needs.
    pub(super) fn new(model: &Model) -> Self {
        let mut sheet = Self {
            title: model.title.clone(),
            given: given(model),
            lines: Vec::new(),
            notes: Vec::new(),
        };
        let costs = Costs::new();
        let (mut bytes, mut delta, mut entries) = (0.0, 0.0, 0.0);
        for node in &model.nodes {
            if let Some(state) = sheet.state(node, model) {
                bytes += state.bytes;
                delta += state.delta;
                entries += state.entries;
            }
        }
        let delta = sheet.checkpoints(model, bytes, delta);
        sheet.network(model, delta / model.interval.value);
        sheet.disk(model, bytes, delta);
        let cpu_ns = sheet.work(model, &costs);
        sheet.cores(model, &costs, cpu_ns, entries);
        sheet.memory(model, &costs, bytes, delta, entries);
        sheet
    }

    fn line(&mut self, section: &'static str, name: &str, value: f64, unit: Unit, formula: String) {
        self.lines.push(Line { section, name: name.to_owned(), value, unit, formula });
    }

    fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// State of a node, as two lines.
    fn state(&mut self, node: &Node, model: &Model) -> Option<State> {
        let interval = model.interval.value;
        let (entries, how, entry, touched) = match &node.held {
            Held::Nothing => return None,
            Held::Bytes(bytes, how) => {
                self.line("state", &node.name, *bytes, Unit::Bytes, how.clone());
                return Some(State { entries: 0.0, bytes: *bytes, delta: *bytes });
            }
            Held::Keys { keys, entry, updates, pieces: None } => {
                let touched = distinct(keys.value, updates.value * interval);
                let how = format!("{} keys", grouped(keys.value));
                (keys.value, how, entry.value, touched)
            }
            Held::Keys { keys, entry, updates, pieces: Some((pieces, seconds)) } => {
                let in_piece = distinct(keys.value, updates.value * seconds);
                let how = format!(
                    "{} pieces of {} alive at once x {} keys in each; K x (1 - e^(-n / K)) of K = {} keys occur among n = {} records",
                    grouped(*pieces),
                    in_time(*seconds),
                    grouped(in_piece),
                    grouped(keys.value),
                    grouped(updates.value * seconds)
                );
                let touched_pieces = (interval / seconds).ceil().min(*pieces);
                let touched =
                    touched_pieces * distinct(keys.value, updates.value * interval.min(*seconds));
                (pieces * in_piece, how, entry.value, touched)
            }
            Held::Records { time, entry } => {
                let (rate, span) = (grouped(node.rate), in_time(time.value));
                let how = format!("{rate} records/s x {span} ({})", time.from);
                (node.rate * time.value, how, *entry, node.rate * interval)
            }
            Held::KeyedRecords { keys, each, entry } => {
                let how = format!("{} keys x {} records", grouped(keys.value), grouped(*each));
                let touched = distinct(keys.value, node.rate * interval) * each;
                (keys.value * each, how, *entry, touched)
            }
        };
        self.line("state", &format!("{}: entries", node.name), entries, Unit::Entries, how);
        let bytes = entries * entry;
        let formula = format!("{} entries x {}", grouped(entries), in_bytes(entry));
        self.line("state", &node.name, bytes, Unit::Bytes, formula);
        // Past half of a table a capture takes everything.
        let touched = if touched > entries / 2.0 { entries } else { touched };
        Some(State { entries, bytes, delta: touched * entry })
    }

    fn checkpoints(&mut self, model: &Model, bytes: f64, delta: f64) -> f64 {
        let (each, how) = match model.measured_checkpoint {
            Some(measured) => (measured, "the last one of the running job".to_owned()),
            None if bytes == 0.0 => (0.0, "no state but positions of sources".to_owned()),
            None if !model.incremental => {
                (bytes, "all state each time (state backend memory)".to_owned())
            }
            None => {
                let part = 100.0 * delta / bytes;
                let how = format!(
                    "entries changed within {}: {part:.1} % of {}; past half of a table all of it",
                    in_time(model.interval.value),
                    in_bytes(bytes)
                );
                (delta, how)
            }
        };
        self.line("checkpoints", "bytes of each", each, Unit::Bytes, how);
        let how = format!("{} / {}", in_bytes(each), in_time(model.interval.value));
        self.line(
            "checkpoints",
            "bandwidth",
            each / model.interval.value,
            Unit::BytesPerSecond,
            how,
        );
        each
    }

    fn network(&mut self, model: &Model, checkpoints: f64) {
        let (events, machines) = (model.events.value, model.machines.value);
        match &model.event_bytes {
            Some(bytes) => {
                let how = format!("{} records/s x {}", grouped(events), in_bytes(bytes.value));
                self.line("network", "input", events * bytes.value, Unit::BytesPerSecond, how);
            }
            None => self.note(
                "the input's bandwidth is not told: --bytes-per-event says how large a record is",
            ),
        }
        let mut total = 0.0;
        for node in &model.nodes {
            let Some(bytes) = node.exchange_bytes else { continue };
            let flow = node.rate * bytes;
            total += flow;
            let how = format!("{} records/s x {}", grouped(node.rate), in_bytes(bytes));
            let name = format!("exchange to {}", node.name);
            self.line("network", &name, flow, Unit::BytesPerSecond, how);
        }
        if total > 0.0 {
            let share = (machines - 1.0) / machines;
            let how = format!(
                "exchanges {}/s x ({m} - 1) / {m}; within a process batches are moved, not copied",
                in_bytes(total),
                m = grouped(machines)
            );
            self.line(
                "network",
                "of it between machines",
                total * share,
                Unit::BytesPerSecond,
                how,
            );
            if machines > 1.0 {
                self.note("a job is one process today: for more machines divide the input by key, a job for each part");
            }
        }
        let copies = model.replication.value;
        let how = format!(
            "{}/s x {} copies, if storage is elsewhere",
            in_bytes(checkpoints),
            grouped(copies)
        );
        self.line("network", "checkpoints", checkpoints * copies, Unit::BytesPerSecond, how);
    }

    fn disk(&mut self, model: &Model, bytes: f64, delta: f64) {
        let (retained, copies) = (model.retained.value, model.replication.value);
        let (value, how) = if model.incremental {
            let how = format!(
                "({CHAIN:.0} x {} of state + {} checkpoints x {}) x {} copies; a chain is rewritten when more of it is superseded than alive",
                in_bytes(bytes),
                grouped(retained),
                in_bytes(delta),
                grouped(copies)
            );
            ((CHAIN * bytes + retained * delta) * copies, how)
        } else {
            let how = format!(
                "({} checkpoints + 1 under way) x {} of state x {} copies",
                grouped(retained),
                in_bytes(bytes),
                grouped(copies)
            );
            ((retained + 1.0) * bytes * copies, how)
        };
        self.line("disk", "checkpoints", value, Unit::Bytes, how);
    }

    /// CPU nanoseconds per record of the sources.
    fn work(&mut self, model: &Model, costs: &Costs) -> f64 {
        if let Some(cpu) = &model.cpu_ns {
            let how = format!(
                "{} records/s x {:.0} ns ({})",
                grouped(model.events.value),
                cpu.value,
                cpu.from
            );
            self.line("cores", "busy", model.events.value * cpu.value / 1e9, Unit::Cores, how);
            return cpu.value;
        }
        let mut busy = 0.0;
        let ends = ("source and sink".to_owned(), model.events.value, Work::PassOn);
        let nodes = model.nodes.iter().map(|node| (node.name.clone(), node.rate, node.work));
        for (name, rate, work) in std::iter::once(ends).chain(nodes) {
            let (ns, from) = costs.cpu_ns(work);
            let cores = rate * ns * model.rows / 1e9;
            busy += cores;
            let rows = if model.rows > 1.0 {
                format!(" x {} for rows", model.rows)
            } else {
                String::new()
            };
            let how = format!("{} records/s x {ns:.0} ns ({from}){rows}", grouped(rate));
            self.line("cores", &name, cores, Unit::Cores, how);
        }
        self.line("cores", "busy", busy, Unit::Cores, "the sum of the lines above".to_owned());
        self.note(format!(
            "CPU per record: queries of Nexmark on this engine ({PAGE}, section Nexmark); `tidegate stress FILE` measures \
             your own, --cpu-ns-per-event takes it"
        ));
        if model.rows > 1.0 {
            self.note(
                "those are typed records; rows of a topology are dearer: an allowance of three times, the least share of \
                 its typed twin's rate that a topology is built to reach",
            );
        }
        busy * 1e9 / model.events.value
    }

    fn cores(&mut self, model: &Model, costs: &Costs, cpu_ns: f64, entries: f64) {
        let busy = model.events.value * cpu_ns / 1e9;
        let steady = busy / UTILISATION;
        let how = format!("{} busy / {UTILISATION}: the rest is for bursts", three_digits(busy));
        self.line("cores", "while all is well", steady, Unit::Cores, how);
        let ns = costs.recovery_ns_per_key();
        let restart = entries * ns / 1e9;
        let how = format!("{} entries x {ns:.0} ns ({PAGE}, section Recovery)", grouped(entries));
        self.line("cores", "restart with its state", restart, Unit::Seconds, how);
        let (interval, outage, catch_up) =
            (model.interval.value, model.outage.value, model.catch_up.value);
        let lost = outage + interval + restart;
        let factor = 1.0 + lost / catch_up;
        let how = format!(
            "{} busy x (1 + {} / {}): {} of outage, {} since the last checkpoint and {} of restart, made up for within {}",
            three_digits(busy),
            in_time(lost),
            in_time(catch_up),
            in_time(outage),
            in_time(interval),
            in_time(restart),
            in_time(catch_up)
        );
        self.line("cores", "to catch up after a failure", busy * factor, Unit::Cores, how);
        let needed = steady.max(busy * factor).ceil().max(1.0);
        let how = "the larger of both, rounded up".to_owned();
        self.line("cores", "needed", needed, Unit::Cores, how);
        if needed > model.parallelism.value {
            self.note(format!(
                "an operator of {} subtasks uses {} cores at most: with a parallelism of {} none of them limits the job",
                grouped(model.parallelism.value),
                grouped(model.parallelism.value),
                grouped(needed)
            ));
        }
    }

    fn memory(&mut self, model: &Model, costs: &Costs, bytes: f64, delta: f64, entries: f64) {
        let process = costs.process_bytes();
        let how = format!("q0 at its peak, without state ({PAGE}, section Nexmark)");
        self.line("memory", "process", process, Unit::Bytes, how);
        let tables = (bytes + entries * SLOT_BYTES) * TABLE;
        let how = format!(
            "({} + {} entries x {SLOT_BYTES} B) x 16/7: a table doubles when 7/8 are full",
            in_bytes(bytes),
            grouped(entries)
        );
        self.line("memory", "state", tables, Unit::Bytes, how);
        let exchanges =
            model.nodes.iter().filter(|node| node.exchange_bytes.is_some()).count() as f64;
        let (p, credits) = (model.parallelism.value, f64::from(CHANNEL_CREDITS));
        let each = (p * credits * BATCH_BYTES as f64).min(GATE_BYTES as f64);
        let how = format!(
            "{} exchanges x {} subtasks x min({} senders x {credits} batches x 64 KiB, 32 MiB)",
            grouped(exchanges),
            grouped(p),
            grouped(p)
        );
        let channels = exchanges * p * each;
        self.line("memory", "channels, when full", channels, Unit::Bytes, how);
        let how = "a capture until it is written".to_owned();
        self.line("memory", "checkpoint under way", delta, Unit::Bytes, how);
        let how = "the sum of the lines above".to_owned();
        self.line("memory", "needed", process + tables + channels + delta, Unit::Bytes, how);
    }

    /// For people.
    pub(super) fn to_text(&self) -> String {
        let mut out = format!("size of {}\n\ngiven\n", self.title);
        let name = self.given.iter().map(|(name, ..)| name.chars().count());
        let name = name.chain(self.lines.iter().map(|line| line.name.chars().count())).max();
        let shown: Vec<String> = self.lines.iter().map(|line| line.unit.show(line.value)).collect();
        let value = self.given.iter().map(|(_, value, _)| value.chars().count());
        let value = value.chain(shown.iter().map(|text| text.chars().count())).max();
        let (name, value) = (name.unwrap_or(0), value.unwrap_or(0));
        for (what, number, from) in &self.given {
            let _ = writeln!(out, "  {what:<name$}  {number:>value$}   {from}");
        }
        let mut section = "";
        for (line, shown) in self.lines.iter().zip(&shown) {
            if line.section != section {
                section = line.section;
                let _ = writeln!(out, "\n{section}");
            }
            let _ = writeln!(out, "  {:<name$}  {shown:>value$}   = {}", line.name, line.formula);
        }
        if !self.notes.is_empty() {
            out.push('\n');
        }
        for note in &self.notes {
            let _ = writeln!(out, "note: {note}");
        }
        out
    }

    /// For programs.
    pub(super) fn to_json(&self) -> Value {
        let given = self
            .given
            .iter()
            .map(|(name, value, from)| json!({ "name": name, "value": value, "from": from }));
        let lines = self.lines.iter().map(|line| {
            json!({
                "section": line.section,
                "name": line.name,
                "value": line.value,
                "unit": line.unit.word(),
                "formula": line.formula,
            })
        });
        json!({
            "title": self.title,
            "given": given.collect::<Vec<_>>(),
            "lines": lines.collect::<Vec<_>>(),
            "notes": self.notes,
        })
    }
}

/// The numbers that went in.
fn given(model: &Model) -> Vec<(String, String, String)> {
    let mut given = vec![
        ("events", format!("{}/s", grouped(model.events.value)), &model.events),
        ("parallelism", grouped(model.parallelism.value), &model.parallelism),
        ("checkpoint interval", in_time(model.interval.value), &model.interval),
        ("retained checkpoints", grouped(model.retained.value), &model.retained),
        ("copies in storage", grouped(model.replication.value), &model.replication),
        ("machines", grouped(model.machines.value), &model.machines),
        ("outage", in_time(model.outage.value), &model.outage),
        ("caught up within", in_time(model.catch_up.value), &model.catch_up),
    ];
    if let Some(bytes) = &model.event_bytes {
        given.insert(1, ("bytes per event", in_bytes(bytes.value), bytes));
    }
    let mut given: Vec<_> = given
        .into_iter()
        .map(|(name, value, given)| (name.to_owned(), value, given.from.clone()))
        .collect();
    for node in &model.nodes {
        if let Held::Keys { keys, entry, .. } = &node.held {
            let of = |what: &str| format!("{}: {what}", node.name);
            given.push((of("keys"), grouped(keys.value), keys.from.clone()));
            given.push((of("bytes per entry"), in_bytes(entry.value), entry.from.clone()));
        }
        if let Held::KeyedRecords { keys, .. } = &node.held {
            let name = format!("{}: keys", node.name);
            given.push((name, grouped(keys.value), keys.from.clone()));
        }
    }
    given
}
