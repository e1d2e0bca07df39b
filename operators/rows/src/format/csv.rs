//! Rows as records of comma-separated values.
//!
//! An empty field is NULL where the column may be NULL, and an empty text otherwise; for other types it is malformed.
//! `""` in quotes is an empty text also where the column may be NULL, so a written row reads back as an equal one. One
//! does not: NULL in a schema of a single column of texts or bytes, which comes back empty, because an empty line is no
//! record. Blanks around numbers, times and truth values are ignored. Lists and structs are JSON in one field.

use super::csv_fields::{Field as Part, Fields};
use super::json_read;
use super::json_shape::Slot;
use super::json_write;
use super::malformed::{Malformed, Unwritable, quoted};
use super::scalar;
use crate::data_type::{DataType, Field};
use crate::row::Row;
use crate::schema::Schema;
use crate::suggest::nearest;
use crate::value::Value;
use memchr::{memchr, memchr3};
use std::borrow::Cow;
use std::sync::Arc;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How records of comma-separated values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CsvDialect {
    /// The byte between fields.
    pub delimiter: u8,
    /// Whether fields may stand in quotes, and those that need them are written so.
    pub quoting: bool,
    /// Whether a record may have fewer or more fields than there are columns.
    pub flexible: bool,
}

impl Default for CsvDialect {
    /// Commas and quotes; each record of the same length.
    fn default() -> Self {
        Self { delimiter: b',', quoting: true, flexible: false }
    }
}

/// Why there is no such format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CsvError {
    /// The delimiter has a meaning of its own.
    #[error("the delimiter cannot be {0}: use a comma, a semicolon, a tab or a bar")]
    Delimiter(String),
    /// The header is no record.
    #[error("the header {0}")]
    Header(String),
    /// A column that must have a value is not in the header.
    #[error(
        "the header has no column `{column}`{}; it names {found}",
        .near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
    )]
    MissingColumn {
        /// The column of the schema.
        column: String,
        /// A name in the header that resembles it.
        near: Option<String>,
        /// The names in the header.
        found: String,
    },
    /// A column of the schema is in the header twice.
    #[error("the header has two columns `{0}`: rename one of them")]
    Twice(String),
}

/// Reads and writes rows of one schema as CSV. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CsvFormat {
    schema: Schema,
    slots: Arc<[Slot]>,
    dialect: CsvDialect,
    /// For each field of a record, which column it is.
    plan: Arc<[Option<usize>]>,
}

impl CsvFormat {
    /// Fields in the order of the schema's columns.
    ///
    /// # Errors
    /// When the delimiter is a quote, a line end or no ASCII.
    pub fn new(schema: &Schema, dialect: CsvDialect) -> Result<Self, CsvError> {
        if matches!(dialect.delimiter, b'"' | b'\n' | b'\r') || !dialect.delimiter.is_ascii() {
            let shown = char::from(dialect.delimiter).escape_debug().to_string();
            return Err(CsvError::Delimiter(format!("'{shown}'")));
        }
        let slots = schema.columns().iter().map(Slot::of).collect();
        let plan = (0..schema.len()).map(Some).collect();
        Ok(Self { schema: schema.clone(), slots, dialect, plan })
    }

    /// The schema of the rows.
    #[must_use]
    pub const fn schema(&self) -> &Schema {
        &self.schema
    }

    /// How its records are written.
    #[must_use]
    pub const fn dialect(&self) -> CsvDialect {
        self.dialect
    }

    /// The same for a file that begins with this header: fields are found by name. Fields of other names are skipped;
    /// a column without a field is NULL.
    ///
    /// # Errors
    /// When it is no header of this schema.
    pub fn with_header(&self, header: &[u8]) -> Result<Self, CsvError> {
        let mut names = Vec::new();
        let header = header.strip_prefix(BYTE_ORDER_MARK).unwrap_or(header);
        for part in Fields::new(header, self.dialect.delimiter, self.dialect.quoting) {
            let part = part.map_err(|wrong| CsvError::Header(format!("is no record: {wrong}")))?;
            names.push(String::from_utf8_lossy(&part.bytes).trim().to_owned());
        }
        self.with_names(names.iter().map(String::as_str))
    }

