//! Rows: the dynamic record of YAML topologies, its schema and formats, the SQL expressions over it and aggregates of it.
//!
//! Apart from the operators because typed programs must not compile a SQL parser. Nothing here knows a clock, a thread
//! or a channel; rows run through the same operators as any other record.

pub mod aggregate;
mod data_type;
pub mod expression;
pub mod format;
#[cfg(test)]
mod generate;
pub mod limits;
mod row;
mod row_key;
mod schema;
mod suggest;
mod type_text;
mod value;
mod value_bytes;

pub use compact_str::CompactString;
pub use data_type::{DataType, Field, FieldType};
pub use row::{Row, RowError};
pub use row_key::RowKey;
pub use rust_decimal::Decimal;
pub use schema::{DuplicateColumn, Schema};
pub use type_text::TypeError;
pub use value::Value;
