//! JSON in a column of text. Apart because it has a path language: `$.a.b[0]`, or `$['a b']` for other names.
//!
//! Text that is no JSON, and a path that leads nowhere, give NULL, as Flink's lax mode does.

use super::prepared::Prepared;
use super::{BuiltIn, FunctionEntry, misuse, plain};
use crate::expression::code::Body;
use crate::expression::datum::Datum::{self, Boolean, Text as T};
use crate::value::Value;
use serde_json::Value as Json;
use std::sync::Arc;

enum Step {
    Member(String),
    Element(usize),
}

fn path(text: &str) -> Result<Vec<Step>, String> {
    let shown: String = text.chars().take(60).collect();
    let wrong = || {
        format!("'{shown}' is no path into JSON: write '$.name', '$.list[0]' or '$[''a name'']'")
    };
    let text = text.trim();
    let text = text.strip_prefix("lax ").unwrap_or(text).trim_start();
    let mut rest = text.strip_prefix('$').ok_or_else(wrong)?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            if end == 0 || after[..end].contains(['*', '?', '@', ' ']) {
                return Err(wrong());
            }
            steps.push(Step::Member(after[..end].to_owned()));
            rest = &after[end..];
        } else if let Some(after) = rest.strip_prefix("['") {
            let (name, after) = after.split_once("']").ok_or_else(wrong)?;
            steps.push(Step::Member(name.to_owned()));
            rest = after;
        } else if let Some(after) = rest.strip_prefix('[') {
            let (index, after) = after.split_once(']').ok_or_else(wrong)?;
            steps.push(Step::Element(index.trim().parse().map_err(|_| wrong())?));
            rest = after;
        } else {
            return Err(wrong());
        }
    }
    Ok(steps)
}

/// What lies at the end of a path.
fn find(text: &str, steps: &[Step]) -> Option<Json> {
    let mut json: Json = serde_json::from_str(text).ok()?;
    for step in steps {
        json = match (step, json) {
            (Step::Member(name), Json::Object(mut members)) => members.remove(name)?,
            (Step::Element(index), Json::Array(mut elements)) if *index < elements.len() => {
                elements.swap_remove(*index)
            }
            _ => return None,
        };
    }
    Some(json)
}

fn with_path(
    constants: &[Option<Value>],
    give: fn(Option<Json>) -> Datum<'static>,
) -> Result<Body, String> {
    let steps = Prepared::new(constants.get(1), path)?;
    Ok(Arc::new(move |data| match data {
        [T(text), T(written)] => steps.with(written, |steps| Ok(give(find(text, steps)))),
        _ => misuse(),
    }))
}

pub(super) const TABLE: &[FunctionEntry] = &[
    FunctionEntry {
        name: "JSON_VALUE",
        signatures: &["JSON_VALUE(json: string, path: string) -> string?"],
        about: "The text, number or truth value at a path in JSON, as text; NULL if there is none.",
        examples: &[
            ("JSON_VALUE('{\"a\": {\"b\": [1, 2]}}', '$.a.b[1]')", "2"),
            ("JSON_VALUE('no json', '$.a')", "NULL"),
        ],
        body: BuiltIn::Prepared(|constants| {
            with_path(constants, |found| match found {
                Some(Json::String(text)) => Datum::text(text),
                Some(number @ (Json::Number(_) | Json::Bool(_))) => Datum::text(number.to_string()),
                _ => Datum::Null,
            })
        }),
    },
    FunctionEntry {
        name: "JSON_QUERY",
        signatures: &["JSON_QUERY(json: string, path: string) -> string?"],
        about: "The object or list at a path in JSON, as JSON; NULL if there is none.",
        examples: &[("JSON_QUERY('{\"a\": [1, 2]}', '$.a')", "[1,2]")],
        body: BuiltIn::Prepared(|constants| {
            with_path(constants, |found| match found {
                Some(nested @ (Json::Object(_) | Json::Array(_))) => {
                    Datum::text(nested.to_string())
                }
                _ => Datum::Null,
            })
        }),
    },
    FunctionEntry {
        name: "JSON_EXISTS",
        signatures: &["JSON_EXISTS(json: string, path: string) -> boolean"],
        about: "Whether a path leads to something in JSON.",
        examples: &[
            ("JSON_EXISTS('{\"a\": null}', '$.a')", "TRUE"),
            ("JSON_EXISTS('{}', '$.a')", "FALSE"),
        ],
        body: BuiltIn::Prepared(|constants| with_path(constants, |found| Boolean(found.is_some()))),
    },
    plain(
        "IS_JSON",
        &["IS_JSON(text: string) -> boolean"],
        "Whether the text is JSON.",
        &[("IS_JSON('[1]')", "TRUE"), ("IS_JSON('[1')", "FALSE")],
        |data| match data {
            [T(text)] => Ok(Boolean(serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok())),
            _ => misuse(),
        },
    ),
];