    /// The same with the names of the header, for whoever has cut it into fields.
    ///
    /// # Errors
    /// When it is no header of this schema.
    pub fn with_names<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, CsvError> {
        let names: Vec<&str> = names.into_iter().collect();
        let plan: Vec<Option<usize>> =
            names.iter().map(|name| self.schema.index_of(name)).collect();
        for (index, column) in self.schema.columns().iter().enumerate() {
            match plan.iter().filter(|&&field| field == Some(index)).count() {
                0 if column.nullable => {}
                0 => {
                    return Err(CsvError::MissingColumn {
                        column: column.name.to_string(),
                        near: nearest(&column.name, names.iter().copied()).map(str::to_owned),
                        found: quoted(&names.join(", ")),
                    });
                }
                1 => {}
                _ => return Err(CsvError::Twice(column.name.to_string())),
            }
        }
        Ok(Self { plan: plan.into(), ..self.clone() })
    }

    /// Appends the header of the schema, without a line end.
    pub fn write_header(&self, out: &mut Vec<u8>) {
        for (index, column) in self.schema.columns().iter().enumerate() {
            if index > 0 {
                out.push(self.dialect.delimiter);
            }
            let start = out.len();
            out.extend_from_slice(column.name.as_bytes());
            if self.dialect.quoting && (column.name.is_empty() || self.needs_quotes(&out[start..]))
            {
                put_in_quotes(out, start);
            }
        }
    }

    /// Reads one record, with or without its line end.
    ///
    /// # Errors
    /// When it is no row of the schema.
    pub fn decode(&self, record: &[u8]) -> Result<Row, Malformed> {
        let fields = || Fields::new(record, self.dialect.delimiter, self.dialect.quoting);
        self.read(fields, || Cow::Borrowed(record))
    }

    /// Reads one record that has been cut into fields already. Whether a field stood in quotes is not known then: an
    /// empty one is NULL wherever it may be.
    ///
    /// # Errors
    /// When they are no row of the schema.
    pub fn decode_fields<'a, F>(&self, fields: F) -> Result<Row, Malformed>
    where
        F: IntoIterator<Item = &'a [u8]> + Copy,
    {
        let part = |bytes| Ok(Part { bytes: Cow::Borrowed(bytes), quoted: false });
        let shown = || {
            let fields: Vec<&[u8]> = fields.into_iter().collect();
            Cow::Owned(fields.join(&self.dialect.delimiter))
        };
        self.read(|| fields.into_iter().map(part), shown)
    }

