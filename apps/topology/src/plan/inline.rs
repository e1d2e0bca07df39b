//! Rows that stand in the topology itself: each value against the type of its column.
//!
//! A value is read as JSON would be, column by column, so that everything wrong with a row is told at once.

use super::expression::listed;
use super::walk::Planning;
use crate::code::Code;
use crate::decode::Raw;
use crate::diagnostic::Diagnostic;
use crate::document::Inline;
use crate::tree::{Entry, Node, ScalarKind, Value};
use std::fmt::Write;
use tidegate_rows::format::JsonFormat;
use tidegate_rows::{DataType, Field, Row, Schema, Value as RowValue};

impl Planning<'_> {
    /// The rows, if each fits the schema.
    pub(super) fn inline(&mut self, inline: &Inline, schema: &Schema) -> Option<Vec<Row>> {
        let formats: Vec<JsonFormat> = schema.columns().iter().filter_map(one_column).collect();
        let rows: Vec<Option<Row>> =
            inline.rows.iter().map(|row| self.inline_row(row, schema, &formats)).collect();
        rows.into_iter().collect()
    }

    fn inline_row(&mut self, raw: &Raw, schema: &Schema, formats: &[JsonFormat]) -> Option<Row> {
        let tree = self.tree;
        let node = tree.find(raw.id)?;
        if !matches!(node.value, Value::Mapping(_)) {
            let message = format!("expected a row, found {}", node.describe());
            let wrong = Diagnostic::new(Code::BadRow, raw.span, message);
            let help = "a row is a mapping from columns to values: `{ user: 1, item: 7 }`";
            self.diagnostics.push(wrong.label("this should be a mapping").help(help));
            return None;
        }
        let mut is_right = true;
        for entry in node.entries() {
            if schema.index_of(&entry.key).is_none() {
                self.not_a_column(entry, schema);
                is_right = false;
            }
        }
        let mut values = Vec::with_capacity(schema.len());
        for (column, format) in schema.columns().iter().zip(formats) {
            let Some(entry) = node.entry(&column.name) else {
                if !column.nullable {
                    let message = format!("the row has no `{}`", column.name);
                    let wrong = Diagnostic::new(Code::BadRow, raw.span, message);
                    let label = format!("the column is of type {}", column.field_type());
                    let help = "give it a value, or let the column be NULL: a `?` behind its type";
                    self.diagnostics.push(wrong.label(label).help(help));
                    is_right = false;
                }
                values.push(RowValue::Null);
                continue;
            };
            match self.inline_value(entry, column, format) {
                Some(value) => values.push(value),
                None => is_right = false,
            }
        }
        is_right.then(|| Row::new(values))
    }

    fn not_a_column(&mut self, entry: &Entry, schema: &Schema) {
        let names: Vec<&str> = schema.columns().iter().map(|one| one.name.as_str()).collect();
        let message = format!("there is no column `{}`", entry.key);
        let wrong = Diagnostic::new(Code::UnknownColumn, entry.key_span, message);
        let near = schema.nearest(&entry.key);
        let otherwise = format!("the columns are {}", listed(&names));
        self.diagnostics.push(wrong.label("no such column").meant(near, otherwise));
    }

    fn inline_value(
        &mut self,
        entry: &Entry,
        column: &Field,
        format: &JsonFormat,
    ) -> Option<RowValue> {
        let mut text = String::from("{");
        write_text(&column.name, &mut text);
        text.push(':');
        write_json(&entry.value, &mut text);
        text.push('}');
        match format.decode(text.as_bytes()) {
            Ok(row) => row.into_values().into_vec().into_iter().next(),
            Err(malformed) => {
                let message = format!("this value does not fit the column `{}`", column.name);
                let empty = entry.value.span.start == entry.value.span.end;
                let span = if empty { entry.key_span } else { entry.value.span };
                let is_text =
                    column.data_type == DataType::String && entry.value.scalar().is_some();
                let help =
                    if is_text { "text that reads as something else needs quotes" } else { "" };
                let wrong = Diagnostic::new(Code::BadRow, span, message).label(malformed.message);
                self.diagnostics.push(wrong.help(help));
                None
            }
        }
    }
}

fn one_column(column: &Field) -> Option<JsonFormat> {
    Schema::new([column.clone()]).ok().map(|schema| JsonFormat::new(&schema))
}

fn write_text(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

/// A value of the file as JSON. Without bound in its depth, because the tree has one.
fn write_json(node: &Node, out: &mut String) {
    match &node.value {
        Value::Null => out.push_str("null"),
        Value::Scalar(scalar) => match scalar.kind {
            ScalarKind::Bool(value) => out.push_str(if value { "true" } else { "false" }),
            ScalarKind::Int(number) => {
                let _ = write!(out, "{number}");
            }
            ScalarKind::Float(number) if number.is_finite() => {
                let _ = write!(out, "{number:?}");
            }
            ScalarKind::Float(_) | ScalarKind::Text => write_text(&scalar.text, out),
        },
        Value::Sequence(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                write_json(item, out);
            }
            out.push(']');
        }
        Value::Mapping(entries) => {
            out.push('{');
            for (at, entry) in entries.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                write_text(&entry.key, out);
                out.push(':');
                write_json(&entry.value, out);
            }
            out.push('}');
        }
    }
}
