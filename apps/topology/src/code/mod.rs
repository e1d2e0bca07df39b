//! The codes of diagnostics: short names that stay the same for good, each explained.
//!
//! A code is never used again for something else. T00xx: the text. T01xx: the shape of what it says.
//! T02xx: values. T03xx: the graph. T04xx: what flows through the graph. T05xx: columns and their types. T06xx: tests.
//! X: expressions, with the numbers that `tidegate-rows` gives them.

mod expression;
mod graph;
mod schema;
mod text;
mod unit_test;
mod values;

use crate::diagnostic::Severity;
use std::fmt::Write;

/// What kind of mistake a diagnostic tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is explained in the table, which is checked to be complete")]
pub enum Code {
    Unreadable,
    Syntax,
    SeveralDocuments,
    TooMuch,
    Alias,
    DuplicateKey,
    KeyNotText,
    UnsetVariable,
    MalformedVariable,
    UnknownKey,
    MissingKey,
    WrongType,
    UnknownWord,
    NoKind,
    SeveralKinds,
    UnknownKind,
    OneOf,
    Contradiction,
    BadOverride,
    BadDuration,
    BadSize,
    BadTimeZone,
    BadName,
    OutOfRange,
    BadAggregate,
    UnknownFunction,
    UnknownType,
    EmptyText,
    BadPath,
    UnknownInput,
    UnknownSideOutput,
    WrongInputs,
    Cycle,
    Unused,
    SinkAsInput,
    DuplicateName,
    NoSink,
    NoSource,
    SameInputTwice,
    MissingWatermark,
    Retracting,
    Parallelism,
    BadWindow,
    BadTrigger,
    DuplicateColumn,
    BadPattern,
    BadInterval,
    NeedlessOption,
    UnlikeSchemas,
    KeyMismatch,
    BadKey,
    NullTime,
    BadRow,
    Unwritable,
    ReservedColumn,
    BadTopology,
    UnknownTested,
    BadStep,
    BadExpectation,
    BadTime,
    ExpressionLimit,
    ExpressionSyntax,
    ExpressionUnsupported,
    UnknownColumn,
    UnknownScalar,
    TypeMismatch,
    ArgumentCount,
    InvalidCast,
    UnknownField,
    InvalidConstant,
    AlwaysFails,
    UntypedNull,
    WrongResult,
}

/// A row of the table of codes.
#[derive(Clone, Copy, Debug)]
pub struct Explanation {
    /// The code.
    pub code: Code,
    /// Its name, such as `T0301`.
    pub name: &'static str,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// Why that is wrong, and what to do.
    pub text: &'static str,
    /// A piece of a topology with that mistake.
    pub example: &'static str,
}

impl Code {
    /// The row of this code.
    #[must_use]
    pub fn explanation(self) -> &'static Explanation {
        table().find(|row| row.code == self).expect("the table is complete, a test says so")
    }

    /// The code of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        table().find(|row| row.name.eq_ignore_ascii_case(name)).map(|row| row.code)
    }

    /// Its name, such as `T0301`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.explanation().name
    }

    /// How bad it is.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::Unused | Self::NeedlessOption | Self::NullTime => Severity::Warning,
            _ => Severity::Error,
        }
    }
}

/// All codes, in the order of their names.
pub fn table() -> impl Iterator<Item = &'static Explanation> {
    let of_graph = text::TABLE.iter().chain(values::TABLE).chain(graph::TABLE);
    of_graph.chain(schema::TABLE).chain(unit_test::TABLE).chain(expression::TABLE)
}

/// The page `framework/docs/errors.md`.
#[must_use]
pub fn page() -> String {
    let mut page = String::from(
        "# Errors of a topology\n\n\
         Every diagnostic of a YAML topology has a code. It means the same for good; this page explains each.\n\
         It is rendered from the table in `apps/topology/src/code`; a test keeps it up to date.\n\n\
         | code | | what is wrong |\n|---|---|---|\n",
    );
    let severity = |row: &Explanation| match row.code.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    for row in table() {
        let anchor = row.name.to_lowercase();
        let _ = writeln!(page, "| [{}](#{anchor}) | {} | {} |", row.name, severity(row), row.title);
    }
    for row in table() {
        let _ = write!(page, "\n## {}\n\n*{}*: {}.\n\n", row.name, severity(row), row.title);
        let _ = write!(page, "{}\n\n```yaml\n{}\n```\n", row.text, row.example);
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_table_is_complete_sorted_and_says_something() {
        let names: Vec<&str> = table().map(|row| row.name).collect();
        assert!(names.is_sorted(), "{names:?}");
        let codes: BTreeSet<Code> = table().map(|row| row.code).collect();
        assert_eq!(codes.len(), names.len(), "a code is there twice");
        assert_eq!(codes.len(), Code::WrongResult as usize + 1, "a code has no row");
        for row in table() {
            assert_eq!(Code::named(row.name), Some(row.code));
            assert!(row.text.len() > 40 && row.text.ends_with('.'), "{}", row.name);
            assert!(!row.title.ends_with('.') && !row.example.is_empty(), "{}", row.name);
        }
    }
}
