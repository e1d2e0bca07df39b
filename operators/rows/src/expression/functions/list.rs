//! Functions of lists. Apart because their elements are of any type.

use super::{BuiltIn, FunctionEntry, misuse, plain};
use crate::expression::calendar::time_text;
use crate::expression::code::Body;
use crate::expression::datum::Datum::{self, Boolean, Int, Text as T};
use crate::value::Value;
use compact_str::{CompactString, ToCompactString};
use jiff::tz::TimeZone;
use std::sync::Arc;

fn elements<'a>(datum: &'a Datum<'_>) -> Option<&'a [Value]> {
    match datum {
        Datum::Other(value) => match &**value {
            Value::List(elements) => Some(elements),
            _ => None,
        },
        _ => None,
    }
}

fn joined(_: &[Option<Value>], zone: &TimeZone) -> Result<Body, String> {
    let zone = zone.clone();
    Ok(Arc::new(move |data| match data {
        [list, T(separator)] => {
            let text = |value: &Value| match value {
                Value::Timestamp(time) => time_text(*time, &zone),
                other => other.to_compact_string(),
            };
            let found = elements(list).unwrap_or_default().iter();
            let texts: Vec<CompactString> =
                found.filter(|value| !value.is_null()).map(text).collect();
            Ok(Datum::text(texts.join(&**separator)))
        }
        _ => misuse(),
    }))
}

pub(super) const TABLE: &[FunctionEntry] = &[
    plain(
        "CARDINALITY",
        &["CARDINALITY(list: list<T>) -> int64"],
        "How many elements the list has.",
        &[("CARDINALITY(SPLIT('a,b', ','))", "2")],
        |data| match data {
            [list] => Ok(elements(list)
                .map_or(Datum::Null, |found| Int(i64::try_from(found.len()).unwrap_or(i64::MAX)))),
            _ => misuse(),
        },
    ),
    plain(
        "ELEMENT",
        &["ELEMENT(list: list<T>) -> T?"],
        "The only element of a list; NULL if it is empty; an error if there are more.",
        &[("ELEMENT(SPLIT('a', ','))", "a")],
        |data| match data {
            [list] => match elements(list) {
                Some([one]) => Ok(Datum::owned(one.clone())),
                Some([_, _, ..]) => Err("the list has more than one element".to_owned()),
                _ => Ok(Datum::Null),
            },
            _ => misuse(),
        },
    ),
    plain(
        "ARRAY_CONTAINS",
        &["ARRAY_CONTAINS(list: list<T>, value: T?) -> boolean"],
        "Whether the list has this element; NULL can be looked for too.",
        &[("ARRAY_CONTAINS(SPLIT('a,b', ','), 'b')", "TRUE")],
        |data| match data {
            [list, wanted] => {
                let wanted = wanted.clone().into_value();
                Ok(elements(list).map_or(Datum::Null, |found| Boolean(found.contains(&wanted))))
            }
            _ => misuse(),
        },
    ),
    FunctionEntry {
        name: "ARRAY_JOIN",
        signatures: &["ARRAY_JOIN(list: list<T>, separator: string) -> string"],
        about: "The elements as text with a separator between them, leaving out NULLs.",
        examples: &[("ARRAY_JOIN(SPLIT('a,b', ','), '-')", "a-b")],
        body: BuiltIn::InZone(joined, None),
    },
    plain(
        "SPLIT",
        &["SPLIT(text: string, separator: string) -> list<string>"],
        "The pieces of a text between separators; its characters if the separator is empty.",
        &[("SPLIT('a,b', ',')", "['a', 'b']")],
        |data| match data {
            [T(text), T(separator)] if separator.is_empty() => {
                let characters = text.chars().map(|one| Value::string(one.to_string()));
                Ok(Datum::owned(Value::list(characters)))
            }
            [T(text), T(separator)] => {
                Ok(Datum::owned(Value::list(text.split(&**separator).map(Value::string))))
            }
            _ => misuse(),
        },
    ),
];
