//! From the text of a file to tests that can be run: the file, its topology, then steps against the topology's nodes.

use super::document::{STEPS, StepText, TestCase, TestFile};
use super::{Case, LATEST, LoadedTests, Step};
use crate::code::Code;
use crate::decode::decode;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::{Duration, Role};
use crate::kinds::Kinds;
use crate::plan::{NodePlan, Plan, RowReader, time};
use crate::source::{Source, Span, Unreadable};
use crate::suggest;
use crate::tree::{self, Entry, Node, NodeId, ScalarKind, Value, Variables};
use crate::{Loaded, load as load_topology};
use std::collections::HashMap;

/// Looks at a file with tests. `find` reads a topology by its name, which is seen from the folder of the file.
#[must_use]
pub fn load(
    source: Source,
    find: &dyn Fn(&str) -> Result<Source, Unreadable>,
    kinds: &Kinds,
) -> LoadedTests {
    let mut diagnostics = Diagnostics::new();
    let tree = tree::read(&source, &Variables::default(), &mut diagnostics);
    let file = tree.as_ref().and_then(|tree| shape(tree, &mut diagnostics));
    let nodes = tree.as_ref().map(index).unwrap_or_default();
    let topology = file
        .as_ref()
        .and_then(|file| topology(&source, file, &nodes, find, kinds, &mut diagnostics));
    let plan = topology.as_ref().and_then(|loaded| loaded.plan.as_ref());
    let cases = match (&file, plan) {
        (Some(file), Some(plan)) => {
            let mut reading = Reading { nodes: &nodes, plan, diagnostics: &mut diagnostics };
            Some(file.tests.iter().map(|case| reading.case(case)).collect())
        }
        _ => None,
    };
    let cases = cases.filter(|_| !diagnostics.has_errors());
    LoadedTests { source, topology, cases, diagnostics }
}

fn shape(tree: &Node, diagnostics: &mut Diagnostics) -> Option<TestFile> {
    let Value::Mapping(entries) = &tree.value else {
        let message = format!("expected tests of a topology, found {}", tree.describe());
        let wrong = Diagnostic::new(Code::WrongType, Span::default(), message);
        let help = "write `tests:`, and below it a list: `- name: ...` with `feed` and `expect`";
        diagnostics.push(wrong.label("this should be `tests:`").help(help));
        return None;
    };
    // As in a topology: a place for anchors.
    let entries = entries.iter().filter(|entry| !entry.key.starts_with("x-")).cloned().collect();
    let tree = Node { id: tree.id, span: tree.span, value: Value::Mapping(entries) };
    decode(&tree, Span::default(), diagnostics)
}

fn topology(
    source: &Source,
    file: &TestFile,
    nodes: &HashMap<NodeId, &Node>,
    find: &dyn Fn(&str) -> Result<Source, Unreadable>,
    kinds: &Kinds,
    diagnostics: &mut Diagnostics,
) -> Option<Loaded> {
    let (name, span) = match &file.topology {
        Some(said) => (said.value.to_string(), said.span),
        None => match beside(source.name()) {
            Some(name) => (name, Span::default()),
            None => {
                let message = "the file does not say which topology it tests";
                let wrong = Diagnostic::new(Code::MissingKey, Span::default(), message);
                let help = "write `topology: hot-items.yaml`, or call the file `hot-items.test.yaml`, beside `hot-items.yaml`";
                diagnostics.push(wrong.label("this needs `topology`").help(help));
                return None;
            }
        },
    };
    let text = match find(&name) {
        Ok(text) => text,
        Err(Unreadable { message, help }) => {
            let message = format!("the topology `{name}`: {message}");
            let wrong = Diagnostic::new(Code::BadTopology, span, message);
            diagnostics.push(wrong.label("this is what is tested").help(help));
            return None;
        }
    };
    let overrides = file.set.iter().filter_map(|(path, value)| {
        let node = nodes.get(&value.id)?;
        Some(format!("{}={}", path.as_str(), written(source, node)))
    });
    let overrides: Vec<String> = overrides.collect();
    let variables = file.variables.iter().map(|(name, value)| (name.as_str(), value.to_string()));
    let loaded = load_topology(text.with_overrides(&overrides), &variables.collect(), kinds);
    if loaded.diagnostics.has_errors() {
        let wrong = Diagnostic::new(Code::BadTopology, span, format!("`{name}` has errors"));
        let help = "mend it first; variables are only those of `variables` here";
        diagnostics.push(wrong.label("this is what is tested").help(help));
    }
    Some(loaded)
}

/// The text of a value, so that it reads the same when it stands alone.
fn written(source: &Source, node: &Node) -> String {
    let text = source.slice(node.span);
    if node.scalar().is_some() || !text.contains('\n') {
        return text.to_owned();
    }
    // The first line as far in as the others.
    let indent = source.place(node.span.start).column - 1;
    format!("\n{}{text}", " ".repeat(indent))
}

