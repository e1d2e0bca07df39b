//! Runs unit tests of a topology: on one thread, with a clock that only the test moves, so that the same test always ends
//! the same way, and within milliseconds.
//!
//! Apart from [`tidegate_topology::unit_test`], which reads them without the engine, and from the command, which shows
//! what came of it. Sources give what they are fed, sinks drop what they get; everything between is what `run` would run,
//! with one subtask each. There are no checkpoints and no restarts: a failure is what the test sees.
//!
//! ```
//! use tidegate_deploy::{Registry, unit_test};
//! use tidegate_topology::{Source, unit_test::load};
//!
//! let topology = "job: { name: clicks }
//! sources: { clicks: { file: { path: clicks.csv, format: csv }, schema: { user: int64 } } }
//! operators: { some: { inputs: clicks, filter: user > 1 } }
//! sinks: { out: { inputs: some, print: {} } }
//! ";
//! let tests = "tests:
//!   - name: the first user is left out
//!     feed:
//!       - clicks: [{ user: 1 }]
//!       - expect: { out: [] }
//!       - clicks: [{ user: 2 }]
//!     expect: { out: [{ user: 2 }] }
//! ";
//! let find = |name: &str| Ok(Source::new(name, topology));
//! let registry = Registry::default();
//! let loaded = load(Source::new("clicks.test.yaml", tests), &find, registry.kinds());
//! let (topology, cases) = (loaded.topology.expect("it is there"), loaded.cases.expect("no errors"));
//! assert_eq!(unit_test::run(&topology, &cases[0], &registry), unit_test::Verdict::Passed);
//! ```

mod compare;
mod ends;
mod rig;

pub use compare::{Cells, Line};

use crate::registry::Registry;
use compare::compare;
use ends::Fed;
use rig::Rig;
use std::collections::HashMap;
use tidegate::prelude::*;
use tidegate::runtime::panics;
use tidegate_rows::Row;
use tidegate_topology::Loaded;
use tidegate_topology::plan::Plan;
use tidegate_topology::source::Span;
use tidegate_topology::unit_test::{Case, Expectation, Step};

/// What came of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All was as expected.
    Passed,
    /// Other rows came than were expected, at these places.
    Differs(Vec<Difference>),
    /// The job failed, and says why.
    Failed(String),
    /// The job should have failed and did not.
    DidNotFail,
    /// The job should have failed, and did for another reason: this one.
    FailedOtherwise(String),
}

/// What did not meet an expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where the expectation stands.
    pub span: Span,
    /// The node, as it was named.
    pub name: String,
    /// What the cells of a row are: columns, before them `change` where rows are taken back.
    pub columns: Vec<String>,
    /// Expected and found rows.
    pub lines: Vec<Line>,
}

/// Runs a test. The topology has to be one without errors, the one that the test was checked against.
#[must_use]
pub fn run(topology: &Loaded, case: &Case, registry: &Registry) -> Verdict {
    let job = topology.document.as_ref().and_then(|document| document.job.as_ref());
    let (Some(job), Some(plan)) = (job, &topology.plan) else {
        return Verdict::Failed("the topology has errors".to_owned());
    };
    panics::install();
    // A panic is a bug of an operator; a program may bring its own.
    let ran = panics::catch(|| trial(&job.name.value, plan, case, registry));
    let (failure, differences) = ran.unwrap_or_else(|panic| (Some(panic), Vec::new()));
    match (failure, &case.fails) {
        (Some(failure), None) => Verdict::Failed(failure),
        (Some(failure), Some((part, _))) if !failure.contains(part.as_str()) => {
            Verdict::FailedOtherwise(failure)
        }
        _ if !differences.is_empty() => Verdict::Differs(differences),
        (None, Some(_)) => Verdict::DidNotFail,
        _ => Verdict::Passed,
    }
}

/// Why the job failed, if it did, and what did not meet its expectation.
fn trial(
    name: &str,
    plan: &Plan,
    case: &Case,
    registry: &Registry,
) -> (Option<String>, Vec<Difference>) {
    let rig = match Rig::new(name, plan, case, registry) {
        Ok(rig) => rig,
        Err(error) => return (Some(error.to_string()), Vec::new()),
    };
    let mut trial = Trial { rig, plan, seen: HashMap::new(), differences: Vec::new() };
    let failure = trial.steps(case).err().map(|error| error.to_string());
    // What had come before a failure can be expected as well, but only if the failure is.
    if failure.is_none() || case.fails.is_some() {
        trial.look(&case.expect);
    }
    (failure, trial.differences)
}

struct Trial<'a> {
    rig: Rig,
    plan: &'a Plan,
    /// How many rows of a node were looked at.
    seen: HashMap<String, usize>,
    differences: Vec<Difference>,
}

impl Trial<'_> {
    fn steps(&mut self, case: &Case) -> Result<(), BoxError> {
        self.rig.job.run_until_idle()?;
        for step in &case.steps {
            match step {
                Step::Rows { source, rows, at } => {
                    let rows: Vec<Row> = rows.clone();
                    self.feed(*source, rows.into_iter().map(|row| Fed::Row(row, *at)))?;
                }
                Step::Watermark { source, at } => self.feed(*source, [Fed::Watermark(*at)])?,
                Step::Time(now) => self.rig.job.advance_to(Timestamp(*now))?,
                Step::Expect(expected) => self.look(expected),
            }
        }
        if case.ends {
            self.rig.sources.values().for_each(|source| source.feed([Fed::End]));
            self.rig.job.run_until_idle()?;
            if !self.rig.job.has_ended() {
                return Err("the job has not ended although its input has".into());
            }
        }
        Ok(())
    }

    fn feed(&mut self, source: usize, what: impl IntoIterator<Item = Fed>) -> Result<(), BoxError> {
        if let Some(source) = self.rig.sources.get(&source) {
            source.feed(what);
        }
        self.rig.job.run_until_idle()
    }

    fn look(&mut self, expected: &[Expectation]) {
        for expectation in expected {
            let Some(tap) = self.rig.tap(&expectation.output) else { continue };
            let seen = self.seen.entry(expectation.name.clone()).or_default();
            let found = tap.since(*seen);
            *seen += found.len();
            let lines = compare(expectation, &found);
            if lines.is_empty() {
                continue;
            }
            let output = &expectation.output;
            let changes = self.plan.nodes[output.node].outputs[output.output].changes;
            let names = expectation.schema.columns().iter().map(|column| column.name.to_string());
            let columns = changes.then(|| "change".to_owned()).into_iter().chain(names).collect();
            let (span, name) = (expectation.span, expectation.name.clone());
            self.differences.push(Difference { span, name, columns, lines });
        }
    }
}
