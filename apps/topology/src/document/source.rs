//! Sources: where records come from.

use super::{Duration, Format, Many, Quantity};
use crate::decode::{Raw, Spanned};
use schemars::JsonSchema;
use serde::Deserialize;

/// Where records come from.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Rows of files that are there when the job starts.
    File(FileSource),
    /// Rows of a folder as they come: new files and appended lines, without end.
    Folder(FolderSource),
    /// Rows of standard input, up to its end, read by one subtask. What was read cannot be read again: a restart that would
    /// need it is refused.
    Stdin(Stdin),
    /// Records that are made up, the same in every run.
    Generator(Generator),
    /// Records that stand in the topology itself.
    Inline(Inline),
}

/// Rows of files that are there when the job starts.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct FileSource {
    /// The file, or files. `.gz` and `.zst` are decompressed.
    pub path: Many<Spanned<String>>,
    /// How rows are written.
    pub format: Format,
    /// What becomes of a row that cannot be read.
    #[serde(default)]
    pub malformed: DeadLetters,
    /// A file is cut into ranges of at least so many bytes, which are read in parallel.
    #[serde(default)]
    pub range_min: Option<super::Size>,
}

/// Rows of a folder as they come: new files and appended lines, without end.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct FolderSource {
    /// The folder. Its files are read in the order of their names; those whose names begin with a dot or an underscore
    /// are not read, and sub-folders are not entered. Each file only grows; a row counts when its line has ended. `.gz`
    /// and `.zst` are decompressed, and read once, whole.
    pub path: Spanned<String>,
    /// How rows are written.
    pub format: Format,
    /// What becomes of a row that cannot be read.
    #[serde(default)]
    pub malformed: DeadLetters,
    /// How often it is looked at whether something has come; each second unless said.
    #[serde(default)]
    pub look_every: Option<Spanned<Duration>>,
}

/// Rows of standard input.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Stdin {
    /// How rows are written.
    pub format: Format,
    /// What becomes of a row that cannot be read.
    #[serde(default)]
    pub malformed: DeadLetters,
}

/// What becomes of a record that cannot be used.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeadLetters {
    /// The job fails and says where the record is.
    #[default]
    Fail,
    /// The record is left out and counted.
    Skip,
    /// The record is left out, counted, and appended to this file.
    File(Spanned<String>),
}

/// Which records are made up.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Generator {
    /// The clicks of a shop: user_id, item_id, category_id, behavior, timestamp (in seconds).
    Clicks(Clicks),
    /// The marketing log of an app: user, behavior, channel, timestamp (in seconds).
    AppEvents(AppEvents),
    /// The auction house of the Nexmark benchmark.
    Nexmark(Nexmark),
    /// Bare keys.
    Sequence(Sequence),
}

/// The clicks of a shop.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Clicks {
    /// Another seed makes other clicks.
    pub seed: Option<u64>,
    /// How many; without end by default.
    pub events: Option<u64>,
    /// Different users.
    pub users: Option<Quantity>,
    /// Different items.
    pub items: Option<Quantity>,
    /// Different categories.
    pub categories: Option<Quantity>,
    /// Clicks in a second of event time.
    pub events_per_second: Option<Quantity>,
    /// When the first click happens: milliseconds since the epoch.
    pub start: Option<i64>,
    /// How far out of order clicks come at most.
    pub disorder: Option<Duration>,
}

/// The marketing log of an app.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AppEvents {
    /// Another seed makes other events.
    pub seed: Option<u64>,
    /// How many; without end by default.
    pub events: Option<u64>,
    /// Events in a second of event time.
    pub events_per_second: Option<Quantity>,
}

/// The auction house of the Nexmark benchmark.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Nexmark {
    /// Another seed makes other events.
    pub seed: Option<u64>,
    /// How many; without end by default.
    pub events: Option<u64>,
    /// Events in a second of event time.
    pub events_per_second: Option<Quantity>,
    /// When the first event happens: milliseconds since the epoch.
    pub start: Option<i64>,
    /// Events arrive out of order within blocks of so many.
    pub out_of_order: Option<Quantity>,
}

/// Bare keys.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Sequence {
    /// How many.
    pub records: u64,
    /// Different keys.
    #[serde(default)]
    pub keys: Option<Quantity>,
}

/// Records that stand in the topology itself.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Inline {
    /// The records, each a mapping from column to value.
    pub rows: Vec<Raw>,
}
