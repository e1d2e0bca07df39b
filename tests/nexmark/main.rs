//! Nexmark, right: every query against recorded results of the reference, and against itself.
//!
//! One fault per query always; one for each of its operators, and more kills, with `TIDEGATE_FULL=1`.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod generated;
mod kills;
mod oracle;
mod place;
