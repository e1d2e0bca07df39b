//! The side output for records that a node cannot use, with `dead_letters: aside`.
//!
//! Apart because it is the same for every kind, and both halves of a topology know it.

use tidegate_rows::{DataType, Field, Schema};

/// What it is called.
pub const OUTPUT: &str = "dead_letters";

/// Its columns: the node, why it could not use the record, and the record's values.
pub(crate) fn schema() -> Option<Schema> {
    Schema::new(["node", "reason", "row"].map(|name| Field::required(name, DataType::String))).ok()
}
