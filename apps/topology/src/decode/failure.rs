//! What ends a round of decoding, and how a type of the model says what is wrong with its text.

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::tree::NodeId;
use std::fmt;

/// The end of a round of decoding.
#[derive(Debug)]
pub struct Failure {
    pub(super) problem: Problem,
    /// The node, and what to point at.
    pub(super) at: Option<(NodeId, Span)>,
}

/// Why a round has ended.
#[derive(Debug)]
pub(super) enum Problem {
    /// A key without a default is not there.
    Missing(&'static str),
    /// All is said.
    Told(Box<Diagnostic>),
    /// What serde says.
    Other(String),
    /// What was passed over is needed; it was told before.
    Silent,
}

impl Failure {
    pub(super) fn told(diagnostic: Diagnostic, at: NodeId) -> Self {
        let span = diagnostic.span;
        Self { problem: Problem::Told(Box::new(diagnostic)), at: Some((at, span)) }
    }

    pub(super) fn silent(at: NodeId, span: Span) -> Self {
        Self { problem: Problem::Silent, at: Some((at, span)) }
    }

    /// Says where it was, unless that is known.
    pub(super) fn within(mut self, at: NodeId, span: Span) -> Self {
        if self.at.is_none() {
            if let Problem::Other(text) = &self.problem
                && let Some(mistake) = Mistake::read(text)
            {
                self.problem = Problem::Told(Box::new(mistake.diagnostic(span)));
            }
            self.at = Some((at, span));
        }
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Problem::Missing(key) => write!(f, "the key `{key}` is missing"),
            Problem::Told(diagnostic) => f.write_str(&diagnostic.message),
            Problem::Other(text) => f.write_str(text),
            Problem::Silent => f.write_str("a value within is wrong"),
        }
    }
}

impl std::error::Error for Failure {}

impl serde::de::Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { problem: Problem::Other(message.to_string()), at: None }
    }

    fn missing_field(key: &'static str) -> Self {
        Self { problem: Problem::Missing(key), at: None }
    }
}

/// What is wrong with a value, from within its type: give it to `serde::de::Error::custom`.
///
/// It travels as text, since that is all that serde lets through.
///
/// ```
/// use tidegate_topology::{code::Code, decode::Mistake};
/// let mistake = Mistake::new(Code::OutOfRange, "a share is from 0 to 1").label("this is more");
/// let error = <serde_json::Error as serde::de::Error>::custom(mistake);
/// assert!(error.to_string().contains("a share is from 0 to 1"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    code: Code,
    message: String,
    label: String,
    help: String,
}

const OPEN: char = '\u{1}';
const BETWEEN: char = '\u{2}';

impl Mistake {
    /// A mistake without label and help.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), label: String::new(), help: String::new() }
    }

    /// Says something under the underlined text.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// Whether it says so what to do.
    pub(crate) fn has_help(&self, start: &str) -> bool {
        self.help.starts_with(start)
    }

    /// The diagnostic of this mistake at a place.
    #[must_use]
    pub fn diagnostic(self, span: Span) -> Diagnostic {
        Diagnostic::new(self.code, span, self.message).label(self.label).help(self.help)
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix(OPEN)?.split(BETWEEN);
        let code = Code::named(parts.next()?)?;
        let mut next = || parts.next().map(str::to_owned);
        Some(Self { code, message: next()?, label: next()?, help: next()? })
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, message, label, help } = self;
        let code = code.name();
        write!(f, "{OPEN}{code}{BETWEEN}{message}{BETWEEN}{label}{BETWEEN}{help}")
    }
}
