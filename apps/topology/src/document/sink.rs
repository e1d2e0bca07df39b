//! Sinks: where records leave the job.

use super::{Duration, Empty, Expression, Format, Size};
use crate::decode::Spanned;
use schemars::JsonSchema;
use serde::Deserialize;

/// Where records leave the job.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SinkKind {
    /// Files in a folder, exactly once.
    File(FileSink),
    /// The terminal.
    Print(Print),
    /// Nowhere: for a measurement.
    Discard(Empty),
}

/// Files in a folder, exactly once.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct FileSink {
    /// The folder.
    pub directory: Spanned<String>,
    /// How rows are written.
    pub format: Format,
    /// The sub-folder of each row: an expression of type string.
    #[serde(default)]
    pub bucket: Option<Expression>,
    /// When a file is full.
    #[serde(default)]
    pub roll: Roll,
    /// How a changelog is written.
    #[serde(default)]
    pub changes: Changes,
}

/// When a file is full.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Roll {
    /// A file of so many bytes takes no more rows; 128MiB by default.
    pub size: Option<Size>,
    /// A file of that age is published with the next checkpoint; 1m by default.
    pub after: Option<Duration>,
}

/// How a changelog is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Changes {
    /// Not at all: only rows that stay can be written.
    #[default]
    Refuse,
    /// Each row with a sign in the first column `change`: `+` put in, `-` taken out.
    Signed,
}

/// The terminal.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Print {
    /// How rows are written; JSON by default.
    pub format: Option<Format>,
}
