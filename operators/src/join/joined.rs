//! What comes out of a join: pairs, and records that stayed alone.

use serde::{Deserialize, Serialize};

/// A row of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Joined<L, R> {
    /// A record of each side.
    Both(L, R),
    /// A record of the left side that found no partner in time.
    Left(L),
    /// A record of the right side that found no partner in time.
    Right(R),
}

impl<L, R> Joined<L, R> {
    /// The pair, if it is one.
    ///
    /// ```
    /// use tidegate_operators::join::Joined;
    /// let rows = [Joined::Both(1, "one"), Joined::Left(2)];
    /// let pairs: Vec<(i32, &str)> = rows.into_iter().filter_map(Joined::into_pair).collect();
    /// assert_eq!(pairs, [(1, "one")]);
    /// ```
    #[must_use]
    pub fn into_pair(self) -> Option<(L, R)> {
        match self {
            Self::Both(left, right) => Some((left, right)),
            Self::Left(_) | Self::Right(_) => None,
        }
    }

    /// The record of the left side.
    pub const fn left(&self) -> Option<&L> {
        match self {
            Self::Both(left, _) | Self::Left(left) => Some(left),
            Self::Right(_) => None,
        }
    }

    /// The record of the right side.
    pub const fn right(&self) -> Option<&R> {
        match self {
            Self::Both(_, right) | Self::Right(right) => Some(right),
            Self::Left(_) => None,
        }
    }
}

impl<L: Clone, R: Clone> Joined<&L, &R> {
    /// A row of its own.
    #[must_use]
    pub fn cloned(self) -> Joined<L, R> {
        match self {
            Self::Both(left, right) => Joined::Both(left.clone(), right.clone()),
            Self::Left(left) => Joined::Left(left.clone()),
            Self::Right(right) => Joined::Right(right.clone()),
        }
    }
}

/// Whose records come out also when they stay alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum JoinKind {
    /// Nobody's: pairs only.
    #[default]
    Inner,
    /// The left side's.
    Left,
    /// The right side's.
    Right,
    /// Both sides'.
    Full,
}

impl JoinKind {
    /// Whether records of the left side come out in any case.
    #[must_use]
    pub const fn keeps_left(self) -> bool {
        matches!(self, Self::Left | Self::Full)
    }

    /// Whether records of the right side come out in any case.
    #[must_use]
    pub const fn keeps_right(self) -> bool {
        matches!(self, Self::Right | Self::Full)
    }
}
