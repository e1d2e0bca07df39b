//! Changelogs: records that revise what came before, as in Flink's tables.
//!
//! A stream of [`Change`]s describes a *result*, a multiset of rows that changes: an addition puts one
//! row in, a retraction takes one equal row out. Apart from the operators that make and take them
//! because all of them must agree on the laws:
//!
//! - a row is retracted only after it has been added, and as often at most;
//! - a [`RowKind::UpdateBefore`] is followed by its [`RowKind::UpdateAfter`], the next change from the same
//!   subtask; both come of the same record, with its event time. The pair says no more than a deletion
//!   and an insertion would: whoever has lost one half of it reads [`Change::is_addition`] alone;
//! - whoever partitions a changelog does so by a function of the row, so that a retraction goes where its
//!   addition went. Order is kept within a channel only: the changes of one row must come from one subtask
//!   to stay in order, which they do as long as the row tells the key it was made under.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RowKind {
    /// A new row.
    Insert,
    /// A row as it was before an update: it is there no more.
    UpdateBefore,
    /// A row as it is after an update.
    UpdateAfter,
    /// A row that is there no more.
    Delete,
}

impl RowKind {
    /// Whether it puts a row in; otherwise it takes one out.
    #[must_use]
    pub const fn is_addition(self) -> bool {
        matches!(self, Self::Insert | Self::UpdateAfter)
    }
}

impl fmt::Display for RowKind {
    /// As Flink shows it: `+I`, `-U`, `+U`, `-D`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Insert => "+I",
            Self::UpdateBefore => "-U",
            Self::UpdateAfter => "+U",
            Self::Delete => "-D",
        })
    }
}

/// A change of a result.
///
/// ```
/// use tidegate_core::changelog::Change;
/// assert_eq!(Change::update_after("red").to_string(), "+U red");
/// assert!(!Change::delete("red").is_addition());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Change<T> {
    /// What it does.
    pub kind: RowKind,
    /// The row it does it to.
    pub row: T,
}

impl<T> Change<T> {
    /// A new row.
    pub const fn insert(row: T) -> Self {
        Self { kind: RowKind::Insert, row }
    }

    /// A row before an update.
    pub const fn update_before(row: T) -> Self {
        Self { kind: RowKind::UpdateBefore, row }
    }

    /// A row after an update.
    pub const fn update_after(row: T) -> Self {
        Self { kind: RowKind::UpdateAfter, row }
    }

    /// A row that is gone.
    pub const fn delete(row: T) -> Self {
        Self { kind: RowKind::Delete, row }
    }

    /// Whether it puts the row in; otherwise it takes it out.
    pub const fn is_addition(&self) -> bool {
        self.kind.is_addition()
    }

    /// The same change of the row that `f` makes of this one.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Change<U> {
        Change { kind: self.kind, row: f(self.row) }
    }
}

impl<T: fmt::Display> fmt::Display for Change<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.row)
    }
}
