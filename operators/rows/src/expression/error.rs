//! What is wrong with an expression, and what went wrong with a row. Apart because everything here reports it, and
//! because the codes are stable: users search for them.

use std::fmt;
use std::sync::Arc;

/// A part of an expression's text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// Its first byte.
    pub start: usize,
    /// The first byte after it.
    pub end: usize,
}

impl Span {
    /// The smallest part that has both.
    pub(crate) fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// The kind of a mistake in an expression. Codes are never given a new meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorCode {
    /// `X001`: the text is too long or nested too deeply.
    Limit,
    /// `X002`: the text is no SQL expression.
    Syntax,
    /// `X003`: SQL, but not of one row: a subquery, an aggregate, a window function; or not offered here.
    Unsupported,
    /// `X101`: no column of the schema has this name.
    UnknownColumn,
    /// `X102`: no function has this name.
    UnknownFunction,
    /// `X103`: a value is of another type than is needed there.
    TypeMismatch,
    /// `X104`: a function is called with too few or too many arguments.
    ArgumentCount,
    /// `X105`: a type that does not exist, or into which this value cannot be cast.
    InvalidCast,
    /// `X106`: the struct has no field of this name, or the value is no struct.
    UnknownField,
    /// `X107`: a constant is not what it should be: a pattern, a time, a zone, a unit, a path.
    InvalidConstant,
    /// `X108`: a part made of constants fails, so every row would.
    AlwaysFails,
    /// `X109`: the type of a NULL cannot be known.
    UntypedNull,
    /// `X110`: the whole expression has another type than is needed where it stands.
    WrongResult,
}

impl ErrorCode {
    /// Every code with its number and what it means, for the reference page.
    pub const ALL: [(Self, &'static str, &'static str); 13] = [
        (Self::Limit, "X001", "the text is too long or nested too deeply"),
        (Self::Syntax, "X002", "the text is no SQL expression"),
        (Self::Unsupported, "X003", "SQL that has no meaning for one row, or is not offered"),
        (Self::UnknownColumn, "X101", "no column has this name"),
        (Self::UnknownFunction, "X102", "no function has this name"),
        (Self::TypeMismatch, "X103", "a value of another type is needed"),
        (Self::ArgumentCount, "X104", "too few or too many arguments"),
        (Self::InvalidCast, "X105", "no such type, or no way into it"),
        (Self::UnknownField, "X106", "no field has this name"),
        (Self::InvalidConstant, "X107", "a constant is not what it should be"),
        (Self::AlwaysFails, "X108", "a part made of constants fails"),
        (Self::UntypedNull, "X109", "the type of a NULL cannot be known"),
        (Self::WrongResult, "X110", "the whole expression has the wrong type"),
    ];

    /// The stable code, as in `X101`.
    #[must_use]
    pub fn number(self) -> &'static str {
        Self::ALL.iter().find(|(code, ..)| *code == self).map_or("X000", |(_, number, _)| number)
    }
}

/// A mistake in an expression, found before any row is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpressionError {
    /// Which kind of mistake.
    pub code: ErrorCode,
    /// Where in the text.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// What to do about it, when something can be said.
    pub help: Option<String>,
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.number(), self.message)?;
        self.help.iter().try_for_each(|help| write!(f, "; {help}"))
    }
}

impl std::error::Error for ExpressionError {}

/// A row for which an expression has no value: the row is bad, or the expression does not foresee it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvaluationError {
    /// What happened.
    pub message: String,
    /// The part of the expression in which it happened.
    pub expression: String,
    /// Where that part stands in the whole.
    pub span: Span,
    /// The offending values, shortened.
    pub value: String,
}

impl fmt::Display for EvaluationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in `{}`", self.message, self.expression)?;
        if self.value.is_empty() { Ok(()) } else { write!(f, ", for {}", self.value) }
    }
}

impl std::error::Error for EvaluationError {}

/// Boxed, so that a result is no larger than what it usually carries.
pub(crate) type Failure = Box<EvaluationError>;

/// Where code stands in the text: what it says when it fails.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) text: Arc<str>,
    pub(crate) span: Span,
}

impl Place {
    #[cold]
    pub(crate) fn fail(&self, message: impl Into<String>, value: impl Into<String>) -> Failure {
        let part = self.text.get(self.span.start..self.span.end).unwrap_or(&self.text);
        let mut expression: String = part.chars().take(200).collect();
        if expression.len() < part.len() {
            expression.push_str("...");
        }
        let (message, value) = (message.into(), value.into());
        Box::new(EvaluationError { message, expression, span: self.span, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct() {
        let mut numbers: Vec<_> = ErrorCode::ALL.iter().map(|(code, ..)| code.number()).collect();
        numbers.dedup();
        assert_eq!(numbers.len(), ErrorCode::ALL.len());
        assert!(numbers.is_sorted());
    }
}
