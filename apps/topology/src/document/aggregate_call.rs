//! Aggregates as they are written: `count()`, `sum(price)`, `count() FILTER (WHERE price > 10)`.
//!
//! Only the call is read here; what stands within its parentheses is expressions, which are for whoever
//! knows the columns. So places within the text are kept.

use crate::code::Code;
use crate::suggest;
use std::ops::Range;

/// An aggregate that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Its name.
    pub name: &'static str,
    /// How it is called.
    pub usage: &'static str,
    /// The fewest and the most arguments.
    pub arguments: (usize, usize),
    /// Whether it can take rows back, as an aggregate of a changelog has to.
    pub retracts: bool,
}

const fn signature(
    name: &'static str,
    usage: &'static str,
    arguments: (usize, usize),
    retracts: bool,
) -> Signature {
    Signature { name, usage, arguments, retracts }
}

/// All aggregates.
pub const AGGREGATES: &[Signature] = &[
    signature("count", "count()", (0, 1), true),
    signature("sum", "sum(price)", (1, 1), true),
    signature("avg", "avg(price)", (1, 1), true),
    signature("min", "min(price)", (1, 1), false),
    signature("max", "max(price)", (1, 1), false),
    signature("first", "first(column)", (1, 1), false),
    signature("last", "last(column)", (1, 1), false),
    signature("count_distinct", "count_distinct(user)", (1, 1), false),
    signature("approx_count_distinct", "approx_count_distinct(user)", (1, 1), false),
    signature("bloom_count_distinct", "bloom_count_distinct(user, 1000000, 0.01)", (1, 3), false),
    signature("top_k", "top_k(item, 10)", (2, 2), false),
    signature("percentile", "percentile(latency, 0.99)", (2, 2), false),
];

/// What aggregates are called elsewhere.
const ELSEWHERE: &[(&str, &str)] = &[
    ("average", "avg"),
    ("mean", "avg"),
    ("total", "sum"),
    ("minimum", "min"),
    ("maximum", "max"),
    ("first_value", "first"),
    ("last_value", "last"),
    ("distinct", "count_distinct"),
    ("uniq", "count_distinct"),
    ("approx_distinct", "approx_count_distinct"),
    ("hll", "approx_count_distinct"),
    ("topk", "top_k"),
    ("quantile", "percentile"),
    ("median", "percentile"),
    ("p99", "percentile"),
];

/// A part of an aggregate's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// What it says.
    pub text: String,
    /// Which bytes of the aggregate's text.
    pub within: Range<usize>,
}

/// An aggregate that is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AggregateCall {
    /// Which.
    pub function: Signature,
    /// Of what.
    pub arguments: Vec<Argument>,
    /// Of which records.
    pub filter: Option<Argument>,
}

/// What is wrong with the text of an aggregate, and which bytes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongCall {
    /// What kind of mistake.
    pub code: Code,
    /// Which bytes.
    pub within: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What belongs under it.
    pub label: String,
    /// What to do; may be empty.
    pub help: String,
}

fn malformed(within: Range<usize>, label: impl Into<String>, help: impl Into<String>) -> WrongCall {
    WrongCall {
        code: Code::BadAggregate,
        within,
        message: "this is no aggregate".into(),
        label: label.into(),
        help: help.into(),
    }
}

impl AggregateCall {
    /// Reads the text of an aggregate.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn read(text: &str) -> Result<Self, WrongCall> {
        let start = text.len() - text.trim_start().len();
        let rest = &text[start..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let name = &rest[..end];
        let usual = "write a call, such as `count()` or `sum(price)`";
        if name.is_empty() {
            return Err(malformed(0..text.len(), "the name of an aggregate is missing", usual));
        }
        let function = function(name, start)?;
        let open = start + end + (rest[end..].len() - rest[end..].trim_start().len());
        if !text[open..].starts_with('(') {
            let help = format!("write `{}`", function.usage);
            return Err(malformed(
                start..text.trim_end().len(),
                "the parentheses are missing",
                help,
            ));
        }
        let (arguments, close) = arguments(text, open)?;
        let arguments: Vec<Argument> = match function.name {
            // The SQL way to say it.
            "count" if arguments.len() == 1 && arguments[0].text == "*" => Vec::new(),
            _ => arguments,
        };
        let (least, most) = function.arguments;
        if !(least..=most).contains(&arguments.len()) {
            let there = arguments.len();
            let label = format!("`{name}` takes {}, here {}", count(least, most), are(there));
            return Err(malformed(open..close, label, format!("write `{}`", function.usage)));
        }
        let filter = filter(text, close)?;
        Ok(Self { function, arguments, filter })
    }
}

fn count(least: usize, most: usize) -> String {
    match (least, most) {
        (1, 1) => "one argument".into(),
        (least, most) if least == most => format!("{least} arguments"),
        (least, most) => format!("{least} to {most} arguments"),
    }
}

fn are(there: usize) -> String {
    match there {
        0 => "is none".into(),
        1 => "is one".into(),
        there => format!("are {there}"),
    }
}

