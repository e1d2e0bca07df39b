//! The two accounts of a payment: the shop's orders, and the receipts of whoever moved the money.

use serde::{Deserialize, Serialize};
use tidegate::prelude::*;

/// A row of the order log: order, what happened to it, transaction, second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OrderEvent {
    /// The order.
    pub(crate) order: u64,
    /// What happened to it.
    pub(crate) step: OrderStep,
    /// The transaction by which it was paid; empty for other events.
    pub(crate) tx: String,
    /// When, in seconds since the epoch.
    second: i64,
}

/// What happens to an order, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OrderStep {
    /// It is made.
    Create,
    /// It is paid.
    Pay,
}

/// A row of the receipt log: transaction, channel, second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    /// The transaction.
    pub(crate) tx: String,
    /// Through whom the money came.
    pub(crate) channel: String,
    /// When, in seconds since the epoch.
    second: i64,
}

impl OrderEvent {
    /// Its event time.
    pub(crate) const fn timestamp(&self) -> Timestamp {
        Timestamp(self.second * 1000)
    }
}

impl Receipt {
    /// Its event time.
    pub(crate) const fn timestamp(&self) -> Timestamp {
        Timestamp(self.second * 1000)
    }
}
