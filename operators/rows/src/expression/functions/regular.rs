//! Regular expressions. Apart because they are compiled: a constant pattern once, others when they change. Matching
//! takes time linear in the text, whatever the pattern.

use super::prepared::Prepared;
use super::{BuiltIn, FunctionEntry, misuse};
use crate::expression::code::Body;
use crate::expression::datum::Datum::{self, Boolean, Int, Text as T};
use crate::limits::{MAX_REGEX_BYTES, MAX_STRING_BYTES};
use crate::value::Value;
use regex::{Regex, RegexBuilder};
use std::sync::Arc;

fn compiled(pattern: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(pattern).size_limit(MAX_REGEX_BYTES).build();
    built.map_err(|error| {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or("").trim().trim_start_matches("error: ");
        format!("the regular expression cannot be used: {last}")
    })
}

fn like(constants: &[Option<Value>]) -> Result<Body, String> {
    let pattern = Prepared::new(constants.get(1), compiled)?;
    Ok(Arc::new(move |data| match data {
        [T(text), T(written)] => {
            pattern.with(written, |pattern| Ok(Boolean(pattern.is_match(text))))
        }
        _ => misuse(),
    }))
}

fn extract(constants: &[Option<Value>]) -> Result<Body, String> {
    let pattern = Prepared::new(constants.get(1), compiled)?;
    Ok(Arc::new(move |data| {
        let (text, written, group) = match data {
            [T(text), T(written)] => (text, written, 0),
            [T(text), T(written), Int(group)] => (text, written, *group),
            _ => return misuse(),
        };
        let Ok(group) = usize::try_from(group) else { return Ok(Datum::Null) };
        let found = pattern.with(written, |pattern| {
            let found = pattern.captures(text).and_then(|found| found.get(group));
            Ok(found.map(|part| part.range()))
        })?;
        Ok(found.map_or(Datum::Null, |range| T(text.part(range.start, range.end))))
    }))
}

fn replace(constants: &[Option<Value>]) -> Result<Body, String> {
    let pattern = Prepared::new(constants.get(1), compiled)?;
    Ok(Arc::new(move |data| match data {
        [T(text), T(written), T(new)] => {
            let replace = |pattern: &Regex| Ok(pattern.replace_all(text, &**new).into_owned());
            let replaced = pattern.with(written, replace)?;
            if replaced.len() > MAX_STRING_BYTES.max(text.len()) {
                return Err(format!("the result is longer than {MAX_STRING_BYTES} bytes"));
            }
            Ok(Datum::text(replaced))
        }
        _ => misuse(),
    }))
}

pub(super) const TABLE: &[FunctionEntry] = &[
    FunctionEntry {
        name: "REGEXP_LIKE",
        signatures: &["REGEXP_LIKE(text: string, pattern: string) -> boolean"],
        about: "Whether a part of the text matches a regular expression; write ^ and $ for the whole.",
        examples: &[("REGEXP_LIKE('order-17', '^order-[0-9]+$')", "TRUE")],
        body: BuiltIn::Prepared(like),
    },
    FunctionEntry {
        name: "REGEXP_EXTRACT",
        signatures: &[
            "REGEXP_EXTRACT(text: string, pattern: string) -> string?",
            "REGEXP_EXTRACT(text: string, pattern: string, group: int64) -> string?",
        ],
        about: "The first match of a regular expression, or its group of this number; NULL if there is none.",
        examples: &[
            ("REGEXP_EXTRACT('a=1;b=2', 'b=([0-9]+)', 1)", "2"),
            ("REGEXP_EXTRACT('a', 'b')", "NULL"),
        ],
        body: BuiltIn::Prepared(extract),
    },
    FunctionEntry {
        name: "REGEXP_REPLACE",
        signatures: &["REGEXP_REPLACE(text: string, pattern: string, new: string) -> string"],
        about: "The text with every match replaced; `$1` in the new text is the first group.",
        examples: &[("REGEXP_REPLACE('2026-11', '([0-9]+)-([0-9]+)', '$2/$1')", "11/2026")],
        body: BuiltIn::Prepared(replace),
    },
];