fn function(name: &str, start: usize) -> Result<Signature, WrongCall> {
    let lower = name.to_lowercase();
    if let Some(function) = AGGREGATES.iter().find(|function| function.name == lower) {
        return Ok(*function);
    }
    let names: Vec<&str> = AGGREGATES.iter().map(|function| function.name).collect();
    let elsewhere = ELSEWHERE.iter().find(|(other, _)| *other == lower).map(|(_, name)| *name);
    let near = elsewhere.or_else(|| suggest::nearest(&lower, names.iter().copied()));
    let usage = near.and_then(|near| AGGREGATES.iter().find(|function| function.name == near));
    let help = match usage {
        Some(function) => format!("did you mean `{}`?", function.usage),
        None => format!("there are {}", suggest::list(&names, "and")),
    };
    Err(WrongCall {
        code: Code::UnknownFunction,
        within: start..start + name.len(),
        message: format!("there is no aggregate `{name}`"),
        label: "not known".into(),
        help,
    })
}

/// The arguments between the parenthesis at `open` and the one that closes it, and where that ends.
fn arguments(text: &str, open: usize) -> Result<(Vec<Argument>, usize), WrongCall> {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut from = open + 1;
    let mut arguments = Vec::new();
    for (at, c) in text[open..].char_indices().map(|(at, c)| (open + at, c)) {
        match (quote, c) {
            (Some(closing), c) if c == closing => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[') => depth += 1,
            (None, ',') if depth == 1 => {
                arguments.push(argument(text, from..at));
                from = at + 1;
            }
            (None, ')' | ']') => {
                depth -= 1;
                if depth == 0 {
                    let last = argument(text, from..at);
                    if !last.text.is_empty() || !arguments.is_empty() {
                        arguments.push(last);
                    }
                    if let Some(empty) = arguments.iter().find(|one| one.text.is_empty()) {
                        let within = empty.within.clone();
                        return Err(malformed(within, "an argument is missing here", ""));
                    }
                    return Ok((arguments, at + 1));
                }
            }
            _ => {}
        }
    }
    let what =
        if quote.is_some() { "the text in quotes does not end" } else { "the `)` is missing" };
    Err(malformed(open..text.len(), what, ""))
}

fn argument(text: &str, within: Range<usize>) -> Argument {
    let part = &text[within.clone()];
    let start = within.start + (part.len() - part.trim_start().len());
    let text = part.trim().to_owned();
    Argument { within: start..start + text.len(), text }
}

/// What stands behind the call: nothing, or `FILTER (WHERE condition)`.
fn filter(text: &str, close: usize) -> Result<Option<Argument>, WrongCall> {
    let rest = argument(text, close..text.len());
    if rest.text.is_empty() {
        return Ok(None);
    }
    let usual = "behind the call can only be `FILTER (WHERE condition)`; compute with results in a `project` behind this node";
    let wrong = || malformed(rest.within.clone(), "this does not belong here", usual);
    let word = |text: &str, word: &str| {
        text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    if !word(&rest.text, "filter") {
        return Err(wrong());
    }
    let behind = argument(text, rest.within.start + "filter".len()..text.len());
    if !behind.text.starts_with('(') || !behind.text.ends_with(')') || behind.text.len() < 2 {
        return Err(wrong());
    }
    let inner = argument(text, behind.within.start + 1..behind.within.end - 1);
    if !word(&inner.text, "where ") {
        return Err(wrong());
    }
    let condition = argument(text, inner.within.start + "where ".len()..inner.within.end);
    if condition.text.is_empty() { Err(wrong()) } else { Ok(Some(condition)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn calls_are_read_with_their_arguments_and_condition() {
        let call = AggregateCall::read(" sum( price * (1, 2) ) filter (WHERE a = 'x)')").unwrap();
        assert_eq!(call.function.name, "sum");
        assert_eq!(call.arguments[0].text, "price * (1, 2)");
        assert_eq!(call.filter.unwrap().text, "a = 'x)'");
        assert!(AggregateCall::read("count(*)").unwrap().arguments.is_empty());
        assert_eq!(AggregateCall::read("top_k(item, 3)").unwrap().arguments[1].text, "3");
    }

    #[test]
    fn what_is_wrong_with_a_call_is_pointed_at() {
        let check = |text: &str, wrong: &str, label: &str| {
            let error = AggregateCall::read(text).unwrap_err();
            assert_eq!(
                (&text[error.within.clone()], error.label.as_str()),
                (wrong, label),
                "{text}"
            );
        };
        check("sum", "sum", "the parentheses are missing");
        check("average(x)", "average", "not known");
        check("sum()", "()", "`sum` takes one argument, here is none");
        check("top_k(a)", "(a)", "`top_k` takes 2 arguments, here is one");
        check("sum(x", "(x", "the `)` is missing");
        check("sum('x)", "('x)", "the text in quotes does not end");
        check("sum(x) + 1", "+ 1", "this does not belong here");
        check("count() FILTER x > 1", "FILTER x > 1", "this does not belong here");
        check("top_k(a,)", "", "an argument is missing here");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_with_a_place(text in "[a-z_(),'\" α]{0,30}") {
            match AggregateCall::read(&text) {
                Ok(call) => prop_assert!(call.arguments.iter().all(|one| text[one.within.clone()] == one.text)),
                Err(error) => prop_assert!(text.get(error.within).is_some()),
            }
        }
    }
}
