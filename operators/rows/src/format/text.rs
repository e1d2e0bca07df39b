//! Rows of one column, each a line of text. Apart because nothing in a line has a meaning.

use super::csv_fields::without_line_end;
use super::malformed::{Malformed, Unwritable};
use crate::data_type::{DataType, Field};
use crate::row::Row;
use crate::schema::Schema;
use crate::value::Value;
use memchr::memchr2;

/// Reads and writes a text per line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextFormat;

impl TextFormat {
    /// The name of the column.
    pub const COLUMN: &'static str = "line";

    /// The schema of what is read: the column `line`, of strings.
    #[must_use]
    pub fn schema() -> Schema {
        let columns = [Field::required(Self::COLUMN, DataType::String)];
        Schema::new(columns).expect("one column has no double")
    }

    /// Reads one line, with or without its end.
    ///
    /// # Errors
    /// When it is not UTF-8.
    pub fn decode(self, record: &[u8]) -> Result<Row, Malformed> {
        let line = without_line_end(record);
        match str::from_utf8(line) {
            Ok(text) => Ok(Row::new([Value::string(text)])),
            Err(error) => {
                let message =
                    format!("expected text in UTF-8, which byte {} is not", error.valid_up_to());
                Err(Malformed::new(Some(Self::COLUMN.into()), message, record))
            }
        }
    }

    /// Appends a row of one string, without a line end.
    ///
    /// # Errors
    /// When it is no such row, or the string has a line end within.
    pub fn encode(self, row: &Row, out: &mut Vec<u8>) -> Result<(), Unwritable> {
        let fail = |message: String| Err(Unwritable { column: Self::COLUMN.into(), message });
        match row.values() {
            [Value::String(text)] if memchr2(b'\n', b'\r', text.as_bytes()).is_some() => {
                fail("a line of text cannot have a line end within; write CSV or JSON".into())
            }
            [Value::String(text)] => {
                out.extend_from_slice(text.as_bytes());
                Ok(())
            }
            [other] => fail(format!("expected a string, found {}", other.shown())),
            values => fail(format!("expected one string, found {} values", values.len())),
        }
    }
}
