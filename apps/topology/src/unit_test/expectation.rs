//! Expectations: rows against the columns of the output that they are expected of.

use super::document::{ExpectationKeys, ExpectationText, RowText};
use super::read::Reading;
use super::{Expectation, Expected, Sign};
use crate::code::Code;
use crate::decode::{Raw, Spanned, decode};
use crate::diagnostic::Diagnostic;
use crate::document::Entries;
use crate::plan::{Port, PortRef, RowReader, not_a_column};
use crate::source::Span;
use crate::suggest;
use crate::tree::{Entry, Node, Value};
use tidegate_rows::{Row, Schema};

impl Reading<'_> {
    /// Expectations by node.
    pub(super) fn expectations(&mut self, expected: &Entries<ExpectationText>) -> Vec<Expectation> {
        let one = |(name, text): &(Spanned<String>, ExpectationText)| {
            let node = self.nodes.get(&text.0.id).copied()?;
            self.expectation(name.as_str(), name.span, node)
        };
        expected.iter().filter_map(one).collect()
    }

    /// Expectations that stand in a step.
    pub(super) fn expectations_of_step(&mut self, entry: &Entry) -> Vec<Expectation> {
        if !matches!(entry.value.value, Value::Mapping(_)) {
            let message = format!("expected nodes with rows, found {}", entry.value.describe());
            let wrong = Diagnostic::new(Code::BadStep, entry.key_span, message);
            let help = "name the nodes that are looked at: `expect: { views: [] }`";
            self.diagnostics.push(wrong.label("this should be a mapping").help(help));
            return Vec::new();
        }
        let one = |entry: &Entry| self.expectation(&entry.key, entry.key_span, &entry.value);
        entry.value.entries().iter().filter_map(one).collect()
    }

    fn expectation(&mut self, name: &str, span: Span, node: &Node) -> Option<Expectation> {
        let output = self.output(name, span);
        let keys = match &node.value {
            Value::Sequence(items) => {
                let rows = items.iter().map(|item| RowText(Raw { id: item.id, span: item.span }));
                ExpectationKeys { rows: rows.collect(), unordered: false, only: Vec::new() }
            }
            Value::Mapping(_) => decode(node, span, self.diagnostics)?,
            _ => {
                let message = format!("expected a list of rows, found {}", node.describe());
                let wrong = Diagnostic::new(Code::BadExpectation, span, message);
                let help = format!("if nothing comes out, write `{name}: []`");
                self.diagnostics.push(wrong.label("this should be a list").help(help));
                return None;
            }
        };
        let output = output?;
        let port = self.plan.nodes[output.node].outputs[output.output].clone();
        let (columns, schema) = self.columns(&keys, &port)?;
        let reader = RowReader::new(&schema);
        let mut rows = Vec::with_capacity(keys.rows.len());
        for text in &keys.rows {
            rows.push(self.expected(&reader, name, &port, self.nodes.get(&text.0.id).copied()?));
        }
        let rows = rows.into_iter().collect::<Option<_>>()?;
        let (name, unordered) = (name.to_owned(), keys.unordered);
        Some(Expectation { span, name, output, columns, schema, rows, unordered })
    }

    /// The columns that are compared.
    fn columns(&mut self, keys: &ExpectationKeys, port: &Port) -> Option<(Vec<usize>, Schema)> {
        if keys.only.is_empty() {
            return Some(((0..port.schema.len()).collect(), port.schema.clone()));
        }
        let found = keys.only.iter().map(|name| match port.schema.index_of(&name.value) {
            Some(column) => Some(column),
            None => {
                self.diagnostics.push(not_a_column(name.span, &name.value, &port.schema));
                None
            }
        });
        let columns = found.collect::<Vec<_>>().into_iter().collect::<Option<Vec<usize>>>()?;
        let fields = columns.iter().map(|column| port.schema.columns()[*column].clone());
        match Schema::new(fields) {
            Ok(schema) => Some((columns, schema)),
            Err(twice) => {
                let last = keys.only.iter().rev().find(|name| *name.value == *twice.0)?;
                let message = format!("the column `{}` is named twice", twice.0);
                let wrong = Diagnostic::new(Code::DuplicateColumn, last.span, message);
                self.diagnostics.push(wrong.label("once is enough"));
                None
            }
        }
    }

    fn expected(
        &mut self,
        reader: &RowReader,
        name: &str,
        port: &Port,
        node: &Node,
    ) -> Option<Expected> {
        let signed = match node.entries() {
            [entry] => Sign::ALL.into_iter().find(|sign| sign.text() == entry.key).zip(Some(entry)),
            _ => None,
        };
        match (port.changes, signed) {
            (false, None) => self.row(reader, node).map(|row| Expected { sign: None, row }),
            (true, Some((sign, entry))) => {
                let row = self.row(reader, &entry.value)?;
                Some(Expected { sign: Some(sign), row })
            }
            (true, None) => {
                let message = format!("`{name}` gives changes, and this does not say which");
                let wrong = Diagnostic::new(Code::BadExpectation, node.span, message);
                let help = "write what the change does before its row: `+I: { ... }`, `-U: { ... }`, `+U: { ... }` or `-D: { ... }`";
                self.diagnostics.push(wrong.label("put in or taken out?").help(help));
                None
            }
            (false, Some((sign, entry))) => {
                let message = format!("`{name}` gives rows that are never taken back");
                let wrong = Diagnostic::new(Code::BadExpectation, entry.key_span, message);
                let help = format!("leave `{sign}` out and write the row alone");
                self.diagnostics.push(wrong.label("there are no changes").help(help));
                None
            }
        }
    }

    fn row(&mut self, reader: &RowReader, node: &Node) -> Option<Row> {
        reader.read(node, self.diagnostics)
    }

    /// The output of that name: of a sink what it takes.
    fn output(&mut self, name: &str, span: Span) -> Option<PortRef> {
        let (node, side) = match name.split_once('.') {
            Some((node, side)) => (node, Some(side)),
            None => (name, None),
        };
        let at = self.plan.nodes.iter().position(|one| one.name == node);
        if let Some(at) = at {
            let found = &self.plan.nodes[at];
            let output = found.outputs.iter().position(|port| port.side.as_deref() == side);
            match (output, side, found.inputs.as_slice()) {
                (Some(output), _, _) => return Some(PortRef { node: at, output }),
                (None, None, [input]) => return Some(input.clone()),
                _ => {}
            }
        }
        let names: Vec<String> = self.plan.nodes.iter().flat_map(names_of).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let message = format!("there is no node or side output `{name}`");
        let wrong = Diagnostic::new(Code::UnknownTested, span, message);
        let otherwise = format!("the topology has {}", suggest::list(&names, "and"));
        let near = suggest::nearest(name, names.iter().copied());
        self.diagnostics.push(wrong.label("not in the topology").meant(near, otherwise));
        None
    }
}

fn names_of(node: &crate::plan::PlanNode) -> Vec<String> {
    let sides = node.outputs.iter().filter_map(|port| port.side.as_ref());
    let sides = sides.map(|side| format!("{}.{side}", node.name));
    std::iter::once(node.name.clone()).chain(sides).collect()
}
