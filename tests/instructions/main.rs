//! Small jobs whose instructions are counted: `instructions WORKLOAD` runs one of them, `instructions` names them.
//!
//! Timings say nothing on a machine that is shared; how many instructions the same work takes says whether a
//! change has made it dearer. `tests/tidy/instructions.rs` runs this program under callgrind, which counts only within
//! [`measured_work`], and holds the counts against `tests/instructions/baseline.json`.
//!
//! What is counted is the program that `cargo test` builds anyway, with little optimisation and with assertions:
//! a release build would take a CI run minutes more. It shows what the code asks for (another copy, another
//! look-up, another allocation), not what an optimiser makes of it. No mimalloc here, which reads the clock.

mod workloads;

use std::process::ExitCode;
use tidegate::prelude::BoxError;
use tidegate::runtime::one_thread::OneThread;

fn main() -> ExitCode {
    let Some(workload) = std::env::args().nth(1) else {
        println!("{}", workloads::NAMES.join("\n"));
        return ExitCode::SUCCESS;
    };
    match run(&workload) {
        Ok(sum) => {
            println!("{sum}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {workload}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the sum over the job's rows and what was captured.
fn run(workload: &str) -> Result<u64, BoxError> {
    let workload = workloads::by_name(workload)?;
    let mut job = OneThread::new(workload.graph, 1)?;
    if let Some(rounds) = workload.checkpoint_every {
        job = job.checkpoints_every(rounds);
    }
    let captured = measured_work(&mut job)?;
    let rows = workload.rows.sum();
    if rows == 0 || (workload.checkpoint_every.is_some() && captured == 0) {
        return Err("nothing came of it".into());
    }
    Ok(rows.wrapping_add(captured))
}

/// Callgrind knows it by this name; building the job and the start of the process lie outside.
#[inline(never)]
fn measured_work(job: &mut OneThread) -> Result<u64, BoxError> {
    job.run()
}
