//! What is wrong with a file, where, and what to do about it.
//!
//! A diagnostic knows bytes of the source; lines, columns and the excerpt are the renderer's business.

mod render;

pub use render::{Paint, render, summary, to_json};

use crate::code::Code;
use crate::limits;
use crate::source::Span;

/// Whether a file can be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but is hardly what was meant.
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of mistake; documented for good.
    pub code: Code,
    /// Where.
    pub span: Span,
    /// What is wrong, in one line without a full stop.
    pub message: String,
    /// What belongs under the underlined text.
    pub label: String,
    /// What to do; empty when the label says it all.
    pub help: String,
}

impl Diagnostic {
    /// A diagnostic without label and help.
    #[must_use]
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, span, message, label: String::new(), help: String::new() }
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

    /// Says what was probably meant, if anything is near; else as [`Diagnostic::help`].
    #[must_use]
    pub fn meant(self, meant: Option<&str>, otherwise: impl Into<String>) -> Self {
        match meant {
            Some(word) => self.help(format!("did you mean `{word}`?")),
            None => self.help(otherwise),
        }
    }

    /// How bad it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// The diagnostics of a file, each said once, and not more than anybody reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    all: Vec<Diagnostic>,
    left_out: usize,
}

impl Diagnostics {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self { all: Vec::new(), left_out: 0 }
    }

    /// Adds one, unless the same was said or there are too many.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.all.contains(&diagnostic) || self.follows_from_variable(&diagnostic) {
            return;
        }
        if self.all.len() < limits::DIAGNOSTICS {
            self.all.push(diagnostic);
        } else {
            self.left_out += 1;
        }
    }

    /// Whether it is about a value that is wrong only because a variable could not be put in.
    fn follows_from_variable(&self, diagnostic: &Diagnostic) -> bool {
        let is_variable = |code| matches!(code, Code::UnsetVariable | Code::MalformedVariable);
        let (start, end) = (diagnostic.span.start, diagnostic.span.end);
        !is_variable(diagnostic.code)
            && self
                .all
                .iter()
                .any(|one| is_variable(one.code) && start <= one.span.start && one.span.end <= end)
    }

    /// Whether no more are kept.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.all.len() >= limits::DIAGNOSTICS
    }

    /// Whether one of them is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.all.iter().any(|one| one.severity() == Severity::Error)
    }

    /// How many there were beyond the limit.
    #[must_use]
    pub const fn left_out(&self) -> usize {
        self.left_out
    }

    /// All, in the order of the file.
    #[must_use]
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut sorted: Vec<&Diagnostic> = self.all.iter().collect();
        sorted.sort_by(|a, b| (a.span, a.code, &a.message).cmp(&(b.span, b.code, &b.message)));
        sorted
    }

    /// How many are kept.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}
