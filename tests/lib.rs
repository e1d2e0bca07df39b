//! What the suites of all crates share.
