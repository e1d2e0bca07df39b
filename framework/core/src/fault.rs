//! A fault on purpose: the way users and tests see a recovery happen (`--inject-fault UID:N`).

use std::sync::atomic::{AtomicBool, Ordering};

/// Panics once per process, in the first subtask of an operator that reaches its `n`th record.
#[derive(Debug)]
pub struct Fault {
    /// The operator's uid.
    pub operator: String,
    /// The record at which it strikes, counted within an attempt from 1.
    pub record: u64,
    struck: AtomicBool,
}

impl Fault {
    /// A fault that has not struck yet.
    #[must_use]
    pub const fn new(operator: String, record: u64) -> Self {
        Self { operator, record, struck: AtomicBool::new(false) }
    }

    /// Strikes when `reached` records include the one it waits for.
    ///
    /// # Panics
    /// That is what it is for.
    pub fn strike(&self, reached: u64) {
        if reached >= self.record && !self.struck.swap(true, Ordering::Relaxed) {
            panic!("injected fault: operator {} reached record {}", self.operator, self.record);
        }
    }

    /// Whether it has struck.
    #[must_use]
    pub fn has_struck(&self) -> bool {
        self.struck.load(Ordering::Relaxed)
    }
}
