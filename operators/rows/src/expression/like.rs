//! LIKE: `%` stands for any text, `_` for one character. Apart because patterns are compiled, and the usual ones cost no
//! more than a comparison.

use super::check::{Checker, Typed};
use super::code::{Code, Eval};
use super::error::{ErrorCode, Span};
use super::syntax::Node;
use crate::data_type::{DataType, in_words};
use crate::value::Value;
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Character(char),
    One,
    Any,
}

/// A pattern that has been read.
#[derive(Debug)]
pub(super) enum Pattern {
    Exactly(String),
    StartsWith(String),
    EndsWith(String),
    Contains(String),
    Parts(Vec<Part>),
}

fn parts(pattern: &str, escape: Option<char>) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        let part = if Some(character) == escape {
            match characters.next() {
                Some(next) if next == '%' || next == '_' || Some(next) == escape => {
                    Part::Character(next)
                }
                _ => {
                    let message = "in a LIKE pattern the escape stands before %, _ or itself";
                    return Err(message.to_owned());
                }
            }
        } else {
            match character {
                '%' => Part::Any,
                '_' => Part::One,
                plain => Part::Character(plain),
            }
        };
        if part != Part::Any || parts.last() != Some(&Part::Any) {
            parts.push(part);
        }
    }
    Ok(parts)
}

impl Pattern {
    pub(super) fn new(pattern: &str, escape: Option<char>) -> Result<Self, String> {
        let parts = parts(pattern, escape)?;
        let plain = |parts: &[Part]| -> Option<String> {
            let character = |part: &Part| match part {
                Part::Character(character) => Some(*character),
                _ => None,
            };
            parts.iter().map(character).collect()
        };
        let special = match &parts[..] {
            [Part::Any, inner @ .., Part::Any] => plain(inner).map(Self::Contains),
            [Part::Any, rest @ ..] => plain(rest).map(Self::EndsWith),
            [rest @ .., Part::Any] => plain(rest).map(Self::StartsWith),
            all => plain(all).map(Self::Exactly),
        };
        Ok(special.unwrap_or(Self::Parts(parts)))
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exactly(whole) => text == whole,
            Self::StartsWith(start) => text.starts_with(start.as_str()),
            Self::EndsWith(end) => text.ends_with(end.as_str()),
            Self::Contains(part) => text.contains(part.as_str()),
            Self::Parts(parts) => matches_parts(parts, text),
        }
    }
}

/// Goes through both; where it fails, the last `%` takes one character more. That is at most length times length.
fn matches_parts(parts: &[Part], text: &str) -> bool {
    let (mut at, mut rest) = (0, text.chars());
    let mut retry: Option<(usize, std::str::Chars<'_>)> = None;
    loop {
        let before = rest.clone();
        let fits = match (parts.get(at), rest.next()) {
            (None, None) => return true,
            (Some(Part::Any), _) => {
                rest = before;
                at += 1;
                retry = Some((at, rest.clone()));
                continue;
            }
            (Some(Part::One), Some(_)) => true,
            (Some(Part::Character(wanted)), Some(found)) => *wanted == found,
            _ => false,
        };
        if fits {
            at += 1;
            continue;
        }
        let Some((after, from)) = &mut retry else { return false };
        if from.next().is_none() {
            return false;
        }
        at = *after;
        rest = from.clone();
    }
}

impl Checker<'_> {
    fn escape(&mut self, escape: Option<&Node>) -> Option<Option<char>> {
        let Some(node) = escape else { return Some(None) };
        let typed = self.node(node)?;
        let Some(Value::String(text)) = &typed.constant else {
            let message = "the escape of LIKE is a constant of one character";
            return self.fail(ErrorCode::InvalidConstant, typed.span, message, None);
        };
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(escape), None) => Some(Some(escape)),
            _ => {
                let message = "the escape of LIKE is one character";
                self.fail(ErrorCode::InvalidConstant, typed.span, message, None)
            }
        }
    }

    pub(super) fn like(
        &mut self,
        of: &Node,
        pattern: &Node,
        escape: Option<&Node>,
        span: Span,
    ) -> Option<Typed> {
        let pair = self.both(of, pattern);
        let escape = self.escape(escape)?;
        let (of, pattern) = pair?;
        for part in [&of, &pattern] {
            if !part.is(&DataType::String) {
                let message =
                    format!("LIKE compares strings, but this is {}", in_words(part.type_name()));
                let help = Some("write CAST(... AS string)".to_owned());
                return self.fail(ErrorCode::TypeMismatch, part.span, message, help);
            }
        }
        let (of, pattern) =
            (self.coerce(of, &DataType::String)?, self.coerce(pattern, &DataType::String)?);
        let nullable = of.nullable || pattern.nullable;
        let is_constant = of.constant.is_some() && pattern.constant.is_some();
        let (Code::Text(text), Code::Text(dynamic)) = (of.code, pattern.code) else { return None };
        let code: Eval<bool> = match &pattern.constant {
            Some(Value::String(constant)) => match Pattern::new(constant, escape) {
                Ok(pattern) => {
                    Arc::new(move |row| Ok(text(row)?.map(|text| pattern.matches(&text))))
                }
                Err(message) => {
                    return self.fail(ErrorCode::InvalidConstant, pattern.span, message, None);
                }
            },
            _ => {
                let place = self.place(span);
                Arc::new(move |row| {
                    let (Some(text), Some(pattern)) = (text(row)?, dynamic(row)?) else {
                        return Ok(None);
                    };
                    let read = Pattern::new(&pattern, escape);
                    let read = read.map_err(|message| place.fail(message, pattern.to_string()))?;
                    Ok(Some(read.matches(&text)))
                })
            }
        };
        self.made(DataType::Boolean, nullable, Code::Boolean(code), span, is_constant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn usual_patterns_have_ways_of_their_own() {
        let read = |pattern: &str| Pattern::new(pattern, None).expect("a pattern");
        assert!(matches!(read("ab"), Pattern::Exactly(_)));
        assert!(matches!(read("ab%"), Pattern::StartsWith(_)));
        assert!(matches!(read("%%ab"), Pattern::EndsWith(_)));
        assert!(matches!(read("%ab%"), Pattern::Contains(_)));
        assert!(matches!(read("a%b"), Pattern::Parts(_)));
        assert!(matches!(read("%"), Pattern::EndsWith(_)));
        assert!(Pattern::new("50!%", Some('!')).expect("a pattern").matches("50%"));
        assert!(Pattern::new("a!", Some('!')).is_err());
    }

    /// What LIKE means, without any way around.
    fn naive(parts: &[Part], text: &[char]) -> bool {
        match (parts, text) {
            ([], []) => true,
            ([Part::Any, rest @ ..], _) => (0..=text.len()).any(|at| naive(rest, &text[at..])),
            ([Part::One, rest @ ..], [_, text @ ..]) => naive(rest, text),
            ([Part::Character(wanted), rest @ ..], [found, text @ ..]) => {
                wanted == found && naive(rest, text)
            }
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn patterns_match_what_the_naive_way_matches(pattern in "[ab%_]{0,7}", text in "[abé]{0,8}") {
            let characters: Vec<char> = text.chars().collect();
            let expected = naive(&parts(&pattern, None).expect("no escape"), &characters);
            prop_assert_eq!(Pattern::new(&pattern, None).expect("one").matches(&text), expected);
        }
    }
}
