//! What the suites of all crates share.

pub mod harness;
