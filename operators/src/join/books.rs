//! The books of a reconciliation: what came in on each side, and what became of it.
//!
//! Apart from the operator, which makes the entries, because here they are checked: every record received
//! has been matched, has stayed alone, was late, or still waits. How many wait is counted in the state
//! itself and not derived from the books.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What became of the records of one side. Counted since the job first started, across restarts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Records that came in.
    pub received: u64,
    /// Those that found their partner.
    pub matched: u64,
    /// Those whose time passed without one.
    pub unmatched: u64,
    /// Those that came at or below the watermark.
    pub late: u64,
    /// Those that wait.
    pub pending: u64,
}

impl Ledger {
    /// What has been settled and what waits: equal to what was received when the books balance.
    #[must_use]
    pub const fn accounted(&self) -> u64 {
        self.matched + self.unmatched + self.late + self.pending
    }

    const fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.matched += other.matched;
        self.unmatched += other.unmatched;
        self.late += other.late;
        self.pending += other.pending;
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { received, matched, unmatched, late, pending } = self;
        write!(
            f,
            "received {received}, matched {matched}, unmatched {unmatched}, late {late}, pending \
             {pending}"
        )
    }
}

/// The books of one subtask. Those of all subtasks add up to the books of the job: when parallelism
/// changes, what waits moves with its keys and the past stays with whoever gets the page, so that then a
/// single subtask's books may balance only together with the others'.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    /// The left side.
    pub left: Ledger,
    /// The right side.
    pub right: Ledger,
}

impl Books {
    /// Adds the books of another subtask.
    pub const fn add(&mut self, other: &Self) {
        self.left.add(&other.left);
        self.right.add(&other.right);
    }

    /// Whether every record received is accounted for on both sides, and as many were matched on one as
    /// on the other.
    #[must_use]
    pub const fn balance(&self) -> bool {
        self.left.received == self.left.accounted()
            && self.right.received == self.right.accounted()
            && self.left.matched == self.right.matched
    }
}

impl fmt::Display for Books {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "left: {}; right: {}", self.left, self.right)
    }
}
