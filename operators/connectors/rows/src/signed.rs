//! The changes of a result as rows: what is put in or taken out, with its sign in front.
//!
//! Apart because files and the terminal write changes alike.

use crate::layout::Layout;
use thiserror::Error;
use tidegate_core::changelog::Change;
use tidegate_rows::{DataType, Field, Row, Schema, Value};

/// The column with the sign: `+` for a row put in, `-` for one taken out.
pub const CHANGE: &str = "change";

/// Why changes cannot be written so.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SignedError {
    /// The name of the sign's column is taken.
    #[error(
        "the rows have a column `{CHANGE}` already, where the sign of a change goes; \
         rename it before the sink"
    )]
    Taken,
    /// The format has no columns.
    #[error("a line of text has no room for the sign of a change; write CSV or JSON")]
    Text,
}

/// How changes stand in bytes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Signed(Layout);

impl Signed {
    pub(crate) fn new(layout: &Layout) -> Result<Self, SignedError> {
        let columns = layout.schema().columns().to_vec();
        let sign = Field::required(CHANGE, DataType::String);
        let schema = Schema::new([vec![sign], columns].concat()).map_err(|_| SignedError::Taken)?;
        layout.of(&schema).map(Self).ok_or(SignedError::Text)
    }

    /// How the rows stand that these changes are written as.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.0
    }

    pub(crate) fn encode(&self, change: &Change<Row>, out: &mut Vec<u8>) -> Result<(), String> {
        let sign = Value::string(if change.is_addition() { "+" } else { "-" });
        let values = change.row.values().iter().cloned();
        self.0.encode(&std::iter::once(sign).chain(values).collect(), out)
    }
}
