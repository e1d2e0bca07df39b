//! Nexmark: the queries that stream processors are compared by, over the events of an auction house.
//!
//! ```sh
//! cargo run --release -p nexmark -- q5 --events 20000000 --parallelism 2 --checkpoint-interval 1s
//! cargo run --release -p nexmark -- q5 --input events.json.zst --output q5.csv
//! ```
//!
//! The first form measures: rows are made and dropped, and a line of JSON says how it went. The second one
//! shows the result: the rows that are left when the input has ended, as sorted CSV.
//!
//! Each query is a file in `queries/` that says what it asks and how it is answered; `queries/mod.rs` lists
//! them. Most of them are topologies as well, in `config/nexmark`, which `--engine yaml` runs.

mod command;
mod csv;
mod input;
mod last_sales;
mod output;
mod queries;
mod recorded;
mod report;
mod result_file;
mod topologies;
mod yaml;

pub use command::Command;
pub use queries::{QUERIES, Query};
pub use topologies::{TOPOLOGIES, Topology};
