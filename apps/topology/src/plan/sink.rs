//! Sinks: whether they can write the rows that come.

use super::walk::{Input, Planned, Planning};
use super::{FormatPlan, NodePlan};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::document::{Changes, FileSink, Format, Node, Print, SinkKind};
use std::path::PathBuf;
use tidegate_rows::expression::Evaluator;
use tidegate_rows::{DataType, Field, Schema};

/// A built-in sink.
#[derive(Clone, Debug)]
pub enum SinkPlan {
    /// Files in a folder.
    File {
        /// The folder.
        directory: PathBuf,
        /// How rows are written.
        format: FormatPlan,
        /// The sub-folder of a row, a text.
        bucket: Option<Evaluator>,
        /// A file of so many bytes takes no more rows.
        roll_bytes: Option<u64>,
        /// A file so many milliseconds old is published with the next checkpoint.
        roll_ms: Option<i64>,
        /// Whether changes are written, each with its sign in one more column, the first.
        signed: bool,
    },
    /// The terminal. A changelog comes with its signs in front.
    Print(FormatPlan),
    /// Nowhere.
    Discard,
}

impl Planning<'_> {
    pub(super) fn sink(&mut self, node: &Node, kind: &SinkKind, input: &Input) -> Planned {
        let schema = input.schema.as_ref();
        let plan = match kind {
            SinkKind::Discard(_) => Some(SinkPlan::Discard),
            SinkKind::Print(print) => self.print(print, input, node),
            SinkKind::File(file) => self.file_sink(file, schema, node),
        };
        Planned::new(plan.map(NodePlan::Sink), None)
    }

    fn print(&mut self, print: &Print, input: &Input, node: &Node) -> Option<SinkPlan> {
        let format = print.format.clone().unwrap_or(Format::Json);
        let schema = input.schema.as_ref()?;
        let signed = input.changed_by.is_some();
        let written = if signed { self.with_sign(schema, node) } else { Some(schema.clone()) };
        let writes = self.can_write(&format, &written?, node.kind_span);
        let format = self.format(&format, schema, node.kind_span).filter(|_| writes);
        format.map(SinkPlan::Print)
    }

    fn file_sink(
        &mut self,
        file: &FileSink,
        schema: Option<&Schema>,
        node: &Node,
    ) -> Option<SinkPlan> {
        let bucket = file.bucket.as_ref().map(|text| {
            let help = "make a text of it: `CAST(x AS STRING)`, or `DATE_FORMAT(ts, 'yyyy-MM-dd')` of a time";
            let is_text = |found: &DataType| *found == DataType::String;
            self.of_type(text, schema, "the name of a sub-folder, a string,", is_text, help)
        });
        let schema = schema?;
        let signed = file.changes == Changes::Signed;
        let written = if signed { self.with_sign(schema, node) } else { Some(schema.clone()) };
        let written = written?;
        let writes = self.can_write(&file.format, &written, node.kind_span);
        let format = self.format(&file.format, schema, node.kind_span).filter(|_| writes)?;
        let bucket = match bucket {
            None => None,
            Some(checked) => Some(checked?.value()),
        };
        Some(SinkPlan::File {
            directory: PathBuf::from(&file.directory.value),
            format,
            bucket,
            roll_bytes: file.roll.size.map(|size| size.0),
            roll_ms: file.roll.after.map(|after| after.millis()),
            signed,
        })
    }

    /// The columns of a changelog that is written with signs.
    fn with_sign(&mut self, schema: &Schema, node: &Node) -> Option<Schema> {
        let sign = Field::required("change", DataType::String);
        let columns = std::iter::once(sign).chain(schema.columns().iter().cloned());
        let signed = Schema::new(columns).ok();
        if signed.is_none() {
            let message = "the rows have a column `change` already";
            let wrong = Diagnostic::new(Code::ReservedColumn, node.kind_span, message);
            let label = "the sign of a change is written in a column of that name";
            self.diagnostics.push(
                wrong.label(label).help("give theirs another name in a `project` before this sink"),
            );
        }
        signed
    }
}
