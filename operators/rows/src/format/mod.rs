//! How rows are written in files and streams of bytes: as CSV, as JSON lines, or as text.
//!
//! Apart from connectors: they cut bytes into records and know files, topics and sockets; here a record becomes a row of
//! a schema, and a row a record, by pure functions.
//!
//! ```
//! use tidegate_rows::format::{CsvDialect, CsvFormat, JsonFormat};
//! use tidegate_rows::{DataType, Field, Schema};
//!
//! let schema = Schema::new([
//!     Field::required("item", DataType::Int64),
//!     Field::nullable("price", DataType::Float64),
//! ])?;
//! let csv = CsvFormat::new(&schema, CsvDialect::default())?.with_header(b"price,note,item")?;
//! let row = csv.decode(b"1.5,new,7")?;
//! let mut out = Vec::new();
//! JsonFormat::new(&schema).encode(&row, &mut out)?;
//! assert_eq!(out, br#"{"item":7,"price":1.5}"#);
//! let wrong = csv.decode(b"1.5,new,seven").expect_err("no number");
//! let told = "column `item`: expected int64, found 'seven', in the record `1.5,new,seven`";
//! assert_eq!(wrong.to_string(), told);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod csv;
mod csv_fields;
mod json;
mod json_read;
mod json_shape;
mod json_write;
mod malformed;
mod scalar;
#[cfg(test)]
mod tests;
mod text;

pub use csv::{CsvDialect, CsvError, CsvFormat};
pub use json::JsonFormat;
pub use malformed::{Malformed, Unwritable};
pub use text::TextFormat;

use crate::row::Row;

/// One of the formats, where it is chosen at run time. Cheap to clone.
#[derive(Clone, Debug)]
pub enum RowFormat {
    /// Comma-separated values.
    Csv(CsvFormat),
    /// A JSON object per line.
    Json(JsonFormat),
    /// A line of text per row.
    Text(TextFormat),
}

impl RowFormat {
    /// Reads one record, with or without its line end.
    ///
    /// # Errors
    /// When it is no row of the schema.
    #[inline]
    pub fn decode(&self, record: &[u8]) -> Result<Row, Malformed> {
        match self {
            Self::Csv(format) => format.decode(record),
            Self::Json(format) => format.decode(record),
            Self::Text(format) => format.decode(record),
        }
    }

    /// Appends a row as one record, without a line end. Nothing is appended when it fails.
    ///
    /// # Errors
    /// When the row is not of the schema, or the format cannot write it.
    #[inline]
    pub fn encode(&self, row: &Row, out: &mut Vec<u8>) -> Result<(), Unwritable> {
        match self {
            Self::Csv(format) => format.encode(row, out),
            Self::Json(format) => format.encode(row, out),
            Self::Text(format) => format.encode(row, out),
        }
    }
}
