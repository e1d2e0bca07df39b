//! Real processes, treated badly: faults, kills, stops, damage, slowness, nonsense. Whatever happens, the
//! rows are exactly the expected ones, or the job refuses in one clear line.
//!
//! A few cases of everything run always; all of them with `TIDEGATE_FULL=1`.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod ad_clicks;
mod books;
mod crash_matrix;
mod damage;
mod faults;
mod job_process;
mod kills;
mod lesson_rows;
mod lessons;
mod lookups;
mod pattern_rows;
mod prometheus;
mod refusals;
mod rows;
mod service;
mod slow_sink;
mod stops;
mod subject;
