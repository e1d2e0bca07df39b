//! Rows that stand in the topology itself: each value against the type of its column.
//!
//! A value is read as JSON would be, column by column, so that everything wrong with a row is told at once.

use super::expression::listed;
use super::walk::Planning;
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::Inline;
use crate::source::Span;
use crate::tree::{Entry, Node, ScalarKind, Value};
use std::fmt::Write;
use tidegate_rows::format::JsonFormat;
use tidegate_rows::{DataType, Field, Row, Schema, Value as RowValue};

impl Planning<'_> {
    /// The rows, if each fits the schema.
    pub(super) fn inline(&mut self, inline: &Inline, schema: &Schema) -> Option<Vec<Row>> {
        let reader = RowReader::new(schema);
        let tree = self.tree;
        let rows = inline.rows.iter().map(|row| reader.read(tree.find(row.id)?, self.diagnostics));
        rows.collect::<Vec<_>>().into_iter().collect()
    }
}

/// Reads rows of one schema.
pub(crate) struct RowReader {
    schema: Schema,
    formats: Vec<JsonFormat>,
}

impl RowReader {
    pub(crate) fn new(schema: &Schema) -> Self {
        let formats = schema.columns().iter().filter_map(one_column).collect();
        Self { schema: schema.clone(), formats }
    }

    /// The row, if it fits; else `diagnostics` says why not.
    pub(crate) fn read(&self, node: &Node, diagnostics: &mut Diagnostics) -> Option<Row> {
        if !matches!(node.value, Value::Mapping(_)) {
            let message = format!("expected a row, found {}", node.describe());
            let wrong = Diagnostic::new(Code::BadRow, node.span, message);
            let help = "a row is a mapping from columns to values: `{ user: 1, item: 7 }`";
            diagnostics.push(wrong.label("this should be a mapping").help(help));
            return None;
        }
        let mut is_right = true;
        for entry in node.entries() {
            if self.schema.index_of(&entry.key).is_none() {
                diagnostics.push(not_a_column(entry.key_span, &entry.key, &self.schema));
                is_right = false;
            }
        }
        let mut values = Vec::with_capacity(self.schema.len());
        for (column, format) in self.schema.columns().iter().zip(&self.formats) {
            let Some(entry) = node.entry(&column.name) else {
                if !column.nullable {
                    let message = format!("the row has no `{}`", column.name);
                    let wrong = Diagnostic::new(Code::BadRow, node.span, message);
                    let label = format!("the column is of type {}", column.field_type());
                    let help = "give it a value, or let the column be NULL: a `?` behind its type";
                    diagnostics.push(wrong.label(label).help(help));
                    is_right = false;
                }
                values.push(RowValue::Null);
                continue;
            };
            match value(entry, column, format) {
                Ok(value) => values.push(value),
                Err(wrong) => {
                    diagnostics.push(wrong);
                    is_right = false;
                }
            }
        }
        is_right.then(|| Row::new(values))
    }
}

/// Tells of a column that a schema does not have.
pub(crate) fn not_a_column(span: Span, name: &str, schema: &Schema) -> Diagnostic {
    let names: Vec<&str> = schema.columns().iter().map(|one| one.name.as_str()).collect();
    let wrong = Diagnostic::new(Code::UnknownColumn, span, format!("there is no column `{name}`"));
    let otherwise = format!("the columns are {}", listed(&names));
    wrong.label("no such column").meant(schema.nearest(name), otherwise)
}

fn value(entry: &Entry, column: &Field, format: &JsonFormat) -> Result<RowValue, Diagnostic> {
    let mut text = String::from("{");
    write_text(&column.name, &mut text);
    text.push(':');
    write_json(&entry.value, &mut text);
    text.push('}');
    let malformed = match format.decode(text.as_bytes()) {
        Ok(row) => {
            let value = row.into_values().into_iter().next();
            return Ok(value.unwrap_or(RowValue::Null));
        }
        Err(malformed) => malformed,
    };
    let message = format!("this value does not fit the column `{}`", column.name);
    let empty = entry.value.span.start == entry.value.span.end;
    let span = if empty { entry.key_span } else { entry.value.span };
    let is_text = column.data_type == DataType::String && entry.value.scalar().is_some();
    let help = if is_text { "text that reads as something else needs quotes" } else { "" };
    Err(Diagnostic::new(Code::BadRow, span, message).label(malformed.message).help(help))
}

/// The time that a scalar names, in milliseconds: as a value of a column of type timestamp.
pub(crate) fn time(node: &Node) -> Result<i64, String> {
    let column = Field::required("time", DataType::Timestamp);
    let format = one_column(&column).ok_or("there is no such column")?;
    let mut text = String::from("{\"time\":");
    write_json(node, &mut text);
    text.push('}');
    let row = format.decode(text.as_bytes()).map_err(|malformed| malformed.message)?;
    match row.get(0) {
        Some(RowValue::Timestamp(millis)) => Ok(*millis),
        _ => Err("a time is needed".to_owned()),
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
