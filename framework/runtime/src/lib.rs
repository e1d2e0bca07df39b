//! Runs a Tidegate job: one supervised actor per subtask, a job master that supervises, checkpoints
//! that make it durable, metrics that show what it does.
//!
//! Apart from the core, which decides everything that can be wrong: here are only threads, mailboxes,
//! clocks and the calls that block.

pub mod blocking;
pub mod clock;
pub mod execute;
pub mod job_master;
pub mod limits;
pub mod mailbox;
pub mod one_thread;
pub mod panics;
pub mod region;
pub mod stats;
pub mod subtask_actor;
pub mod telemetry;

pub use execute::{Execution, JobReport, execute};
pub use stats::Stats;
