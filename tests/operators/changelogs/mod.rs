//! Operators that make and take changelogs, against the results that the changes describe.

mod applied;
mod chance;
mod filter;
mod job;
mod join;
mod join_retention;
mod top_n;