/// The topology that a file with tests lies beside: its own name without `.test`.
fn beside(path: &str) -> Option<String> {
    let name = path.rsplit(['/', '\\']).next()?;
    let (stem, end) = name.rsplit_once('.')?;
    let stem = stem.strip_suffix(".test").filter(|stem| !stem.is_empty())?;
    Some(format!("{stem}.{end}"))
}

fn index(tree: &Node) -> HashMap<NodeId, &Node> {
    let mut nodes = HashMap::new();
    let mut waiting = vec![tree];
    while let Some(node) = waiting.pop() {
        nodes.insert(node.id, node);
        waiting.extend(node.children());
    }
    nodes
}

/// What every part of reading looks at.
pub(super) struct Reading<'a> {
    /// The values of the file, by what decoding has left of them.
    pub(super) nodes: &'a HashMap<NodeId, &'a Node>,
    pub(super) plan: &'a Plan,
    pub(super) diagnostics: &'a mut Diagnostics,
}

impl Reading<'_> {
    fn case(&mut self, case: &TestCase) -> Case {
        let mut clock = 0;
        let mut steps = Vec::new();
        for StepText(raw) in &case.feed {
            if let Some(node) = self.nodes.get(&raw.id).copied() {
                self.step(node, &mut clock, &mut steps);
            }
        }
        Case {
            name: case.name.value.to_string(),
            span: case.name.span,
            steps,
            ends: case.end,
            expect: self.expectations(&case.expect),
            fails: case.fails.as_ref().map(|part| (part.value.to_string(), part.span)),
        }
    }

    fn wrong_step(&mut self, span: Span, message: impl Into<String>, label: &str, help: &str) {
        let wrong = Diagnostic::new(Code::BadStep, span, message);
        self.diagnostics.push(wrong.label(label).help(help));
    }

    fn step(&mut self, node: &Node, clock: &mut i64, steps: &mut Vec<Step>) {
        let is_at = |entry: &&Entry| entry.key == "at" && node.entries().len() > 1;
        let at = node.entries().iter().find(is_at);
        let entries: Vec<&Entry> = node.entries().iter().filter(|entry| !is_at(entry)).collect();
        let entry = match entries.as_slice() {
            [entry] => *entry,
            [] => {
                let message = format!("expected a step, found {}", node.describe());
                let help = "a step is rows for a source (`- clicks: [...]`), `watermark`, `time`, `advance` or `expect`";
                return self.wrong_step(node.span, message, "nothing happens here", help);
            }
            [_, second, ..] => {
                let help = "which comes first? write each as an item of the list";
                let message = "a step is one thing";
                return self.wrong_step(second.key_span, message, "this is another one", help);
            }
        };
        let takes_at = entry.key == "rows" || !STEPS.contains(&entry.key.as_str());
        if let Some(at) = at.filter(|_| !takes_at) {
            let help = "leave it out: it is the event time of rows";
            let message = format!("`at` means nothing beside `{}`", entry.key);
            self.wrong_step(at.key_span, message, "only rows have one", help);
        }
        let at = at.and_then(|at| self.time(at));
        match entry.key.as_str() {
            "rows" if matches!(entry.value.value, Value::Mapping(_)) => {
                for entry in entry.value.entries() {
                    steps.extend(self.rows(entry, at));
                }
            }
            "watermark" if matches!(entry.value.value, Value::Mapping(_)) => {
                for entry in entry.value.entries() {
                    steps.extend(self.watermark(entry));
                }
            }
            word @ ("rows" | "watermark") => {
                let message = format!(
                    "`{word}` needs to know of which source, found {}",
                    entry.value.describe()
                );
                let help = "write `{ clicks: ... }` with the name of the source";
                self.wrong_step(entry.key_span, message, "of which source?", help);
            }
            "time" => {
                if let Some(to) = self.time(entry) {
                    steps.extend(self.move_clock(entry, clock, to));
                }
            }
            "advance" => {
                if let Some(by) = self.duration(entry) {
                    let to = clock.saturating_add(by);
                    steps.extend(self.move_clock(entry, clock, to));
                }
            }
            "expect" => steps.push(Step::Expect(self.expectations_of_step(entry))),
            _ => steps.extend(self.rows(entry, at)),
        }
    }

    fn rows(&mut self, entry: &Entry, at: Option<i64>) -> Option<Step> {
        let source = self.source(entry)?;
        let schema = &self.plan.nodes[source].outputs.first()?.schema;
        let Value::Sequence(items) = &entry.value.value else {
            let message = format!("expected a list of rows, found {}", entry.value.describe());
            let help = "one row is a list too: `[{ user: 1, item: 7 }]`";
            self.wrong_step(entry.key_span, message, "this should be a list", help);
            return None;
        };
        if at.is_none() && needs_time(self.plan, source) {
            let wrong = Diagnostic::new(
                Code::BadTime,
                entry.key_span,
                format!("the rows of `{}` have no event time", entry.key),
            );
            let help = "the source makes it itself and not from columns: say it with `at` beside the rows, as in `- { keys: [...], at: 2017-11-26T01:00:00Z }`";
            self.diagnostics.push(wrong.label("when have they happened?").help(help));
        }
        let reader = RowReader::new(schema);
        let rows: Vec<_> = items.iter().map(|row| reader.read(row, self.diagnostics)).collect();
        let rows = rows.into_iter().collect::<Option<_>>()?;
        Some(Step::Rows { source, rows, at })
    }

    fn watermark(&mut self, entry: &Entry) -> Option<Step> {
        let source = self.source(entry);
        let at = self.time(entry)?;
        let source = source?;
        if !self.plan.nodes[source].outputs.iter().any(|port| port.watermarks) {
            let message = format!("the source `{}` has no event time", entry.key);
            let wrong = Diagnostic::new(Code::BadTime, entry.key_span, message);
            let help = "give it `event_time` in the topology, or leave this out";
            self.diagnostics.push(wrong.label("a watermark says nothing here").help(help));
        }
        Some(Step::Watermark { source, at })
    }

    /// The source of that name.
    fn source(&mut self, entry: &Entry) -> Option<usize> {
        let nodes = &self.plan.nodes;
        let is = |node: &&crate::plan::PlanNode| node.role == Role::Source;
        let found = nodes.iter().position(|node| is(&node) && node.name == entry.key);
        if found.is_none() {
            let names: Vec<&str> = nodes.iter().filter(is).map(|node| node.name.as_str()).collect();
            let known = names.iter().copied().chain(STEPS);
            let near = suggest::nearest(&entry.key, known);
            let message = format!("there is no source `{}`", entry.key);
            let otherwise = format!(
                "the topology has {}; other steps are {}",
                suggest::list(&names, "and"),
                suggest::list(&STEPS, "and")
            );
            let wrong = Diagnostic::new(Code::UnknownTested, entry.key_span, message);
            self.diagnostics.push(wrong.label("not in the topology").meant(near, otherwise));
        }
        found
    }

    /// A time: of a clock, or of an event.
    fn time(&mut self, entry: &Entry) -> Option<i64> {
        let millis = match entry.value.scalar().map(|scalar| scalar.kind) {
            Some(ScalarKind::Int(millis)) => {
                i64::try_from(millis).map_err(|_| "this is too large".to_owned())
            }
            // What a column of such a value could do is no help here.
            _ => time(&entry.value).map_err(|told| told.split(';').next().unwrap_or("").to_owned()),
        };
        let millis = millis.and_then(|millis| {
            let fits = (-LATEST..=LATEST).contains(&millis);
            if fits { Ok(millis) } else { Err("this is more than 10,000 years away".to_owned()) }
        });
        match millis {
            Ok(millis) => Some(millis),
            Err(label) => {
                let empty = entry.value.span.start == entry.value.span.end;
                let span = if empty { entry.key_span } else { entry.value.span };
                let wrong = Diagnostic::new(Code::BadTime, span, "this is no time").label(label);
                let help = "write `2017-11-26T01:00:00Z`, or milliseconds since the epoch";
                self.diagnostics.push(wrong.help(help));
                None
            }
        }
    }

    fn duration(&mut self, entry: &Entry) -> Option<i64> {
        let text = entry.value.scalar().map_or("", |scalar| scalar.text.as_str());
        let span = if text.is_empty() { entry.key_span } else { entry.value.span };
        match Duration::read(text) {
            Ok(duration) => Some(duration.millis()),
            Err(mistake) => {
                self.diagnostics.push(mistake.diagnostic(span));
                None
            }
        }
    }

    fn move_clock(&mut self, entry: &Entry, clock: &mut i64, to: i64) -> Option<Step> {
        if to < *clock || to > LATEST {
            let (message, label) = if to < *clock {
                ("the clock cannot go back", "this is before the last time of the test")
            } else {
                ("the clock cannot go so far", "this is more than 10,000 years away")
            };
            let wrong = Diagnostic::new(Code::BadTime, entry.value.span, message).label(label);
            self.diagnostics.push(wrong.help("the clock of a test starts at 1970-01-01T00:00:00Z"));
            return None;
        }
        *clock = to;
        Some(Step::Time(to))
    }
}

/// Whether rows of a source have an event time that does not come from their columns.
fn needs_time(plan: &Plan, source: usize) -> bool {
    let node = &plan.nodes[source];
    let has_time = node.outputs.iter().any(|port| port.watermarks);
    has_time
        && match &node.kind {
            NodePlan::Source(source, Some(time)) => {
                time.timestamp.is_none() && !time.is_by_clock() && source.own_time().is_none()
            }
            _ => true,
        }
}

#[cfg(test)]
mod tests {
    use super::beside;

    #[test]
    fn a_file_lies_beside_its_topology() {
        assert_eq!(beside("config/hot-items.test.yaml").as_deref(), Some("hot-items.yaml"));
        assert_eq!(beside("a.b.test.yml").as_deref(), Some("a.b.yml"));
        assert_eq!(beside(".test.yaml"), None);
        assert_eq!(beside("hot-items.yaml"), None);
        assert_eq!(beside("tests"), None);
    }
}
