//! Rows as JSON lines: an object per record, its members named like the columns.
//!
//! Members that the schema does not know are ignored; one that is missing, or null, is NULL where that may be; of two
//! with one name the last counts. An int64 is read exactly, whatever its size; a decimal from a number or a text, with
//! all its digits. Text is never taken for a number, nor a number for text.

use super::json_read;
use super::json_shape::Object;
use super::json_write;
use super::malformed::{Malformed, Unwritable};
use crate::row::Row;
use crate::schema::Schema;
use std::sync::Arc;

/// Reads and writes rows of one schema as JSON. Cheap to clone.
#[derive(Clone, Debug)]
pub struct JsonFormat {
    schema: Schema,
    object: Arc<Object>,
}

impl JsonFormat {
    /// Objects with these columns.
    #[must_use]
    pub fn new(schema: &Schema) -> Self {
        Self { schema: schema.clone(), object: Arc::new(Object::of(schema.columns())) }
    }

    /// The schema of the rows.
    #[must_use]
    pub const fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Reads one record, with or without its line end.
    ///
    /// # Errors
    /// When it is no row of the schema.
    pub fn decode(&self, record: &[u8]) -> Result<Row, Malformed> {
        json_read::row(&self.object, record)
    }

    /// Appends a row as one object on one line, without a line end. Nothing is appended when it fails.
    ///
    /// # Errors
    /// When the row is not of the schema.
    pub fn encode(&self, row: &Row, out: &mut Vec<u8>) -> Result<(), Unwritable> {
        json_write::check_width(&self.schema, row)?;
        let start = out.len();
        let written = json_write::row(&self.object.slots, row, out);
        if written.is_err() {
            out.truncate(start);
        }
        written
    }
}
