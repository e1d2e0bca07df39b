//! The edges of YAML topologies: the sources and sinks of the house, over rows.
//!
//! Apart from `tidegate-rows`, which does no I/O, and from the connectors, which do not know what a row is. Each file
//! joins one connector with formats and expressions; how bytes are read, published and replayed is the connector's.
//! A row that its format cannot read, and one whose event time is NULL or fails, go by the same policy.
//!
//! ```
//! use tidegate_row_connectors::{Layout, file_source};
//! use tidegate_rows::expression::{Expression, Functions};
//! use tidegate_rows::format::CsvDialect;
//! use tidegate_rows::{DataType, Field, Schema};
//!
//! let schema = Schema::new([
//!     Field::required("item", DataType::Int64),
//!     Field::nullable("at", DataType::Timestamp),
//! ])?;
//! let at = Expression::parse("at").expect("SQL");
//! let at = at.check(&schema, &Functions::built_in()).expect("a column").timestamp()?;
//! let layout = Layout::csv(&schema, CsvDialect::default(), true)?;
//! let clicks = file_source(["clicks.csv"], &layout, Some(at));
//! # drop(clicks);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A sink that drops rows needs nothing of this: `tidegate_inline::Discard` takes any record.

mod event_time;
mod file;
mod generator;
mod inline;
mod layout;
mod nexmark;
mod print;
mod signed;
mod stdin;
#[cfg(test)]
mod tests;

pub use event_time::event_time;
pub use file::{changelog_file_sink, file_sink, file_source};
pub use generator::{
    RowGenerator, RowTime, app_event_rows, app_event_schema, click_rows, click_schema,
    sequence_rows, sequence_schema,
};
pub use inline::{InlineError, InlineRows};
pub use layout::Layout;
pub use nexmark::{nexmark_row, nexmark_rows, nexmark_schema};
pub use print::{changelog_print_sink, print_sink};
pub use signed::{CHANGE, Signed, SignedError};
pub use stdin::stdin_source;