    fn read<'a, I>(
        &self,
        fields: impl Fn() -> I,
        record: impl Fn() -> Cow<'a, [u8]>,
    ) -> Result<Row, Malformed>
    where
        I: Iterator<Item = Result<Part<'a>, &'static str>>,
    {
        let mut values = vec![Value::Null; self.slots.len()];
        let mut count = 0;
        for part in fields() {
            let part = part.map_err(|wrong| Malformed::new(None, wrong, &record()))?;
            if let Some(Some(column)) = self.plan.get(count) {
                values[*column] = self.value(*column, &part).map_err(|message| {
                    // A field that is missing or too many shifts all behind it: that is the cause, then.
                    let all = fields().count();
                    let column = self.schema.columns()[*column].name.to_string();
                    self.width(all).err().map_or_else(
                        || Malformed::new(Some(column), message, &record()),
                        |wrong| Malformed::new(None, wrong, &record()),
                    )
                })?;
            }
            count += 1;
        }
        self.width(count).map_err(|wrong| Malformed::new(None, wrong, &record()))?;
        for column in self.plan.get(count..).unwrap_or_default().iter().flatten() {
            let Field { name, data_type, nullable } = &self.schema.columns()[*column];
            if !nullable {
                let message = format!("expected {data_type}, but the record ends before it");
                return Err(Malformed::new(Some(name.to_string()), message, &record()));
            }
        }
        Ok(Row::new(values))
    }

    fn width(&self, found: usize) -> Result<(), String> {
        let expected = self.plan.len();
        if found == expected || self.dialect.flexible {
            return Ok(());
        }
        let mut message = format!("expected {expected} fields, found {found}");
        if let Some(column) = self.plan.get(found..).and_then(|rest| rest.iter().flatten().next()) {
            message += &format!("; column `{}` is missing", self.schema.columns()[*column].name);
        }
        Err(message)
    }

    fn value(&self, column: usize, part: &Part<'_>) -> Result<Value, String> {
        let Field { data_type, nullable, .. } = &self.schema.columns()[column];
        let text = str::from_utf8(&part.bytes).map_err(|_| {
            let shown = quoted(&String::from_utf8_lossy(&part.bytes));
            format!("expected {data_type}, found {shown}, which is not UTF-8")
        })?;
        let is_text = matches!(data_type, DataType::String | DataType::Bytes);
        let text = if is_text { text } else { text.trim_ascii() };
        if text.is_empty() && *nullable && !(is_text && part.quoted) {
            return Ok(Value::Null);
        }
        if text.is_empty() && !is_text {
            let help = format!("declare the column `{data_type}?` to read it as NULL");
            return Err(format!("expected {data_type}, found an empty field; {help}"));
        }
        match data_type {
            DataType::List(_) | DataType::Struct(_) => {
                json_read::nested(&self.slots[column], text).map_err(|(path, message)| {
                    if path.is_empty() { message } else { format!("at `{path}`: {message}") }
                })
            }
            scalar => scalar::read(text, scalar),
        }
    }

    fn needs_quotes(&self, field: &[u8]) -> bool {
        memchr3(b'\n', b'\r', self.dialect.delimiter, field).is_some()
            || memchr(b'"', field).is_some()
            || field.starts_with(BYTE_ORDER_MARK)
    }

    /// Appends a row as one record, without a line end. Nothing is appended when it fails.
    ///
    /// # Errors
    /// When the row is not of the schema, or needs quotes where there are none.
    pub fn encode(&self, row: &Row, out: &mut Vec<u8>) -> Result<(), Unwritable> {
        let start = out.len();
        let written = self.append(row, out);
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    fn append(&self, row: &Row, out: &mut Vec<u8>) -> Result<(), Unwritable> {
        json_write::check_width(&self.schema, row)?;
        let first = out.len();
        for (index, (slot, value)) in self.slots.iter().zip(row.values()).enumerate() {
            if index > 0 {
                out.push(self.dialect.delimiter);
            }
            let start = out.len();
            let failed = |message| Unwritable { column: slot.name.to_string(), message };
            json_write::check(slot, value).map_err(failed)?;
            if matches!(value, Value::List(_) | Value::Struct(_)) {
                json_write::value(slot, value, out).map_err(failed)?;
            } else {
                // NULL is nothing.
                scalar::write(value, out);
            }
            let field = &out[start..];
            let is_empty_text = field.is_empty() && slot.nullable && !value.is_null();
            if !self.dialect.quoting {
                let is_split = memchr3(b'\n', b'\r', self.dialect.delimiter, field).is_some();
                if is_split {
                    let message =
                        "the value has a delimiter or a line end within, and quoting is off";
                    return Err(failed(message.to_owned()));
                }
            } else if is_empty_text || self.needs_quotes(field) {
                put_in_quotes(out, start);
            }
        }
        if self.dialect.quoting && out.len() == first && self.slots.len() == 1 {
            out.extend_from_slice(b"\"\"");
        }
        Ok(())
    }
}

/// Puts what stands behind `start` into quotes.
fn put_in_quotes(out: &mut Vec<u8>, start: usize) {
    let field = out.split_off(start);
    out.push(b'"');
    for &byte in &field {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}
