//! Formats: how rows become bytes and back. Apart because sources and sinks share them.

use super::walk::Planning;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::document::Format;
use crate::source::Span;
use tidegate_rows::format::{CsvDialect, CsvFormat, JsonFormat, RowFormat, TextFormat};
use tidegate_rows::{DataType, Schema};

/// A format of rows of one schema.
#[derive(Clone, Debug)]
pub struct FormatPlan {
    /// What reads and writes records.
    pub format: RowFormat,
    /// Whether the first record of a file names the columns; only of CSV.
    pub header: bool,
}

impl Planning<'_> {
    /// A format for rows of this schema; `span` is where the node says what it is.
    pub(super) fn format(
        &mut self,
        format: &Format,
        schema: &Schema,
        span: Span,
    ) -> Option<FormatPlan> {
        match format {
            Format::Json => {
                Some(FormatPlan { format: RowFormat::Json(JsonFormat::new(schema)), header: false })
            }
            Format::Text => Some(FormatPlan { format: RowFormat::Text(TextFormat), header: false }),
            Format::Csv(csv) => {
                let wrong = |message: String| {
                    Diagnostic::new(Code::OutOfRange, span, message)
                        .label("`delimiter` of its format")
                        .help("write one character, such as `;`, `|` or `\"\\t\"`")
                };
                let Ok(delimiter) = u8::try_from(csv.delimiter) else {
                    let shown = csv.delimiter;
                    self.diagnostics
                        .push(wrong(format!("the delimiter cannot be `{shown}`: it is no ASCII")));
                    return None;
                };
                let (quoting, flexible) = (csv.quoting, csv.flexible);
                match CsvFormat::new(schema, CsvDialect { delimiter, quoting, flexible }) {
                    Ok(format) => {
                        Some(FormatPlan { format: RowFormat::Csv(format), header: csv.header })
                    }
                    Err(error) => {
                        self.diagnostics.push(wrong(error.to_string()));
                        None
                    }
                }
            }
        }
    }

    /// Whether rows of this schema can be written so.
    pub(super) fn can_write(&mut self, format: &Format, schema: &Schema, span: Span) -> bool {
        let Format::Text = format else { return true };
        if let [column] = schema.columns()
            && column.data_type == DataType::String
        {
            return true;
        }
        let message = "lines of text cannot hold these rows";
        let label = format!("the columns are {schema}");
        let help = "`text` writes one column of type string; put a `project` with one before it, or write `json` or `csv`";
        self.diagnostics
            .push(Diagnostic::new(Code::Unwritable, span, message).label(label).help(help));
        false
    }
}
