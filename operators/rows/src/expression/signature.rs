//! The signatures of functions, as the reference page shows them: `SUBSTRING(text: string, start: int64) -> string`.
//!
//! Apart because their text is the only place where they are written: it is read here, and calls are checked against it.
//! A parameter marked `?` is called with NULL; where it is not marked, a NULL makes the result NULL without a call.
//! A result marked `?` may be NULL by itself. `T` is any type, the same wherever it stands. `...` repeats the
//! last parameter, at least once.

use crate::data_type::{DataType, FieldType};

/// What a parameter takes, or a result is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    Exactly(DataType),
    /// The type variable `T`.
    Any,
    /// `list<T>`.
    ListOfAny,
}

#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) pattern: Pattern,
    pub(crate) takes_null: bool,
}

/// A signature that has been read.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    pub(crate) name: String,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) is_variadic: bool,
    pub(crate) result: Pattern,
    pub(crate) may_be_null: bool,
}

fn pattern(text: &str) -> Result<(Pattern, bool), String> {
    let text = text.trim();
    let (text, nullable) = match text.strip_suffix('?') {
        Some(text) => (text, true),
        None => (text, false),
    };
    match text {
        "T" => Ok((Pattern::Any, nullable)),
        "list<T>" => Ok((Pattern::ListOfAny, nullable)),
        text => {
            let read: FieldType = text.parse().map_err(|error| format!("{error}"))?;
            Ok((Pattern::Exactly(read.data_type), nullable))
        }
    }
}

/// Splits at the commas that are not within brackets.
fn parameters(text: &str) -> Vec<&str> {
    let mut depth = 0usize;
    let is_between = |character: char| {
        match character {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == ',' && depth == 0
    };
    text.split(is_between).filter(|part| !part.trim().is_empty()).collect()
}

impl Signature {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is no signature: write it as in `NAME(text: string, at: int64?) -> string?`"
            )
        };
        let (name, rest) = text.split_once('(').ok_or_else(wrong)?;
        let (inner, result) = rest.rsplit_once(") -> ").ok_or_else(wrong)?;
        let name = name.trim();
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '|') {
            return Err(wrong());
        }
        let mut read = Vec::new();
        let mut is_variadic = false;
        for parameter in parameters(inner) {
            if is_variadic {
                return Err(format!("`{text}`: only the last parameter can be repeated"));
            }
            let (_, written) = parameter.split_once(':').ok_or_else(wrong)?;
            let written = written.trim();
            is_variadic = written.ends_with("...");
            let (pattern, takes_null) = pattern(written.trim_end_matches("..."))?;
            read.push(Parameter { pattern, takes_null });
        }
        let (result, may_be_null) = pattern(result)?;
        let name = name.to_uppercase();
        Ok(Self { name, parameters: read, is_variadic, result, may_be_null })
    }

    /// The parameter for an argument, if a call with so many arguments is one of this signature.
    pub(crate) fn parameter(&self, index: usize) -> Option<&Parameter> {
        match self.parameters.get(index) {
            None if self.is_variadic => self.parameters.last(),
            found => found,
        }
    }

    pub(crate) fn takes(&self, count: usize) -> bool {
        count == self.parameters.len() || self.is_variadic && count > self.parameters.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_read_as_they_are_shown() {
        let read =
            Signature::parse("f(a: T, b: list<T>, c: struct<x: int64, y: string>?...) -> T?")
                .expect("one");
        assert_eq!(read.name, "F");
        assert!(read.is_variadic && read.may_be_null && read.parameters[2].takes_null);
        assert!(!read.takes(2) && read.takes(3) && read.takes(9));
        assert!(Signature::parse("PI() -> float64").expect("one").takes(0));
        for wrong in [
            "",
            "f",
            "f(a) -> int64",
            "f(a: int64)",
            "f(a: long) -> int64",
            "f(a: int64..., b: int64) -> T",
        ] {
            assert!(Signature::parse(wrong).is_err(), "{wrong}");
        }
    }
}
