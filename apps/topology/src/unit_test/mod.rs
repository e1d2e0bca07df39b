//! Unit tests of a topology: a file beside it that says what is fed into its sources and what must come out.
//!
//! Read like a topology, with the same diagnostics, and against one: rows are checked against the columns of the nodes
//! they are for. Apart from whoever runs the tests, who needs the engine.
//!
//! ```
//! use tidegate_topology::{Source, kinds::Kinds, unit_test};
//!
//! let topology = "job: { name: clicks }
//! sources: { clicks: { file: { path: clicks.csv, format: csv }, schema: { user: int64 } } }
//! operators: { some: { inputs: clicks, filter: user > 1 } }
//! sinks: { out: { inputs: some, print: {} } }
//! ";
//! let tests = "tests:
//!   - name: the first user is left out
//!     feed: [{ clicks: [{ user: 1 }, { user: 2 }] }]
//!     expect: { out: [{ user: 2 }] }
//! ";
//! let find = |name: &str| Ok(Source::new(name, topology));
//! let source = Source::new("clicks.test.yaml", tests);
//! let loaded = unit_test::load(source, &find, &Kinds::default());
//! assert_eq!(loaded.cases.expect("nothing is wrong")[0].name, "the first user is left out");
//! ```

mod document;
mod expectation;
mod read;

pub(crate) use document::TestFile;
pub use read::load;

use crate::diagnostic::{self, Diagnostics, Paint};
use crate::plan::PortRef;
use crate::source::{Source, Span};
use crate::{Loaded, limits};
use std::fmt;
use tidegate_rows::{Row, Schema};

/// A file with tests that was looked at.
#[derive(Debug)]
pub struct LoadedTests {
    /// The file.
    pub source: Source,
    /// The topology, as far as it could be read.
    pub topology: Option<Loaded>,
    /// The tests; only without errors, in the topology too.
    pub cases: Option<Vec<Case>>,
    /// What is wrong with the file. What is wrong with the topology says [`Loaded::diagnostics`].
    pub diagnostics: Diagnostics,
}

impl LoadedTests {
    /// What is wrong, for people: with the topology first, then with the tests. Warnings of the topology are left to
    /// whoever validates it.
    #[must_use]
    pub fn render(&self, paint: Paint) -> String {
        let topology = self.topology.as_ref().filter(|loaded| loaded.diagnostics.has_errors());
        let topology = topology.map(|loaded| loaded.render(paint) + "\n").unwrap_or_default();
        topology + &diagnostic::render(&self.source, &self.diagnostics, paint)
    }
}

/// A test, checked against its topology.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// Where its name stands.
    pub span: Span,
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// Whether the input ends behind the last step.
    pub ends: bool,
    /// What must have come out at the end.
    pub expect: Vec<Expectation>,
    /// A part of what the job says when it fails, and where that stands, if it must fail.
    pub fails: Option<(String, Span)>,
}

impl Case {
    /// All expectations, in order.
    pub fn expectations(&self) -> impl Iterator<Item = &Expectation> {
        let between = self.steps.iter().flat_map(|step| match step {
            Step::Expect(expected) => expected.as_slice(),
            _ => &[],
        });
        between.chain(&self.expect)
    }
}

/// A step of a test.
#[derive(Clone, Debug)]
pub enum Step {
    /// Rows come into a source.
    Rows {
        /// The source, by its place in the plan.
        source: usize,
        /// The rows.
        rows: Vec<Row>,
        /// Their event time in milliseconds, where it is not that of the source's own `event_time`.
        at: Option<i64>,
    },
    /// Nothing up to a time is to come into a source.
    Watermark {
        /// The source, by its place in the plan.
        source: usize,
        /// The event time, in milliseconds.
        at: i64,
    },
    /// The clock shows this time, in milliseconds since the epoch. It starts with 0 and never goes back.
    Time(i64),
    /// A look at what has come out.
    Expect(Vec<Expectation>),
}

/// What must have come out of a node since the last expectation of it.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// Where it stands.
    pub span: Span,
    /// The node as it was named.
    pub name: String,
    /// The output that is looked at; of a sink that which it takes.
    pub output: PortRef,
    /// The columns that are compared, in this order.
    pub columns: Vec<usize>,
    /// These columns.
    pub schema: Schema,
    /// The rows, of these columns.
    pub rows: Vec<Expected>,
    /// Whether their order does not matter.
    pub unordered: bool,
}

/// A row that must have come.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// What the change does, where rows are taken back.
    pub sign: Option<Sign>,
    /// The row.
    pub row: Row,
}

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// `+I`.
    Insert,
    /// `-U`.
    UpdateBefore,
    /// `+U`.
    UpdateAfter,
    /// `-D`.
    Delete,
    /// `+`: `+I` or `+U`.
    In,
    /// `-`: `-U` or `-D`.
    Out,
}

impl Sign {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Insert, Self::UpdateBefore, Self::UpdateAfter, Self::Delete, Self::In, Self::Out];

    /// As it is written.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Insert => "+I",
            Self::UpdateBefore => "-U",
            Self::UpdateAfter => "+U",
            Self::Delete => "-D",
            Self::In => "+",
            Self::Out => "-",
        }
    }

    /// Whether a change of this kind (`+I`, `-U`, `+U`, `-D`) is one of those that are meant.
    #[must_use]
    pub fn means(self, kind: &str) -> bool {
        kind.starts_with(self.text())
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// The furthest time that a clock of a test can show.
const LATEST: i64 = limits::DURATION_MS;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_means_the_changes_that_it_begins() {
        assert!(Sign::In.means("+I") && Sign::In.means("+U") && !Sign::In.means("-U"));
        assert!(Sign::Out.means("-D") && !Sign::Out.means("+I"));
        assert!(Sign::Delete.means("-D") && !Sign::Delete.means("-U"));
        assert!(Sign::ALL.iter().all(|sign| sign.means(sign.text())));
    }
}
