//! How records are written in files and streams of bytes.

use schemars::JsonSchema;
use serde::Deserialize;

/// How records are written.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Comma-separated values, by RFC 4180.
    Csv(Csv),
    /// A JSON object per line.
    Json,
    /// A line of text is a record with the one column `line`.
    Text,
}

/// Options of CSV.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Csv {
    /// Whether the first row names the columns. Otherwise they come in the order of the schema.
    pub header: bool,
    /// What stands between fields.
    pub delimiter: char,
    /// Whether fields may be in quotes.
    pub quoting: bool,
    /// Whether rows may have fewer or more fields than the first one.
    pub flexible: bool,
}

impl Default for Csv {
    fn default() -> Self {
        Self { header: true, delimiter: ',', quoting: true, flexible: false }
    }
}
