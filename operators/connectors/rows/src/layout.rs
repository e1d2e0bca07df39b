//! How rows stand in bytes: a format, how it is cut into records, and the header above them.
//!
//! Apart from the formats, which see one record at a time, and from the connectors, which see only bytes.

use crate::signed::{Signed, SignedError};
use tidegate_file::{RecordEnd, Records};
use tidegate_rows::format::{
    CsvDialect, CsvError, CsvFormat, JsonFormat, Malformed, RowFormat, TextFormat,
};
use tidegate_rows::{Row, Schema};

/// How the rows of one schema stand in a file or a stream of bytes. Cheap to clone.
///
/// Empty lines are no records. So an empty text of a schema with one column comes back from CSV only with quoting, and
/// from text never.
#[derive(Clone, Debug)]
pub struct Layout {
    format: RowFormat,
    /// CSV only.
    header: bool,
}

impl Layout {
    /// Rows in a format; whether there is a `header` means something to CSV only.
    #[must_use]
    pub const fn new(format: RowFormat, header: bool) -> Self {
        Self { format, header }
    }

    /// CSV; with a `header` its fields are found by name, otherwise in the order of the schema.
    ///
    /// # Errors
    /// When there is no such dialect.
    pub fn csv(schema: &Schema, dialect: CsvDialect, header: bool) -> Result<Self, CsvError> {
        Ok(Self { format: RowFormat::Csv(CsvFormat::new(schema, dialect)?), header })
    }

    /// A JSON object per line.
    #[must_use]
    pub fn json(schema: &Schema) -> Self {
        Self { format: RowFormat::Json(JsonFormat::new(schema)), header: false }
    }

    /// A line of text per row: the schema is that of [`TextFormat::schema`].
    #[must_use]
    pub const fn text() -> Self {
        Self { format: RowFormat::Text(TextFormat), header: false }
    }

    /// The schema of the rows.
    #[must_use]
    pub fn schema(&self) -> Schema {
        match &self.format {
            RowFormat::Csv(format) => format.schema().clone(),
            RowFormat::Json(format) => format.schema().clone(),
            RowFormat::Text(_) => TextFormat::schema(),
        }
    }

    /// The layout of the changes of these rows: with their sign in the first column, `change`.
    ///
    /// # Errors
    /// When there is no room for the sign.
    pub fn signed(&self) -> Result<Signed, SignedError> {
        Signed::new(self)
    }

    /// The same layout of another schema; text has only its own.
    pub(crate) fn of(&self, schema: &Schema) -> Option<Self> {
        match &self.format {
            // The dialect is one already.
            RowFormat::Csv(format) => Self::csv(schema, format.dialect(), self.header).ok(),
            RowFormat::Json(_) => Some(Self::json(schema)),
            RowFormat::Text(_) => None,
        }
    }

    /// The line above the rows, without its end.
    pub(crate) fn header(&self) -> Option<Vec<u8>> {
        let RowFormat::Csv(format) = &self.format else { return None };
        self.header.then(|| {
            let mut line = Vec::new();
            format.write_header(&mut line);
            line
        })
    }

    /// Appends a row as a record, without a line end.
    pub(crate) fn encode(&self, row: &Row, out: &mut Vec<u8>) -> Result<(), String> {
        self.format.encode(row, out).map_err(|wrong| {
            // What is wrong is told within a sentence that says so already.
            format!("column `{}`: {}", wrong.column, wrong.message)
        })
    }

    /// How bytes become rows.
    pub(crate) fn records(&self) -> Records<Row> {
        match &self.format {
            RowFormat::Csv(format) => {
                let CsvDialect { delimiter, quoting, .. } = format.dialect();
                let quoted = RecordEnd::NewlineOutsideQuotes { delimiter };
                let end = if quoting { quoted } else { RecordEnd::Newline };
                let format = format.clone();
                if !self.header {
                    return Records::new(end, move |record| decoded(format.decode(record)));
                }
                Records::with_header(end, move |header| {
                    let format = format.with_header(header).map_err(|wrong| {
                        format!("{wrong}; correct the schema or the file, or set `header: false`")
                    })?;
                    Ok(move |record: &[u8]| decoded(format.decode(record)))
                })
            }
            line => {
                let format = line.clone();
                Records::new(RecordEnd::Newline, move |record| decoded(format.decode(record)))
            }
        }
    }
}

/// What is wrong, without the record: its place is told, and dead letters hold it.
fn decoded(row: Result<Row, Malformed>) -> Result<Row, String> {
    row.map_err(|Malformed { column, message, .. }| match column {
        Some(column) => format!("column `{column}`: {message}"),
        None => message,
    })
}
