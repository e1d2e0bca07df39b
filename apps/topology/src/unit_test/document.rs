//! What a file with unit tests says once its shape is right. Doc comments are what users read, as in
//! [`crate::document`].
//!
//! Steps and expectations stay as they are until the topology is known: what may stand in them depends on its nodes.

use crate::decode::{Raw, Spanned};
use crate::document::{Entries, Text};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use std::borrow::Cow;

/// Unit tests of a topology: what is fed into its sources, and what must come of it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct TestFile {
    /// The topology, seen from the folder of this file. Without it, `hot-items.test.yaml` tests `hot-items.yaml`.
    #[serde(default)]
    pub(crate) topology: Option<Spanned<Text>>,
    /// Variables that the topology refers to by `${NAME}`. Those of the environment are not seen, so that a test says
    /// the same everywhere.
    #[serde(default)]
    pub(crate) variables: Entries<Text>,
    /// Values in place of those of the topology, by their paths: `views.filter: x > 1`.
    #[serde(default)]
    pub(crate) set: Entries<Raw>,
    /// The tests. Each starts anew.
    pub(crate) tests: Vec<TestCase>,
}

/// One test.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct TestCase {
    /// What it shows, as a sentence.
    pub(crate) name: Spanned<Text>,
    /// Why it is so.
    #[serde(default)]
    #[expect(dead_code, reason = "for who reads the file")]
    description: Option<String>,
    /// What happens, in this order. All that follows from a step is out before the next one.
    #[serde(default)]
    pub(crate) feed: Vec<StepText>,
    /// What has come out at the end, behind what expectations between steps have seen.
    #[serde(default)]
    pub(crate) expect: Entries<ExpectationText>,
    /// The job fails, and this is a part of what it says.
    #[serde(default)]
    pub(crate) fails: Option<Spanned<Text>>,
    /// Whether the input ends behind the last step: event time is over then, and open windows give their results.
    #[serde(default = "yes")]
    pub(crate) end: bool,
}

const fn yes() -> bool {
    true
}

/// The keys of an expectation with options.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct ExpectationKeys {
    /// The rows.
    pub(crate) rows: Vec<RowText>,
    /// Whether their order does not matter.
    #[serde(default)]
    pub(crate) unordered: bool,
    /// The columns that are looked at. By default all.
    #[serde(default)]
    pub(crate) only: Vec<Spanned<Text>>,
}

macro_rules! raw {
    ($(#[doc = $about:literal] $name:ident: $schema:expr;)*) => {$(
        #[doc = $about]
        #[derive(Clone, Copy, Debug, Deserialize)]
        #[serde(transparent)]
        pub(crate) struct $name(pub(crate) Raw);

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).trim_end_matches("Text").into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let schema: fn(&mut SchemaGenerator) -> Schema = $schema;
                schema(generator)
            }
        }
    )*};
}

raw! {
    /// A step of a test.
    StepText: step;
    /// What comes out of a node.
    ExpectationText: expectation;
    /// A row that is expected.
    RowText: row;
}

fn row(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "A row: columns with values. A column that may be NULL can be left out and is NULL then. Where rows are taken back (a changelog), a change: `+I`, `-U`, `+U` or `-D` with the row, or `+` and `-` for whatever puts a row in or takes it out.",
        "type": "object",
    })
}

fn expectation(generator: &mut SchemaGenerator) -> Schema {
    let rows = generator.subschema_for::<RowText>();
    let with_options = generator.subschema_for::<ExpectationKeys>();
    json_schema!({
        "description": "The rows that have come since the last expectation of this node, in order; `[]` for none.",
        "anyOf": [{ "type": "array", "items": rows }, with_options],
    })
}

/// Words that say what a step is; anything else is the name of a source.
pub(crate) const STEPS: [&str; 5] = ["rows", "watermark", "time", "advance", "expect"];

fn step(generator: &mut SchemaGenerator) -> Schema {
    let expectation = generator.subschema_for::<ExpectationText>();
    let duration = generator.subschema_for::<crate::document::Duration>();
    let rows = json_schema!({
        "description": "Rows for the source of this name: columns with values, each row a mapping.",
        "type": "array",
        "items": { "type": "object" },
    });
    let time = json_schema!({
        "description": "A time such as `2017-11-26T01:00:00Z`, or milliseconds since the epoch.",
        "type": ["string", "integer"],
    });
    json_schema!({
        "description": "What happens next: rows for a source (its name as the key), a watermark, another time on the clock, or a look at what has come out.",
        "type": "object",
        "properties": {
            "rows": {
                "description": "Rows by source: for a source whose name is one of the words for steps.",
                "type": "object",
                "additionalProperties": rows.clone(),
            },
            "watermark": {
                "description": "Event time by source: nothing up to it is to come. A source that gets one in a test makes none of its own in it.",
                "type": "object",
                "additionalProperties": time.clone(),
            },
            "time": time.clone(),
            "advance": duration,
            "expect": {
                "description": "What has come out by now, by node: an operator, a source, a sink, or a side output as `node.side`.",
                "type": "object",
                "additionalProperties": expectation,
            },
            "at": time,
        },
        "additionalProperties": rows,
        "minProperties": 1,
        "maxProperties": 2,
    })
}
