//! The login log of a shop, and how matches of it stand in files.

use serde::{Deserialize, Serialize};
use tidegate::prelude::*;

/// A row of the login log: user, address, how it ended, second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Login {
    /// Who.
    pub(crate) user: u64,
    /// From where.
    ip: String,
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// When, in seconds since the epoch.
    second: i64,
}

/// How a login ended. Of two in the same second, the one that failed came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// Refused.
    Fail,
    /// Let in.
    Success,
}

impl Login {
    /// Its event time.
    pub(crate) const fn timestamp(&self) -> Timestamp {
        Timestamp(self.second * 1000)
    }

    /// Whether it failed.
    pub(crate) fn is_fail(&self) -> bool {
        self.outcome == Outcome::Fail
    }

    /// Whether it did not.
    pub(crate) fn is_success(&self) -> bool {
        self.outcome == Outcome::Success
    }
}

/// A row of the result: the user, and the logins that match.
pub(crate) fn row<'a>(user: u64, logins: impl Iterator<Item = &'a Login>) -> String {
    logins.fold(user.to_string(), |row, login| {
        let outcome = if login.is_fail() { "fail" } else { "success" };
        format!("{row},{outcome}@{}", login.timestamp().millis())
    })
}
